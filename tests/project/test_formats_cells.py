"""Which rows become one entry of a file."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import Boxes, HintSet, Masks, Points
from napari_inkling.project.formats.cells import cells_of


def hints(points=(), boxes=(), masks=(), score_of_boxes=1.0):
    count = len(masks)
    return HintSet(
        Points(np.zeros((len(points), 2)), ids=np.array(points, int)),
        Boxes(np.tile([0, 0, 1, 1], (len(boxes), 1)), ids=np.array(boxes, int), scores=score_of_boxes),
        Masks.from_crops([(0, 0)] * count, [np.ones((1, 1), bool)] * count, ids=np.array(masks, int)),
    )


CASES = {
    "nothing": (hints(), ""),
    "points only": (hints([3, 1, 2]), "3p 1p 2p"),
    "all of one cell": (hints([1, 2], [1, 2], [1, 2]), "1pbm 2pbm"),
    "some lack one": (hints([1, 3], [1, 2, 3], [2, 3]), "1pb 2bm 3pbm"),
    "another order": (hints([1, 2], [2, 1]), "1p 2p 2b 1b"),
    "others between": (hints([1, 2, 3], [9, 2, 8]), "1p 9b 2pb 3p 8b"),
    "other columns": (hints([1, 2], [1, 2], [1, 2], score_of_boxes=0.5), "1pm 2pm 1b 2b"),
    "scores that are no number": (hints([1], [1], score_of_boxes=np.nan), "1p 1b"),
}


@pytest.mark.parametrize(("given", "expected"), CASES.values(), ids=CASES.keys())
def test_cells(given, expected):
    found = " ".join(f"{c.rows[0].id}{''.join(row.kind[0] for row in c.rows)}" for c in cells_of(given))
    assert found == expected


def test_scores_that_are_no_number_agree():
    given = hints([1], [1], score_of_boxes=np.nan)
    given = HintSet(given.points.changed(scores=np.nan), given.boxes)
    assert [cell.kind for cell in cells_of(given)] == ["point+box"]


def test_each_kind_keeps_its_order():
    random = np.random.default_rng(0)
    for _ in range(50):
        chosen = [random.permutation(8)[: random.integers(0, 9)] + 1 for _ in range(3)]
        cells = cells_of(hints(*chosen))
        for kind, ids in zip(("point", "box", "mask"), chosen, strict=True):
            assert [row.id for cell in cells for row in cell.rows if row.kind == kind] == ids.tolist()
