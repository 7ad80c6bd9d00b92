"""What is left to judge."""

from __future__ import annotations

import numpy as np

from napari_inkling.core import HintSet, Masks, Points, Predictions, Preview
from napari_inkling.session import Session
from napari_inkling.session.suggested_cells import with_classes, without_known

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


def test_an_edit_that_hides_nothing_tells_of_no_change(reviewed: Session, heard: Heard) -> None:
    seen = shown(reviewed)
    reviewed.annotations.edit(HintSet(), points((30, 40)), "add point")
    assert heard.names == ["hints_changed", "history_changed"]
    assert shown(reviewed) == seen
    reviewed.suggestions.shown(B)
    reviewed.annotations.edit(HintSet(), points((30, 11)), "add point")
    reviewed.annotations.undo()
    assert heard("suggestions_changed") == [A, A]
    assert shown(reviewed) == seen


def cells() -> Predictions:
    """Discs of radius 3, 8 pixels apart, each with point and mask."""
    y, x = np.mgrid[4:40:8, 4:60:8]
    places = np.stack([y.ravel(), x.ravel()], 1)
    scores = np.linspace(0.1, 1, len(places))
    disc = np.hypot(*np.mgrid[-3:4, -3:4]) <= 3
    masks = Masks.from_crops(places - 3, [disc] * len(places), scores=scores, sources="model")
    return Predictions(Points(places, scores=scores, sources="model", ids=masks.ids), masks=masks, radius=3.0)


def change(session: Session, random: np.random.Generator) -> None:
    """Do one of the things that a person may do, somewhere."""
    held, y, x = session.annotations.hints, int(random.integers(30)), int(random.integers(50))
    crop = random.random(random.integers(1, 9, 2)) < 0.9
    crop[0, 0] = True
    drawn = Masks.from_crops([(y, x)], [crop])
    some = random.permutation(session.suggestions.shown(threshold=0.0).ids)[:3]
    one = held.masks.take(random.permutation(len(held.masks))[:1])
    edit = session.annotations.edit
    match int(random.integers(9)):
        case 0:
            edit(HintSet(), HintSet(masks=drawn), "draw")
        case 1 if len(one):
            edit(HintSet(masks=one), HintSet(masks=drawn.changed(ids=one.ids)), "paint")
        case 2 if len(one):
            edit(HintSet(masks=one), HintSet(), "delete")
        case 3:
            session.review.accept(some)
        case 4:
            session.review.reject(some[:1], as_background=bool(random.integers(2)))
        case 5:
            edit(HintSet(), points((y, x)), "add point")
        case 6:
            session.annotations.redo()
        case _:
            session.annotations.undo()


def test_after_random_edits_it_is_what_is_left_from_scratch(session: Session, heard: Heard) -> None:
    random = np.random.default_rng(0)
    session.suggestions.put(A, cells())
    counts, told = [], 0
    for _ in range(150):
        before = session.suggestions.shown(threshold=0.0)
        heard.clear()
        change(session, random)
        project, found = session.project, with_classes(session.suggestions.found(A), str)
        expected = without_known(found, session.annotations.hints, project.rejected(A), session.radius.at(A))
        assert session.suggestions.shown(threshold=0.0).equals(expected.above(0.0))
        told += bool(heard("suggestions_changed"))
        assert heard("suggestions_changed") or before.equals(expected.above(0.0))
        counts.append(len(expected.masks))
    assert len(set(counts)) > 5
    assert 10 < told < 140
