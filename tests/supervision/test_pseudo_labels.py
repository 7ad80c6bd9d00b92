from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.supervision import pseudo_labels
from napari_inkling.supervision.pseudo_labels import select_pseudo_labels


def peaks(marked=30, cells=60, background=140, seed=0, features=8, apart=3.0):
    """Features of marked cells, and of candidates, cells first."""
    random = np.random.default_rng(seed)
    cell = np.zeros(features)
    cell[0] = apart
    return (
        random.normal(size=(marked, features)) + cell,
        np.concatenate(
            [random.normal(size=(cells, features)) + cell, random.normal(size=(background, features))]
        ),
    )


def select(marked, candidates, seed=0, **more):
    return select_pseudo_labels(marked, candidates, np.random.default_rng(seed), **more)


@pytest.mark.parametrize("seed", range(3))
def test_the_top_are_cells_and_the_bottom_background(seed):
    found = select(*peaks(seed=seed, apart=4), alpha=0.1, beta=0.2)
    assert len(found.cells) == 20 and len(found.background) == 40
    assert (found.cells < 60).mean() >= 0.9
    assert (found.background >= 60).all()


def test_ranks_are_in_the_order_of_choice():
    found = select(*peaks())
    for ranks in (found.cell_ranks, found.background_ranks):
        assert sorted(ranks) == pytest.approx((np.arange(200) + 0.5) / 200)
    assert list(found.cells) == list(np.argsort(-found.cell_ranks)[:10])
    assert list(found.background) == list(np.argsort(-found.background_ranks)[:10])


# α of 200, 30, 4 and 2 candidates: rounded, and at least one
@pytest.mark.parametrize(
    ("candidates", "share", "number"),
    [(200, 0.05, 10), (30, 0.05, 2), (4, 0.05, 1), (2, 0.05, 1), (200, 0, 0), (30, 0.5, 15), (3, 0.5, 2)],
)
def test_how_many(candidates, share, number):
    marked, others = peaks(cells=candidates // 2, background=candidates - candidates // 2)
    found = select(marked, others, alpha=share, beta=share)
    assert len(found.cells) == number
    assert len(found.background) == min(number, candidates - number)


@pytest.mark.parametrize("apart", [0.0, 3.0])
@pytest.mark.parametrize("candidates", [2, 3, 7, 40])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.5])
def test_no_candidate_is_both(apart, candidates, share):
    for seed in range(5):
        found = select(*peaks(3, candidates, 0, seed=seed, apart=apart), alpha=share, beta=share)
        assert not set(found.cells) & set(found.background)
        assert len(set(found.cells)) == len(found.cells)


def test_a_candidate_is_scored_by_what_was_fitted_without_it(monkeypatch):
    marked, candidates = peaks(4, 6, 11, features=2)
    fitted, scored = [], []
    fit = pseudo_labels.fit_scorer

    class Spy:
        def __init__(self, *sides):
            self.seen = {tuple(row) for side in sides for row in side}
            self.scorer = fit(*sides)

        def scores(self, rows):
            if not {tuple(row) for row in rows} <= self.seen:
                assert not {tuple(row) for row in rows} & self.seen
                scored.extend(tuple(row) for row in rows)
            return self.scorer.scores(rows)

    def spied(positive, negative, p, penalty):
        fitted.append(Spy(positive, negative))
        return fitted[-1]

    monkeypatch.setattr(pseudo_labels, "fit_scorer", spied)
    select(marked, candidates)
    assert len(fitted) == 10  # five folds, both ways
    assert sorted(scored) == sorted([tuple(row) for row in candidates] * 2)


def test_the_seed_decides():
    marked, candidates = peaks(apart=1.0)
    one, same, other = (select(marked, candidates, seed).cell_ranks for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_what_was_struck_is_not_chosen_again():
    marked, candidates = peaks()
    struck = np.zeros(200, bool)
    for _ in range(5):
        found = select(marked, candidates, struck_cells=struck)
        assert len(found.cells) == len(found.background) == 10
        assert not struck[found.cells].any()
        struck[found.cells] = True


def test_where_everything_was_struck_nothing_is_chosen():
    struck = np.ones(200, bool)
    found = select(*peaks(), struck_cells=struck)
    assert not len(found.cells) and len(found.background) == 10


def test_of_many_candidates_a_draw_teaches_the_ranking(monkeypatch):
    """As good a ranking, from scorers that have seen a quarter of the candidates."""
    marked, candidates = peaks(apart=5)
    every = select(marked, candidates)
    seen = []
    fit_scorer = pseudo_labels.fit_scorer
    monkeypatch.setattr(pseudo_labels, "MOST_CANDIDATES", 50)
    monkeypatch.setattr(
        pseudo_labels, "fit_scorer", lambda *a: seen.append({len(a[0]), len(a[1])}) or fit_scorer(*a)
    )
    few = select(marked, candidates)
    assert all(counts == {len(marked), 50} for counts in seen) and len(seen) == 10
    assert len(np.intersect1d(few.cells, every.cells)) >= 7


def test_what_was_accepted_may_be_passed_as_marked():
    marked, candidates = peaks(marked=20, apart=5)
    first = select(marked, candidates)
    accepted = np.concatenate([marked, candidates[first.cells]])
    second = select(accepted, np.delete(candidates, first.cells, axis=0))
    # 50 cells are left in front, of 190
    assert (second.cells < 50).mean() >= 0.7 and (second.background >= 50).all()


def test_one_marked_cell():
    found = select(*peaks(marked=1, apart=5))
    assert len(found.cells) == len(found.background) == 10
    # better than by chance, which would be .3 and .7
    assert (found.cells < 60).mean() >= 0.5 and (found.background >= 60).mean() >= 0.8


def test_every_cell_is_marked():
    found = select(*peaks(marked=60, cells=0, background=50))
    assert len(found.cells) == len(found.background) == 2


@pytest.mark.parametrize("number", [0, 1])
def test_no_candidate_or_a_single_one(number):
    found = select(*peaks(cells=number, background=0))
    assert not len(found.cells) and not len(found.background)
    assert found.cell_ranks.tolist() == found.background_ranks.tolist() == [0.5] * number


def test_peaks_that_are_all_alike_are_not_chosen():
    found = select(np.full((5, 3), 0.1), np.full((40, 3), 0.1))
    assert not len(found.cells) and not len(found.background)
    np.testing.assert_array_equal(found.cell_ranks, 0.5)


def test_candidates_alike_and_unlike_the_marked():
    found = select(np.full((5, 3), 0.7), np.full((40, 3), 0.1))
    assert not len(found.cells) and not len(found.background)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha": 0.6, "beta": 0.5}, "alpha is 0.6 and beta 0.5, expected shares that sum to at most 1"),
        ({"alpha": -0.1}, "alpha is -0.1"),
        ({"beta": np.nan}, "beta nan"),
        ({"folds": 1}, "there are 1 folds, expected at least 2"),
        ({"p": 0.5}, "p is 0.5"),
        (
            {"struck_cells": np.zeros(3, bool)},
            r"struck_cells is bool of shape \(3,\), expected bool of \(200,\)",
        ),
        ({"struck_cells": np.zeros(200)}, "struck_cells is float64"),
        ({"marked": np.empty((0, 8))}, r"marked cells have shape \(0, 8\), expected"),
        ({"marked": np.ones((3, 2))}, "features"),
        ({"marked": np.full((3, 8), np.nan)}, "not finite"),
    ],
)
def test_what_is_refused(changes, message):
    marked, candidates = peaks()
    with pytest.raises(ValueError, match=message):
        select(**{"marked": marked, "candidates": candidates} | changes)
