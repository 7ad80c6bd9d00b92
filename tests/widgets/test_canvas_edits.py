"""What changed between the rows a layer was given and those it has."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, Boxes, Points
from napari_inkling.widgets.canvas_edits import Seen, compare_boxes, compare_points, is_inside

SHAPE = (100, 150)
SHOWN = Points(
    [[10, 10], [20, 20], [30, 30]], classes=["a", "b", BACKGROUND], ids=[1, 2, 3], sources="imported"
)


def seen(rows, classes=None):
    """Rows of (id, *coordinates)."""
    table = np.array(rows, dtype=float)
    names = np.array(["a"] * len(rows) if classes is None else classes, dtype=object)
    return Seen(table[:, 1:], names, table[:, 0].astype(np.int64))


SAME = ([(1, 10, 10), (2, 20, 20), (3, 30, 30)], ["a", "b", BACKGROUND])


@pytest.mark.parametrize(
    ("rows", "classes", "gone", "came", "label"),
    [
        (*SAME, [], [], ""),
        (SAME[0][::-1], SAME[1][::-1], [], [], ""),
        (SAME[0][:2], SAME[1][:2], [3], [], "delete point"),
        ([(2, 20, 20)], ["b"], [1, 3], [], "delete 2 points"),
        ([*SAME[0], (0, 5, 6)], [*SAME[1], "b"], [], [(5, 6, "b")], "add point"),
        ([*SAME[0], (2, 5, 6)], [*SAME[1], "b"], [], [(5, 6, "b")], "add point"),
        ([(1, 11, 12), *SAME[0][1:]], SAME[1], [1], [(11, 12, "a")], "move point"),
        (SAME[0], ["b", "b", BACKGROUND], [1], [(10, 10, "b")], "change class of point"),
        ([(1, 11, 12), (0, 5, 6), (3, 30, 30)], ["b", "a", BACKGROUND], [1, 2],
         [(11, 12, "b"), (5, 6, "a")], "add point, move point, delete point"),
    ],
)  # fmt: skip
def test_points(rows, classes, gone, came, label):
    change = compare_points(SHOWN, seen(rows, classes), SHAPE, ["a", "b"])
    assert sorted(change.before.ids.tolist()) == gone
    assert [
        (*c, k) for c, k in zip(change.after.coordinates.tolist(), change.after.classes, strict=True)
    ] == [(float(y), float(x), name) for y, x, name in came]
    assert change.label == label
    assert change.refusals == ()
    assert bool(change) == bool(label)


def test_a_changed_row_keeps_what_it_is():
    change = compare_points(SHOWN, seen([(1, 11, 12), *SAME[0][1:]], SAME[1]), SHAPE, ["a", "b"])
    assert change.after.ids.tolist() == [1]
    assert change.after.sources.tolist() == ["imported"]
    new = compare_points(SHOWN, seen([*SAME[0], (0, 5, 6)], [*SAME[1], "b"]), SHAPE, ["a", "b"]).after
    assert new.sources.tolist() == ["human"]
    assert new.ids[0] not in (0, 1, 2, 3)


@pytest.mark.parametrize(
    ("extra", "name", "words"),
    [
        ((0, -0.51, 5), "a", "outside the image, which has 100 × 150 pixels"),
        ((0, 99.5, 5), "a", "outside"),
        ((0, 5, 149.5), "a", "outside"),
        ((0, 10.4, 9.6), "a", "marked already"),
        ((0, 30, 30), BACKGROUND, "marked already"),
        ((0, 50, 50), "c", "of class 'c', which the project does not have"),
    ],
)
def test_refused_points(extra, name, words):
    change = compare_points(SHOWN, seen([*SAME[0], extra], [*SAME[1], name]), SHAPE, ["a", "b"])
    assert not change
    (text,) = change.refusals
    assert words in text
    assert f"{extra[1]:.1f}, {extra[2]:.1f}" in text


def test_two_new_points_at_one_pixel_are_one():
    change = compare_points(Points(), seen([(0, 5.1, 5), (0, 5, 5.2), (0, 6, 6)]), SHAPE, ["a"])
    np.testing.assert_allclose(change.after.coordinates, [[5.1, 5], [6, 6]])
    assert len(change.refusals) == 1


def test_an_old_point_may_lie_on_another_one():
    change = compare_points(SHOWN, seen([(1, 20, 20), *SAME[0][1:]], SAME[1]), SHAPE, ["a", "b"])
    assert change.label == "move point"


def test_a_move_to_the_outside_is_refused_but_its_class_taken():
    rows = [(1, -50, 10), *SAME[0][1:]]
    change = compare_points(SHOWN, seen(rows, ["b", "b", BACKGROUND]), SHAPE, ["a", "b"])
    np.testing.assert_allclose(change.after.coordinates, [[10, 10]])
    assert change.after.classes.tolist() == ["b"]
    assert "outside" in change.refusals[0]


BOXES = Boxes([[10, 10, 30.1, 30], [40, 40, 60, 70]], classes="a", ids=[1, 2])


@pytest.mark.parametrize(
    ("rows", "after", "label", "refused"),
    [
        ([(1, 10, 10, 30.1, 30), (2, 40, 40, 60, 70)], [], "", 0),
        ([(1, 10, 10, np.float32(30.1), 30), (2, 40, 40, 60, 70)], [], "", 0),
        ([(1, 12, 10, 32, 30), (2, 40, 40, 60, 70)], [[12, 10, 32, 30]], "change box", 0),
        ([(2, 40, 40, 60, 70)], [], "delete box", 0),
        (
            [(1, 10, 10, 30.1, 30), (2, 40, 40, 60, 70), (0, 90, -9, 120, 5)],
            [[90, -0.5, 99.5, 5]],
            "add box",
            0,
        ),
        ([(1, 10, 10, 30.1, 30), (2, 40, 40, 60, 70), (0, 5, 5, 7, 9)], [], "", 1),
        ([(1, 10, 10, 30.1, 30), (2, 40, 40, 60, 70), (0, 120, 5, 140, 50)], [], "", 1),
        ([(1, 10, 10, 30.1, 10), (2, 40, 40, 60, 70)], [], "", 1),
        ([(1, 10, 10, 30.1, 30), (2, 40, 40, 60, 70), (0, 40, 40, 61, 71)], [], "", 1),
        ([(1, 10, 10, 30.1, 30), (2, 40, 40, 60, 70), (0, 40, 40, 64, 71)], [[40, 40, 64, 71]], "add box", 0),
        (
            [(1, 10, 10, 30.1, 30), (2, 40, 40, 60, 70), (0, 5, 5, 9, 9), (0, 5, 5, 9, 9)],
            [[5, 5, 9, 9]],
            "add box",
            1,
        ),
        ([(1, 40, 40, 60, 70), (2, 40, 40, 60, 70)], [[40, 40, 60, 70]], "change box", 0),
    ],
)
def test_boxes(rows, after, label, refused):
    change = compare_boxes(BOXES, seen(rows), SHAPE, ["a"], least=3)
    np.testing.assert_allclose(change.after.coordinates.reshape(-1, 4), np.reshape(after, (-1, 4)))
    assert change.label == label
    assert len(change.refusals) == refused


def test_pixels_reach_half_a_pixel_around_their_centre():
    places = np.array([[-0.5, 0], [-0.6, 0], [99.4, 149.4], [99.5, 0], [0, 149.5]])
    assert is_inside(places, SHAPE).tolist() == [True, False, True, False, False]


def test_many_points_are_compared():
    rows = Points(np.random.default_rng(0).random((5000, 2)) * 90, classes="a")
    now = Seen(np.add(rows.coordinates, [0, 1e-3]), rows.classes, rows.ids)
    change = compare_points(rows, now, SHAPE, ["a"])
    assert len(change.after) == 5000
