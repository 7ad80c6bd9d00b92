from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_inkling.core import (
    BACKGROUND,
    IGNORE,
    Boxes,
    HintSet,
    Image,
    Masks,
    PlaneRef,
    Points,
    TrainingImage,
)
from napari_inkling.methods.stochastic_boxes.fields import fields_of, numbers, on_plane, pointed_cells
from napari_inkling.methods.stochastic_boxes.sizes import ClassSizes
from napari_inkling.training import working_image
from napari_inkling.training.box_crops import BOX, EMPTY, IGNORED, POINT
from napari_inkling.training.intensity import Intensity

SIZES = ClassSizes(np.array([[8.0, 12.0], [20.0, 20.0]]), np.array([96.0, 400.0]), np.array([10.0, 20.0]))
CLASSES = ("small", "large")


def plane(height: int, width: int, points=None, boxes=None) -> TrainingImage:
    image = Image(PlaneRef("drawn"), np.zeros((height, width), np.uint8))
    return TrainingImage(image, HintSet(points or Points(), boxes or Boxes()))


def found(of: TrainingImage, scale: float = 1.0):
    points = pointed_cells(of)
    of_points = SIZES.stochastic[numbers(points, CLASSES)]
    return list(fields_of(of, Intensity(mean=(0,), deviation=(1,)), scale, SIZES, CLASSES, of_points))


def test_rows_by_hand():
    points = Points([(20, 30), (5, 6)], classes=np.array(["large", BACKGROUND], object))
    boxes = Boxes([(1, 2, 3, 4), (10, 10, 20, 20)], classes=np.array(["small", IGNORE], object))
    (part,) = found(plane(100, 60, points, boxes))
    rows = part.field.rows
    assert part.field.pixels.shape == (1, 100, 60)
    assert rows.kinds.tolist() == [BOX, POINT, EMPTY, IGNORED]
    assert rows.classes[:2].tolist() == [0, 1]
    # pixels count from their centres in the image, from the edge of the first one here
    assert rows.boxes.tolist() == [
        [1.5, 2.5, 3.5, 4.5],
        [10.5, 20.5, 30.5, 40.5],
        [5.5 - 7, 6.5 - 8, 5.5 + 7, 6.5 + 8],
        [10.5, 10.5, 20.5, 20.5],
    ]


def test_at_another_scale():
    # 100 × 60 become 50 × 30: half of all, from the edge
    (part,) = found(plane(100, 60, boxes=Boxes([(-0.5, 3.5, 9.5, 11.5)], classes="small")), 0.5)
    assert part.field.pixels.shape == (1, 50, 30)
    assert part.field.rows.boxes.tolist() == [[0, 2, 5, 6]]


@pytest.mark.parametrize("place", [(99.5, 30), (50, 59.5), (-0.5, -0.5)])
def test_a_point_on_the_rim(place):
    (part,) = found(plane(100, 60, Points([place], classes="small")))
    assert part.field.rows.kinds.tolist() == [POINT]


def test_of_a_large_plane_the_parts_with_hints(monkeypatch):
    monkeypatch.setattr(working_image, "LARGEST_FIELD", 60)
    monkeypatch.setattr(working_image, "FIELD", 50)
    # in the upper left part, in the lower right one, and one of the latter that reaches into its neighbours
    boxes = Boxes([(10, 10, 20, 20), (70, 70, 80, 80), (46, 46, 58, 58)], classes="small")
    parts = {
        (part.window.top, part.window.left): part.field.rows.boxes.tolist()
        for part in found(plane(100, 150, boxes=boxes))
    }
    assert parts == {
        (0, 0): [[10.5, 10.5, 20.5, 20.5], [46.5, 46.5, 58.5, 58.5]],
        (50, 50): [[20.5, 20.5, 30.5, 30.5], [-3.5, -3.5, 8.5, 8.5]],
    }


@pytest.mark.parametrize(
    ("box", "cut"),
    [
        ((10, 10, 20, 20), (10, 10, 20, 20)),
        ((-30, -30, 500, 500), (-0.5, -0.5, 99.5, 59.5)),
        ((90, 50, 110, 70), (90, 50, 99.5, 59.5)),
        ((100, 10, 110, 20), None),
        ((-20, 10, -10, 20), None),
        ((10, 59.5, 20, 70), None),
    ],
)
@pytest.mark.parametrize("name", ["small", IGNORE])
def test_boxes_are_cut_at_the_edges(box, cut, name):
    kept = on_plane(plane(100, 60, boxes=Boxes([box], classes=name, ids=[7]))).hints.boxes
    assert kept.coordinates.tolist() == ([list(cut)] if cut else [])
    assert kept.ids.tolist() == [7] * bool(cut)


def test_a_sliver_at_the_edge_is_no_box():
    slivers = Boxes([(-20, 3, -0.499999, 23), (30, 59.4, 50, 80)], classes="small")
    whole = Boxes([(3, 3, 3.9, 3.95)], classes="small")  # a speck that lies on the plane stays as it is
    kept = on_plane(plane(100, 60, boxes=Boxes.concatenate([slivers, whole]))).hints.boxes
    assert kept.ids.tolist() == whole.ids.tolist()


def test_masks_have_boxes():
    masks = Masks.from_crops([(4, 6), (20, 30)], [np.ones((5, 8), bool)] * 2, ids=[7, 8], classes="small")
    hints = HintSet(boxes=Boxes([(1, 1, 9, 9)], ids=[8], classes="small"), masks=masks)
    kept = on_plane(replace(plane(100, 60), hints=hints)).hints.boxes
    assert kept.ids.tolist() == [8, 7]
    assert kept.coordinates.tolist() == [[1, 1, 9, 9], [3.5, 5.5, 8.5, 13.5]]


def test_points_beyond_the_edges_are_left_out():
    points = Points([(-0.5, -0.5), (99.5, 59.5), (99.6, 5), (-1, 5), (5, 60)])
    assert on_plane(plane(100, 60, points)).hints.points.coordinates.tolist() == [[-0.5, -0.5], [99.5, 59.5]]


def test_a_cell_with_a_box_and_a_point_is_one():
    points = Points(
        [(5, 5), (40, 40), (9, 9)], ids=[1, 2, 3], classes=np.array(["small", "small", BACKGROUND])
    )
    hinted = plane(100, 60, points, Boxes([(1, 1, 9, 9)], classes="small", ids=[1]))
    assert pointed_cells(hinted).ids.tolist() == [2]
