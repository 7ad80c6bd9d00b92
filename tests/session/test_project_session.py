"""Projects, planes and edits, as the dock and the command line drive them."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from psygnal import Signal

from napari_inkling.core import HintSet, ImageError, InklingError, PlaneRef, ProjectError
from napari_inkling.project import Project, image_list, journal
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
    assert (session.prediction.newest_model, session.training.active, session.training.seconds_left) == (
        None,
        False,
        None,
    )
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
    session.save_as(tmp_path / "kept.inkling")
    assert session.project.folder == tmp_path / "kept.inkling"
    assert not session.project.is_scratch
    assert len(session.annotations.hints) == 1
    session.close()


def test_a_bad_image_is_named_and_the_others_are_added(
    runner: HandRunner, pictures: list[Path], tmp_path: Path
) -> None:
    session = Session(runner)
    heard = Heard()
    heard.listen(session, "images_changed", "plane_changed")
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"II*\0 not a picture")
    with pytest.raises(ImageError, match=r"bad\.tif"):
        session.images.add([pictures[0], bad])
    assert [record.name for record in session.project.images] == ["a"]
    assert session.plane == A
    assert heard("plane_changed")[-1] == A
    session.close()


def test_a_missing_image_is_told_when_its_project_opens(
    session: Session, pictures: list[Path], tmp_path: Path
) -> None:
    session.close()
    pictures[1].unlink()
    again, heard = Session(HandRunner()), Heard()
    heard.listen(again, "message")
    again.open_project(tmp_path / "p.inkling")
    assert [level for level, _ in heard("message")] == ["warning"]
    assert "b.tif" in heard("message")[0][1]
    again.close()


class ByHand:
    """Keeps what is handed over until the test runs it."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def __call__(self, call: Callable[[], None]) -> None:
        self.calls.append(call)

    def run(self) -> None:
        while self.calls:
            self.calls.pop(0)()


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    """Which files are fingerprinted from now on, and whether in the main thread."""
    files: list[tuple[str, bool]] = []
    real = image_list.fingerprint

    def noted(path: Path) -> str:
        files.append((Path(path).name, threading.current_thread() is threading.main_thread()))
        return real(path)

    monkeypatch.setattr(image_list, "fingerprint", noted)
    return files


def test_images_are_looked_at_once_and_beside_everything_else(
    session: Session, pictures: list[Path], tmp_path: Path, read: list[tuple[str, bool]]
) -> None:
    session.close()
    gone = pictures[1].rename(tmp_path / "elsewhere.tif")
    later, heard = ByHand(), Heard()
    again = Session(HandRunner(), later)
    heard.listen(again, "problems_changed", "message")
    again.open_project(tmp_path / "p.inkling")
    assert (dict(again.images.problems), heard.told) == ({}, [])
    until(lambda: later.calls)
    later.run()
    assert {name: problem.what for name, problem in again.images.problems.items()} == {"b": "missing"}
    assert heard.names == ["problems_changed", "message"]
    assert read == [("a.tif", False)]  # what is missing has nothing to read

    again.images.add(pictures[2:])
    assert read[1:] == [("c.tif", True)]  # to know it again: nothing else was read
    again.images.relink("b", gone)
    assert (dict(again.images.problems), heard("problems_changed")) == ({}, [(), ()])
    again.close()


def test_an_image_that_is_found_before_the_answer_comes_is_in_order(
    session: Session, pictures: list[Path], tmp_path: Path
) -> None:
    session.close()
    gone = [path.rename(tmp_path / f"gone-{path.name}") for path in pictures[:2]]
    later = ByHand()
    again = Session(HandRunner(), later)
    again.open_project(tmp_path / "p.inkling")
    until(lambda: later.calls)
    again.images.relink("b", gone[1])
    again.images.remove("a")
    later.run()
    assert dict(again.images.problems) == {}
    again.close()


def test_an_image_that_is_back_is_in_order_when_it_is_visited(
    session: Session, heard: Heard, pictures: list[Path], tmp_path: Path
) -> None:
    folder = session.project.folder
    session.new_project(tmp_path / "q.inkling")
    pictures[1].rename(tmp_path / "elsewhere.tif")
    session.open_project(folder)
    assert list(session.images.problems) == ["b"]
    heard.clear()
    session.go_to(B)
    assert heard.names == ["plane_changed"]  # known
    (tmp_path / "elsewhere.tif").rename(pictures[1])
    session.go_to(A)
    session.go_to(B)
    assert dict(session.images.problems) == {}
    assert heard.names[-1] == "problems_changed"


def test_problems_of_an_image_go_with_it(session: Session, pictures: list[Path], tmp_path: Path) -> None:
    folder = session.project.folder
    session.new_project(tmp_path / "q.inkling")
    pictures[1].unlink()
    session.open_project(folder)
    session.images.remove("b")
    assert dict(session.images.problems) == {}
    pictures[0].unlink()
    session.new_project(tmp_path / "r.inkling")
    assert dict(session.images.problems) == {}


@pytest.mark.parametrize("how", ["close", "switch"])
def test_no_answer_comes_about_a_project_that_was_left(
    session: Session, pictures: list[Path], tmp_path: Path, how: str
) -> None:
    session.close()
    pictures[1].unlink()
    later, heard = ByHand(), Heard()
    again = Session(HandRunner(), later)
    again.open_project(tmp_path / "p.inkling")
    until(lambda: later.calls)
    heard.listen(again, "problems_changed", "message")
    if how == "close":
        again.close()
    else:
        again.new_project(tmp_path / "q.inkling")
    later.run()
    assert heard.told == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("inkling-image")]
    again.close()


def until(holds: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not holds() and time.monotonic() < end:
        time.sleep(0.005)
    assert holds()


def test_planes_in_turn(session: Session, heard: Heard, pictures: list[Path]) -> None:
    session.images.add([pictures[2]])
    first = PlaneRef("c", (0,))
    for step, expected in (
        (session.workspace.next_image, B),
        (session.workspace.next_image, first),
        (session.workspace.next_image, A),
        (session.workspace.previous_image, first),
        (lambda: session.go_to(PlaneRef("c", (2,))), PlaneRef("c", (2,))),
        (session.workspace.previous_image, B),
    ):
        step()
        assert session.plane == expected
    assert heard("plane_changed") == [B, first, A, first, PlaneRef("c", (2,)), B]
    session.go_to(B)
    assert len(heard("plane_changed")) == 6  # it was there


@pytest.mark.parametrize(
    ("ref", "says"),
    [
        (PlaneRef("z"), "no image 'z'"),
        (PlaneRef("c", (3,)), r"'c' has no plane \[3\]: its stack has the shape \[3\]"),
        (PlaneRef("c"), r"'c' has no plane \[\]"),
    ],
)
def test_a_plane_that_is_not_there(session: Session, pictures: list[Path], ref: PlaneRef, says: str) -> None:
    session.images.add([pictures[2]])
    with pytest.raises(InklingError, match=says):
        session.go_to(ref)
    assert session.plane == A


def test_removing_the_image_on_screen_shows_another(session: Session, heard: Heard) -> None:
    session.images.remove("a")
    assert session.plane == B
    session.images.remove("b")
    assert session.plane is None
    assert heard("plane_changed") == [B, None]
    assert heard.names.count("images_changed") == 2
    with pytest.raises(ProjectError, match="add an image first"):
        session.annotations.edit(HintSet(), points((1, 1)), "add point")


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


def test_annotations_go_out_and_come_back(session: Session, heard: Heard, tmp_path: Path) -> None:
    session.annotations.edit(HintSet(), points((3, 4), (5, 6)), "add points")
    path = session.files.export(tmp_path / "points.csv", "points-csv")
    session.annotations.undo()
    heard.clear()
    result = session.files.import_annotations(path, "points-csv")
    assert len(session.annotations.hints) == 2
    assert list(result.hints) == ["a"]
    assert heard("hints_changed") == [A]
    with pytest.raises(InklingError, match="format"):
        session.files.export(tmp_path / "x", "docx")


def test_marks_of_an_image(session: Session, heard: Heard) -> None:
    session.images.update("a", complete=True, reviewed=True)
    assert session.project.image("a").complete
    assert heard.names == ["images_changed"]


def test_pixels_of_a_layer(session: Session, heard: Heard) -> None:
    record = session.images.add_array("layer", np.zeros((20, 30), np.uint8), "YX")
    assert record.name == "layer"
    assert session.plane == A  # it does not push itself forward
    session.go_to(PlaneRef("layer"))
    assert heard.names == ["images_changed", "plane_changed"]


def test_every_signal_is_listened_to_here(session: Session) -> None:
    parts = {"": session, **{f"{name}.": part for name, part in vars(session).items()}}
    told = {
        f"{where}{name}"
        for where, part in parts.items()
        for name, value in vars(type(part)).items()
        if isinstance(value, Signal)
    }
    assert told == {*SIGNALS.values(), *INSIDE}
