from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, HintSet, Masks, Points
from napari_inkling.project.formats import Counts, count_cells
from napari_inkling.project.formats.counting import count_by_class

MASK = Masks.from_crops([(0, 0)], [np.ones((2, 2), bool)], ids=[1])
CASES = {
    "nothing": ([], Counts(), "0 cells"),
    "points": ([HintSet(Points([(1, 2)] * 1200))], Counts(1200, 1200), "1,200 cells (1,200 points)"),
    "one cell": (
        [HintSet(Points([(1, 2)], ids=[1]), Boxes([(0, 0, 2, 2)], ids=[1]), MASK)],
        Counts(1, 1, 1, 1),
        "1 cell (1 point, 1 box, 1 mask)",
    ),
    "the same id on two planes": ([HintSet(masks=MASK)] * 2, Counts(2, masks=2), "2 cells (2 masks)"),
    "background": (
        [HintSet(Points([(1, 2)] * 2, classes=BACKGROUND), Boxes([(0, 0, 2, 2)] * 2))],
        Counts(2, boxes=2, background=2),
        "2 cells (2 boxes), 2 marks of background",
    ),
    "ignored": (
        [HintSet(Points([(1, 2)], classes=BACKGROUND), Boxes([(0, 0, 2, 2)] * 2, classes=["a", IGNORE]))],
        Counts(1, boxes=1, background=1, ignored=1),
        "1 cell (1 box), 1 mark of background, 1 place to ignore",
    ),
}


@pytest.mark.parametrize(("hints", "counts", "words"), CASES.values(), ids=CASES.keys())
def test_counts(hints, counts, words):
    assert count_cells(hints) == counts
    assert str(counts) == words


def test_counts_by_class():
    def points(*classes):
        return Points([(1, 2), (3, 4)], ids=[1, 2], classes=np.array(classes, object))

    # The mask is of the cell of the point with the same id.
    hints = [HintSet(points("cell", BACKGROUND), masks=MASK), HintSet(points("cell", "other"))]
    assert count_by_class(hints) == {"cell": 2, "other": 1}
    assert count_by_class([]) == {}
