"""A project: the folder that keeps a person's hints, image list, models and exports."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from napari_inkling.core import (
    BACKGROUND,
    HintSet,
    Image,
    ImageError,
    PlaneRef,
    ProjectError,
)
from napari_inkling.project import scratch
from napari_inkling.project.history import Edit, History
from napari_inkling.project.image_list import ImageList
from napari_inkling.project.journal import JOURNAL, Journal
from napari_inkling.project.locking import WriteLock
from napari_inkling.project.records import ClassInfo, ImageProblem, ImageRecord, make_classes
from napari_inkling.project.snapshot import Snapshot, SnapshotImage
from napari_inkling.project.storage import BACKUP_FILE, PROJECT_FILE, Content, read_project, write_project

__all__ = ["Project"]


class Project:
    """An open project; made by :meth:`create`, :meth:`open` or :meth:`scratch`, and closed by :meth:`close`.

    Attributes
    ----------
    folder : Path
        Where it lies.
    read_only : bool
        Whether editing raises :class:`~napari_inkling.core.ProjectError`.
    notices : list of str
        What a person should know of how opening went: damage, migration, why it is read-only.
    """

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
            raise ProjectError(f"{folder} does not exist, expected a project folder with a {PROJECT_FILE}")
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
            skip = shutil.ignore_patterns(".lock", f"{JOURNAL}*", ".*.tmp")
            shutil.copytree(self.folder, folder, ignore=skip)
            self._journal.copy_to(folder / JOURNAL)
        except (OSError, shutil.Error) as error:
            raise ProjectError(f"the project could not be copied to {folder}: {error}") from error
        write_project(folder, self._images.seen_from(folder))
        return folder

    # Classes

    @property
    def classes(self) -> tuple[ClassInfo, ...]:
        """The classes, in the order in which a person gave them; background is none of them."""
        return self._content.classes

    def set_classes(self, classes: Sequence[str | ClassInfo]) -> None:
        """Set the list of classes; those that are known keep their colours.

        Raises
        ------
        ProjectError
            If a class that has hints would go; rename it instead, or remove its hints.
        """
        self._must_write()
        wanted = make_classes(classes, self.classes)
        names = {c.name for c in wanted}
        for name, count in self._history.classes().items():
            if name != BACKGROUND and name not in names:
                raise ProjectError(
                    f"class {name!r} has {count} hint(s) and cannot be removed; rename it instead"
                )
        self._content.classes = wanted
        self._save()

    def rename_class(self, old: str, new: str) -> None:
        """Rename a class; its hints follow, also those that undo may bring back. Not undone by undo."""
        self._must_write()
        names = [c.name for c in self.classes]
        if old not in names:
            raise ProjectError(f"there is no class {old!r}, expected one of {', '.join(names)}")
        if new in names:
            raise ProjectError(f"there is a class {new!r} already; classes cannot be merged by renaming")
        renamed = tuple(replace(c, name=new) if c.name == old else c for c in self.classes)
        self._content.classes = renamed
        try:
            self._history.rename_class(old, new)
        finally:
            self._save()

    # Images

    @property
    def images(self) -> tuple[ImageRecord, ...]:
        """The images, in the order in which they were added."""
        return tuple(self._content.images.values())

    def image(self, name: str) -> ImageRecord:
        """Return an image by name; raises :class:`~napari_inkling.core.ImageError` if there is none."""
        return self._images.record(name)

    def add_images(self, paths: Iterable[Path | str]) -> list[ImageRecord]:
        """Add image files, or all image files of folders; one that is there already is returned as it is.

        Raises
        ------
        ImageError
            Naming every file that cannot be read; the others are added.
        """
        self._must_write()
        added, errors = self._images.add(Path(p) for p in paths)
        if added:
            self._save()
        if errors:
            raise ImageError("; ".join(errors))
        return added

    def add_array(self, name: str, array: Any, axes: str, pixel_size_um: float | None = None) -> ImageRecord:
        """Keep the pixels of an array without a file in the project's folder, and add them as an image.

        Parameters
        ----------
        name : str
            What to call it; a number is appended if the name is taken by another image.
        array : array
            Anything that numpy can read plane by plane (dask, zarr, numpy).
        axes : str
            One letter per axis, e.g. ``"ZYX"`` or ``"YXC"``. Axes of length 1 other than Y and X are dropped.
        pixel_size_um : float, optional
            Edge of a pixel in µm.
        """
        self._must_write()
        record = self._images.add_array(name, array, axes, pixel_size_um)
        self._save()
        return record

    def remove_image(self, name: str) -> None:
        """Take an image off the list; its hints stay in the journal, and come back with the same file."""
        self._must_write()
        self._images.remove(name)
        self._save()

    def relink(self, name: str, path: Path | str) -> ImageRecord:
        """Say where an image is now, or that its changed file is right.

        Raises
        ------
        ImageError
            If the file cannot be read, or has another shape than the image that the hints were made on.
        """
        self._must_write()
        hinted = any(ref.image == name for ref in self.planes_with_hints())
        record = self._images.relink(name, Path(path), same_shape=hinted)
        self._save()
        return record

    def update_image(
        self,
        name: str,
        *,
        complete: bool | None = None,
        reviewed: bool | None = None,
        done: bool | None = None,
    ) -> ImageRecord:
        """Set the marks of an image; what is not given stays."""
        self._must_write()
        before = self.image(name)
        record = replace(
            before,
            complete=before.complete if complete is None else complete,
            reviewed=before.reviewed if reviewed is None else reviewed,
            done=before.done if done is None else done,
        )
        if record != before:
            self._content.images[name] = record
            self._save()
        return record

    def problems(self) -> list[ImageProblem]:
        """Return the images that are missing, unreadable, or not as they were when they were added."""
        return self._images.problems()

    def open_image(self, ref: PlaneRef) -> Image:
        """Return a plane, read lazily; raises :class:`~napari_inkling.core.ImageError`."""
        return self._images.open(ref)

    # Hints

    def hints(self, ref: PlaneRef) -> HintSet:
        """Return all hints of a plane."""
        return self._history.hints(str(ref))

    def planes_with_hints(self) -> tuple[PlaneRef, ...]:
        """Return the planes that have hints, in the order of the images and of their planes."""
        order = {name: i for i, name in enumerate(self._content.images)}
        refs = (PlaneRef.parse(text) for text in self._history.planes())
        return tuple(sorted((r for r in refs if r.image in order), key=lambda r: (order[r.image], r.plane)))

    def edit(self, ref: PlaneRef, before: HintSet, after: HintSet, label: str) -> None:
        """Replace the rows of ``before`` by those of ``after``, as one step; on disk when this returns.

        A class that is new is added to the project's classes.

        Raises
        ------
        ProjectError
            If the project is read-only; or if the disk cannot take it: then the change is kept in memory,
            counts, and is written with the next edit or on closing.
        ImageError
            If there is no such image or plane.
        HintError
            If ``after`` has ids that are there already.
        """
        self._must_write()
        stack = self.image(ref.image).info.stack_shape
        if len(ref.plane) != len(stack) or not all(0 <= i < n for i, n in zip(ref.plane, stack, strict=True)):
            raise ImageError(f"there is no plane {ref}: the stack has {list(stack)} planes")
        missing = self._take_in_classes([*after.points.classes.tolist(), *after.boxes.classes.tolist()])
        self._history.edit(str(ref), before, after, label)
        if missing:
            self._save()

    def undo(self) -> Edit | None:
        """Take back the last edit; returns the change that this made, ``None`` if there is none."""
        self._must_write()
        return self._history.undo(self._content.images)

    def redo(self) -> Edit | None:
        """Do again what was undone last; returns the change that this made, or ``None``."""
        self._must_write()
        return self._history.redo(self._content.images)

    @property
    def can_undo(self) -> str:
        """What :meth:`undo` would take back, in the words of its edit; ``""`` if nothing."""
        return "" if self.read_only else self._history.can_undo(self._content.images)

    @property
    def can_redo(self) -> str:
        """What :meth:`redo` would do again; ``""`` if nothing."""
        return "" if self.read_only else self._history.can_redo(self._content.images)

    @property
    def seconds_spent(self) -> float:
        """Time spent annotating, in seconds."""
        return self._history.seconds

    def add_seconds(self, seconds: float) -> None:
        """Count time spent annotating."""
        if not self.read_only:
            self._history.add_seconds(seconds)

    # Models, exports, settings

    def models(self) -> list[Path]:
        """Return the folders of the trained models, newest last."""
        return sorted(p.parent for p in (self.folder / "models").glob("*/model.json"))

    def new_model_folder(self) -> Path:
        """Make and return an empty folder for a model, numbered in order."""
        self._must_write()
        models = self.folder / "models"
        numbers = [int(m.group()) for p in models.glob("*") if (m := re.match(r"\d+", p.name))]
        folder = models / f"{max(numbers, default=0) + 1:04d}-{time.strftime('%Y%m%d-%H%M%S')}"
        return _made(folder)

    @property
    def exports_folder(self) -> Path:
        """Where exports go unless a person says otherwise."""
        folder = self.folder / "exports"
        return folder if self.read_only else _made(folder)

    def setting(self, key: str, default: Any = None) -> Any:
        """Return a small value that was kept with the project."""
        return self._content.settings.get(key, default)

    def set_setting(self, key: str, value: Any) -> None:
        """Keep a small JSON value with the project; in a read-only one, until it is closed."""
        if key in self._content.settings and self._content.settings[key] == value:
            return
        self._content.settings[key] = value
        self._save()

    def snapshot(self, watch: PlaneRef | None = None, only: Collection[PlaneRef] | None = None) -> Snapshot:
        """Return the project as it is now, for a worker.

        Parameters
        ----------
        watch : PlaneRef, optional
            The plane on screen; it is in the snapshot even if it has no hints.
        only : collection of PlaneRef, optional
            Exactly these planes, with or without hints; by default those with hints, and single-plane images
            that are marked complete. ``watch`` is dropped if it is not among them.
        """
        if only is not None:
            refs = list(dict.fromkeys(only))
            watch = watch if watch in refs else None
        else:
            complete = [r.planes()[0] for r in self.images if r.complete and not r.info.stack_shape]
            refs = list(dict.fromkeys([*self.planes_with_hints(), *complete, *([watch] if watch else [])]))
        items = tuple(
            SnapshotImage(
                ref, str(self._images.path(ref.image)), self.hints(ref), self.image(ref.image).complete
            )
            for ref in refs
        )
        return Snapshot(items, tuple(c.name for c in self.classes), watch)

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
        missing = sorted(set(names) - {c.name for c in self.classes} - {BACKGROUND})
        if missing:
            self._content.classes = make_classes([*self.classes, *missing], self.classes)
            self._saved = False
        return missing

    def _is_empty_scratch(self) -> bool:
        return not self.read_only and self.is_scratch and not self._history.edits and not self.models()


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


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProjectError(f"{folder} cannot be made: {error.strerror or error}") from error
    return folder
