from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.supervision import (
    IGNORE,
    add_detected_nuclei,
    extended_gaussian_mask,
    gaussian_mask,
    nearest_point,
    propagate_background,
)

POINTS = {
    "none": np.empty((0, 2)),
    "one in a corner": np.array([[0.0, 0.0]]),
    "between pixels": np.array([[3.5, 4.25]]),
    "two, one outside": np.array([[2.0, 8.0], [-3.0, 1.0]]),
    "many": np.random.default_rng(0).uniform(0, 12, (20, 2)),
}


@pytest.mark.parametrize("points", POINTS.values(), ids=POINTS.keys())
def test_nearest_point_is_what_brute_force_finds(points):
    shape = (9, 12)
    near = nearest_point(points, shape)
    for y, x in np.ndindex(shape):
        distances = [float(np.hypot(y - py, x - px)) for py, px in points]
        assert near.distance[y, x] == pytest.approx(min(distances, default=np.inf), rel=1e-6)
        assert near.index[y, x] == (np.argmin(distances) if distances else -1)


# r1 = 4, so σ = 1 and r2 = 8: exp(-D²/2) is .6065 at 1, .1353 at 2, and .0111 < .05 at 3.
EXTENDED = [
    (0, 1.0),
    (1, 0.60653),
    (2, 0.13534),
    (2.44, 0.05096),
    (2.45, 0.0),  # exp(-2.45²/2) = .0497
    (3, 0.0),
    (4, 0.0),
    (7.99, 0.0),
    (8, IGNORE),
    (np.inf, IGNORE),
]


@pytest.mark.parametrize(("distance", "value"), EXTENDED)
def test_extended_gaussian_mask(distance, value):
    mask = extended_gaussian_mask(np.array([[distance]], np.float32), r1=4)
    assert mask.dtype == np.float32
    assert mask[0, 0] == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(("distance", "value"), EXTENDED)
def test_plain_gaussian_mask_takes_the_rest_for_background(distance, value):
    mask = gaussian_mask(np.array([[distance]], np.float32), r1=4)
    assert mask[0, 0] == pytest.approx(max(value, 0), abs=1e-4)


def test_widths_can_be_given():
    distance = np.array([[2, 3, 4.9, 5]], np.float32)
    # σ = 2: exp(-4/8) = .6065, exp(-9/8) = .3247 but 3 is outside r1 = 3
    np.testing.assert_allclose(
        extended_gaussian_mask(distance, r1=3, r2=5, sigma=2), [[0.60653, 0, 0, IGNORE]], atol=1e-4
    )


def test_without_points_nothing_is_known():
    distance = nearest_point(np.empty((0, 2)), (3, 3)).distance
    assert (extended_gaussian_mask(distance, 4) == IGNORE).all()


def test_background_is_propagated_to_low_probabilities_only():
    mask = np.full((1, 5), IGNORE, np.float32)
    probability = np.array([[0, 0.0999, 0.1, 0.5, 0.69]], np.float32)
    np.testing.assert_array_equal(
        propagate_background(mask, probability, r1=2), [[0, 0, IGNORE, IGNORE, IGNORE]]
    )


def test_components_larger_than_a_cell_become_background():
    # π·2² = 12.6 pixels: the block of 3 × 4 is a cell, that of 3 × 5 is none.
    probability = np.full((9, 20), 0.5, np.float32)
    probability[1:4, 1:5] = 0.8
    probability[1:4, 10:15] = 0.8
    after = propagate_background(np.full_like(probability, IGNORE), probability, r1=2)
    expected = np.full_like(probability, IGNORE)
    expected[1:4, 10:15] = 0
    np.testing.assert_array_equal(after, expected)


def test_components_meet_at_edges_and_not_at_corners():
    probability = np.full((8, 8), 0.5, np.float32)
    probability[:4, :4] = probability[4:, 4:] = 0.9
    mask = np.full_like(probability, IGNORE)
    assert (propagate_background(mask, probability, r1=2, largest_area=16) == IGNORE).all()
    assert (propagate_background(mask, probability, r1=2, largest_area=15) == 0).sum() == 32


def test_what_is_known_stays():
    known = np.array([[1.0, 0.3, 0.0, 0.6]], np.float32)
    for probability in (np.zeros((1, 4)), np.ones((1, 4))):
        after = propagate_background(known, probability.astype(np.float32), r1=0.5)
        np.testing.assert_array_equal(after, known)


def test_nothing_becomes_foreground():
    random = np.random.default_rng(1)
    mask = extended_gaussian_mask(nearest_point(random.uniform(0, 64, (3, 2)), (64, 64)).distance, 4)
    for _ in range(5):
        probability = random.uniform(0, 1, mask.shape).astype(np.float32)
        after = propagate_background(mask, probability, r1=4)
        np.testing.assert_array_equal(after > 0, mask > 0)
        changed = after != mask
        assert (mask[changed] == IGNORE).all() and (after[changed] == 0).all()


def test_a_map_that_is_high_everywhere_is_one_large_component():
    mask = np.full((10, 10), IGNORE, np.float32)
    assert (propagate_background(mask, np.ones((10, 10), np.float32), r1=3) == 0).all()
    # a map without any component takes nothing along
    assert (propagate_background(mask, np.full((10, 10), 0.5, np.float32), r1=3) == IGNORE).all()


def test_detected_nuclei_get_masks_of_their_own():
    mask = extended_gaussian_mask(nearest_point([[4, 4]], (9, 40)).distance, r1=4)
    after = add_detected_nuclei(mask, [[4, 30]], r1=4)
    known = mask != IGNORE
    np.testing.assert_array_equal(after[known], mask[known])
    assert after[4, 30] == 1 and after[4, 31] == pytest.approx(0.60653, abs=1e-4)
    assert after[4, 35] == 0 and after[4, 20] == IGNORE


@pytest.mark.parametrize("detected", [np.empty((0, 2)), np.array([[4.0, 4.0]])])
def test_detections_that_are_none_or_marked_change_nothing(detected):
    mask = extended_gaussian_mask(nearest_point([[4, 4]], (9, 40)).distance, r1=4)
    np.testing.assert_array_equal(add_detected_nuclei(mask, detected, r1=4), mask)
