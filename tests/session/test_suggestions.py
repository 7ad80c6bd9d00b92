"""What is left to judge."""

from __future__ import annotations

from napari_inkling.core import HintSet, Preview
from napari_inkling.session import Session

from .conftest import ROW, A, B, HandRunner, Heard, points, shown


def test_what_is_shown_follows_the_threshold(reviewed: Session, heard: Heard) -> None:
    assert shown(reviewed) == [[10, 10], [10, 20], [30, 10]]
    reviewed.suggestions.threshold = 0.65
    assert shown(reviewed) == [[10, 10], [10, 20]]
    assert heard("suggestions_changed") == [A]
    reviewed.suggestions.threshold = 7
    assert reviewed.suggestions.threshold == 1.0
    assert len(reviewed.suggestions.shown(threshold=0.0).points) == 4


def test_a_human_hint_hides_what_it_confirms(reviewed: Session, heard: Heard) -> None:
    reviewed.annotations.edit(HintSet(), points((12, 21)), "add point")
    assert shown(reviewed) == [[10, 10], [30, 10]]
    assert heard("suggestions_changed") == [A]


def test_suggestions_take_part_in_a_renaming(reviewed: Session, runner: HandRunner, heard: Heard) -> None:
    assert set(reviewed.suggestions.shown().points.classes) == {"cell"}
    reviewed.annotations.rename_class("cell", "RBC")
    assert set(reviewed.suggestions.shown().points.classes) == {"RBC"}
    assert {"classes_changed", "suggestions_changed"} <= set(heard.names)
    runner.tell(Preview(B, ROW))  # the model knows the name of the day when it was trained
    assert set(reviewed.suggestions.shown(B).points.classes) == {"RBC"}
    reviewed.review.accept_above()
    reviewed.review.accept_above(B)
    assert set(reviewed.annotations.hints.points.classes) == {"RBC"}
    assert [c.name for c in reviewed.project.classes] == ["RBC", "other"]


def test_suggestions_stay_apart_from_hints(reviewed: Session) -> None:
    before = reviewed.annotations.hints
    reviewed.suggestions.threshold = 0.1
    reviewed.review.reject([ROW.points.ids[1]])
    assert reviewed.annotations.hints.points.equals(before.points)
