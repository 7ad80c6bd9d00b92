"""``project.json``: whole at every moment, migrated after a backup, refused when newer, repaired."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from napari_inkling.core import ProjectError, ProjectVersionError
from napari_inkling.project import ClassInfo, Project, storage
from napari_inkling.project.storage import (
    BACKUP_FILE,
    PROJECT_FILE,
    Content,
    read_project,
    write_project,
)

CONTENT = Content((ClassInfo("cell", "#009e73"),), settings={"method": "partial-points"})


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_what_is_written_is_read(tmp_path: Path) -> None:
    write_project(tmp_path, CONTENT)
    assert read_project(tmp_path) == (CONTENT, [])
    assert names(tmp_path) == [BACKUP_FILE, PROJECT_FILE]
    values = json.loads((tmp_path / PROJECT_FILE).read_text("utf-8"))
    assert (values["format"], values["version"]) == ("inkling-project", 2)


def test_writing_that_fails_leaves_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_project(tmp_path, CONTENT)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ProjectError, match=r"project.json cannot be written: No space left on device"):
        write_project(tmp_path, Content())
    assert read_project(tmp_path) == (CONTENT, [])
    assert names(tmp_path) == [BACKUP_FILE, PROJECT_FILE]


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"{",
        b"\xff\xfe\x00",
        b"[]",
        b"{}",
        b'{"format": "inkling-project"}',
        b'{"format": "inkling-project", "version": "one"}',
        b'{"format": "inkling-project", "version": 1}',
        b'{"format": "inkling-project", "version": 1, "classes": [{"name": "cell", "color": "red"}]}',
        b'{"format": "inkling-project", "version": 1, "classes": [], "images": [{}]}',
        b'{"format": "inkling-project", "version": 1, "classes": [], "images": 3}',
    ],
)
def test_damaged_file_is_replaced_by_its_backup(tmp_path: Path, damaged: bytes) -> None:
    write_project(tmp_path, CONTENT)
    (tmp_path / PROJECT_FILE).write_bytes(damaged)

    content, notices = read_project(tmp_path, read_only=True)
    assert content == CONTENT
    assert "is damaged" in notices[0]
    assert (tmp_path / PROJECT_FILE).read_bytes() == damaged

    content, notices = read_project(tmp_path)
    assert content == CONTENT
    (copy,) = tmp_path.glob("project.damaged-*.json")
    assert copy.name in notices[0]
    assert copy.read_bytes() == damaged
    assert read_project(tmp_path) == (CONTENT, [])


def test_missing_file_is_replaced_by_its_backup(tmp_path: Path) -> None:
    write_project(tmp_path, CONTENT)
    (tmp_path / PROJECT_FILE).unlink()
    assert read_project(tmp_path) == (CONTENT, ["project.json is missing; its backup was used."])
    assert read_project(tmp_path) == (CONTENT, [])


def test_without_a_backup_the_message_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / PROJECT_FILE).write_bytes(b"{")
    with pytest.raises(ProjectError, match=r"project\.json is damaged .* hints are safe in journal\.sqlite"):
        read_project(tmp_path)


def test_a_folder_that_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"is not an inkling project: it has no project\.json"):
        read_project(tmp_path)


def test_a_newer_project_is_refused_and_left_alone(tmp_path: Path) -> None:
    text = json.dumps({"format": "inkling-project", "version": 7, "classes": "of another shape"})
    (tmp_path / PROJECT_FILE).write_text(text)
    with pytest.raises(ProjectVersionError, match="project version 7, this one reads up to 2"):
        read_project(tmp_path)
    assert ((tmp_path / PROJECT_FILE).read_text(), names(tmp_path)) == (text, [PROJECT_FILE])


def version_0(folder: Path) -> str:
    """Make a project as a version before the first might have written it: classes are plain names."""
    Project.create(folder).close()
    text = json.dumps({"format": "inkling-project", "version": 0, "classes": ["cell", "other"]})
    (folder / PROJECT_FILE).write_text(text)
    (folder / BACKUP_FILE).write_text(text)
    return text


def from_0(values: dict[str, Any]) -> dict[str, Any]:
    classes = [{"name": n, "color": "#00000" + str(i)} for i, n in enumerate(values["classes"])]
    return {**values, "classes": classes}


def test_an_older_project_is_migrated_after_a_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = version_0(tmp_path / "p")
    monkeypatch.setitem(storage.MIGRATIONS, 0, from_0)
    with Project.open(tmp_path / "p", read_only=True) as project:
        assert [c.name for c in project.classes] == ["cell", "other"]
    assert (tmp_path / "p" / PROJECT_FILE).read_text() == text

    with Project.open(tmp_path / "p") as project:
        assert project.classes == (ClassInfo("cell", "#000000"), ClassInfo("other", "#000001"))
        (notice,) = project.notices
    (backup,) = (tmp_path / "p").glob("backup-version-0-*")
    assert backup.name in notice
    assert (backup / PROJECT_FILE).read_text() == text
    assert (backup / "journal.sqlite").is_file()
    with Project.open(tmp_path / "p") as project:
        assert (len(project.classes), project.notices) == (2, [])


def test_without_room_for_a_backup_nothing_is_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    text = version_0(tmp_path / "p")
    monkeypatch.setitem(storage.MIGRATIONS, 0, from_0)
    monkeypatch.setattr("shutil.copy2", full)
    with pytest.raises(ProjectError, match=r"version 0 and could not be kept as it was .* No space left"):
        Project.open(tmp_path / "p")
    assert (tmp_path / "p" / PROJECT_FILE).read_text() == text


def test_a_version_without_migration_or_a_failing_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = version_0(tmp_path / "p")
    with pytest.raises(ProjectError, match="project version 0, which this program cannot migrate"):
        read_project(tmp_path / "p", read_only=True)
    monkeypatch.setitem(storage.MIGRATIONS, 0, lambda values: values)
    with pytest.raises(ProjectError, match="could not be migrated from version 0"):
        read_project(tmp_path / "p")
    assert (tmp_path / "p" / PROJECT_FILE).read_text() == text
