"""What is left to judge, worked out by hand and against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, HintSet, Masks, Points, Predictions
from napari_inkling.session.accepting import accepted, background_at
from napari_inkling.session.suggested_cells import (
    count_cells,
    positions,
    scored,
    usual_radius,
    with_classes,
    with_ids,
    within,
    without_known,
)

from .conftest import LINE, NOTHING, outlined


def left(hints: HintSet, rejected: object, radius: float) -> list[list[float]]:
    return positions(without_known(LINE, hints, np.asarray(rejected, float), radius)).tolist()


def point(y: float, x: float, kind: str = "cell") -> HintSet:
    return HintSet(Points([[y, x]], classes=kind))


@pytest.mark.parametrize(
    ("hints", "rejected", "radius", "expected"),
    [
        (HintSet(), NOTHING, 4, [[0, 0], [0, 10], [0, 20], [50, 50]]),
        (point(0, 14), NOTHING, 4, [[0, 0], [0, 20], [50, 50]]),  # exactly one radius away: hidden
        (point(0, 14.1), NOTHING, 4, [[0, 0], [0, 10], [0, 20], [50, 50]]),
        (point(0, 9, BACKGROUND), NOTHING, 4, [[0, 0], [0, 20], [50, 50]]),  # "not a cell" hides too
        (point(0, 10), NOTHING, 10, [[50, 50]]),
        (point(50, 50), NOTHING, 4, [[0, 0], [0, 10], [0, 20], [50, 50]]),  # a cell that is clicked: its box
        (point(52, 54, BACKGROUND), NOTHING, 4, [[0, 0], [0, 10], [0, 20]]),  # in the middle of the box
        (point(46, 50, BACKGROUND), NOTHING, 4, [[0, 0], [0, 10], [0, 20], [50, 50]]),  # at its rim
        (HintSet(), [[51, 47]], 4, [[0, 0], [0, 10], [0, 20]]),
        (HintSet(boxes=Boxes([[45, 42, 55, 60]])), NOTHING, 4, [[0, 0], [0, 10], [0, 20]]),  # the same box
        (HintSet(boxes=Boxes([[45, 55, 55, 75]])), NOTHING, 4, [[0, 0], [0, 10], [0, 20], [50, 50]]),
        (HintSet(boxes=Boxes([[-3, 5, 3, 15]], classes=IGNORE, sources="imported")), NOTHING, 4,
         [[0, 0], [0, 10], [0, 20], [50, 50]]),  # around what nobody labelled yet
        (HintSet(boxes=Boxes([[-9, -9, 9, 10.5]], classes=IGNORE)), NOTHING, 4,
         [[0, 20], [50, 50]]),  # drawn by a person
        (HintSet(boxes=Boxes([[49, 40, 60, 60]], classes=IGNORE)), NOTHING, 4,
         [[0, 0], [0, 10], [0, 20]]),  # the centre of a box
        (HintSet(boxes=Boxes([[-3, 5, 3, 15]])), NOTHING, 4, [[0, 0], [0, 20], [50, 50]]),  # a box, a point
        (HintSet(boxes=Boxes([[-20, -10, 20, 30]])), NOTHING, 4, [[50, 50]]),  # a large box: half its side
        (HintSet(), [[0, 12]], 4, [[0, 0], [0, 20], [50, 50]]),  # rejected: half a radius away
        (HintSet(), [[0, 12.1]], 4, [[0, 0], [0, 10], [0, 20], [50, 50]]),
    ],
)  # fmt: skip
def test_what_is_near_a_hint_is_not_suggested(hints, rejected, radius, expected) -> None:
    assert left(hints, rejected, radius) == expected


def test_boxes_tell_the_radius() -> None:
    assert usual_radius(Boxes()) is None
    assert usual_radius(Boxes([[0, 0, 10, 10], [0, 0, 40, 10], [0, 0, 90, 90]])) == 10
    assert usual_radius(Boxes([[0, 0, 1, 1]])) == 1


def test_no_predictions() -> None:
    none = without_known(Predictions(), point(1, 1), np.ones((1, 2)), 4.0)
    assert (len(none.points), len(none.boxes)) == (0, 0)


def test_many_against_brute_force() -> None:
    rng = np.random.default_rng(1)
    found, marked, gone = (rng.uniform(0, 300, (n, 2)) for n in (400, 150, 60))
    kept = without_known(Predictions(Points(found)), HintSet(Points(marked)), gone, 8.0).points.coordinates
    to_marked = np.linalg.norm(found[:, None] - marked, axis=-1).min(1)
    to_gone = np.linalg.norm(found[:, None] - gone, axis=-1).min(1)
    assert kept.tolist() == found[(to_marked > 8) & (to_gone > 4)].tolist()
    assert 0 < len(kept) < 400


#: A point at (0, 0) and squares of 5 pixels by 5 with their centres at (10, 10) and (10, 30).
OUTLINED = Predictions(
    Points([[0, 0]], scores=[0.9]),
    masks=Masks.from_crops(
        [[8, 8], [8, 28]], [np.ones((5, 5), bool)] * 2, sources="model", scores=[0.5, 0.7]
    ),
)


def square(y: int, x: int, side: int) -> HintSet:
    """A mask with its first pixel there."""
    return HintSet(masks=Masks.from_crops([[y, x]], [np.ones((side, side), bool)]))


@pytest.mark.parametrize(
    ("hints", "rejected", "expected"),
    [
        (HintSet(), NOTHING, [[0, 0], [10, 10], [10, 30]]),
        (point(10, 13), NOTHING, [[0, 0], [10, 10], [10, 30]]),  # a cell that is clicked can be outlined
        (point(10, 13, BACKGROUND), NOTHING, [[0, 0], [10, 30]]),
        (HintSet(boxes=Boxes([[8, 8, 12, 12]])), NOTHING, [[0, 0], [10, 10], [10, 30]]),
        (square(8, 8, 5), NOTHING, [[0, 0], [10, 30]]),
        (square(10, 0, 21), NOTHING, [[0, 0], [10, 30]]),  # around (20, 10): half its side is 10.5 pixels
        (square(0, 0, 5), NOTHING, [[10, 10], [10, 30]]),  # around (2, 2): a mask hides a point
        (HintSet(), [[10, 30]], [[0, 0], [10, 10]]),
    ],
)
def test_masks_are_suggested_unless_known(hints: HintSet, rejected: object, expected: object) -> None:
    left = without_known(OUTLINED, hints, np.asarray(rejected, float), 4.0)
    assert positions(left).tolist() == expected


def test_masks_are_judged_as_points_and_boxes_are() -> None:
    ids = [*OUTLINED.points.ids, *OUTLINED.masks.ids]
    assert positions(within(OUTLINED, 5, 5, 20, 20)).tolist() == [[10, 10]]
    hints = accepted(with_ids(OUTLINED, [ids[0], ids[2]]), time=5.0)
    assert [len(rows) for rows in hints.kinds] == [1, 0, 1]
    assert (hints.masks.sources.tolist(), hints.masks.times.tolist()) == (["accepted"], [5.0])
    assert hints.masks.areas.tolist() == [25]
    assert hints.masks.ids[0] != ids[2]
    assert background_at(OUTLINED).points.coordinates.tolist() == [[0, 0], [10, 10], [10, 30]]


def test_rectangle_with_its_edges() -> None:
    assert positions(within(LINE, 0, 10, 50, 50)).tolist() == [[0, 10], [0, 20], [50, 50]]
    assert len(positions(within(LINE, 1, 0, 40, 40))) == 0


def test_classes_under_the_names_of_today() -> None:
    renamed = with_classes(LINE, {"a": "b", "b": "a", "cell": "cell"}.__getitem__)
    assert renamed.points.classes.tolist() == ["b", "a", "b"]
    assert renamed.boxes.classes.tolist() == ["cell"]
    assert (renamed.radius, renamed.points.ids.tolist()) == (4.0, LINE.points.ids.tolist())
    assert with_classes(LINE, lambda name: name) is LINE


def test_a_mask_of_a_person_hides_the_box_of_its_cell() -> None:
    cell = HintSet(masks=Masks.from_crops([[45, 40]], [np.ones((10, 20), bool)]))
    assert left(cell, NOTHING, 4) == [[0, 0], [0, 10], [0, 20]]
    beside = HintSet(masks=Masks.from_crops([[45, 40]], [np.ones((10, 4), bool)], classes="b"))
    assert left(beside, NOTHING, 4) == [[0, 0], [0, 10], [0, 20], [50, 50]]


# -- cells that have a point and a mask under one id


def test_a_cell_with_point_and_mask_counts_once() -> None:
    both = outlined((0, 0), (20, 20), ids=(7, 9))
    assert count_cells(both) == 2
    ids, scores = scored(both)
    assert (ids.tolist(), scores.tolist()) == ([7, 9], [0.8, 0.8])
    assert background_at(both).points.coordinates.tolist() == [[2, 2], [22, 22]]


def test_what_is_judged_of_a_cell_is_judged_of_all_its_rows() -> None:
    both = outlined((0, 0), (20, 20), ids=(7, 9))
    for hints, rejected in (
        (point(2, 4, BACKGROUND), NOTHING),
        (HintSet(), np.array([[2.0, 3.0]])),
        (square(0, 0, 5), NOTHING),
        (HintSet(masks=Masks.from_crops([[0, 0]], [np.ones((30, 3), bool)])), NOTHING),
    ):
        left = without_known(both, hints, rejected, 2.0)
        assert (left.points.ids.tolist(), left.masks.ids.tolist()) == ([9], [9])


def test_a_suggested_mask_takes_no_pixel_of_a_persons() -> None:
    column = HintSet(masks=Masks.from_crops([[-0, 4]], [np.ones((40, 1), bool)]))
    left = without_known(outlined((0, 0), ids=(7,), points=False), column, NOTHING, 1.0)
    assert left.masks.coordinates.tolist() == [[0, 0, 5, 4]]
    assert accepted(left, 1.0, hints=column).masks.areas.tolist() == [20]
