"""Making, opening, locking, closing and copying projects; scratch projects."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import filelock
import pytest
from hint_cases import CELLS, places, point

from napari_inkling.core import HintSet, ProjectError, ProjectLockedError
from napari_inkling.project import Project, scratch_folders
from napari_inkling.project.journal import JOURNAL

NOTHING = HintSet()


def test_create_and_open(tmp_path: Path) -> None:
    with Project.create(tmp_path / "my study.inkling", ["a", "b"]) as project:
        assert (project.name, project.read_only, project.is_scratch, project.notices) == (
            "my study",
            False,
            False,
            [],
        )
        assert [c.name for c in project.classes] == ["a", "b"]
        assert (project.images, project.models(), project.can_undo) == ((), [], "")
    with Project.open(str(tmp_path / "my study.inkling")) as project:
        assert [c.name for c in project.classes] == ["a", "b"]
    with pytest.raises(ProjectError, match="is an inkling project already"):
        Project.create(tmp_path / "my study.inkling")


@pytest.mark.parametrize(
    ("what", "message"), [("gone", "does not exist"), ("folder", "is not an inkling project")]
)
def test_what_is_no_project(tmp_path: Path, what: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ProjectError, match=message):
        Project.open(tmp_path / what)


def test_create_where_a_file_is(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ProjectError, match="cannot be made"):
        Project.create(tmp_path / "file")


def test_bad_classes_leave_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="is there twice"):
        Project.create(tmp_path / "p", ["a", "a"])
    assert not (tmp_path / "p").exists()


def test_a_project_whose_making_was_interrupted_is_made_again(tmp_path: Path, project: Project) -> None:
    project.edit(CELLS, NOTHING, point(1, 2), "add")
    project.close()
    for name in ("project.json", "project.backup.json"):
        (project.folder / name).unlink()
    with Project.create(project.folder) as again:  # its journal is taken over, for the same image
        again.add_images([tmp_path / "pictures" / "cells.png"])
        assert places(again.hints(CELLS)) == [(1, 2)]


def test_opening_that_fails_lets_go_of_the_lock(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("napari_inkling.project.project_folder.History", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            Project.open(folder)
    Project.open(folder).close()


# The lock


def test_a_second_writer_is_refused_and_a_reader_is_not(project: Project) -> None:
    project.edit(CELLS, NOTHING, point(1, 2), "add")
    with pytest.raises(ProjectLockedError, match="is being edited in another window or by another program"):
        Project.open(project.folder)
    with Project.open(project.folder, read_only=True) as reader:
        assert (reader.read_only, places(reader.hints(CELLS)), reader.can_undo) == (True, [(1, 2)], "")
    project.edit(CELLS, NOTHING, point(3, 4), "add")
    project.close()
    with Project.open(project.folder) as writer:
        assert places(writer.hints(CELLS)) == [(1, 2), (3, 4)]


HOLDER = (
    "import sys; from napari_inkling.project import Project\n"
    "project = Project.open(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
)


@pytest.mark.parametrize("how", ["killed", "closed"])
def test_the_lock_of_another_process_goes_with_it(folder: Path, how: str) -> None:
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(ProjectLockedError):
            Project.open(folder)
        Project.open(folder, read_only=True).close()
        if how == "killed":
            holder.send_signal(signal.SIGKILL if sys.platform != "win32" else signal.SIGTERM)
        holder.communicate()
    with Project.open(folder) as project:
        assert project.notices == []


def test_a_file_system_without_locks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(self: object) -> None:
        raise NotImplementedError("no flock here")

    monkeypatch.setattr(filelock.FileLock, "acquire", unknown)
    with Project.open(folder) as project:
        assert not project.read_only
        assert "cannot be locked" in project.notices[0]


# Read-only


def test_a_folder_that_cannot_be_written_is_opened_read_only(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project.edit(CELLS, NOTHING, point(1, 2), "add")
    project.set_setting("method", "partial-points")
    project.close()
    before = {p.name: p.read_bytes() for p in project.folder.iterdir() if p.is_file()}

    def denied(self: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(filelock.FileLock, "acquire", denied)
    with Project.open(project.folder) as reader:
        assert reader.read_only
        assert "cannot be written (Permission denied), so the project is open read-only" in reader.notices[0]
        assert places(reader.hints(CELLS)) == [(1, 2)]
        reader.open_image(CELLS).read()
        for change in (
            lambda: reader.edit(CELLS, NOTHING, point(3, 4), "add"),
            reader.undo,
            reader.redo,
            lambda: reader.set_classes(["a"]),
            lambda: reader.rename_class("cell", "a"),
            lambda: reader.add_images([tmp_path]),
            lambda: reader.add_array("a", [[1]], "YX"),
            lambda: reader.remove_image("cells"),
            lambda: reader.relink("cells", tmp_path),
            lambda: reader.update_image("cells", done=True),
            reader.new_model_folder,
        ):
            with pytest.raises(ProjectError, match="is open read-only and cannot be changed"):
                change()
        reader.set_setting("method", "other")  # kept until it is closed
        reader.add_seconds(100)
        assert reader.setting("method") == "other"
        assert reader.exports_folder == project.folder / "exports"
    assert {p.name: p.read_bytes() for p in project.folder.iterdir() if p.is_file()} == before


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write(project: Project) -> None:
    project.edit(CELLS, NOTHING, point(1, 2), "add")
    project.close()
    project.folder.chmod(0o555)
    try:
        with Project.open(project.folder) as reader:
            assert reader.read_only
            assert places(reader.hints(CELLS)) == [(1, 2)]
    finally:
        project.folder.chmod(0o755)


def test_a_closed_project_takes_no_edit(project: Project) -> None:
    project.close()
    project.close()
    with pytest.raises(ProjectError, match="is closed and cannot be changed"):
        project.edit(CELLS, NOTHING, point(1, 2), "add")


# Damage


def test_a_damaged_journal_is_told_in_the_notices(project: Project) -> None:
    for i in range(200):
        project.edit(CELLS, NOTHING, point(i, 2), f"add {i}")
    project.close()
    path = project.folder / JOURNAL
    data = bytearray(path.read_bytes())
    data[40_000:44_096] = bytes(4096)
    path.write_bytes(data)
    with Project.open(project.folder) as again:
        assert "was damaged" in again.notices[0]
        assert 150 < len(again.hints(CELLS)) < 200
        left = len(again.hints(CELLS))
        assert again.can_undo == "add 199"
        while again.undo():
            pass
        assert len(again.hints(CELLS)) == 0
        while again.redo():
            pass
        assert len(again.hints(CELLS)) == left


# Copies and scratch projects


def test_a_copy_is_complete_and_moves_with_its_images(project: Project, tmp_path: Path) -> None:
    project.edit(CELLS, NOTHING, point(1, 2), "add")
    kept = project.add_array("layer", [[1, 2], [3, 4]], "YX")
    model = project.new_model_folder()
    (model / "model.json").touch()
    copy = project.copy_to(tmp_path / "elsewhere" / "copy.inkling")
    with pytest.raises(ProjectError, match="exists already"):
        project.copy_to(copy)
    with Project.open(copy) as other:
        assert places(other.hints(CELLS)) == [(1, 2)]
        assert other.can_undo == "add"
        assert Path(other.image("layer").path).parent == copy / "images"
        assert other.problems() == []
        assert [m.parent.parent for m in other.models()] == [copy]
    assert Path(kept.path).is_file()


def test_scratch_projects_are_kept_unless_empty(inkling_home: Path, pictures: Path) -> None:
    with Project.scratch() as empty:
        assert empty.is_scratch
        assert empty.folder.parent == inkling_home / "scratch"
        assert scratch_folders() == [empty.folder]
    assert not empty.folder.exists()
    with Project.scratch() as used:
        used.add_images([pictures])
        used.edit(CELLS, NOTHING, point(1, 2), "add")
    assert scratch_folders() == [used.folder]
    with Project.open(used.folder) as again:
        assert again.is_scratch
        assert places(again.hints(CELLS)) == [(1, 2)]


def test_a_scratch_project_that_was_damaged_is_kept(inkling_home: Path, pictures: Path) -> None:
    with Project.scratch() as damaged:
        damaged.add_images([pictures])
        damaged.edit(CELLS, NOTHING, point(1, 2), "add")
    (damaged.folder / "journal.sqlite").write_text("no journal")
    with Project.open(damaged.folder) as again:
        assert not len(again.hints(CELLS))
    assert [file.read_text() for file in damaged.folder.glob("journal.damaged-*")] == ["no journal"]


@pytest.mark.parametrize("step", ["shutil.copytree", "napari_inkling.project.project_folder.write_project"])
def test_a_copy_that_fails_leaves_nothing(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    project.edit(CELLS, NOTHING, point(1, 2), "add")
    target = tmp_path / "copies" / "copy.inkling"

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as during:
        during.setattr(step, full)
        with pytest.raises(ProjectError, match=r"could not be copied to .*copy\.inkling: .*No space left"):
            project.copy_to(target)
    assert list(target.parent.iterdir()) == []
    with Project.open(project.copy_to(target)) as copy:
        assert places(copy.hints(CELLS)) == [(1, 2)]


def test_a_moved_project_finds_its_images(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    for name in ("study.inkling", "pictures"):
        shutil.move(tmp_path / name, tmp_path / "moved" / name)
    with Project.open(tmp_path / "moved" / folder.name) as project:
        assert project.problems() == []
        assert project.open_image(CELLS).read().shape == (20, 30, 3)
        assert project.snapshot(CELLS).images[0].path == str(tmp_path / "moved" / "pictures" / "cells.png")
