"""The formats by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from napari_inkling.core import CELL, FormatError
from napari_inkling.project.formats import coco, geojson, masks, omezarr_labels, points_csv, voc
from napari_inkling.project.formats.items import Export
from napari_inkling.project.formats.known_images import KnownImages
from napari_inkling.project.formats.result import ImportResult

__all__ = ["FORMATS", "Format", "find_format", "guess_format", "read_annotations"]


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


#: All formats by name. Where a suffix fits several, the first is guessed.
FORMATS: Mapping[str, Format] = {
    f.name: f
    for f in (
        Format("coco", "COCO (JSON)", (".json",), coco.read, coco.write),
        Format(
            "geojson", "GeoJSON (QuPath)", (".geojson", ".json"), geojson.read, geojson.write, folder=True
        ),
        Format("points-csv", "Points (CSV)", (".csv", ".tsv"), points_csv.read, points_csv.write),
        Format("voc", "Pascal VOC (XML)", (".xml",), voc.read, voc.write, folder=True),
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


def guess_format(path: Path | str) -> str:
    """Return the name of the format that a file, or most files of a folder, have the suffix of."""
    path = Path(path)
    files = list(_files(path))
    images = {p.with_suffix("") for p in files if p.suffix.lower() in FORMATS["masks"].suffixes}
    # A table beside a label image belongs to it.
    counted = [p for p in files if p.suffix.lower() != ".csv" or p.with_suffix("") not in images]
    count = {name: sum(p.suffix.lower() in f.suffixes for p in counted) for name, f in FORMATS.items()}
    best = max(count, key=lambda name: count[name])
    if not count[best]:
        known = ", ".join(dict.fromkeys(s for f in FORMATS.values() for s in f.suffixes))
        raise FormatError(
            f"{path} is in no known format, expected a file, or a folder of files, with {known}"
        )
    return best


def _files(path: Path) -> Iterator[Path]:
    """Yield a file, or those in a folder and its subfolders; a Zarr store counts as a file."""
    if path.suffix.lower() == ".zarr" or not path.is_dir():
        yield path
        return
    for entry in sorted(path.iterdir()):
        if not entry.name.startswith("."):
            yield from _files(entry)


def read_annotations(
    path: Path | str,
    format: str | None = None,
    images: Mapping[str, tuple[int, int]] | None = None,
    files: Mapping[str, str] | None = None,
    class_name: str = CELL,
) -> ImportResult:
    """Read annotations without a project.

    Parameters
    ----------
    path : Path
        File or folder.
    format : str, optional
        A name of :data:`FORMATS`; by default as the suffix says.
    images : mapping of str to (int, int), optional
        Height and width of the images that may be meant, by name; by default any.
    files : mapping of str to str, optional
        Paths of these images.
    class_name : str
        Class of rows that name none.
    """
    found = find_format(format or guess_format(path))
    return found.read(Path(path), KnownImages(images, files), class_name)


def find_format(name: str) -> Format:
    """Return a format by name; raises FormatError for an unknown one."""
    if name not in FORMATS:
        raise FormatError(f"there is no format {name!r}, expected one of {', '.join(FORMATS)}")
    return FORMATS[name]
