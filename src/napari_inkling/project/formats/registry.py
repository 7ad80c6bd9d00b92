"""The formats by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from napari_inkling.core import CELL, FormatError
from napari_inkling.project.formats import coco, geojson, masks, omezarr_labels, points_csv, voc, yolo
from napari_inkling.project.formats.items import Export
from napari_inkling.project.formats.known_images import KnownImages
from napari_inkling.project.formats.result import ImportResult

__all__ = ["FORMATS", "Format", "find_format"]


class _Read(Protocol):
    def __call__(self, path: Path, images: KnownImages, class_name: str = CELL) -> ImportResult:
        """Read a file, or all files of a folder.

        Parameters
        ----------
        path : Path
            File or folder.
        images : KnownImages
            The images that may be meant.
        class_name : str
            Class of rows that name none.

        Raises
        ------
        FormatError
            If a file is missing or not in this format; nothing that can be understood only in part is taken.
        """


class _Write(Protocol):
    def __call__(self, path: Path, export: Export) -> Path:
        """Write a file, or several into a folder, each whole or not at all, and return the path.

        Raises
        ------
        FormatError
            If it cannot be written, or the format cannot hold it.
        """


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
        Of its files, in lower case; the first is what is written.
    read, write : callable
        What they take and return is told here, in :class:`_Read` and :class:`_Write`.
    folder : bool
        Whether several images make several files in a folder.
    stacks : bool
        Whether a file holds all planes of an image; else each plane counts as an image.
    """

    name: str
    title: str
    suffixes: tuple[str, ...]
    read: _Read
    write: _Write
    folder: bool = False
    stacks: bool = False


#: All formats by name.
FORMATS: Mapping[str, Format] = {
    f.name: f
    for f in (
        Format("coco", "COCO (JSON)", (".json",), coco.read, coco.write),
        Format(
            "geojson", "GeoJSON (QuPath)", (".geojson", ".json"), geojson.read, geojson.write, folder=True
        ),
        Format("points-csv", "Points (CSV)", (".csv", ".tsv"), points_csv.read, points_csv.write),
        Format("voc", "Pascal VOC (XML)", (".xml",), voc.read, voc.write, folder=True),
        Format("yolo", "YOLO (TXT)", (".txt",), yolo.read, yolo.write, folder=True),
        Format(
            "masks", "Label images (TIFF)", (".tif", ".tiff", ".png"), masks.read, masks.write, folder=True
        ),
        Format("masks-png", "Label images (PNG)", (".png",), masks.read, masks.write_png, folder=True),
        Format(
            "ome-zarr-labels",
            "OME-Zarr labels",
            (".zarr",),
            omezarr_labels.read,
            omezarr_labels.write,
            folder=True,
            stacks=True,
        ),
    )
}


def find_format(name: str) -> Format:
    """Return a format by name; raises FormatError for an unknown one."""
    if name not in FORMATS:
        raise FormatError(f"there is no format {name!r}, expected one of {', '.join(FORMATS)}")
    return FORMATS[name]
