"""What accepting and rejecting make of suggestions, worked out by hand."""

from __future__ import annotations

import numpy as np

from napari_inkling.core import BACKGROUND, DISAGREEMENT, IGNORE, Boxes, HintSet, Masks, Points, Predictions
from napari_inkling.session.accepting import (
    MARKED_BY,
    accepted,
    as_a_persons,
    background_at,
    beside_hints,
    joined_to_points,
    owners,
)
from napari_inkling.session.suggested_cells import count_cells, with_ids, without_known

from .conftest import LINE, NOTHING, outlined


def test_what_a_model_says_of_itself_is_not_accepted() -> None:
    unsure = Points([[0, 0], [0, 9]], attributes={DISAGREEMENT: [0.5, 0.0], "shape": ["round", "long"]})
    hints = accepted(Predictions(unsure), time=5.0)
    assert {name: of.tolist() for name, of in hints.points.attributes.items()} == {"shape": ["round", "long"]}


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


#: Two cells side by side, their boxes over one another by two columns.
PAIR = Predictions(
    boxes=Boxes(
        [[0, 0, 20, 20], [0, 18, 20, 38]], sources="model", scores=[0.9, 0.6], classes="a", ids=[7, 9]
    )
)


def test_a_box_around_a_persons_point_becomes_that_cells() -> None:
    clicked = HintSet(Points([[9, 25], [9, 2]], ids=[5, 6], classes="a"))
    left = without_known(PAIR, clicked, NOTHING, 8.0)
    assert left.boxes.ids.tolist() == [7, 9]
    assert owners(left, clicked) == {7: 6, 9: 5}
    hints = accepted(left, time=1.0, hints=clicked)
    assert (len(hints.points), hints.boxes.ids.tolist()) == (0, [6, 5])
    assert hints.boxes.scores.tolist() == [0.9, 0.6]
    assert count_cells(clicked.joined(hints)) == 2
    assert len(without_known(PAIR, clicked.joined(hints), NOTHING, 8.0).boxes) == 0


def test_which_cell_a_point_marks_shows_beside_the_neighbours() -> None:
    clicked = HintSet(Points([[10, 19.5]], ids=[5], classes="a"))  # nearer to the middle of the second box
    first = with_ids(PAIR, [7])
    assert owners(PAIR, clicked) == {9: 5}
    assert accepted(first, 1.0, hints=clicked).boxes.ids.tolist() == [5]
    assert accepted(first, 1.0, hints=clicked, among=PAIR).boxes.ids.tolist() != [5]
    hints = accepted(PAIR, 1.0, hints=clicked)
    assert hints.boxes.ids[1] == 5 != hints.boxes.ids[0]
    assert hints.boxes.sources.tolist() == ["accepted", "accepted"]
    assert count_cells(clicked.joined(hints)) == 2


def test_a_box_takes_the_class_of_the_point_in_its_middle() -> None:
    clicked = HintSet(Points([[11, 9]], ids=[5], classes="b"))
    hints = accepted(PAIR, 1.0, hints=clicked)
    assert (hints.boxes.ids[0], hints.boxes.classes.tolist()) == (5, ["b", "a"])


def test_a_point_with_a_box_owns_no_other_and_a_mask_goes_before_a_box() -> None:
    boxed = HintSet(Points([[11, 9]], ids=[5]), Boxes([[5, 5, 15, 12]], ids=[5]))
    assert owners(PAIR, boxed) == {}
    both = Predictions(
        boxes=PAIR.boxes, masks=Masks.from_crops([[5, 5]], [np.ones((9, 9), bool)], classes="a", ids=[7])
    )
    clicked = HintSet(Points([[11, 9]], ids=[5], classes="b"))
    assert owners(both, clicked) == {7: 5}
    hints = accepted(both, 1.0, hints=clicked)
    assert hints.masks.ids[0] == hints.boxes.ids[0] == 5
    assert hints.masks.classes[0] == hints.boxes.classes[0] == "b"


def test_point_and_suggested_box_are_one_entry() -> None:
    clicked = HintSet(Points([[30, 30], [11, 9]], ids=[4, 5], classes="b", seconds=2.0))
    both = beside_hints(clicked, PAIR)
    assert both.boxes.ids.tolist() == [5, 9]
    assert both.boxes.classes[0] == "b"
    assert count_cells(both) == 3


def test_a_suggested_box_of_a_cell_that_was_pointed_at_is_not_called_the_persons() -> None:
    clicked = HintSet(Points([[30, 30], [11, 9]], ids=[4, 5], classes="b"))
    both = beside_hints(clicked, PAIR)
    assert both.points.sources.tolist() == ["human", "model"]
    assert both.points.scores.tolist() == [1.0, PAIR.boxes.scores[0]]
    assert both.boxes.sources.tolist() == ["model", "model"]
    assert both.points.attributes[MARKED_BY].tolist() == ["", "human"]
    assert both.boxes.attributes[MARKED_BY].tolist() == ["human", ""]


def test_a_cell_with_a_box_of_the_persons_and_a_suggested_mask_is_one_entry() -> None:
    boxed = HintSet(Points([[10, 10], [40, 40]], ids=[4, 5]), Boxes([[5, 5, 15, 15]], ids=[4]))
    mask = Masks.from_crops([[6, 6]], [np.ones((9, 9), bool)], sources="model", scores=0.7)
    both = beside_hints(boxed, Predictions(masks=mask))
    assert [rows.ids.tolist() for rows in both.kinds] == [[4, 5], [4], [4]]
    assert [str(rows.sources[0]) for rows in both.kinds] == ["model"] * 3  # the outline is not judged
    assert [str(rows.attributes[MARKED_BY][0]) for rows in both.kinds] == ["human"] * 3
    assert both.points.sources[1] == "human"


def test_a_drawn_box_is_of_the_cell_that_was_clicked_under_its_class() -> None:
    clicked = HintSet(Points([[10, 10], [10, 28]], ids=[4, 5], classes=["a", "b"]))
    drawn = Boxes([[0, 0, 20, 20], [0, 20, 20, 40], [50, 50, 60, 60]], classes="a", ids=[1, 2, 3])
    assert joined_to_points(drawn, clicked).ids.tolist() == [4, 2, 3]
    has_one = clicked.joined(HintSet(boxes=Boxes([[1, 1, 9, 9]], ids=[4])))
    assert joined_to_points(drawn, has_one).ids.tolist() == [1, 2, 3]
    assert joined_to_points(drawn, HintSet()).ids.tolist() == [1, 2, 3]


def test_what_a_person_changes_of_an_accepted_cell_is_the_persons() -> None:
    was = HintSet(
        Points([[1, 1], [2, 2]], ids=[1, 2], sources=["accepted", "imported"], scores=0.5),
        Boxes([[0, 0, 5, 5], [9, 9, 12, 12]], ids=[3, 4], sources="accepted", scores=0.5),
    )
    now = HintSet(
        was.points.changed(coordinates=[[1, 3], [2, 3]]), was.boxes.changed(classes=["cell", "other"])
    )
    after = as_a_persons(was, now)
    assert after.points.sources.tolist() == ["human", "imported"]
    assert after.points.scores.tolist() == [1.0, 0.5]
    assert after.boxes.sources.tolist() == ["accepted", "human"]
    assert as_a_persons(was, was).boxes is was.boxes
    assert as_a_persons(HintSet(), was).boxes.sources.tolist() == ["accepted"] * 2


def test_a_box_to_ignore_that_was_imported_and_is_changed_is_a_persons() -> None:
    was = Boxes([[0, 0, 9, 9], [20, 20, 29, 29]], classes=[IGNORE, "cell"], sources="imported")
    now = was.changed(coordinates=was.coordinates + 1)
    after = as_a_persons(HintSet(boxes=was), HintSet(boxes=now)).boxes
    assert after.sources.tolist() == ["human", "imported"]
