"""The images of a project: added, found again, kept open a while, checked."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_inkling.core import Image, ImageError, PlaneRef
from napari_inkling.project.images import check_shape, find_images, fingerprint, open_array, open_coarser
from napari_inkling.project.kept_arrays import write_array
from napari_inkling.project.lazy import FileArray, PixelCache, PlaneArray
from napari_inkling.project.records import ImageProblem, ImageRecord, relative_path, unique_name
from napari_inkling.project.storage import Content

__all__ = ["ImageList"]

#: Where pixels without a file of their own lie in the project's folder.
_KEPT = "images"
#: Headers kept parsed, so that stepping through a stack does not read them again.
_KEPT_OPEN = 8


class ImageList:
    """Changes the records in ``content``; writing them is the project's business."""

    def __init__(self, folder: Path, content: Content) -> None:
        self._folder = folder
        self._content = content
        self._cache = PixelCache()
        self._arrays: OrderedDict[Path, tuple[tuple[int, int], FileArray]] = OrderedDict()

    def record(self, name: str) -> ImageRecord:
        """Return the record of an image; raises :class:`ImageError` if there is none of that name."""
        try:
            return self._content.images[name]
        except KeyError:
            raise ImageError(f"there is no image {name!r} in the project {self._folder.name}") from None

    def path(self, name: str) -> Path:
        """Return where an image is: where it was, or at the same place seen from the project's folder."""
        return self._path_of(self.record(name))

    def _path_of(self, record: ImageRecord) -> Path:
        absolute = Path(record.path)
        if not record.relative:
            return absolute
        beside = self._folder / record.relative
        # Pixels kept inside a project belong to it, even if it is a copy of one that still exists.
        first, second = (absolute, beside) if record.relative.startswith("..") else (beside, absolute)
        found = second if not first.exists() and second.exists() else first
        return Path(_normal(found))

    def add(self, paths: Iterable[Path]) -> tuple[list[ImageRecord], list[str]]:
        """Add files and the image files in folders; returns records, and what is wrong with the others."""
        records: list[ImageRecord] = []
        errors: list[str] = []
        known = self._by_path()
        for given in paths:
            try:
                found = find_images(given)
                if not found:
                    errors.append(f"{given} is a folder without images")
            except OSError as error:
                errors.append(f"{given} cannot be read: {error.strerror or error}")
                continue
            for path in found:
                try:
                    records.append(self._add_one(path, known))
                except ImageError as error:
                    errors.append(str(error))
        return records, errors

    def add_array(self, name: str, array: Any, axes: str, pixel_size_um: float | None) -> ImageRecord:
        """Write pixels into the project's folder and add them."""
        folder = self._folder / _KEPT
        path = write_array(folder, self._free_name(name), array, axes, pixel_size_um)
        same = self._by_fingerprint(fingerprint(path))
        if same is not None and self.path(same.name).parent == folder:
            path.unlink()
            return same
        return self._add_one(path, self._by_path(), name)

    def remove(self, name: str) -> None:
        """Take an image off the list; its name stays taken, because its hints stay in the journal."""
        record = self.record(name)
        del self._content.images[name]
        self._content.removed[name] = record

    def relink(self, name: str, path: Path, same_shape: bool) -> ImageRecord:
        """Point a record to another file; with ``same_shape`` only to one whose planes are as large."""
        record = self.record(name)
        _, info = open_array(path)
        if same_shape and info.shape != record.info.shape:
            raise ImageError(
                f"{path} has shape {info.shape}, but {name!r} has hints made on an image of shape "
                f"{record.info.shape}"
            )
        where, relative = self._places(path)
        record = replace(record, fingerprint=fingerprint(path), info=info, path=where, relative=relative)
        self._content.images[name] = record
        self.close()  # a folder of Zarr does not show that something in it changed
        return record

    def problem(self, name: str) -> ImageProblem | None:
        """Check an image's place and fingerprint; any thread may ask, at any time."""
        if (record := self._content.images.get(name)) is None:
            return None
        try:
            return self._problem(record)
        except OSError as error:  # a folder that may not be entered
            text = f"{record.path} cannot be read: {error.strerror or error}"
            return ImageProblem(name, record.path, "unreadable", text)

    def open(self, ref: PlaneRef) -> Image:
        """Return a plane; headers of the last few files and a few hundred MB of pixels are kept."""
        record = self.record(ref.image)
        path = self.path(ref.image)
        array = self._array(path)
        check_shape(path, array.info, record.info.shape)
        try:
            info = array.info
            return Image(ref, PlaneArray(array, ref.plane), info.pixel_size_um, info.channel_names)
        except ImageError as error:
            raise ImageError(f"{path}: {error}") from error

    def coarser(self, name: str) -> tuple[FileArray, ...]:
        """Return the smaller copies that an image's file keeps, the largest first."""
        return open_coarser(self.path(name), self._cache)

    def seen_from(self, folder: Path) -> Content:
        """Return the records as a copy of the project in another folder should hold them."""

        def moved(record: ImageRecord) -> ImageRecord:
            inside = record.relative and not record.relative.startswith("..")
            path = folder / record.relative if inside else Path(record.path)
            return replace(record, path=_normal(path), relative=relative_path(path, folder))

        return replace(
            self._content,
            images={name: moved(r) for name, r in self._content.images.items()},
            removed={name: moved(r) for name, r in self._content.removed.items()},
        )

    def close(self) -> None:
        """Forget headers and pixels."""
        self._arrays.clear()
        self._cache.clear()

    def _by_path(self) -> dict[Path, ImageRecord]:
        """Return the records by where their files are; it asks the disk for each."""
        return {self._path_of(record): record for record in self._content.images.values()}

    def _add_one(self, path: Path, known: dict[Path, ImageRecord], name: str = "") -> ImageRecord:
        """Add a file unless it is among the ``known``, which grow by it."""
        where, relative = self._places(path)
        if Path(where) in known:
            return known[Path(where)]
        mark = fingerprint(path)
        _, info = open_array(path, self._cache)
        back = self._came_back(mark, path)
        if back is not None:
            added = replace(back, info=info, path=where, relative=relative)
        else:
            added = ImageRecord(self._free_name(name or _stem(path)), where, mark, info, relative)
        self._content.images[added.name] = known[Path(where)] = added
        return added

    def _came_back(self, mark: str, path: Path) -> ImageRecord | None:
        for name, record in self._content.removed.items():
            kept = record.relative.startswith(f"{_KEPT}/")
            if record.fingerprint == mark and (kept or Path(record.path).name == path.name):
                return self._content.removed.pop(name)
        return None

    def _array(self, path: Path) -> FileArray:
        try:
            stat = path.stat()
            state = (stat.st_mtime_ns, stat.st_size)
        except OSError:
            state = (0, 0)
        known = self._arrays.get(path)
        if known is None or known[0] != state:
            known = (state, open_array(path, self._cache)[0])
        self._arrays[path] = known
        self._arrays.move_to_end(path)
        while len(self._arrays) > _KEPT_OPEN:
            self._arrays.popitem(last=False)
        return known[1]

    def _problem(self, record: ImageRecord) -> ImageProblem | None:
        path = self._path_of(record)
        if not path.exists():
            return ImageProblem(
                record.name, str(path), "missing", f"{path} is missing; it was moved or deleted"
            )
        try:
            if fingerprint(path) == record.fingerprint:
                return None
            open_array(path)
        except ImageError as error:
            return ImageProblem(record.name, str(path), "unreadable", str(error))
        text = f"{path} is not the file that was added: its content has changed"
        return ImageProblem(record.name, str(path), "changed", text)

    def _by_fingerprint(self, mark: str) -> ImageRecord | None:
        return next((r for r in self._content.images.values() if r.fingerprint == mark), None)

    def _free_name(self, wanted: str) -> str:
        return unique_name(wanted, [*self._content.images, *self._content.removed])

    def _places(self, path: Path) -> tuple[str, str]:
        return _normal(path), relative_path(path, self._folder)


def _normal(path: Path) -> str:
    # Symbolic links stay: where data are kept by content, what they point to has no telling name.
    return Path(os.path.abspath(path)).as_posix()  # noqa: PTH100


def _stem(path: Path) -> str:
    return path.stem.removesuffix(".ome")
