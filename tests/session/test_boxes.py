"""Correcting boxes, and suggestions that are boxes."""

from __future__ import annotations

import pytest

from napari_inkling.core import BACKGROUND, Boxes, HintError, HintSet, Points, Predictions, Preview
from napari_inkling.session import Session, count_cells

from .conftest import A, HandRunner, Heard

#: In an image of 40 × 60 pixels; the second one reaches beyond it.
FOUND = Boxes(
    [[2, 2, 12, 14], [20, 50, 32, 66], [20, 20, 30, 30]],
    sources="model",
    scores=[0.9, 0.7, 0.6],
    classes=["cell", "other", "cell"],
    ids=[7, 8, 9],
)


@pytest.fixture
def boxed(session: Session, runner: HandRunner, heard: Heard) -> Session:
    """A session in which FOUND is suggested on the plane "a"."""
    session.annotations.edit(HintSet(), HintSet(Points([[38, 2], [38, 5]])), "add points")
    session.training.start()
    runner.tell(Preview(A, Predictions(boxes=FOUND)))
    heard.clear()
    return session


def test_suggested_boxes_are_cut_at_the_edge(boxed: Session) -> None:
    assert boxed.suggestions.shown().boxes.coordinates[1].tolist() == [20, 50, 32, 59.5]
    assert boxed.radius.at(A) == 5  # half of what is usual, 10 by 10 pixels


def test_a_suggestion_is_moved_and_becomes_a_persons(boxed: Session) -> None:
    one = boxed.boxes.correct(FOUND.take([0]), [1, 1, 14, 16])
    boxes = boxed.annotations.hints.boxes
    assert (boxes.ids.tolist(), boxes.coordinates.tolist()) == ([one], [[1, 1, 14, 16]])
    assert (boxes.sources[0], boxes.scores[0], boxes.classes[0]) == ("human", 1.0, "cell")
    assert boxes.times[0] > 0
    assert boxed.annotations.can_undo == "correct box"
    assert boxed.suggestions.shown().boxes.ids.tolist() == [8, 9]
    assert boxed.guide.looked() == (1, 3, 0)
    boxed.annotations.undo()
    assert boxed.suggestions.shown().boxes.ids.tolist() == [7, 8, 9]
    assert len(boxed.annotations.hints.boxes) == 0


def test_it_is_cut_at_the_edge_or_refused(boxed: Session) -> None:
    boxed.boxes.correct(FOUND.take([1]), [20, 45, 90, 99])
    assert boxed.annotations.hints.boxes.coordinates.tolist() == [[20, 45, 39.5, 59.5]]
    for box in ([5, 5, 5, 9], [9, 9, 5, 5], [-20, -20, -5, -5]):
        with pytest.raises(HintError, match="too small inside the image, which has 40 × 60 pixels"):
            boxed.boxes.correct(FOUND.take([0]), box)
    assert len(boxed.annotations.hints.boxes) == 1


def test_it_may_have_been_replaced_meanwhile(boxed: Session, runner: HandRunner) -> None:
    runner.tell(Preview(A, Predictions(boxes=FOUND.changed(ids=[17, 18, 19]))))
    boxed.boxes.correct(FOUND.take([0]), [1, 1, 13, 15])
    assert boxed.annotations.hints.boxes.coordinates.tolist() == [[1, 1, 13, 15]]
    assert boxed.suggestions.shown().boxes.ids.tolist() == [18, 19]


def test_the_corrected_box_of_a_clicked_cell_is_that_cells(boxed: Session) -> None:
    boxed.annotations.edit(HintSet(), HintSet(Points([[7, 8]], ids=[5], classes="cell")), "add point")
    assert boxed.boxes.correct(FOUND.take([0]), [1, 1, 14, 16]) == 5
    assert count_cells(boxed.annotations.hints) == 3


@pytest.mark.parametrize(("name", "source", "score"), [("cell", "accepted", 0.9), ("other", "human", 1.0)])
def test_a_suggestion_is_accepted_as_a_class(boxed: Session, name: str, source: str, score: float) -> None:
    assert boxed.review.accept_as(7, name)
    boxes = boxed.annotations.hints.boxes
    assert (boxes.classes[0], boxes.sources[0], boxes.scores[0]) == (name, source, score)
    assert boxed.annotations.can_undo == f"accept 1 suggestion as {name}"
    assert not boxed.review.accept_as(7, name)
    boxed.annotations.undo()
    assert len(boxed.suggestions.shown().boxes) == 3


def test_the_class_of_a_clicked_cell_follows(boxed: Session) -> None:
    boxed.annotations.edit(HintSet(), HintSet(Points([[7, 8]], ids=[5], classes="cell")), "add point")
    assert boxed.review.is_marked(7)
    assert not boxed.review.is_marked(9)
    boxed.review.accept_as(7, "other")
    hints = boxed.annotations.hints
    assert hints.points.with_ids([5]).classes.tolist() == ["other"]
    assert (hints.boxes.ids.tolist(), hints.boxes.classes.tolist()) == ([5], ["other"])
    boxed.annotations.undo()
    assert boxed.annotations.hints.points.with_ids([5]).classes.tolist() == ["cell"]


def test_accepting_all_counts_every_cell_once(boxed: Session) -> None:
    boxed.annotations.edit(HintSet(), HintSet(Points([[7, 8]], ids=[5], classes="cell")), "add point")
    assert boxed.guide.looked() == (1, 3, 0)
    assert boxed.review.accept_above() == 3
    assert count_cells(boxed.annotations.hints) == 5  # with the two points elsewhere
    assert boxed.annotations.hints.boxes.scores.tolist() == [0.9, 0.7, 0.6]
    assert boxed.project.image("a").reviewed
    assert boxed.guide.looked() == (1, 3, 2)


def test_a_rejected_box_stays_away_from_later_previews(boxed: Session, runner: HandRunner) -> None:
    boxed.review.reject([7])
    boxed.review.reject([9], as_background=True)
    assert boxed.annotations.hints.points.background.coordinates.tolist() == [[25, 25]]
    shifted = FOUND.changed(coordinates=FOUND.coordinates + 1.5, ids=[17, 18, 19])
    runner.tell(Preview(A, Predictions(boxes=shifted)))
    assert boxed.suggestions.shown().boxes.ids.tolist() == [18]
    assert boxed.review.restore_rejected() == 1
    assert boxed.suggestions.shown().boxes.ids.tolist() == [17, 18]


def test_boxes_under_the_classes_names_of_today(boxed: Session) -> None:
    boxed.annotations.rename_class("other", "blast")
    assert boxed.suggestions.shown().boxes.classes.tolist() == ["cell", "blast", "cell"]
    # Of one class, the box within the suggested one is of the same cell.
    boxed.annotations.edit(HintSet(), HintSet(boxes=Boxes([[22, 52, 28, 58]], classes="blast")), "add box")
    assert boxed.suggestions.shown().boxes.ids.tolist() == [7, 9]


def test_a_box_drawn_around_a_clicked_cell_is_of_that_cell(boxed: Session) -> None:
    clicked = HintSet(Points([[7, 40], [7, 50]], ids=[5, 6], classes=["cell", BACKGROUND]))
    boxed.annotations.edit(HintSet(), clicked, "add points")
    drawn = Boxes([[2, 35, 12, 45], [2, 46, 12, 56]], classes="cell")
    boxed.boxes.edit(HintSet(), HintSet(boxes=drawn), "add box")
    boxes = boxed.annotations.hints.boxes
    assert boxes.ids.tolist() == [5, drawn.ids[1]]
    assert boxes.sources.tolist() == ["human", "human"]
    assert count_cells(boxed.annotations.hints) == 5  # with the points of before, and "not a cell"


def test_an_accepted_box_that_is_moved_is_a_persons(boxed: Session) -> None:
    boxed.review.accept([7, 9])
    was = boxed.annotations.hints.boxes.take(slice(0, 1))
    now = was.changed(coordinates=was.coordinates + 1)
    boxed.boxes.edit(HintSet(boxes=was), HintSet(boxes=now), "change box")
    assert sorted(boxed.annotations.hints.boxes.sources.tolist()) == ["accepted", "human"]
