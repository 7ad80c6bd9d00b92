"""What was looked at, and what comes next."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import IGNORE, Boxes, HintSet, Masks, Points, Predictions
from napari_inkling.session import Session
from napari_inkling.session.guide import Looked
from tests.session.conftest import A, B

#: In a three in a crowd, of which one is marked soon, and a sure one; in b one far from the others.
IN_A = Points([[10, 10], [10, 16], [16, 10], [30, 50]], scores=[0.6, 0.7, 0.8, 1.0], sources="model")
IN_B = Points([[5, 5], [35, 55]], scores=[0.55, 0.3], sources="model")


@pytest.fixture
def guided(session: Session) -> Session:
    session.suggestions.put(A, Predictions(IN_A, radius=4.0))
    session.suggestions.put(B, Predictions(IN_B, radius=4.0))
    return session


def test_known_is_what_was_marked_judged_or_looked_at(guided):
    assert guided.guide.looked() == Looked(0, 4)
    guided.guide.look_at([int(IN_A.ids[0])])
    guided.guide.look_at([int(IN_A.ids[0])])
    assert guided.guide.looked() == Looked(1, 4)
    guided.review.accept([int(IN_A.ids[0])])
    assert guided.guide.looked() == Looked(1, 4)
    guided.annotations.edit(HintSet(), HintSet(Points([[16, 11]])), "add point")
    guided.review.reject([int(IN_A.ids[3])])
    assert guided.guide.looked(A) == Looked(3, 4)
    guided.annotations.undo()
    assert guided.guide.looked(A) == Looked(3, 4)  # who judged it has looked at it
    guided.annotations.undo()
    assert guided.guide.looked(A) == Looked(2, 4)


def test_a_marked_cell_is_known_though_its_outline_is_suggested(session):
    labels = np.zeros((40, 60), np.int64)
    labels[8:13, 8:13], labels[28:33, 48:53] = 1, 2
    masks = Masks.from_labels(labels, ids=IN_A.ids[[0, 3]], sources="model", scores=1.0)
    session.annotations.edit(HintSet(), HintSet(Points([[10, 11]])), "add point")
    session.suggestions.put(A, Predictions(IN_A.take([0, 3]), radius=4.0, masks=masks))
    assert len(session.suggestions.shown().masks) == 2
    assert session.guide.looked() == Looked(1, 2)


@pytest.mark.parametrize(
    "judge",
    [
        lambda session, one: session.review.accept([one]),
        lambda session, one: session.review.reject([one]),
        lambda session, one: session.review.reject([one], as_background=True),
        lambda session, one: session.masks.delete(one),
    ],
)
def test_what_was_judged_one_by_one_was_looked_at(guided, judge):
    judge(guided, int(IN_A.ids[1]))
    assert guided.guide.looked() == Looked(1, 4)
    guided.annotations.undo()
    assert guided.guide.looked() == Looked(1, 4)


def test_what_was_accepted_in_bulk_was_not_looked_at(guided):
    guided.guide.look_at([int(IN_A.ids[0])])
    guided.annotations.edit(HintSet(), HintSet(Points([[16, 11]])), "add point")  # on the third one
    assert guided.review.accept_above() == 3
    assert guided.guide.looked() == Looked(2, 4, 2)
    held = guided.annotations.hints.points
    guided.guide.look_at(held.ids[held.coordinates[:, 0] == 30])  # the fourth one, as it is now
    assert guided.guide.looked() == Looked(3, 4, 1)
    moved = held.take(held.coordinates[:, 1] == 16)
    guided.annotations.edit(HintSet(moved), HintSet(moved.changed(sources="human")), "move point")
    assert guided.guide.looked() == Looked(4, 4, 0)
    guided.annotations.undo()
    guided.annotations.undo()
    assert guided.guide.looked() == Looked(3, 4, 0)  # two looked at, one marked; the second one shows again


def test_in_bulk_holds_for_the_next_model_and_after_reopening(guided):
    guided.review.accept_in(0, 0, 20, 12)
    assert guided.guide.looked() == Looked(0, 4, 2)
    folder, again = guided.project.folder, Points([[10.5, 10], [25, 25]], scores=0.9, sources="model")
    guided.new_project(folder.with_name("other.inkling"))
    guided.open_project(folder)
    guided.suggestions.put(A, Predictions(again, radius=4.0))
    assert guided.guide.looked(A) == Looked(0, 2, 1)


def test_only_what_is_shown_counts(guided):
    assert guided.guide.looked(B) == Looked(0, 1)
    guided.suggestions.threshold = 0.2
    assert guided.guide.looked(B) == Looked(0, 2)
    guided.suggestions.threshold = 0.9
    assert guided.guide.looked(A) == Looked(0, 1)


def test_nothing_was_found(session):
    assert session.guide.looked() == session.guide.looked(B) == Looked(0, 0)
    assert session.guide.next_target() is None
    assert session.guide.what_next() == []


def test_it_holds_for_the_place_and_after_reopening(guided):
    guided.guide.look_at(IN_A.ids.tolist()[:2])
    folder = guided.project.folder
    again = Points([[10.5, 10.5], [16, 10]], scores=0.7, sources="model")
    guided.suggestions.put(A, Predictions(again, radius=4.0))
    assert guided.guide.looked(A) == Looked(1, 2)
    guided.new_project(folder.with_name("other.inkling"))
    guided.open_project(folder)
    assert guided.guide.looked(A) == Looked(0, 0)
    guided.suggestions.put(A, Predictions(again, radius=4.0))
    assert guided.guide.looked(A) == Looked(1, 2)


def test_what_was_looked_at_is_kept_when_the_plane_changes(guided):
    guided.guide.look_at([int(IN_A.ids[0])])
    assert guided.project.setting("looked_at") == {}
    guided.go_to(B)
    assert guided.project.setting("looked_at") == {"a": [[10.0, 10.0]]}


def test_a_cell_with_point_and_mask_counts_once(session):
    points = Points([[11, 11], [30, 30]], scores=0.7, ids=[1, 2], sources="model")
    masks = Masks.from_crops([(10, 10)], [np.ones((3, 3))], scores=0.6, ids=[1], sources="model")
    session.suggestions.put(A, Predictions(points, masks=masks, radius=4.0))
    assert session.guide.looked() == Looked(0, 2)
    session.guide.look_at([1])
    assert session.guide.looked() == Looked(1, 2)


def test_what_next_by_hand(guided):
    """Values: a .8 · 3, .6 · 3, .4 · 3 and 0 · 1, by a mean density of 2.5; b .9 · 1."""
    found = guided.guide.what_next()
    assert [(t.plane, t.id) for t in found[:2]] == [(A, IN_A.ids[0]), (B, IN_B.ids[0])]
    assert [t.value for t in found[:2]] == pytest.approx([0.96, 0.9])
    assert [t.doubt for t in found[:2]] == pytest.approx([0.8, 0.9])
    assert found[0].place == (10.0, 10.0)
    assert found[0].reason == "score near the threshold"
    assert guided.guide.needs() == pytest.approx({A: 3 * 0.8 + 3 * 0.6 + 3 * 0.4, B: 0.9})
    assert list(guided.guide.needs()) == [A, B]
    assert len(found) == 4  # the sure one has nothing to tell
    assert len(guided.guide.what_next(1)) == 1


def test_a_cell_that_was_pointed_at_is_not_worth_a_look_for_its_box(guided):
    boxes = Boxes([[0, 0, 20, 20], [0, 35, 20, 55]], scores=0.52, sources="model")
    guided.suggestions.put(B, Predictions(boxes=boxes))
    assert {target.id for target in guided.guide.what_next() if target.plane == B} == set(boxes.ids.tolist())
    guided.annotations.edit(HintSet(), HintSet(Points([[10, 11]])), "add point", B)
    assert {target.id for target in guided.guide.what_next() if target.plane == B} == {boxes.ids[1]}
    assert guided.guide.looked(B) == Looked(1, 2)


def test_what_is_doubted_is_told_by_all_that_was_found(guided):
    scores = [0.6, 0.64, 0.9, 0.95, 0.99]
    points = Points([[40 * i, 10] for i in range(5)], scores=scores, sources="model")
    guided.suggestions.put(B, Predictions(points, radius=4.0))
    guided.go_to(B)
    assert set(guided.guide.doubted()) == set(points.ids[:2].tolist())
    guided.review.accept(points.ids[2:].tolist())
    assert set(guided.guide.doubted()) == set(points.ids[:2].tolist())


def test_what_is_worth_a_look_comes_first_then_what_is_nearest_to_the_threshold(guided):
    """The third is more doubtful than the first, for two weak reasons; but none of them is strong."""
    points = Points(
        [[5, 5], [15, 15], [25, 25], [35, 35]],
        scores=[0.62, 0.99, 0.67, 0.99],
        sources="model",
        attributes={"disagreement": [0.0, 0.0, 0.49, 0.0]},
    )
    guided.suggestions.put(A, Predictions(points, radius=4.0))
    assert list(guided.guide.doubted(A)) == [points.ids[0]]
    assert guided.guide.order(A).tolist() == points.ids[[0, 2, 1, 3]].tolist()


def test_a_box_that_the_edge_cuts_is_not_odd(guided):
    corners = [[8 + 12 * (i % 2), 5 * i, 16 + 12 * (i % 2), 5 * i + 8] for i in range(1, 10)]
    boxes = Boxes([*corners, [-0.5, 20, 2, 28], [34, 10, 36, 40]], scores=0.99, sources="model")
    guided.suggestions.put(A, Predictions(boxes=boxes))
    assert list(guided.guide.doubted(A)) == [boxes.ids[10]]


def test_the_reason_of_one(guided):
    assert guided.guide.reason(int(IN_A.ids[0])) == "score near the threshold"
    assert guided.guide.reason(int(IN_A.ids[2])) == ""  # 0.8 is .3 above, of .5: a doubt of .4
    assert guided.guide.reason(12345) == ""
    shapes = Masks.from_crops(
        [(2 + 4 * i, 2 + 3 * i) for i in range(9)], [np.ones((2, 2))] * 8 + [np.ones((2, 30))], scores=0.95
    )
    guided.suggestions.put(B, Predictions(masks=shapes.changed(sources="model"), radius=4.0))
    assert guided.guide.reason(int(shapes.ids[8]), B) == "unusual size or shape"


def test_next_goes_through_the_list_once(guided):
    seen = [guided.guide.next_target() for _ in range(5)]
    assert [t.plane for t in seen[:2]] == [A, B]
    assert len({t.id for t in seen[:4]}) == 4
    assert seen[4] is None
    assert guided.guide.looked(A) == Looked(3, 4)


def test_next_passes_over_what_was_judged_meanwhile(guided):
    first = guided.guide.next_target()
    second, third = guided.guide.what_next()[:2]
    guided.review.accept([second.id], second.plane)
    assert guided.guide.next_target().id == third.id
    assert first.id == IN_A.ids[0]


def test_a_new_model_gives_a_new_list(guided):
    guided.guide.next_target()
    fresh = Points([[20, 20]], scores=0.5, sources="model")
    guided.suggestions.put(A, Predictions(fresh, radius=4.0))
    assert guided.guide.next_target().id == fresh.ids[0]


def test_images_that_are_held_out_are_not_recommended(guided):
    guided.images.update("a", complete=True)
    assert {t.plane for t in guided.guide.what_next()} == {B}


def test_images_that_were_removed_are_not_recommended(guided):
    guided.images.remove("b")
    assert {t.plane for t in guided.guide.what_next()} == {A}


def test_what_is_to_be_ignored_was_neither_found_nor_accepted(guided):
    guided.review.accept([int(IN_A.ids[1]), int(IN_A.ids[2])])
    guided.annotations.edit(HintSet(), HintSet(boxes=Boxes([[0, 0, 13, 13]], classes=IGNORE)), "add box")
    assert guided.guide.looked() == Looked(2, 3)  # without the first one, which is veiled
