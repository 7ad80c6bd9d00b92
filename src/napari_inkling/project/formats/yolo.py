"""YOLO: a text file per image, a line per box: its class's number, centre x, centre y, width and height.

The four are shares of the image's size, so that this must be known. Class names are in ``classes.txt``. A
suggestion has its score behind; a mask is the box around it. All columns, points, masks and what is no cell
are in a table beside each file, as beside label images, with the number of its line as ``label``: of what
another program changed in the text file, the text file is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_inkling.core import CELL, FormatError
from napari_inkling.project.formats.collector import Collector, cell_of_mask
from napari_inkling.project.formats.corners import from_corners
from napari_inkling.project.formats.files import read_text
from napari_inkling.project.formats.known_images import KnownImages
from napari_inkling.project.formats.outlines import is_rectangle
from napari_inkling.project.formats.points_csv import label_table
from napari_inkling.project.formats.result import ImportResult
from napari_inkling.project.formats.rows import Row
from napari_inkling.project.formats.yolo_names import LISTS, class_names
from napari_inkling.project.formats.yolo_writing import shares, write

__all__ = ["read", "write"]

#: Shares that differ by less are the same box: eight decimals are written, others write six.
_SAME = 2e-6
Shape = tuple[int, int]


def read(path: Path, images: KnownImages, class_name: str = CELL) -> ImportResult:
    """Read one file of boxes, or all of a folder and those in it; lines of polygons become masks.

    Raises
    ------
    FormatError
        If a line is something else, or the size of an image is not known.
    """
    collector = Collector(images)
    names = class_names(path if path.is_dir() else path.parent)
    for file in _label_files(path):
        ref = images.find_file(file)
        key = collector.plane(ref.image, ref.plane, where=file.name)
        if key is not None:
            _Labels(file, key, collector, names).add(label_table(file.with_suffix(".csv"), class_name))
    return collector.result()


def _label_files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise FormatError(f"{path} does not exist, expected YOLO labels or a folder of them")
    found = sorted(p for p in path.rglob("*.txt") if p.name.lower() not in LISTS and p.is_file())
    if not found:
        raise FormatError(f"the folder {path} holds no .txt file with boxes, expected YOLO labels")
    return found


@dataclass(frozen=True)
class _Line:
    """A line as rows, with what it states of its box: the class's name and four shares."""

    where: str
    rows: list[Row]
    name: str
    stated: tuple[float, ...]


class _Labels:
    """The file of one plane."""

    def __init__(self, path: Path, key: str, collector: Collector, names: Mapping[int, str]) -> None:
        self._path, self._key, self._collector, self._names = path, key, collector, names

    def add(self, told: list[tuple[int | None, Row]]) -> None:
        """Add what the file says; ``told`` are the rows of the table beside it, each with its line."""
        lines = list(self._lines())
        cells: dict[int, list[Row]] = {}
        for label, row in told:
            if label is not None:
                cells.setdefault(label, []).append(row)
        left = {label: self._statement(rows) for label, rows in cells.items()}
        fresh = []
        for line in lines:
            if (label := _same(line, left)) is not None:
                del left[label]
            else:
                fresh.append(line)
        for label, row in told:
            if label is None or label not in left:
                self._collector.add(self._key, row, self._path.name)
        for line in fresh:
            for row in line.rows:
                self._collector.add(self._key, row, line.where)
        if told and (fresh or left):
            self._collector.tally.add(
                "another program changed a file, what it changed was taken as it is there",
                "another program changed {n} files, what it changed was taken as it is there",
                f"{self._path.name} ({len(fresh)} boxes new or changed, {len(left)} gone or changed)",
            )

    def _statement(self, rows: list[Row]) -> tuple[str, tuple[float, ...]]:
        """Return what the line of a cell said."""
        row = next((row for kind in ("box", "mask") for row in rows if row.kind == kind), None)
        return (row.class_name, shares(row.edges, self._shape())) if row else ("", ())

    def _shape(self) -> Shape:
        if shape := self._collector.shape(self._key):
            return shape
        raise FormatError(
            f"{self._path}: the size of the image {self._key!r} is not known, and boxes are shares of it; "
            "expected a project with that image"
        )

    def _lines(self) -> Iterator[_Line]:
        for number, text in enumerate(read_text(self._path).splitlines(), 1):
            if text.strip():
                yield self._line(text.split(), number)

    def _line(self, fields: list[str], number: int) -> _Line:
        where = f"{self._path}, line {number}"
        try:
            class_number, values = int(fields[0]), np.array(list(map(float, fields[1:])))
        except ValueError:
            class_number, values = -1, np.empty(0)
        is_polygon = len(values) >= 6 and len(values) % 2 == 0
        if class_number < 0 or not (len(values) in (4, 5) or is_polygon) or not np.isfinite(values).all():
            raise FormatError(
                f"{where}: {' '.join(fields)[:60]!r} is no box of YOLO's, expected the number of a class, "
                "centre x, centre y, width and height (and a score), or the corners of a polygon"
            )
        name, short = self._name(class_number), f"{self._path.name} line {number}"
        if is_polygon:
            rows = self._outline(values.reshape(-1, 2), short)
        else:
            height, width = self._shape()
            x, y, w, h = values[:4] * (width, height, width, height)
            rows = [Row("box", from_corners(x - w / 2, y - h / 2, x + w / 2, y + h / 2))]
        score = float(values[4]) if len(values) == 5 else 1.0
        rows = [replace(row, class_name=name, score=score) for row in rows]
        return _Line(short, rows, name, tuple(values[:4].tolist()) if not is_polygon else ())

    def _name(self, number: int) -> str:
        if number not in self._names:
            self._collector.tally.add(
                f"the class {number} has no name, its number was taken",
                f"the class {number} has no name, its number was taken for {{n}} boxes",
                self._path.name,
            )
        return self._names.get(number, str(number))

    def _outline(self, corners: npt.NDArray[np.float64], where: str) -> list[Row]:
        height, width = self._shape()
        ring = corners * (width, height)
        if is_rectangle([[ring]]):
            return [Row("box", from_corners(*ring.min(0).tolist(), *ring.max(0).tolist()))]
        mask = self._collector.filled(self._key, [[ring]], where)
        if mask is None:
            self._collector.tally.add(
                "skipped a polygon in which no pixel's centre lies, or outside the image",
                "skipped {n} polygons in which no pixel's centre lies, or outside the image",
                where,
            )
        return cell_of_mask(mask) if mask else []


def _same(line: _Line, cells: Mapping[int, tuple[str, tuple[float, ...]]]) -> int | None:
    """Return the cell that a line states, ``None`` if it is none of them."""
    for label, (name, stated) in cells.items():
        if (
            name == line.name
            and len(stated) == len(line.stated) > 0
            and all(abs(a - b) <= _SAME for a, b in zip(stated, line.stated, strict=True))
        ):
            return label
    return None
