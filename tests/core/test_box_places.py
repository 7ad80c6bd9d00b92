"""Which boxes are of one cell, which cell a point marks, and what the edge of an image leaves of a box."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import Boxes, Points
from napari_inkling.core.box_places import boxes_at, centred_on, cut, of_same_cells, pointed_at, where_inside


@pytest.mark.parametrize(
    ("box", "left"),
    [
        ([2, 3, 8, 9], [2, 3, 8, 9]),
        ([-4, -0.5, 8, 9], [-0.5, -0.5, 8, 9]),
        ([2, 3, 80, 90], [2, 3, 19.5, 29.5]),
        ([-50, -50, 100, 100], [-0.5, -0.5, 19.5, 29.5]),  # larger than the image
        ([-9, 3, -1, 9], None),
        ([25, 3, 30, 9], None),
        ([18.6, 3, 40, 9], None),  # 0.9 pixels are left
    ],
)
def test_boxes_are_cut_at_the_edge(box, left) -> None:
    inside = cut(Boxes([box, [5, 5, 6, 6]], classes=["a", "b"], ids=[1, 2]), (20, 30))
    assert inside.coordinates.tolist() == ([] if left is None else [left]) + [[5, 5, 6, 6]]
    assert inside.ids.tolist() == ([] if left is None else [1]) + [2]


def test_boxes_inside_are_the_same_object() -> None:
    boxes = Boxes([[0, 0, 5, 5]])
    assert cut(boxes, (20, 30)) is boxes


def test_the_smallest_box_around_a_place_is_first() -> None:
    boxes = Boxes([[0, 0, 20, 20], [5, 5, 10, 10], [8, 8, 30, 30]])
    assert boxes_at(boxes, 9, 9).tolist() == [1, 0, 2]
    assert boxes_at(boxes, 11, 9).tolist() == [0, 2]
    assert boxes_at(boxes, 11, 9, reach=1).tolist() == [1, 0, 2]
    assert boxes_at(Boxes(), 1, 1).tolist() == []


def test_many_places_in_boxes_against_brute_force() -> None:
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 90, (80, 2))
    edges = np.concatenate([low, low + rng.uniform(1, 30, (80, 2))], axis=1)
    places = rng.uniform(0, 120, (150, 2))
    box, place = where_inside(edges, places)
    expected = (edges[:, None, :2] <= places) & (places <= edges[:, None, 2:])
    assert set(zip(box.tolist(), place.tolist(), strict=True)) == set(
        map(tuple, np.argwhere(expected.all(-1)).tolist())
    )


@pytest.mark.parametrize(
    ("place", "is_middle"),
    [((10, 20), True), ((15, 30), True), ((15.1, 20), False), ((10, 30.1), False), ((0, 0), False)],
)
def test_the_middle_is_half_of_each_side(place, is_middle) -> None:
    assert centred_on(np.array([[0.0, 0, 20, 40]]), np.array([place], float)).tolist() == [is_middle]


def test_the_middle_of_a_tiny_box_is_two_pixels_around_its_centre() -> None:
    edges = np.array([[9.5, 9.5, 10.5, 10.5]])
    assert centred_on(edges, np.array([[12.0, 8.0]])).tolist() == [True]
    assert centred_on(edges, np.array([[12.1, 8.0]])).tolist() == [False]
    assert centred_on(edges, np.empty((0, 2))).tolist() == [False]


@pytest.mark.parametrize(
    ("other", "name", "same"),
    [
        ([0, 0, 10, 10], "b", True),
        ([0, 0, 10, 20], "b", False),  # exactly one half
        ([0, 0, 10, 19], "b", True),
        ([0, 4, 10, 14], "a", False),  # 60 of 140
        ([2, 2, 8, 8], "b", False),  # a platelet on a red cell
        ([2, 2, 8, 8], "a", True),
        ([2, 2, 8, 12], "a", True),  # 8 of 10 columns of it are inside
        ([2, 4, 8, 14], "a", False),  # 6 of 10
        ([-30, -30, 40, 40], "a", True),
        ([20, 20, 30, 30], "a", False),
    ],
)
def test_boxes_of_one_cell(other, name, same) -> None:
    edges, others = np.array([[0.0, 0, 10, 10]]), np.array([other], float)
    assert of_same_cells(edges, ["a"], others, [name]).tolist() == [same]
    assert of_same_cells(others, [name], edges, ["a"]).tolist() == [same]


def test_boxes_of_one_cell_against_brute_force() -> None:
    rng = np.random.default_rng(1)

    def some(count):
        low = rng.uniform(0, 150, (count, 2))
        return np.concatenate([low, low + rng.uniform(4, 30, (count, 2))], axis=1)

    edges, others = some(200), some(160)
    top, low = np.minimum(edges[:, None, 2:], others[:, 2:]), np.maximum(edges[:, None, :2], others[:, :2])
    shared = np.clip(top - low, 0, None).prod(-1)
    areas = [(e[:, 2:] - e[:, :2]).prod(1) for e in (edges, others)]
    iou = shared / (areas[0][:, None] + areas[1] - shared)
    found = of_same_cells(edges, ["a"] * 200, others, ["b"] * 160)
    assert found.tolist() == (iou > 0.5).any(1).tolist()
    assert 0 < found.sum() < 200


@pytest.mark.parametrize(
    ("points", "classes", "owners"),
    [
        ([[5, 5]], ["a"], [0, -1]),
        ([[9, 9]], ["a"], [0, -1]),  # anywhere inside, of the same class
        ([[9, 9]], ["b"], [-1, -1]),
        ([[6, 7]], ["b"], [0, -1]),  # in the middle, whatever the class
        ([[5, 11.5]], ["a"], [-1, 0]),
        ([[5, 9]], ["a"], [0, -1]),  # in both: centred better in the first
        ([[5, 9.4]], ["a"], [-1, 0]),
        ([[5, 9], [5, 4]], ["a", "a"], [1, 0]),  # each has one
        ([[5, 5], [5, 4]], ["b", "a"], [1, -1]),  # of one class first
        ([[30, 30]], ["a"], [-1, -1]),
    ],
)
def test_which_cell_a_point_marks(points, classes, owners) -> None:
    boxes = Boxes([[0, 0, 10, 10], [0, 8.5, 10, 18.5]], classes="a")
    assert pointed_at(boxes, Points(points, classes=classes)).tolist() == owners


def test_nothing_marks_nothing() -> None:
    assert pointed_at(Boxes(), Points([[1, 1]])).tolist() == []
    assert pointed_at(Boxes([[0, 0, 1, 1]]), Points()).tolist() == [-1]
    assert of_same_cells(np.empty((0, 4)), [], np.empty((0, 4)), []).tolist() == []
