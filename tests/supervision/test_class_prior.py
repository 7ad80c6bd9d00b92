from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.supervision.class_prior import LEAST, ClassPrior, estimate_class_prior


def gaussians(share, marked, seed, *, candidates=400, features=8, apart=3.0):
    """Marked cells, and candidates of which ``share`` are cells; their means lie so many deviations apart."""
    random = np.random.default_rng(seed)
    cell = np.zeros(features)
    cell[0] = apart
    unlabelled = random.normal(size=(candidates, features))
    unlabelled[: round(share * candidates)] += cell
    return random.normal(size=(marked, features)) + cell, unlabelled, random


# the mean error over seeds, as measured: .02 to .09 with many, .03 to .12 with few; most where most are cells
@pytest.mark.parametrize(("marked", "error"), [(30, 0.16), (200, 0.12)])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.8])
def test_the_share_is_known_and_the_interval_holds_it(share, marked, error):
    found = [estimate_class_prior(*gaussians(share, marked, seed)) for seed in range(5)]
    assert np.mean([abs(one.estimate - share) for one in found]) < error
    assert sum(one.low <= share <= one.high for one in found) >= 4
    assert all(one.low <= one.estimate <= one.high for one in found)


def test_more_cells_tell_more():
    few, many = (estimate_class_prior(*gaussians(0.5, marked, 0)) for marked in (15, 500))
    assert many.high - many.low < few.high - few.low


def test_the_same_seed_gives_the_same():
    marked, candidates, _ = gaussians(0.3, 30, 0)
    one, other = (estimate_class_prior(marked, candidates, np.random.default_rng(5)) for _ in range(2))
    assert one == other


def test_the_middle_of_the_interval():
    assert ClassPrior(0.5, 0.2, 0.8).middle == pytest.approx(0.4)
    assert ClassPrior(0.3, 0.3, 0.3).middle == pytest.approx(0.3)


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, LEAST, 0.1), (1.0, 0.5, 1 - LEAST)])
def test_no_cell_or_nothing_else_among_the_candidates(share, low, high):
    found = estimate_class_prior(*gaussians(share, 100, 0, apart=6))
    assert low <= found.estimate <= high
    assert found.low <= np.clip(share, LEAST, 0.95) <= found.high


@pytest.mark.parametrize(("marked", "candidates"), [(1, 50), (0, 50), (50, 1), (50, 0)])
def test_of_too_few_nothing_is_said(marked, candidates):
    found = estimate_class_prior(*gaussians(0.5, marked, 0, candidates=candidates))
    assert found == ClassPrior(0.5, LEAST, 1 - LEAST)


@pytest.mark.parametrize(("marked", "candidates"), [(2, 2), (2, 30), (30, 3)])
def test_few_are_enough_for_an_answer(marked, candidates):
    found = estimate_class_prior(*gaussians(0.5, marked, 0, candidates=candidates))
    assert LEAST <= found.low <= found.estimate <= found.high <= 1 - LEAST


def test_where_all_are_alike_anything_may_be_true():
    found = estimate_class_prior(np.full((30, 4), 0.1), np.full((80, 4), 0.1), np.random.default_rng(0))
    assert found == ClassPrior(1 - LEAST, LEAST, 1 - LEAST)


@pytest.mark.parametrize("marked", [[[1.0, np.nan], [0.0, 0.0]], [[1.0], [2.0]], [1.0, 2.0]])
def test_features_that_do_not_fit(marked):
    with pytest.raises(ValueError, match=r"^(marked cells|candidates) have "):
        estimate_class_prior(marked, np.zeros((5, 2)), np.random.default_rng(0))
