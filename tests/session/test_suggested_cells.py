"""What is left to judge, worked out by hand and against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, DISAGREEMENT, Boxes, HintSet, Masks, Points, Predictions
from napari_inkling.session.suggested_cells import (
    accepted,
    background_at,
    by_doubt,
    count_cells,
    positions,
    scored,
    with_classes,
    with_ids,
    within,
    without_known,
)

#: Three points on a line and a box with its centre at (50, 50).
LINE = Predictions(
    Points([[0, 0], [0, 10], [0, 20]], sources="model", scores=[0.9, 0.6, 0.2], classes=["a", "b", "a"]),
    Boxes([[45, 40, 55, 60]], sources="model", scores=[0.7]),
    radius=4.0,
)
NOTHING = np.empty((0, 2))


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
        (point(53, 50), NOTHING, 4, [[0, 0], [0, 10], [0, 20]]),  # a point hides a box
        (HintSet(boxes=Boxes([[-3, 5, 3, 15]])), NOTHING, 4, [[0, 0], [0, 20], [50, 50]]),  # a box, a point
        (HintSet(boxes=Boxes([[-20, -10, 20, 30]])), NOTHING, 4, [[50, 50]]),  # a large box: half its side
        (HintSet(), [[0, 12]], 4, [[0, 0], [0, 20], [50, 50]]),  # rejected: half a radius away
        (HintSet(), [[0, 12.1]], 4, [[0, 0], [0, 10], [0, 20], [50, 50]]),
    ],
)
def test_what_is_near_a_hint_is_not_suggested(hints, rejected, radius, expected) -> None:
    assert left(hints, rejected, radius) == expected


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
    assert by_doubt(OUTLINED, 0.5).tolist() == [ids[1], ids[2], ids[0]]
    hints = accepted(with_ids(OUTLINED, [ids[0], ids[2]]), time=5.0)
    assert [len(rows) for rows in hints.kinds] == [1, 0, 1]
    assert (hints.masks.sources.tolist(), hints.masks.times.tolist()) == (["accepted"], [5.0])
    assert hints.masks.areas.tolist() == [25]
    assert hints.masks.ids[0] != ids[2]
    assert background_at(OUTLINED).points.coordinates.tolist() == [[0, 0], [10, 10], [10, 30]]


def test_what_a_model_says_of_itself_is_not_accepted() -> None:
    unsure = Points([[0, 0], [0, 9]], attributes={DISAGREEMENT: [0.5, 0.0], "shape": ["round", "long"]})
    hints = accepted(Predictions(unsure), time=5.0)
    assert {name: of.tolist() for name, of in hints.points.attributes.items()} == {"shape": ["round", "long"]}


def test_rectangle_with_its_edges() -> None:
    assert positions(within(LINE, 0, 10, 50, 50)).tolist() == [[0, 10], [0, 20], [50, 50]]
    assert len(positions(within(LINE, 1, 0, 40, 40))) == 0


def test_accepted_hints_keep_class_and_score_but_not_the_id() -> None:
    hints = accepted(LINE, time=5.0, round=2)
    assert hints.points.classes.tolist() == ["a", "b", "a"]
    assert hints.points.scores.tolist() == [0.9, 0.6, 0.2]
    assert set(hints.points.sources) | set(hints.boxes.sources) == {"accepted"}
    assert hints.points.times.tolist() == [5.0] * 3
    assert hints.points.rounds.tolist() == [2] * 3
    assert not np.isin(hints.points.ids, LINE.points.ids).any()
    assert hints.boxes.coordinates.tolist() == LINE.boxes.coordinates.tolist()


def test_background_points_are_a_persons() -> None:
    hints = background_at(with_ids(LINE, [LINE.points.ids[1], LINE.boxes.ids[0]]))
    assert hints.points.coordinates.tolist() == [[0, 10], [50, 50]]
    assert set(hints.points.classes) == {BACKGROUND}
    assert set(hints.points.sources) == {"human"}
    assert len(hints.boxes) == 0


def test_doubt_comes_first() -> None:
    ids = [*LINE.points.ids, *LINE.boxes.ids]  # scores 0.9, 0.6, 0.2, 0.7
    assert by_doubt(LINE, 0.5).tolist() == [ids[1], ids[3], ids[2], ids[0]]
    assert by_doubt(LINE, 0.9).tolist() == [ids[0], ids[3], ids[1], ids[2]]


def test_classes_under_the_names_of_today() -> None:
    renamed = with_classes(LINE, {"a": "b", "b": "a", "cell": "cell"}.__getitem__)
    assert renamed.points.classes.tolist() == ["b", "a", "b"]
    assert renamed.boxes.classes.tolist() == ["cell"]
    assert (renamed.radius, renamed.points.ids.tolist()) == (4.0, LINE.points.ids.tolist())
    assert with_classes(LINE, lambda name: name) is LINE


# -- cells that have a point and a mask under one id


def outlined(*corners: tuple[int, int], ids: tuple[int, ...], points: bool = True) -> Predictions:
    """Squares of 5 pixels by 5, with a point in the middle of each under the same id."""
    crops = [np.ones((5, 5), bool)] * len(corners)
    masks = Masks.from_crops(corners, crops, sources="model", scores=0.8, classes="b", ids=ids)
    middles = Points(np.add(corners, 2), sources="model", scores=0.8, classes="b", ids=ids)
    return Predictions(middles if points else Points(), masks=masks, radius=4.0)


def test_a_cell_with_point_and_mask_counts_once() -> None:
    both = outlined((0, 0), (20, 20), ids=(7, 9))
    assert count_cells(both) == 2
    assert by_doubt(both, 0.5).tolist() == [7, 9]
    ids, scores = scored(both)
    assert (ids.tolist(), scores.tolist()) == ([7, 9], [0.8, 0.8])
    assert background_at(both).points.coordinates.tolist() == [[2, 2], [22, 22]]


def test_accepting_writes_point_and_mask_under_one_id() -> None:
    hints = accepted(outlined((0, 0), (20, 20), ids=(7, 9)), time=1.0)
    assert hints.points.ids.tolist() == hints.masks.ids.tolist()
    assert not {7, 9} & set(hints.points.ids.tolist())
    assert hints.masks.centres.tolist() == hints.points.coordinates.tolist()


def test_a_mask_around_a_persons_point_becomes_that_cells() -> None:
    clicked = HintSet(Points([[3.4, 1.0]], ids=[5], classes="a"))
    left = without_known(outlined((0, 0), (20, 20), ids=(7, 9)), clicked, NOTHING, 4.0)
    assert left.points.ids.tolist() == [9]
    assert left.masks.ids.tolist() == [7, 9]
    hints = accepted(left, time=1.0, hints=clicked)
    assert len(hints.points) == 1
    assert hints.masks.ids.tolist() == [5, hints.points.ids[0]]
    assert hints.masks.classes.tolist() == ["a", "b"]
    assert count_cells(clicked.joined(hints)) == 2


def test_a_point_far_from_the_suggested_one_but_in_the_mask_is_the_same_cell() -> None:
    clicked = HintSet(Points([[0, 0]], ids=[5]))
    hints = accepted(outlined((0, 0), ids=(7,)), time=1.0, hints=clicked)
    assert (len(hints.points), hints.masks.ids.tolist()) == (0, [5])


def test_one_point_owns_one_mask_and_one_with_a_mask_no_other() -> None:
    twice = outlined((0, 0), (1, 1), ids=(7, 9), points=False)
    clicked = HintSet(Points([[2, 2], [3, 3]], ids=[5, 6]))
    assert accepted(twice, time=1.0, hints=clicked).masks.ids.tolist() == [5, 6]
    once = HintSet(Points([[2, 2]], ids=[5]))
    first, second = accepted(twice, time=1.0, hints=once).masks.ids.tolist()
    assert first == 5 != second
    has_one = HintSet(once.points, masks=Masks.from_crops([[40, 40]], [np.ones((3, 3), bool)], ids=[5]))
    assert 5 not in accepted(twice, time=1.0, hints=has_one).masks.ids


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
