from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.supervision import cluster_label, colour_contrast, nearest_point, voronoi_cells
from napari_inkling.supervision.clusters import clean_in_cells

POINTS = np.array([(y, x) for y in range(24, 190, 48) for x in range(24, 190, 48)], float)
SHAPE = (192, 192)


def nuclei(r1: float = 11, colours=((0.3, 0.2, 0.5), (0.9, 0.7, 0.8)), noise: float = 0.02) -> np.ndarray:
    """Disks of radius r1 with soft rims, (Y, X, C); lengths are those of r1 = 11."""
    zoom = r1 / 11
    shape = (round(SHAPE[0] * zoom), round(SHAPE[1] * zoom))
    inside = np.clip((r1 - nearest_point(POINTS * zoom, shape).distance) / (0.3 * r1) + 0.5, 0, 1)
    dark, bright = np.array(colours)
    clean = inside[..., None] * dark + (1 - inside[..., None]) * bright
    return clean + np.random.default_rng(0).normal(0, noise, clean.shape)


IMAGES = {
    "RGB": nuclei(),
    "RGB, 8-bit": (255 * nuclei()).round().astype(np.float32),
    "bright on dark": nuclei(colours=((0.9,), (0.1,)))[..., 0],
    "grey, 16-bit": 40000 * nuclei(colours=((0.2,), (0.7,))),
    "one channel of five": nuclei(colours=((0.5, 0.5, 0.9, 0.5, 0.5), (0.5, 0.5, 0.1, 0.5, 0.5))),
}


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES.keys())
def test_disks(image):
    cells = voronoi_cells(POINTS, SHAPE)
    label = cluster_label(image, cells)
    assert label.dtype == np.int8 and label.shape == SHAPE
    assert (label[cells.distance < 8] == 1).all()
    assert (label[cells.distance > 22] == 0).all()
    assert not (label[cells.distance > 13] == 1).any()
    assert not (label[cells.distance < 9] == 0).any()


def test_lengths_follow_the_cells():
    small = voronoi_cells(POINTS / 2, (96, 96))
    label = cluster_label(nuclei(5.5), small, r1=5.5)
    assert (label[small.distance < 4] == 1).all()
    assert not (label[small.distance > 6.5] == 1).any()


def test_the_unit_of_the_image_does_not_matter():
    cells = voronoi_cells(POINTS, SHAPE)
    first = cluster_label(nuclei(), cells)
    np.testing.assert_array_equal(cluster_label(nuclei() * 255 - 31, cells), first)


def test_the_same_seed_gives_the_same_label():
    image, cells = nuclei(noise=0.2), voronoi_cells(POINTS, SHAPE)
    np.testing.assert_array_equal(cluster_label(image, cells, seed=3), cluster_label(image, cells, seed=3))


def noise() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 1, (*SHAPE, 3))


ALIKE = {
    "noise": (noise(), POINTS),
    "one colour": (np.full((*SHAPE, 3), 0.5), POINTS),
    "grey, one value": (np.zeros(SHAPE), POINTS),
    "points everywhere": (nuclei(), np.argwhere(np.ones(SHAPE))),
    "two pixels": (np.array([[0.0, 1.0]]), [(0, 0)]),
}


@pytest.mark.parametrize(("image", "points"), ALIKE.values(), ids=ALIKE.keys())
def test_none_where_nuclei_and_background_look_alike(image, points):
    assert cluster_label(image, voronoi_cells(points, image.shape[:2])) is None


def test_no_point_no_label():
    label = cluster_label(nuclei(), voronoi_cells(np.empty((0, 2)), SHAPE))
    assert (label == -1).all()


def test_one_point():
    cells = voronoi_cells(POINTS[:1], (48, 48))
    label = cluster_label(nuclei()[:48, :48], cells)
    assert (label[cells.distance < 8] == 1).all() and (label[cells.distance > 22] == 0).all()


BAD = {
    "other shape": (np.zeros((4, 5)), "shape"),
    "not finite": (np.full(SHAPE, np.nan), "not finite"),
}


@pytest.mark.parametrize(("image", "words"), BAD.values(), ids=BAD.keys())
def test_bad_images(image, words):
    with pytest.raises(ValueError, match=words):
        cluster_label(image, voronoi_cells(POINTS, SHAPE))


def test_contrast_is_the_distance_of_the_means_in_deviations():
    # points at 0 and 9: disks of radius 2 hold 0-2 and 7-9; the edge lies at 4
    values = np.array([[2, 4, 3, 9, 1, 9, 9, 4, 2, 3]], float)
    cells = voronoi_cells([(0, 0), (0, 9)], (1, 10))
    inside = [2, 4, 3, 4, 2, 3]  # mean 3, variance 2/3; the edge: mean 1, variance 0
    assert colour_contrast(values, cells, r1=11) == pytest.approx((3 - 1) / np.sqrt((np.var(inside) + 0) / 2))
    assert colour_contrast(np.ones((1, 10)), cells) == 0


def cleaned_by_hand(mask: np.ndarray, index: np.ndarray, radius: float) -> np.ndarray:
    """Close and open pixel by pixel, looking only at pixels of the same cell."""

    def over(values, choose):
        out = values.copy()
        for y, x in np.ndindex(values.shape):
            near = [
                values[v, u]
                for v, u in np.ndindex(values.shape)
                if index[v, u] == index[y, x] and (v - y) ** 2 + (u - x) ** 2 <= radius**2
            ]
            out[y, x] = choose(near)
        return out

    return over(over(over(over(mask, any), all), all), any)


@pytest.mark.parametrize("radius", [1, 1.5, 2, 20])
@pytest.mark.parametrize("shape", [(9, 12), (1, 14)])
def test_cleaning_stays_in_its_cell(shape, radius):
    random = np.random.default_rng(0)
    index = voronoi_cells(random.uniform(0, shape, (4, 2)), shape).index
    mask = random.random(shape) < 0.6
    np.testing.assert_array_equal(clean_in_cells(mask, index, radius), cleaned_by_hand(mask, index, radius))
