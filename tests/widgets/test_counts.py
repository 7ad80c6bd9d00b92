from __future__ import annotations

from napari_inkling.core import BACKGROUND, Boxes, HintSet, Points
from napari_inkling.widgets.panels.annotate import class_of_each


def test_a_cell_with_a_point_and_a_box_counts_once():
    points = Points([(1, 1), (5, 5), (9, 9)], classes=["a", "b", BACKGROUND], ids=[1, 2, 3])
    boxes = Boxes([(0, 0, 2, 2), (6, 6, 8, 8)], classes=["a", "b"], ids=[1, 4])
    assert class_of_each(HintSet(points, boxes)) == {1: "a", 2: "b", 3: BACKGROUND, 4: "b"}
    assert class_of_each(HintSet()) == {}
