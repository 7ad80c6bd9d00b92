"""Writing YOLO labels; what is written where is told in :mod:`~napari_inkling.project.formats.yolo`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_inkling.core import FormatError, HintSet, Points
from napari_inkling.project.formats.cells import cells_of
from napari_inkling.project.formats.corners import to_corners
from napari_inkling.project.formats.csv_writing import table_text
from napari_inkling.project.formats.files import write_text
from napari_inkling.project.formats.items import Export, Item
from napari_inkling.project.formats.yolo_names import CLASSES, LISTS, class_names

__all__ = ["shares", "write"]


def write(path: Path, export: Export) -> Path:
    """Write a file of boxes and a table per plane into a folder, or a single plane into ``path``.

    Classes keep the numbers that a list of classes in the folder gives them; new ones come behind.

    Raises
    ------
    FormatError
        If there are several planes for one file, or the size of an image is not known.
    """
    files = export.files(path, [".txt"])
    for file, item in files.items():
        item.known_shape()
        if file.name.lower() in LISTS:
            raise FormatError(f"{file} is a list of YOLO's, expected another name for {item.ref.image!r}")
    folder = path if path not in files else path.parent
    before = class_names(folder) if (folder / CLASSES).is_file() else {}
    names = list(dict.fromkeys([*before.values(), *export.colours]))
    numbers = {name: i for i, name in enumerate(names)}
    for file, item in files.items():
        _write_plane(file, item, numbers)
    write_text(folder / CLASSES, "".join(f"{name}\n" for name in names))
    return path


def _write_plane(path: Path, item: Item, numbers: Mapping[str, int]) -> None:
    lines: dict[int, str] = {}
    for cell in cells_of(HintSet(Points(), item.hints.boxes.cells, item.hints.masks.cells)):
        row, edges = cell.rows[0], cell.edges
        assert edges is not None
        assert row.id is not None
        told = [str(numbers[row.class_name]), *(f"{v:.8f}" for v in shares(edges, item.known_shape()))]
        if row.source == "model" and not math.isnan(row.score):
            told.append(repr(row.score))  # trainers take five numbers only
        lines.setdefault(row.id, " ".join(told))
    write_text(path, "".join(f"{line}\n" for line in lines.values()))
    labels = {cell: number for number, cell in enumerate(lines, 1)}
    write_text(path.with_suffix(".csv"), table_text([item], labels=labels, pixels=True))


def shares(box: Sequence[float], shape: tuple[int, int]) -> tuple[float, float, float, float]:
    """Return centre x, centre y, width and height of a box as shares of the image's size."""
    (height, width), (x0, y0, x1, y1) = shape, to_corners(box)
    return (x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height
