from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_inkling.core import HintError
from napari_inkling.evaluation import match_points
from napari_inkling.evaluation import matching as matching_module


def brute_force(found: np.ndarray, truth: np.ndarray, radius: float) -> tuple[int, float]:
    """Every way to pair: the most pairs, then the least total distance."""
    if len(found) > len(truth):
        found, truth = truth, found
    if not len(found):
        return 0, 0.0
    distance = np.hypot(*(found[:, None] - truth[None]).transpose(2, 0, 1))
    best = (0, 0.0)
    for order in permutations(range(len(truth)), len(found)):
        chosen = distance[range(len(found)), order]
        chosen = chosen[chosen <= radius]
        best = min(best, (-len(chosen), float(chosen.sum())))
    return -best[0], best[1]


CASES = {
    # name: found, truth, radius, pairs, distances
    "nothing": ([], [], 5, [], []),
    "nothing found": ([], [(0, 0)], 5, [], []),
    "nothing true": ([(0, 0)], [], 5, [], []),
    "same place": ([(3, 4)], [(3, 4)], 5, [(0, 0)], [0]),
    "on the rim": ([(3, 4)], [(0, 0)], 5, [(0, 0)], [5]),
    "just outside": ([(3, 4.001)], [(0, 0)], 5, [], []),
    "the closest of two": ([(0, 4), (0, 1)], [(0, 0)], 5, [(1, 0)], [1]),
    "two for two": ([(0, 10), (0, 0)], [(0, 1), (0, 12)], 5, [(0, 1), (1, 0)], [2, 1]),
    # Greedy takes 1→B (distance 1) and leaves A alone; the most pairs are 0→A... with greater total distance.
    "more pairs beat near ones": ([(0, 4), (0, 9)], [(0, 5), (0, 0)], 5, [(0, 1), (1, 0)], [4, 4]),
    # Both pairings have two pairs; the crossing one is longer.
    "least distance among equals": ([(0, 0), (0, 3)], [(0, 1), (0, 4)], 5, [(0, 0), (1, 1)], [1, 1]),
}


@pytest.mark.parametrize(("found", "truth", "radius", "pairs", "distances"), CASES.values(), ids=CASES.keys())
def test_match_points(found, truth, radius, pairs, distances):
    matches = match_points(found, truth, radius)
    assert list(zip(matches.found_index, matches.truth_index, strict=True)) == pairs
    assert matches.distances.tolist() == distances


grid = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=6)


@pytest.mark.parametrize("dense_cells", [0, 10_000], ids=["sparse solver", "dense solver"])
@settings(max_examples=150, deadline=None)
@given(found=grid, truth=grid, radius=st.sampled_from([1, 2.5, 4, 5, 20]))
def test_equals_brute_force(dense_cells, found, truth, radius):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching_module, "_DENSE_CELLS", dense_cells)
        matches = match_points(found, truth, radius)
    found, truth = np.reshape(found, (-1, 2)).astype(float), np.reshape(truth, (-1, 2)).astype(float)
    count, total = brute_force(found, truth, radius)
    assert len(matches) == count
    assert matches.distances.sum() == pytest.approx(total)
    assert len(set(matches.found_index)) == len(set(matches.truth_index)) == count
    measured = np.hypot(*(found[matches.found_index] - truth[matches.truth_index]).T)
    assert np.array_equal(matches.distances, measured)


def test_sparse_and_dense_agree_on_one_big_cluster(monkeypatch):
    rng = np.random.default_rng(1)
    truth, found = rng.uniform(0, 200, (400, 2)), rng.uniform(0, 200, (380, 2))
    results = []
    for cells in (0, 10**9):
        monkeypatch.setattr(matching_module, "_DENSE_CELLS", cells)
        results.append(match_points(found, truth, 25))
    sparse, dense = results
    assert len(sparse) == len(dense) == 380
    assert sparse.distances.sum() == pytest.approx(dense.distances.sum())


@pytest.mark.parametrize("side", [10_000, 1_000], ids=["apart", "crowded"])
def test_twenty_thousand_points_find_each_other(side):
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, side, (20_000, 2))
    found = rng.permutation(truth + rng.normal(0, 3, truth.shape))
    matches = match_points(found, truth, 11)
    assert len(matches) > 19_500


@pytest.mark.parametrize(
    ("found", "radius", "says"),
    [
        ([(1, 2, 3)], 5, r"found points have shape \(1, 3\), expected \(N, 2\)"),
        ([(1, 2)], 0, "radius is 0, expected a positive number"),
        ([(1, 2)], float("nan"), "radius is nan"),
    ],
)
def test_bad_input_is_named(found, radius, says):
    with pytest.raises(HintError, match=says):
        match_points(found, [(1, 2)], radius)
