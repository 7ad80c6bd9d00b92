from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_inkling.core import Image, PlaneRef
from napari_inkling.supervision import estimate_radius

CENTRES = np.array([[40.0, 45.0], [48.0, 130.0], [130.0, 50.0], [125.0, 140.0]])


def disks(radius: float, centres: np.ndarray = CENTRES, shape=(180, 190), cell=200.0, around=60.0, noise=5.0):
    """Soft-edged disks in noise, float."""
    rows, columns = np.indices(shape)
    nearest = np.min([np.hypot(rows - y, columns - x) for y, x in centres], axis=0)
    share = np.clip(radius - nearest + 0.5, 0, 1)
    return around + (cell - around) * share + np.random.default_rng(0).normal(0, noise, shape)


def estimated(array: np.ndarray, points: np.ndarray) -> float | None:
    return estimate_radius([(Image(PlaneRef("drawn"), array), np.asarray(points, float))])


@pytest.mark.parametrize("radius", [4, 6, 9, 14, 20, 30])
@pytest.mark.parametrize(("cell", "around"), [(200, 60), (60, 200)], ids=["bright", "dark"])
def test_disks(radius, cell, around):
    found = estimated(disks(radius, cell=cell, around=around), CENTRES)
    assert found == pytest.approx(radius, rel=0.15)


def test_clicks_beside_the_middle():
    found = estimated(disks(12), CENTRES + np.array([[2, -1], [-2, 2], [1, 3], [-3, 0]]))
    assert found == pytest.approx(12, rel=0.2)


def test_one_click():
    assert estimated(disks(9), CENTRES[:1]) == pytest.approx(9, rel=0.15)


def test_at_the_border_of_the_image():
    edge = np.array([[3.0, 90.0], [90.0, 2.0], [177.0, 90.0], [90.0, 187.0]])
    assert estimated(disks(9, edge), edge) == pytest.approx(9, rel=0.25)


def test_colour_tells_cells_that_brightness_does_not():
    red, green = disks(9, cell=180, around=80), disks(9, cell=80, around=180)
    assert estimated(np.stack([red, green], -1).astype(np.uint8), CENTRES) == pytest.approx(9, rel=0.15)


def test_unknown_pixels_are_left_out():
    array = disks(9)
    array[np.random.default_rng(1).uniform(size=array.shape) < 0.05] = np.nan
    array[20, 20], array[21, 60] = np.inf, -np.inf
    assert estimated(array, CENTRES) == pytest.approx(9, rel=0.15)


def test_the_median_over_images_counts():
    images = [
        (Image(PlaneRef("small"), disks(6)), CENTRES[:1]),
        (Image(PlaneRef("large"), disks(12)), CENTRES[1:]),
        (Image(PlaneRef("unmarked"), disks(20)), np.empty((0, 2))),
    ]
    assert estimate_radius(images) == pytest.approx(12, rel=0.15)


def test_few_clicks_on_large_cells_with_a_pale_middle():
    rows, columns = np.indices((240, 240))
    centres = np.array([[60.0, 60.0], [60.0, 180.0], [180.0, 60.0], [180.0, 180.0]])
    nearest = np.min([np.hypot(rows - y, columns - x) for y, x in centres], axis=0)
    cells = np.where(nearest < 20, 80, np.where(nearest < 27, 140, 60))
    # What lies 8 to 40 pixels from the clicks is rather the cell's own rim than its surroundings.
    noise = np.random.default_rng(0).normal(0, 5, cells.shape)
    assert estimated(cells + noise, centres) == pytest.approx(27, rel=0.15)


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        # s² = (2 · 0.3² + 0) / 2 = 0.09, v = π/2 · 0.09 = 0.1414, w = 0.1414 / 0.3914 = 0.3612
        ([20], 20 * 0.5**0.3612),
        ([5], 5 * 2**0.3612),
        ([10], 10),
        # Readings agree: s² = 0.18 / 11 = 0.01636, v = π/2 · 0.01636 / 10 = 0.00257, w = 0.01018
        ([20] * 10, 20 * 0.5**0.01018),
        # They do not: median absolute deviation ln 2, s² = (0.18 + 2 · (1.4826 · 0.6931)²) / 4 = 0.5730,
        # v = π/2 · 0.5730 / 3 = 0.3000, w = 0.5455
        ([10, 20, 40], 20 * 0.5**0.5455),
    ],
)
def test_few_readings_are_drawn_to_the_usual_radius(monkeypatch, readings, expected):
    monkeypatch.setattr("napari_inkling.supervision.radius.radii_at", lambda *_, **__: np.array(readings))
    points = np.zeros((len(readings), 2))
    image = Image(PlaneRef("drawn"), disks(9))
    assert estimate_radius([(image, points)]) == pytest.approx(expected, rel=1e-3)
    many = np.zeros((60, 2))  # 120 clicks in all: what is read counts alone
    assert estimate_radius([(image, many), (image, many)]) == np.median(readings)


def test_many_clicks_are_sampled():
    centres = np.stack(np.meshgrid(np.arange(15, 290, 18), np.arange(15, 290, 18)), -1).reshape(-1, 2)
    assert len(centres) > 200
    assert estimated(disks(5, centres.astype(float), (300, 300)), centres) == pytest.approx(5, rel=0.2)


UNTELLING = {
    "no clicks": (disks(9), np.empty((0, 2))),
    "constant": (np.full((60, 60), 7, np.uint8), CENTRES[:1]),
    "one pixel": (np.ones((1, 1)), np.zeros((1, 2))),
    "tiny": (np.ones((6, 6)), np.full((1, 2), 3.0)),
    "only NaN": (np.full((60, 60), np.nan), CENTRES[:1]),
    "outside": (disks(9), np.array([[-20.0, 5.0], [1000.0, 5.0]])),
}


@pytest.mark.parametrize(("array", "points"), UNTELLING.values(), ids=UNTELLING.keys())
def test_pixels_that_tell_nothing(array, points):
    assert estimated(array, points) is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
def test_types_of_pixels(dtype):
    soft = ndimage.gaussian_filter(disks(9, noise=0), 0.5)
    assert estimated(soft.astype(dtype), CENTRES) == pytest.approx(9, rel=0.15)
