"""A project: a person's hints, the images they are on, and the classes they have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import NOT_CELLS, HintSet, Image, ImageError, PlaneRef, ProjectError
from napari_inkling.project.history import Edit
from napari_inkling.project.lazy import FileArray
from napari_inkling.project.project_folder import ProjectFolder
from napari_inkling.project.records import ClassInfo, ImageProblem, ImageRecord, make_classes
from napari_inkling.project.rows import Place
from napari_inkling.project.snapshot import Snapshot, SnapshotImage

__all__ = ["Project"]


class Project(ProjectFolder):
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

    # Classes

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
        for name in self._history.classes():
            if name not in (*NOT_CELLS, *names):
                raise ProjectError(
                    f"class {name!r} has {self._marked_as(name)} and cannot be removed; "
                    "rename it instead, or remove those first"
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

    def _marked_as(self, name: str) -> str:
        """Return what is of a class, in words, e.g. "3 points and 1 box on 2 images"."""
        planes = map(PlaneRef.parse, self._history.planes())
        found = {ref: self.hints(ref).mapped(lambda rows: rows.of_class(name)) for ref in planes}
        marked = {ref: hints for ref, hints in found.items() if len(hints)}
        totals = [sum(map(len, rows)) for rows in zip(*(h.kinds for h in marked.values()), strict=True)]
        nouns = (("point", "points"), ("box", "boxes"), ("mask", "masks"))
        counts = [f"{n:,} {noun[n != 1]}" for n, noun in zip(totals, nouns, strict=True) if n]
        images = {ref.image for ref in marked}
        removed = images - {record.name for record in self.images}
        where = f"{len(images):,} image{'s' * (len(images) != 1)}"
        off = f" ({len(removed):,} of them off the list)" if removed else ""
        return f"{' and '.join(counts)} on {where}{off}"

    def class_today(self, name: str) -> str:
        """Return what a class is called now that a model knows by the name of the day when it was trained."""
        return self._history.name_today(name, [c.name for c in self.classes])

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
        self.update_images([name], complete=complete, reviewed=reviewed, done=done)
        return self.image(name)

    def update_images(self, names: Iterable[str], **marks: bool | None) -> None:
        """Set the marks of several images as :meth:`update_image` does, and write them once."""
        self._must_write()
        given: dict[str, Any] = {mark: value for mark, value in marks.items() if value is not None}
        before = {name: self.image(name) for name in names}
        changed = {name: replace(record, **given) for name, record in before.items()}
        if changed != before:
            self._content.images |= changed
            self._save()

    def problems(self) -> list[ImageProblem]:
        """Return the images that are missing, unreadable, or not as they were when they were added."""
        found = (self.problem(record.name) for record in self.images)
        return [problem for problem in found if problem is not None]

    def problem(self, name: str) -> ImageProblem | None:
        """Return what is wrong with one image, ``None`` if nothing (or if there is none of that name).

        It reads a little of the file. Any thread may ask, whatever others do to the project.
        """
        return self._images.problem(name)

    def open_image(self, ref: PlaneRef) -> Image:
        """Return a plane, read lazily; raises :class:`~napari_inkling.core.ImageError`."""
        return self._images.open(ref)

    def coarser(self, name: str) -> tuple[FileArray, ...]:
        """Return the smaller copies that an image's file keeps for a look from afar, the largest first."""
        return self._images.coarser(name)

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
        self._check_plane(ref)
        missing = self._take_in_classes(after.classes)
        self._history.edit(str(ref), before, after, label)
        if missing:
            self._save()

    def rejected(self, ref: PlaneRef) -> npt.NDArray[np.float64]:
        """Return the places (y, x) of a plane where suggestions were rejected without marking; (N, 2)."""
        places = [*self._rejected_before().get(str(ref), ()), *self._history.rejected(str(ref))]
        return np.array(places, dtype=np.float64).reshape(-1, 2)

    def reject(self, ref: PlaneRef, places: npt.ArrayLike, label: str) -> None:
        """Reject suggestions at places (N, 2) of a plane, as one step that can be undone; raises as edit."""
        self._must_write()
        self._check_plane(ref)
        self._history.reject(str(ref), (), _as_places(places), label)

    def restore_rejected(self, ref: PlaneRef, label: str) -> None:
        """Let suggestions be seen again where they were rejected, as one step; raises as :meth:`edit`."""
        self._must_write()
        try:
            self._history.reject(str(ref), _as_places(self.rejected(ref)), (), label)
        finally:
            before = self._rejected_before()
            if before.pop(str(ref), None):
                self.set_setting("rejected", before)

    def _rejected_before(self) -> dict[str, list[Place]]:
        """Return what was rejected, by plane, before the journal held that."""
        return dict(self.setting("rejected"))

    def undo(self) -> Edit | None:
        """Take back the last edit; returns the change that this made, ``None`` if there is none.

        A class that is not on the list any more comes back with its hints.
        """
        self._must_write()
        return self._with_classes(self._history.undo(self._content.images))

    def redo(self) -> Edit | None:
        """Do again what was undone last, as :meth:`undo`; returns the change that this made, or ``None``."""
        self._must_write()
        return self._with_classes(self._history.redo(self._content.images))

    def _with_classes(self, edit: Edit | None) -> Edit | None:
        """Return an edit whose classes are on the list."""
        if edit is not None and self._take_in_classes(edit.after.classes):
            self._save()
        return edit

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
        items = tuple(self._seen_now(ref) for ref in refs)
        return Snapshot(items, tuple(c.name for c in self.classes), watch)

    def _check_plane(self, ref: PlaneRef) -> None:
        stack = self.image(ref.image).info.stack_shape
        if len(ref.plane) != len(stack) or not all(0 <= i < n for i, n in zip(ref.plane, stack, strict=True)):
            raise ImageError(f"there is no plane {ref}: the stack has {list(stack)} planes")

    def _seen_now(self, ref: PlaneRef) -> SnapshotImage:
        record, path = self.image(ref.image), str(self._images.path(ref.image))
        return SnapshotImage(ref, path, self.hints(ref), record.complete, record.info.shape)


def _as_places(places: npt.ArrayLike) -> list[Place]:
    """Return places (N, 2) as plain numbers; a hundredth of a pixel is enough."""
    return [(y, x) for y, x in np.asarray(places, dtype=np.float64).reshape(-1, 2).round(2).tolist()]
