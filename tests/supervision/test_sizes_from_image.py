from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import Image, PlaneRef
from napari_inkling.supervision.sizes_from_image import FEWEST_TO_LEARN, STEPS, edge_profiles, learn_sizes


def ellipse(height: float, width: float, middle=(60.0, 60.0), side: int = 120, channels: int = 1) -> Image:
    """An ellipse with soft edges, brighter than the ground, without noise."""
    rows, columns = np.indices((side, side))
    away = np.hypot((rows - middle[0]) / (height / 2), (columns - middle[1]) / (width / 2))
    array = 60 + 120 * np.clip((1 - away) * min(height, width) / 2 + 0.5, 0, 1)
    return Image(PlaneRef("drawn"), np.repeat(array[..., None], channels, axis=2))


def cells(count: int, seed: int = 0, noise: float = 0.0):
    """Profiles, stochastic boxes, true sizes and numbers of as many ellipses, each seen once."""
    random = np.random.default_rng(seed)
    sizes = random.uniform(18, 42, (count, 2))
    boxes = np.full((count, 2), 30.0)
    profiles = []
    for size, box in zip(sizes, boxes, strict=True):
        image = ellipse(*size)
        noisy = Image(image.ref, image.array + random.normal(0, noise, image.array.shape))
        profiles.append(edge_profiles(noisy, np.array([[60.0, 60.0]]), box[None])[0])
    return np.stack(profiles), boxes, sizes, np.arange(count)


def peak(profile: np.ndarray, side: float) -> float:
    """The distance in pixels at which the image changes most, for a stochastic box of this side."""
    return (np.argmax(profile) + 0.5) / STEPS * side


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [(30, 30), (40, 24), (20, 36)])
def test_it_changes_at_the_edge(height, width, channels):
    image = ellipse(height, width, channels=channels)
    (along, across) = edge_profiles(image, np.array([[60.0, 60.0]]), np.array([[32.0, 32.0]]))[0]
    # rays up to 45 degrees off the axis meet the edge of an ellipse a little nearer or further away
    assert peak(along, 32) == pytest.approx(height / 2, abs=3)
    assert peak(across, 32) == pytest.approx(width / 2, abs=3)
    assert along.sum() == pytest.approx(1) and across.sum() == pytest.approx(1)


def test_brightness_and_contrast_do_not_matter():
    image, place, box = ellipse(30, 24), np.array([[60.0, 60.0]]), np.array([[30.0, 30.0]])
    darker = Image(image.ref, 500 - 3 * image.array)
    np.testing.assert_allclose(
        edge_profiles(darker, place, box), edge_profiles(image, place, box), atol=1e-12
    )


@pytest.mark.parametrize("place", [(0, 0), (119, 60), (60, 119.4), (-0.5, 3), (300, 300), (-90, -90)])
def test_points_at_the_edge_and_beyond(place):
    found = edge_profiles(ellipse(30, 30), np.array([place], float), np.array([[30.0, 60.0]]))
    np.testing.assert_allclose(found.sum(axis=2), 1)


@pytest.mark.parametrize("value", [7, np.nan, np.inf])
def test_where_nothing_changes(value):
    flat = Image(PlaneRef("flat"), np.full((50, 50, 2), value, float))
    found = edge_profiles(flat, np.array([[20.0, 20.0]]), np.array([[20.0, 20.0]]))
    np.testing.assert_allclose(found, 1 / STEPS)


def test_a_large_cell_is_seen_as_a_small_one():
    small, large = (
        edge_profiles(
            ellipse(side * 0.8, side, (2 * side, 2 * side), 4 * side),
            np.full((1, 2), 2.0 * side),
            np.full((1, 2), float(side)),
        )
        for side in (40, 200)
    )
    assert np.abs(large - small).sum() < 0.3 * 2


def test_sizes_are_read():
    reader = learn_sizes(*cells(40))
    assert reader is not None
    profiles, boxes, sizes, _ = cells(20, seed=1)
    off = reader.sizes(profiles, boxes) / sizes
    assert np.abs(off - 1).max() < 0.15 and np.abs(off - 1).mean() < 0.05
    assert reader.overlap > 0.9 > 0.75 > reader.overlap_of_stochastic


def test_it_is_in_units_of_the_stochastic_box():
    profiles, boxes, sizes, numbers = cells(40)
    reader, twice = (
        learn_sizes(profiles, boxes, sizes, numbers),
        learn_sizes(profiles, 2 * boxes, 2 * sizes, numbers),
    )
    np.testing.assert_allclose(twice.sizes(profiles, 2 * boxes), 2 * reader.sizes(profiles, boxes))


def test_noise_tells_nothing():
    profiles, boxes, sizes, numbers = cells(40)
    random = np.random.default_rng(0)
    assert learn_sizes(profiles[random.permutation(40)], boxes, sizes, numbers) is None


def test_few_boxes_teach_nothing():
    assert learn_sizes(*cells(FEWEST_TO_LEARN - 1)) is None
    profiles, boxes, sizes, numbers = cells(FEWEST_TO_LEARN - 1)
    thrice = (np.concatenate([part] * 3) for part in (profiles, boxes, sizes, numbers))
    assert learn_sizes(*thrice) is None


def test_equal_boxes():
    profiles, boxes, _, numbers = cells(20)
    assert learn_sizes(profiles, boxes, boxes, numbers) is None  # nothing is better than what is exact


def test_no_points():
    reader = learn_sizes(*cells(20))
    assert reader.sizes(np.empty((0, 2, STEPS)), np.empty((0, 2))).shape == (0, 2)
