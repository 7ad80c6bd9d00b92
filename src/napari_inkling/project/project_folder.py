"""A project's folder: opened by one writer at a time, closed, copied; and what lies in it besides hints."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from napari_inkling.core import NOT_CELLS, ProjectError
from napari_inkling.project import scratch
from napari_inkling.project.history import History
from napari_inkling.project.image_list import ImageList
from napari_inkling.project.journal import JOURNAL, Journal
from napari_inkling.project.locking import WriteLock
from napari_inkling.project.records import ClassInfo, make_classes
from napari_inkling.project.settings import ProjectSettings
from napari_inkling.project.storage import (
    BACKUP_FILE,
    PROJECT_FILE,
    Content,
    read_project,
    write_project,
)
from napari_inkling.project.whole_files import write_whole_folder

__all__ = ["ProjectFolder"]


class ProjectFolder:
    """The folder of a :class:`~napari_inkling.project.Project`, which says what the attributes are."""

    def __init__(
        self,
        folder: Path,
        content: Content,
        journal: Journal,
        lock: WriteLock | None,
        notices: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.read_only = lock is None
        self.notices = [*notices, *journal.notices]
        self._content = content
        self._journal = journal
        self._lock = lock
        self._history = History(journal)
        self._images = ImageList(folder, content)
        self._closed = False
        self._saved = True
        missing = self._take_in_classes(self._history.classes())
        if missing:
            self.notices.append(
                f"Hints have classes that were not listed: {', '.join(missing)}. They were added."
            )
            self._save()

    # Opening and closing

    @classmethod
    def create(cls, folder: Path | str, classes: Sequence[str] = ("cell",)) -> Self:
        """Make a new project in a folder that is no project yet, and open it.

        Raises
        ------
        ProjectError
            If there is a project already, the folder cannot be written, or a class is named twice.
        """
        folder = Path(folder).absolute()
        content = Content(make_classes(classes))
        if any((folder / name).exists() for name in (PROJECT_FILE, BACKUP_FILE)):
            raise ProjectError(f"{folder} is an inkling project already; open it, or choose another folder")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = WriteLock(folder)
        except OSError as error:
            raise ProjectError(f"{folder} cannot be made: {error.strerror or error}") from error
        with _released_on_error(lock):
            # A journal may be there if creating was interrupted, or project.json was lost: it is taken over.
            journal = Journal(folder, new=not any(folder.glob(f"{JOURNAL}*")))
            with _closed_on_error(journal):
                write_project(folder, content)
                return cls(folder, content, journal, lock)

    @classmethod
    def open(cls, folder: Path | str, read_only: bool = False) -> Self:
        """Open a project, for writing unless ``read_only`` or the folder cannot be written.

        Raises
        ------
        ProjectLockedError
            If another process writes to it; it can still be opened with ``read_only``.
        ProjectVersionError
            If a newer program wrote it.
        ProjectError
            If it is no project or cannot be understood.
        """
        folder = Path(folder).absolute()
        if not folder.is_dir():
            found = "is a file" if folder.exists() else "does not exist"
            raise ProjectError(f"{folder} {found}, expected a project folder with a {PROJECT_FILE}")
        notices: list[str] = []
        lock = None
        if not read_only:
            try:
                lock = WriteLock(folder)
            except OSError as error:
                reason = error.strerror or error
                notices.append(f"{folder} cannot be written ({reason}), so the project is open read-only.")
        with _released_on_error(lock):
            if lock is not None and not lock.held:
                notices.append(f"{folder} cannot be locked; do not open it in two windows at a time.")
            content, more = read_project(folder, read_only=lock is None)
            journal = Journal(folder, read_only=lock is None)
            with _closed_on_error(journal):
                return cls(folder, content, journal, lock, [*notices, *more])

    @classmethod
    def scratch(cls) -> Self:
        """Make a project for hints that nobody made one for; it is kept, and deleted only if left empty."""
        return cls.create(scratch.new_scratch_folder())

    def close(self) -> None:
        """Write what is not written yet and let go of the folder.

        Raises
        ------
        ProjectError
            If that cannot be written; the project then stays open, and closing can be tried again.
        """
        if self._closed:
            return
        if not self.read_only:
            self._history.flush()
            if not self._saved:
                self._save()
        self._journal.close()
        self._closed = True
        self._images.close()
        empty = self._is_empty_scratch()
        if self._lock is not None:
            self._lock.release()
        if empty:
            shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """The folder's name without its ending."""
        return self.folder.name.removesuffix(".inkling")

    @property
    def is_scratch(self) -> bool:
        """Whether nobody named this project."""
        return scratch.is_scratch(self.folder)

    def copy_to(self, folder: Path | str) -> Path:
        """Write a copy of the project into a new folder, e.g. to keep a scratch project under a name."""
        folder = Path(folder).absolute()
        if folder.exists():
            raise ProjectError(f"{folder} exists already, expected a new folder")
        if not self.read_only:
            self._history.flush()
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            write_whole_folder(folder, lambda partial: self._copy_into(partial, folder))
        except (OSError, ProjectError) as error:  # shutil's own errors are OSErrors
            raise ProjectError(f"the project could not be copied to {folder}: {error}") from error
        return folder

    def _copy_into(self, folder: Path, place: Path) -> None:
        """Write a copy into ``folder``, which will be moved to ``place``."""
        skip = shutil.ignore_patterns(".lock", f"{JOURNAL}*", ".*.partial*", ".*.old")
        shutil.copytree(self.folder, folder, ignore=skip)
        self._journal.copy_to(folder / JOURNAL)
        write_project(folder, self._images.seen_from(place))

    @property
    def classes(self) -> tuple[ClassInfo, ...]:
        """The classes, in the order in which a person gave them; background and ignore are none."""
        return self._content.classes

    # Models, exports, settings

    def models(self) -> list[Path]:
        """Return the folders of the trained models, newest last."""
        found = (p.parent for p in (self.folder / "models").glob("*/model.json"))
        return sorted(found, key=lambda folder: (_number(folder), folder.name))

    def new_model_folder(self) -> Path:
        """Make and return an empty folder for a model, numbered in order."""
        self._must_write()
        models = self.folder / "models"
        number = max((_number(folder) for folder in models.glob("*")), default=0) + 1
        return _made(models / f"{number:04d}-{time.strftime('%Y%m%d-%H%M%S')}")

    @property
    def exports_folder(self) -> Path:
        """Where exports go unless a person says otherwise."""
        folder = self.folder / "exports"
        return folder if self.read_only else _made(folder)

    def setting(self, key: str, default: Any = None) -> Any:
        """Return a small value that was kept with the project, else what it is in a new project.

        ``default`` is for values that :class:`~napari_inkling.project.settings.ProjectSettings` do not know.
        """
        kept = self._content.settings
        return kept[key] if key in kept else ProjectSettings().model_dump().get(key, default)

    def set_setting(self, key: str, value: Any) -> None:
        """Keep a small JSON value with the project; in a read-only one, until it is closed."""
        try:
            value = json.loads(json.dumps(value))  # a copy, which the caller cannot change unseen
        except (TypeError, ValueError) as error:
            raise ProjectError(f"setting {key!r} is {value!r}, expected a JSON value: {error}") from error
        if key not in self._content.settings or self._content.settings[key] != value:
            self._content.settings[key] = value
            self._save()

    # Within

    def _must_write(self) -> None:
        if self._closed:
            raise ProjectError(f"{self.folder} is closed and cannot be changed")
        if self.read_only:
            raise ProjectError(
                f"{self.folder} is open read-only and cannot be changed; "
                "it may be open in another window, or its folder cannot be written"
            )

    def _save(self) -> None:
        if self.read_only:
            return
        self._saved = False
        write_project(self.folder, self._content)
        self._saved = True

    def _take_in_classes(self, names: Iterable[str]) -> list[str]:
        """Add classes that are not listed yet, and return their names."""
        missing = sorted(set(names) - {c.name for c in self.classes} - {*NOT_CELLS})
        if missing:
            self._content.classes = make_classes([*self.classes, *missing], self.classes)
            self._saved = False
        return missing

    def _is_empty_scratch(self) -> bool:
        if self.read_only or not self.is_scratch:
            return False
        kept = any(self.folder.glob("*.damaged-*"))  # nothing could be salvaged, but a person may try
        return not (self._history.edits or self.models() or kept)


@contextmanager
def _released_on_error(lock: WriteLock | None) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if lock is not None:
            lock.release()
        raise


@contextmanager
def _closed_on_error(journal: Journal) -> Iterator[None]:
    try:
        yield
    except BaseException:
        journal.close()
        raise


def _number(folder: Path) -> int:
    """Return the number that a model's folder begins with, 0 for one that a person put there."""
    digits = re.match(r"\d+", folder.name)
    return int(digits.group()) if digits else 0


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProjectError(f"{folder} cannot be made: {error.strerror or error}") from error
    return folder
