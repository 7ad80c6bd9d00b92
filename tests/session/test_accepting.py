"""What accepting and rejecting make of suggestions, worked out by hand."""

from __future__ import annotations

import numpy as np

from napari_inkling.core import BACKGROUND, DISAGREEMENT, HintSet, Masks, Points, Predictions
from napari_inkling.session.accepting import accepted, background_at
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
