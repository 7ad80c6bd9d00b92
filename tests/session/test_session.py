"""Projects are opened, left and closed, and everything follows."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psygnal import Signal

from napari_inkling.core import HintSet, Points, Predictions, ProjectError
from napari_inkling.project import Project, journal
from napari_inkling.session import Session

from .conftest import INSIDE, SIGNALS, A, B, HandRunner, Heard, points


def test_looking_at_an_empty_session_makes_no_project(runner: HandRunner, home: Path) -> None:
    session = Session(runner)
    assert (session.plane, len(session.annotations.hints), len(session.suggestions.shown().points)) == (
        None,
        0,
        0,
    )
    assert (
        session.annotations.can_undo,
        session.annotations.can_redo,
        session.annotations.seconds_spent,
    ) == ("", "", 0.0)
    state = session.training.state
    assert (session.prediction.newest_model, state.active, state.seconds_left) == (None, False, None)
    assert not session.training.active
    session.advice.recommend()
    session.workspace.next_image()
    assert not session.has_project
    assert not home.exists()
    session.close()


def test_a_scratch_project_is_made_when_needed_and_kept_once_it_has_hints(
    runner: HandRunner, pictures: list[Path]
) -> None:
    session = Session(runner)
    session.images.add(pictures[:1])
    assert session.project.is_scratch
    session.annotations.edit(HintSet(), points((3, 4)), "add point")
    folder = session.project.folder
    session.close()
    with Project.open(folder) as project:
        assert project.hints(A).points.coordinates.tolist() == [[3, 4]]


def test_nothing_is_opened_after_the_end(session: Session) -> None:
    session.close()
    session.close()
    assert session.plane is None
    assert len(session.annotations.hints) == 0
    with pytest.raises(ProjectError, match="closed"):
        session.project  # noqa: B018


def test_another_project_is_told_once_and_everything_follows(
    session: Session, heard: Heard, tmp_path: Path
) -> None:
    session.new_project(tmp_path / "q.inkling")
    assert heard.names == [
        "project_changed",
        "classes_changed",
        "images_changed",
        "models_changed",
        "history_changed",
        "plane_changed",
    ]
    assert heard("plane_changed") == [None]
    assert session.project.name == "q"


def test_a_project_is_found_as_it_was_left(session: Session, tmp_path: Path) -> None:
    session.go_to(B)
    session.suggestions.threshold = 0.3
    session.radius.chosen = 6.5
    session.annotations.edit(HintSet(), points((3, 4)), "add point")
    session.close()
    again = Session(HandRunner())
    again.open_project(tmp_path / "p.inkling")
    assert (again.plane, again.suggestions.threshold, again.radius.chosen) == (B, 0.3, 6.5)
    assert again.annotations.hints.points.coordinates.tolist() == [[3, 4]]
    assert again.annotations.can_undo == "add point"
    again.annotations.undo()
    assert len(again.annotations.hints) == 0
    again.close()


def test_opening_the_open_project_again_changes_nothing(session: Session, heard: Heard) -> None:
    session.open_project(session.project.folder)
    assert heard.names == []
    assert not session.project.read_only


def test_the_second_viewer_opens_read_only_and_says_so(session: Session) -> None:
    second = Session(HandRunner())
    heard = Heard()
    heard.listen(second, "message", "hints_changed")
    second.open_project(session.project.folder)
    assert second.project.read_only
    assert any(level == "warning" and "read-only" in text for level, text in heard("message"))
    heard.clear()
    second.annotations.edit(HintSet(), points((3, 4)), "add point")  # the layer has shown it already
    assert [level for level, _ in heard("message")] == ["error"]
    assert heard("hints_changed") == [A]  # so that the layer shows the truth again
    assert len(second.annotations.hints) == 0
    assert second.annotations.undo() is None
    second.close()


def test_save_as_goes_on_in_the_copy(runner: HandRunner, pictures: list[Path], tmp_path: Path) -> None:
    session = Session(runner)
    session.images.add(pictures[:1])
    session.annotations.edit(HintSet(), points((3, 4)), "add point")
    found = Points([[20, 20], [30, 30]], scores=0.9, sources="model")
    session.suggestions.put(A, Predictions(found, radius=4.0))
    session.guide.look_at([int(found.ids[0])])
    session.suggestions.threshold = 0.3
    session.save_as(tmp_path / "kept.inkling")
    session.suggestions.put(A, Predictions(found, radius=4.0))
    assert (session.guide.looked().known, session.suggestions.threshold) == (1, 0.3)
    assert session.project.folder == tmp_path / "kept.inkling"
    assert not session.project.is_scratch
    assert len(session.annotations.hints) == 1
    session.close()


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """The journal cannot be written to while the list that this returns holds anything."""
    full, real = [True], journal.insert

    def insert(*args: Any) -> None:
        if full:
            raise sqlite3.OperationalError("database or disk is full")
        real(*args)

    monkeypatch.setattr(journal, "insert", insert)
    yield full
    full.clear()


@pytest.mark.parametrize("how", ["new", "open"])
def test_a_project_whose_edits_cannot_be_written_stays_open(
    session: Session, heard: Heard, tmp_path: Path, full_disk: list[bool], how: str
) -> None:
    folder = session.project.folder
    with Project.create(tmp_path / "q.inkling") as other:
        pass
    session.annotations.edit(HintSet(), points((3, 4)), "add point")
    heard.clear()
    with pytest.raises(ProjectError, match=r"the project p stays open: 1 edit\(s\) could not be written"):
        if how == "new":
            session.new_project(tmp_path / "r.inkling")
        else:
            session.open_project(other.folder)
    assert session.project.folder == folder
    assert session.plane == A
    assert session.annotations.hints.points.coordinates.tolist() == [[3, 4]]
    assert heard.told == []
    full_disk.clear()
    session.open_project(other.folder)  # nothing holds its lock
    assert not session.project.read_only
    session.open_project(folder)
    assert session.annotations.hints.points.coordinates.tolist() == [[3, 4]]


def test_closing_is_tried_again_after_a_full_disk(
    session: Session, heard: Heard, full_disk: list[bool]
) -> None:
    folder = session.project.folder
    session.annotations.edit(HintSet(), points((3, 4)), "add point")
    heard.clear()
    session.close()
    ((level, text),) = heard("message")
    assert (level, "could not be written" in text, session.has_project) == ("error", True, True)
    full_disk.clear()
    session.close()
    assert not session.has_project
    with Project.open(folder) as project:
        assert len(project.hints(A)) == 1


def test_every_signal_is_listened_to_here(session: Session) -> None:
    parts = {"": session, **{f"{name}.": part for name, part in vars(session).items()}}
    told = {
        f"{where}{name}"
        for where, part in parts.items()
        for name, value in vars(type(part)).items()
        if isinstance(value, Signal)
    }
    assert told == {*SIGNALS.values(), *INSIDE}


def test_a_setting_that_cannot_be_is_told_and_left_out(session: Session, heard: Heard) -> None:
    folder = session.project.folder
    session.new_project(folder.with_name("other.inkling"))
    file = folder / "project.json"
    values = json.loads(file.read_text("utf-8"))
    values["settings"] |= {"threshold": "high", "radius": [3], "looked_at": {"a": [[1]]}, "trained_images": 7}
    file.write_text(json.dumps(values), "utf-8")
    heard.clear()
    session.open_project(folder)
    assert (session.suggestions.threshold, session.radius.chosen) == (0.5, None)
    assert session.training.trained_images == frozenset()
    told = [text for level, text in heard("message") if level == "warning"]
    assert [text.split()[2] for text in told] == ["threshold", "radius", "looked_at", "trained_images"]
