from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.guidance import mean_box, mean_iou_box, size_priors
from napari_inkling.guidance.stochastic_boxes import GRID, REACH, expected_iou
from tests.guidance.box_sizes import gaussian, real_sizes

SKEWED = np.random.default_rng(0).lognormal(3, 0.5, (200, 2))
TWO_SIZES = np.array([[10.0, 10.0]] * 60 + [[60.0, 66.0]] * 40)
TURNED = np.array([[20.0, 80.0]] * 30 + [[80.0, 20.0]] * 31)  # rods, lying and standing
CASES = {
    "gaussian": gaussian(80),
    "skewed": SKEWED,
    "two sizes": TWO_SIZES,
    "turned": TURNED,
    "equal": np.array([[10.0, 40.0]] * 6),
    "one pixel": np.ones((3, 2)),
    "one box": np.array([[30.0, 20.0]]),
}


def prior_of(sizes):
    return size_priors({"cell": sizes})["cell"]


def full_grid(prior):
    """The grid of the paper, with nothing left out."""
    high = prior.mean + REACH * prior.deviation
    low = np.maximum(prior.mean - REACH * prior.deviation, high / GRID / 2)
    sides = np.linspace(low, high, GRID).T
    weights = prior.on_grid(*sides)
    return *sides, weights / weights.sum()


@pytest.mark.parametrize(
    ("box", "size", "iou"),
    [
        ((4, 4), (4, 4), 1.0),
        ((2, 4), (4, 4), 0.5),
        ((4, 4), (2, 4), 0.5),
        ((2, 8), (4, 4), 8 / 24),  # a cross
        ((2, 2), (4, 4), 0.25),
    ],
)
def test_iou_of_centred_boxes(box, size, iou):
    found = expected_iou([box], np.array([size[0]], float), np.array([size[1]], float), np.ones((1, 1)))
    assert found == pytest.approx([iou])


def test_expected_iou_is_a_weighted_mean():
    """With (4, 4): 1; with (4, 8): 1/2; with (2, 4): 1/2; with (2, 8): 8/24."""
    found = expected_iou(
        [(4, 4)], np.array([4.0, 2.0]), np.array([4.0, 8.0]), np.array([[0.1, 0.2], [0.3, 0.4]])
    )
    assert found == pytest.approx([0.1 + 0.1 + 0.15 + 0.4 / 3])


@pytest.mark.parametrize("name", CASES)
def test_no_box_of_an_exhaustive_search_is_better(name):
    prior = prior_of(CASES[name])
    grid = full_grid(prior)
    low, high = (np.array([side[end] for side in grid[:2]]) for end in (0, -1))
    places = np.stack(np.meshgrid(*np.linspace(low, high, 71).T, indexing="ij"), axis=-1).reshape(-1, 2)
    every = expected_iou(places, *grid)
    found = mean_iou_box(prior)
    assert expected_iou(found, *grid)[0] >= every.max() - 1e-4
    close = np.abs(places - found).max(axis=1) <= 1.01 * ((high - low) / 70).max()
    assert every[close].max() >= every.max() - 1e-3  # the best of them is beside it, or as good


@pytest.mark.parametrize("name", CASES)
def test_the_same_box_from_any_start(name):
    prior = prior_of(CASES[name])
    random = np.random.default_rng(0)
    starts = random.uniform(0, prior.mean + REACH * prior.deviation, (12, 2))
    found = np.stack([mean_iou_box(prior), *(mean_iou_box(prior, start) for start in starts)])
    assert np.ptp(found, axis=0).max() < 0.05


def test_equal_boxes_are_their_own_mean_iou_box():
    prior = prior_of([[10, 40]] * 6)
    assert mean_iou_box(prior) == pytest.approx([10, 40], abs=0.2)
    assert mean_box(prior) == pytest.approx([10, 40], abs=0.01)


def test_of_two_sizes_it_takes_one_and_the_mean_neither():
    """Eq. 1 by hand, for sharp sizes: IOU 0 or 1/36 apart; a box between overlaps less with both."""
    prior = prior_of(TWO_SIZES)
    assert 20 < mean_box(prior)[0] < 40
    assert mean_iou_box(prior)[0] > 50


@pytest.mark.parametrize("data", ["bccd", "umid_urine"])
def test_real_cells(data):
    for name, prior in size_priors(real_sizes(data)).items():
        assert np.abs(mean_iou_box(prior) / mean_box(prior) - 1).max() < 0.1, name
