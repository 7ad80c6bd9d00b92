"""What the simulated annotator makes of suggestions, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, HintSet, Points
from napari_inkling.evaluation import correct

#: Cells at x = 0, 10 … 90; the one at 0 is marked.
TRUTH = HintSet(Points([[0, 10 * i] for i in range(10)]))
HINTS = HintSet(Points([[0, 1]]))


@pytest.mark.parametrize(
    ("place", "verdict"),
    [
        ([1, 20], ("accepted", "cell", [1, 20])),
        ([0, 23.9], ("accepted", "cell", [0, 23.9])),
        ([6, 20], ("human", BACKGROUND, [6, 20])),
        ([0, 3], None),  # of the cell that is marked
    ],
)
def test_the_verdict(place, verdict):
    found = correct(TRUTH, HINTS, Points([place], sources="model", scores=0.7), 0, radius=4)
    rows = found.hints.points
    given = [(s, c, p) for s, c, p in zip(rows.sources, rows.classes, rows.coordinates.tolist(), strict=True)]
    assert given == ([] if verdict is None else [verdict])
    assert rows.seconds.tolist() == [0.9] * len(rows)
    assert (found.seconds, found.hidden) == (0.9, verdict is None)


def test_of_two_suggestions_of_one_cell_the_nearer_is_right():
    shown = Points([[0, 22], [0, 19]])
    assert correct(TRUTH, HINTS, shown, 0, radius=4).hidden
    assert correct(TRUTH, HINTS, shown, 1, radius=4).hints.points.coordinates.tolist() == [[0, 19]]


def test_what_was_missed_in_view_is_clicked_nearest_first():
    shown = Points([[0, 30], [0, 40]], sources="model")
    found = correct(TRUTH, HINTS, shown, 0, radius=4, view=20)
    assert found.hints.points.coordinates.tolist() == [[0, 30], [0, 20], [0, 10], [0, 50]]
    assert found.hints.points.sources.tolist() == ["accepted", "human", "human", "human"]
    assert found.seconds == pytest.approx(4 * 0.9)


@pytest.mark.parametrize(("seconds", "count"), [(0, 1), (0.9, 1), (1.79, 1), (1.8, 2), (3, 3), (99, 9)])
def test_the_time_is_kept(seconds, count):
    found = correct(TRUTH, HINTS, Points([[0, 30]]), 0, radius=4, view=90, seconds=seconds)
    assert len(found.hints) == count
    assert found.seconds == pytest.approx(0.9 * count)


def test_ids_are_new_and_unlike():
    shown = Points([[0, 30]], sources="model")
    rows = correct(TRUTH, HINTS, shown, 0, radius=4, view=90).hints.points
    assert len(np.unique(rows.ids)) == len(rows) == 9


def test_what_nobody_labelled_is_only_hidden():
    truth = HintSet(TRUTH.points, Boxes([(20, 20, 40, 40)], classes=IGNORE))
    assert correct(truth, HINTS, Points([[30, 30]]), 0, radius=4).hidden
    assert not correct(truth, HINTS, Points([[30, 50]]), 0, radius=4).hidden


def test_no_cell_at_all():
    found = correct(HintSet(), HintSet(), Points([[5, 5]]), 0, radius=4, view=50)
    assert found.hints.points.classes.tolist() == [BACKGROUND]
