"""``project.json``: read, checked, migrated, and written so that it is whole at every moment."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_inkling.core import ProjectError, ProjectVersionError
from napari_inkling.project.records import ClassInfo, ImageRecord
from napari_inkling.project.settings import checked_settings
from napari_inkling.project.whole_files import write_whole

__all__ = [
    "MIGRATIONS",
    "PROJECT_FILE",
    "VERSION",
    "Content",
    "read_project",
    "write_project",
]

PROJECT_FILE = "project.json"
BACKUP_FILE = "project.backup.json"
FORMAT = "inkling-project"
VERSION = 2
#: The version from which on the file has the shape that :class:`Content` reads.
_SHAPE_SINCE = 1
#: What parsing raises for values that are not what is expected.
_MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError, ProjectError)
#: Schema version → what turns it into the next one, given the parsed file. Version 1 is the first.
MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {
    1: lambda values: values,  # the journal may hold masks, which a program that knows only 1 would drop
}


@dataclass
class Content:
    """What ``project.json`` holds. ``removed`` images keep their names: their hints come back with them."""

    classes: tuple[ClassInfo, ...] = ()
    images: dict[str, ImageRecord] = field(default_factory=dict)
    removed: dict[str, ImageRecord] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "classes": [{"name": c.name, "color": c.color, "key": c.key} for c in self.classes],
            "images": [record.to_json() for record in self.images.values()],
            "removed": [record.to_json() for record in self.removed.values()],
            "settings": self.settings,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Content:
        """Return what :meth:`to_json` wrote; raises one of ``_MALFORMED`` for anything else."""
        images, removed = (
            {r.name: r for r in map(ImageRecord.from_json, values.get(key, ()))}
            for key in ("images", "removed")
        )
        classes = tuple(ClassInfo(c["name"], c["color"], c.get("key", "")) for c in values["classes"])
        return cls(classes, images, removed, dict(values.get("settings", {})))


def read_project(folder: Path, *, read_only: bool = False) -> tuple[Content, list[str]]:
    """Return the project's content, and notices of what was repaired or migrated on the way.

    Raises
    ------
    ProjectVersionError
        If a newer program wrote it.
    ProjectError
        If the folder is no project, or neither ``project.json`` nor its backup can be understood.
    """
    path, notices = folder / PROJECT_FILE, []
    try:
        values = _load(path)
    except FileNotFoundError as error:
        if not (folder / BACKUP_FILE).is_file():
            raise ProjectError(f"{folder} is not an inkling project: it has no {PROJECT_FILE}") from error
        values, notice = _from_backup(folder, "is missing", None)
        notices.append(notice)
    except OSError as error:
        raise ProjectError(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        copy = None if read_only else _set_aside(path)
        values, notice = _from_backup(folder, f"is damaged ({error})", copy)
        notices.append(notice)
    version = values["version"]
    if version > VERSION:
        raise ProjectVersionError(
            f"{path} was written by a newer napari-inkling (project version {version}, this one reads up to "
            f"{VERSION}); please update napari-inkling"
        )
    if version < VERSION:
        values, notice = _migrate(folder, values, read_only)
        notices.append(notice)
    content = Content.from_json(values)
    content.settings, told = checked_settings(content.settings)
    notices += told
    if notices and not read_only:
        write_project(folder, content)
    return content, notices


def write_project(folder: Path, content: Content) -> None:
    """Write ``project.json`` and its backup, one after the other; raises :class:`ProjectError`."""
    text = json.dumps(content.to_json(), indent=1, ensure_ascii=False) + "\n"
    for name in (PROJECT_FILE, BACKUP_FILE):
        _write(folder / name, text)


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, lambda partial: partial.write_bytes(text.encode()))
    except OSError as error:
        raise ProjectError(f"{path} cannot be written: {error.strerror or error}") from error


def _load(path: Path) -> dict[str, Any]:
    """Return the parsed file; raises ``ValueError`` saying what is wrong with it."""
    values = json.loads(path.read_text("utf-8"))
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise ValueError(f'expected an object with "format": "{FORMAT}"')
    if not isinstance(version := values.get("version"), int):
        raise ValueError(f'"version" is {version!r}, expected a whole number')
    if _SHAPE_SINCE <= version <= VERSION:
        try:
            Content.from_json(values)
        except _MALFORMED as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error
    return values


def _from_backup(folder: Path, what: str, copy: Path | None) -> tuple[dict[str, Any], str]:
    try:
        values = _load(folder / BACKUP_FILE)
    except (OSError, ValueError) as error:
        raise ProjectError(
            f"{folder / PROJECT_FILE} {what}, and its backup {BACKUP_FILE} cannot be read either ({error}). "
            "The hints are safe in journal.sqlite: move the two aside, create the project anew in the same "
            "folder and add the same images"
        ) from error
    kept = f"; the damaged file is kept as {copy.name}" if copy else ""
    return values, f"{PROJECT_FILE} {what}; its backup was used{kept}."


def _migrate(folder: Path, values: dict[str, Any], read_only: bool) -> tuple[dict[str, Any], str]:
    first = values["version"]
    notice = f"The project was of version {first}"
    if not read_only:
        notice += f"; as it was it is kept in {_keep_as_it_was(folder, first).name}"
    for version in range(first, VERSION):
        if version not in MIGRATIONS:
            raise ProjectError(f"{folder} has project version {version}, which this program cannot migrate")
        values = {**MIGRATIONS[version](values), "version": version + 1}
    try:
        Content.from_json(values)
    except _MALFORMED as error:
        raise ProjectError(
            f"{folder / PROJECT_FILE} could not be migrated from version {first}: {error}"
        ) from error
    return values, notice + "."


def _keep_as_it_was(folder: Path, version: int) -> Path:
    backup = folder / f"backup-version-{version}-{time.strftime('%Y%m%d-%H%M%S')}"
    try:
        backup.mkdir(exist_ok=True)
        for file in folder.iterdir():
            if file.is_file() and file.name.startswith(("project.", "journal.sqlite")):
                shutil.copy2(file, backup / file.name)
    except OSError as error:
        raise ProjectError(
            f"{folder} is of version {version} and could not be kept as it was in {backup.name} before it is "
            f"migrated: {error}"
        ) from error
    return backup


def _set_aside(path: Path) -> Path:
    copy = path.with_name(f"project.damaged-{time.strftime('%Y%m%d-%H%M%S')}.json")
    try:
        shutil.copyfile(path, copy)
    except OSError as error:
        raise ProjectError(f"{path} is damaged and could not be set aside as {copy.name}: {error}") from error
    return copy
