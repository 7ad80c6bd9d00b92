"""What people name on the command line, found and checked before any work begins."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_inkling.core import PlaneRef
    from napari_inkling.project import ImageRecord, Project

__all__ = [
    "PlaneSource",
    "find_planes",
    "format_for",
    "format_of",
    "image_files",
    "is_project",
    "must_be_writable",
    "planes_of",
    "read_list",
]


@dataclass(frozen=True)
class PlaneSource:
    """A plane to predict: what to call it, the file it is in, and its size (height, width) in pixels.

    ``file_shape`` is that of the whole file: if it has another one by then, the size is wrong.
    """

    ref: PlaneRef
    path: str
    shape: tuple[int, int]
    file_shape: tuple[int, ...] | None = None


def is_project(path: Path) -> bool:
    """Whether a path is a project's folder."""
    return (path / "project.json").is_file()


def find_planes(paths: Iterable[Path]) -> list[PlaneSource]:
    """Return all planes of image files, of folders of images, and of projects.

    A file that is named twice counts once; a name that comes twice (``a/tile.tif``, ``b/tile.tif``) gets a
    number.

    Raises
    ------
    ImageError
        Naming every file that is missing, or no image.
    ProjectError
        If a project cannot be opened.
    """
    from napari_inkling.core import ImageError

    found: list[PlaneSource] = []
    errors: list[str] = []
    for path in paths:
        try:
            found = _joined(found, _planes_in(path))
        except ImageError as error:
            errors.append(str(error))
    if errors:
        raise ImageError("; ".join(errors))
    return found


def _planes_in(path: Path) -> list[PlaneSource]:
    from napari_inkling.project import Project

    if is_project(path):
        with Project.open(path, read_only=True) as project:
            return planes_of(project)
    return [
        PlaneSource(ref, str(file.absolute()), _size(record.info.plane_shape), record.info.shape)
        for file, record in _opened([path])
        for ref in record.planes()
    ]


def planes_of(project: Project) -> list[PlaneSource]:
    """Return all planes of a project."""
    shapes = {record.name: _size(record.info.plane_shape) for record in project.images}
    every = [ref for record in project.images for ref in record.planes()]
    return [
        PlaneSource(item.ref, item.path, shapes[item.ref.image], item.shape)
        for item in project.snapshot(only=every).images
    ]


def image_files(paths: Iterable[Path]) -> list[Path]:
    """Return image files, those in folders too; raises ImageError that names every bad one."""
    return [path for path, _ in _opened(paths)]


def _opened(paths: Iterable[Path]) -> list[tuple[Path, ImageRecord]]:
    from napari_inkling.core import ImageError
    from napari_inkling.project import ImageRecord, open_array
    from napari_inkling.project.images import find_images

    good: list[tuple[Path, ImageRecord]] = []
    errors: list[str] = []
    for given in paths:
        found = find_images(given)
        if not found:
            errors.append(f"{given} is a folder without images")
        for path in found:
            try:
                _, info = open_array(path)
            except ImageError as error:
                errors.append(str(error))
            else:
                good.append((path, ImageRecord(path.stem.removesuffix(".ome"), str(path), "", info)))
    if errors:
        raise ImageError("; ".join(errors))
    return good


def _joined(found: Sequence[PlaneSource], new: Sequence[PlaneSource]) -> list[PlaneSource]:
    """Return both, each plane once, and under names that no earlier image has; one file keeps one name."""
    from napari_inkling.core import PlaneRef
    from napari_inkling.project.records import unique_name

    known = {(plane.path, plane.ref.plane) for plane in found}
    new = [plane for plane in new if (plane.path, plane.ref.plane) not in known]
    taken = {plane.ref.image for plane in found}
    names: dict[str, str] = {}
    for plane in new:
        if plane.path not in names:
            names[plane.path] = unique_name(plane.ref.image, [*taken, *names.values()])
    renamed = [replace(plane, ref=PlaneRef(names[plane.path], plane.ref.plane)) for plane in new]
    return [*found, *renamed]


def _size(plane_shape: Sequence[int]) -> tuple[int, int]:
    return int(plane_shape[0]), int(plane_shape[1])


def format_of(path: Path, name: str | None) -> str:
    """Return the format that a person named, else the one that annotation files are in."""
    from napari_inkling.core import FormatError
    from napari_inkling.project.formats import guess_format

    try:
        return name or guess_format(path)
    except FormatError as error:
        raise (FormatError(f"{error}; or give --format") if path.exists() else error) from None


def format_for(out: Path, name: str | None) -> str:
    """Return the format that a person named, else the one that the name of what is written ends with.

    Raises
    ------
    FormatError
        If there is no such format, or the name tells none.
    """
    from napari_inkling.core import FormatError
    from napari_inkling.project.formats import find_format, format_to_write

    try:
        return find_format(name).name if name else format_to_write(out)
    except FormatError as error:
        raise (error if name else FormatError(f"{error}; or give --format")) from None


def read_list(path: Path) -> list[str]:
    """Return the names in a text file, one per line; blank lines and lines that begin with # do not count."""
    from napari_inkling.core import FormatError

    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise FormatError(f"cannot read the list {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"{path} is not UTF-8 text, expected one image name per line") from error
    names = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not names:
        raise FormatError(f"the list {path} is empty, expected one image name per line")
    return names


def must_be_writable(path: Path) -> None:
    """Make the folder that ``path`` shall lie in; raises ProjectError before hours of work are in vain."""
    from napari_inkling.core import ProjectError

    folder = path.absolute().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProjectError(f"{path} cannot be written: {error.filename}: {error.strerror}") from error
    if not os.access(folder, os.W_OK):
        raise ProjectError(f"{path} cannot be written: {folder} is read-only")
