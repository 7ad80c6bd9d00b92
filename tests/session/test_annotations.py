"""Edits: told, on disk, undone, and timed."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import HintSet, ProjectError
from napari_inkling.session import Session

from .conftest import A, B, Heard, points


def test_an_edit_is_told_and_on_disk(session: Session, heard: Heard) -> None:
    added = points((3, 4))
    session.annotations.edit(HintSet(), added, "add point")
    assert heard.names == ["hints_changed", "history_changed"]
    moved = HintSet(session.annotations.hints.points.changed(coordinates=np.array([[5.0, 6.0]])))
    session.annotations.edit(session.annotations.hints, moved, "move point")
    assert session.annotations.hints.points.coordinates.tolist() == [[5, 6]]
    assert session.annotations.hints.points.ids.tolist() == added.points.ids.tolist()
    assert (session.annotations.can_undo, session.annotations.can_redo) == ("move point", "")
    session.annotations.undo()
    assert session.annotations.hints.points.coordinates.tolist() == [[3, 4]]
    assert (session.annotations.can_undo, session.annotations.can_redo) == ("add point", "move point")
    session.annotations.redo()
    assert session.annotations.hints.points.coordinates.tolist() == [[5, 6]]


def test_undo_shows_what_it_undoes(session: Session, heard: Heard) -> None:
    session.annotations.edit(HintSet(), points((3, 4)), "add point")
    session.go_to(B)
    heard.clear()
    edit = session.annotations.undo()
    assert edit is not None
    assert edit.ref == session.plane == A
    assert heard.names == ["plane_changed", "hints_changed", "history_changed"]
    assert session.annotations.undo() is None


def test_an_edit_of_another_plane(session: Session, heard: Heard) -> None:
    session.annotations.edit(HintSet(), points((3, 4)), "add point", B)
    assert (len(session.annotations.hints), len(session.annotations.hints_of(B))) == (0, 1)
    assert heard("hints_changed") == [B]


def test_a_new_class_of_an_edit_is_told(session: Session, heard: Heard) -> None:
    session.annotations.edit(HintSet(), points((3, 4), classes="WBC"), "add point")
    assert "classes_changed" in heard.names
    assert [c.name for c in session.project.classes] == ["cell", "other", "WBC"]
    heard.clear()
    session.annotations.rename_class("WBC", "leukocyte")
    assert session.annotations.hints.points.classes.tolist() == ["leukocyte"]
    assert set(heard.names) == {"classes_changed", "hints_changed", "history_changed"}


def test_a_class_that_undo_brings_back_is_told(session: Session, heard: Heard) -> None:
    marked = points((3, 4), classes="WBC")
    session.annotations.edit(HintSet(), marked, "add point")
    session.annotations.edit(session.annotations.hints, HintSet(), "delete")
    session.annotations.set_classes(["cell", "other"])
    heard.clear()
    session.annotations.undo()
    assert [c.name for c in session.project.classes] == ["cell", "other", "WBC"]
    assert heard.names.index("classes_changed") < heard.names.index("hints_changed")
    heard.clear()
    session.annotations.redo()
    assert "classes_changed" not in heard.names


def test_a_full_disk_is_told_and_the_edit_stays(
    session: Session, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = session.project.edit

    def kept_in_memory(*args: object) -> None:
        real(*args)  # type: ignore[arg-type]
        raise ProjectError("1 edit could not be written: the disk is full")

    monkeypatch.setattr(session.project, "edit", kept_in_memory)
    session.annotations.edit(HintSet(), points((3, 4)), "add point")
    assert heard("message") == [("error", "1 edit could not be written: the disk is full")]
    assert len(session.annotations.hints) == 1
    assert heard("hints_changed") == [A]


def test_the_time_between_edits_is_what_a_hint_took(session: Session) -> None:
    now = [100.0]
    session._clock._clock = lambda: now[0]
    session.go_to(B)
    for wait, expected in ((2.0, 2.0), (3.5, 3.5), (60.0, 10.0)):  # a coffee break counts as 10 s
        now[0] += wait
        session.annotations.edit(HintSet(), points((wait, 1)), "add point")
        assert session.annotations.hints.points.seconds[-1] == expected
    assert session.annotations.seconds_spent == 15.5
    now[0] += 4.0
    two = points((30, 1), (31, 1))
    session.annotations.edit(HintSet(), two, "paste")
    assert session.annotations.hints.points.seconds[-2:].tolist() == [2.0, 2.0]
    assert (session.annotations.hints.points.times > 1.6e9).all()
    now[0] += 1.0
    moved = HintSet(
        session.annotations.hints.points.with_ids(two.points.ids).changed(coordinates=[[32, 1], [33, 1]])
    )
    session.annotations.edit(two, moved, "move points")  # old rows keep the time they took
    assert session.annotations.hints.points.with_ids(two.points.ids).seconds.tolist() == [2.0, 2.0]
    assert session.annotations.seconds_spent == 20.5
