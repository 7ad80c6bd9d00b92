from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.evaluation import groups as groups_module
from napari_inkling.evaluation.groups import Groups, Outlines, groups


def outlines(*boxes):
    edges = np.reshape(np.array(boxes, float), (-1, 4))
    return Outlines(edges, (edges[:, 2:] - edges[:, :2]).prod(1))


CASES = {
    # name: found, truth, groups of the found ones and then of the true ones, by their first member
    "nothing": ([], [], []),
    "the same": ([(0, 0, 4, 4)], [(0, 0, 4, 4)], [0, 0]),
    "half of it": ([(0, 0, 4, 2)], [(0, 0, 4, 4)], [0, 0]),
    "less than half of it": ([(0, 0, 4, 1.9)], [(0, 0, 4, 4)], [0, 1]),
    "side by side": ([(0, 0, 4, 4)], [(0, 4, 4, 8)], [0, 1]),
    "one above the other": ([(4, 0, 8, 4)], [(0, 0, 4, 4)], [0, 1]),
    "two at one": ([(0, 0, 4, 4), (0, 1, 4, 5)], [(0, 0, 4, 5)], [0, 0, 0]),
    "one at two": ([(0, 0, 4, 4)], [(0, 0, 4, 3), (20, 20, 24, 24), (0, 1, 4, 4)], [0, 0, 2, 0]),
    "nothing true": ([(0, 0, 4, 4), (0, 0, 4, 4)], [], [0, 1]),
}


@pytest.mark.parametrize(("found", "truth", "expected"), CASES.values(), ids=CASES.keys())
def test_by_hand(found, truth, expected):
    told = groups(outlines(*found), outlines(*truth))
    every = np.concatenate([told.found, told.truth]).tolist()
    assert [every.index(group) for group in every] == expected
    assert sorted(set(every)) == list(range(told.total))


@pytest.mark.parametrize(
    ("size", "found", "truth", "total"),
    [
        (1, [0, 0, 1, 2, 3], [0, 1, 4], 5),  # groups of 3, 2, 1, 1 and 1 instances
        (3, [0, 0, 1, 1, 2], [0, 1, 2], 3),  # 3, 2 + 1 and 1 + 1
        (5, [0, 0, 0, 1, 1], [0, 0, 1], 2),
        (99, [0, 0, 0, 0, 0], [0, 0, 0], 1),
    ],
)
def test_packed(size, found, truth, total):
    told = Groups(np.array([0, 0, 1, 2, 3]), np.array([0, 1, 4]), 5).packed(size)
    assert (told.found.tolist(), told.truth.tolist(), told.total) == (found, truth, total)


def test_nothing_packed():
    assert groups(outlines(), outlines()).packed(9).total == 0


@pytest.mark.parametrize(("width", "total"), [(3.9, 2), (4, 1), (8, 1)])
def test_half_of_what_is_found_in_an_ignored_one(width, total):
    found = outlines((0, 0, 4, 8))
    large = outlines((-50, -50, 50, width))
    assert groups(found, large).total == 2
    assert groups(found, large._replace(ignored=np.array([True]))).total == total


def test_a_mask_counts_by_its_own_area():
    box = np.array([[0.0, 0, 4, 4]])
    thin = Outlines(box, np.array([4]))
    inner = Outlines(np.array([[0.0, 0, 2, 2]]), np.array([4]))
    assert groups(thin, inner).total == 1  # the mask may be the inner square, for all that boxes tell
    assert groups(outlines(*box), inner).total == 2


@pytest.mark.parametrize("chunk", [1, 7, 512])
@pytest.mark.parametrize("seed", range(5))
def test_pairs_that_may_match_are_in_one_group(seed, chunk, monkeypatch):
    monkeypatch.setattr(groups_module, "_CHUNK", chunk)
    rng = np.random.default_rng(seed)

    def some(count):
        corners = rng.uniform(0, 20, (count, 2))
        return outlines(*np.hstack([corners, corners + rng.uniform(2, 12, (count, 2))]))

    found, truth = some(40), some(50)
    told = groups(found, truth)
    may_match = np.zeros((40, 50), bool)
    for i, a in enumerate(found.boxes):
        for j, b in enumerate(truth.boxes):
            shared = np.prod(np.maximum(0, np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])))
            may_match[i, j] = shared >= max(found.areas[i], truth.areas[j]) / 2
    assert may_match.sum() > 10
    assert (told.found[:, None] == told.truth[None])[may_match].all()
    # No coarser than need be: as many groups as a search from neighbour to neighbour finds.
    seen, count = set(), 0
    for start in range(90):
        if start not in seen:
            count, reached = count + 1, [start]
            while reached:
                node = reached.pop()
                if node not in seen:
                    seen.add(node)
                    beside = may_match[node] if node < 40 else may_match[:, node - 40]
                    reached += [j + 40 if node < 40 else j for j in np.flatnonzero(beside).tolist()]
    assert told.total == count
