"""The formats by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from napari_inkling.core import CELL, FormatError
from napari_inkling.project.formats import coco, masks, points_csv, voc
from napari_inkling.project.formats.items import Item
from napari_inkling.project.formats.result import ImportResult

__all__ = ["FORMATS", "Format", "find_format", "guess_format", "read_annotations"]


class _Read(Protocol):
    def __call__(
        self,
        path: Path,
        images: Mapping[str, tuple[int, int]] | None = None,
        *,
        files: Mapping[str, str] | None = None,
        class_name: str = CELL,
    ) -> ImportResult: ...


class _Write(Protocol):
    def __call__(
        self, path: Path, items: Sequence[Item], *, classes: Sequence[str] = (), radius: float | None = None
    ) -> Path: ...


@dataclass(frozen=True)
class Format:
    """A way to keep annotations in files.

    Parameters
    ----------
    name : str
        As on the command line.
    title : str
        For a menu.
    suffixes : tuple of str
        Of its files, in lower case.
    read, write : callable
        See the functions of :mod:`napari_inkling.project.formats.coco`.
    folder : bool
        Whether several images make several files in a folder.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    read: _Read
    write: _Write
    folder: bool = False


#: All formats by name.
FORMATS: Mapping[str, Format] = {
    f.name: f
    for f in (
        Format("coco", "COCO (JSON)", (".json",), coco.read, coco.write),
        Format("points-csv", "Points (CSV)", (".csv", ".tsv"), points_csv.read, points_csv.write),
        Format("voc", "Pascal VOC (XML)", (".xml",), voc.read, voc.write, folder=True),
        Format(
            "masks", "Label images (TIFF)", (".tif", ".tiff", ".png"), masks.read, masks.write, folder=True
        ),
    )
}


def guess_format(path: Path | str) -> str:
    """Return the name of the format that a file, or most files of a folder, have the suffix of."""
    path = Path(path)
    files = [p for p in path.rglob("*") if not p.name.startswith(".")] if path.is_dir() else [path]
    count = {name: sum(p.suffix.lower() in f.suffixes for p in files) for name, f in FORMATS.items()}
    best = max(count, key=lambda name: count[name])
    if not count[best]:
        known = ", ".join(s for f in FORMATS.values() for s in f.suffixes)
        raise FormatError(
            f"{path} is in no known format, expected a file, or a folder of files, with {known}"
        )
    return best


def read_annotations(
    path: Path | str, format: str | None = None, images: Mapping[str, tuple[int, int]] | None = None
) -> ImportResult:
    """Read annotations without a project; with ``images`` (name → height and width) only of these images."""
    return find_format(format or guess_format(path)).read(Path(path), images)


def find_format(name: str) -> Format:
    """Return a format by name; raises FormatError for an unknown one."""
    if name not in FORMATS:
        raise FormatError(f"there is no format {name!r}, expected one of {', '.join(FORMATS)}")
    return FORMATS[name]
