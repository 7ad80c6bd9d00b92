"""Writing label images; what they hold is told in :mod:`~napari_inkling.project.formats.masks`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import FormatError
from napari_inkling.project.formats.csv_writing import table_text
from napari_inkling.project.formats.files import write_file, write_text
from napari_inkling.project.formats.items import Export, Item
from napari_inkling.project.formats.label_drawing import draw_labels, label_numbers

__all__ = ["RADIUS", "write", "write_png"]

#: Radius in pixels of the disk of a point whose cell has no known radius.
RADIUS = 3.0
_SUFFIXES = (".tif", ".tiff", ".png")
#: The largest number in 16 bits.
_MOST = 2**16 - 1


def write(path: Path, export: Export, suffix: str = ".tif") -> Path:
    """Write a label image and a table per plane into a folder, or a single plane into ``path``.

    A file that ends with .png is a PNG of 16 bit, which holds 65,535 cells at most. Background points are in
    the table, not in the image.

    Raises
    ------
    FormatError
        If there are several planes for one file, the size of an image is not known, or a PNG would not hold
        all cells.
    """
    files = export.files(path, _SUFFIXES, suffix)
    for file, item in files.items():
        _check(file, item)  # all of them before the first is written
    for file, item in files.items():
        _write_image(file, item)
    return path


write_png = partial(write, suffix=".png")


def _check(path: Path, item: Item) -> None:
    item.known_shape()
    count = len(label_numbers(item.hints))
    if path.suffix.lower() == ".png" and count > _MOST:
        raise FormatError(
            f"{path} would need {count:,} numbers for the cells of {item.ref}, a PNG has {_MOST:,}: "
            "expected a TIFF"
        )


def _write_image(path: Path, item: Item) -> None:
    labels, numbers = draw_labels(item.hints, item.known_shape(), item.radius or RADIUS)
    labels = labels.astype(np.uint16) if len(numbers) <= _MOST else labels
    write_file(path, partial(_save_png if path.suffix.lower() == ".png" else _save_tiff, labels=labels))
    write_text(path.with_suffix(".csv"), table_text([item], labels=numbers))


def _save_png(path: Path, labels: npt.NDArray[Any]) -> None:
    import PIL.Image

    PIL.Image.fromarray(labels).save(path, format="PNG")


def _save_tiff(path: Path, labels: npt.NDArray[Any]) -> None:
    import tifffile

    tifffile.imwrite(path, labels, compression="zlib")
