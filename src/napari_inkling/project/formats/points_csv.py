"""Points as a table: one row per point, in one file for all images or one file per image.

Written are the columns ``y, x, class, source, score, id, image, plane, round, time, seconds, attributes``
(pixels, with (0, 0) at the first pixel's centre; plane as numbers with blanks; attributes as JSON). Where
there are boxes, ``kind`` (point, box, both) and ``y0, x0, y1, x1`` follow, and y, x of a box is its centre.
Only y and x are needed to read, in any order, or napari's own ``axis-0, axis-1``; leading axes are the plane.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_inkling.core import CELL, FormatError
from napari_inkling.project.formats.csv_header import Header, read_header
from napari_inkling.project.formats.files import find_files, read_text, write_text
from napari_inkling.project.formats.items import Item
from napari_inkling.project.formats.known_images import KnownImages, stem
from napari_inkling.project.formats.result import ImportResult
from napari_inkling.project.formats.rows import Collector, Row, cells_of

__all__ = ["read", "table_text", "write"]

_ENDING = re.compile(r"[_-](points|centroids|centers|centres|cells|annotations|detections)$", re.IGNORECASE)
_COLUMNS = (
    "y", "x", "class", "source", "score", "id", "image", "plane", "round", "time", "seconds", "attributes",
)  # fmt: skip
_BOX_COLUMNS = ("kind", "y0", "x0", "y1", "x1")


def read(
    path: Path,
    images: Mapping[str, tuple[int, int]] | None = None,
    *,
    files: Mapping[str, str] | None = None,
    class_name: str = CELL,
) -> ImportResult:
    """Read a table, or all tables of a folder.

    Parameters
    ----------
    path : Path
        A ``.csv`` or ``.tsv`` file, or a folder of them. Without a column ``image`` a file is meant for the
        image of the same name, or for the only image there is.
    images : mapping of str to (int, int), or None
        Height and width of the images that may be meant; None takes any.
    files : mapping of str to str
        Paths of these images.
    class_name : str
        Class of rows that name none.

    Raises
    ------
    FormatError
        If a file is no table of points.
    """
    collector = Collector(KnownImages(images, files))
    for file in find_files(path := Path(path), [".csv", ".tsv"], ["points"], "tables of points"):
        _read_file(file, collector, class_name, alone=file == path)
    return collector.result()


def _read_file(path: Path, collector: Collector, class_name: str, *, alone: bool) -> None:
    lines = read_text(path)
    header = read_header(path, lines)
    if header.ignored:
        collector.tally.add(
            "ignored the columns of a table",
            "ignored columns of {n} tables",
            f"{path.name}: {', '.join(header.ignored)}",
        )
    own = None if "image" in header.columns else _own_image(path, collector.images, alone)
    keys: dict[tuple[str, tuple[int, ...]], str | None] = {}
    for line, fields in _records(path, lines, header):
        cell = _Cells(path, line, fields, header)
        place = (own or cell.text("image") or stem(path.name), cell.plane())
        if place not in keys:
            keys[place] = collector.plane(*place, where=path.name)
        key = keys[place]
        if key is None:
            collector.tally.add(
                "skipped a row of a skipped image",
                "skipped {n} rows of skipped images",
                f"{path.name} line {line}",
            )
            continue
        for row in _rows(cell, class_name):
            collector.add(key, row, f"{path.name} line {line}")


def _own_image(path: Path, images: KnownImages, alone: bool) -> str:
    """Return the image that a table without the column ``image`` is for; ``alone``, it must have one."""
    found = images.find_without(path.name, _ENDING)
    if not found and alone and images.shapes is not None and len(images.shapes) == 1:
        found = list(images.shapes)
    if len(found) != 1 and not alone:
        return path.name
    if len(found) != 1:
        raise FormatError(
            f"{path} has no column 'image' and is named like none of the {len(images.shapes or ())} images, "
            "expected a column 'image' or a file named after its image"
        )
    return found[0]


def _records(path: Path, text: str, header: Header) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and fields of every row below the header."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=header.delimiter, skipinitialspace=True, strict=True
    )
    try:
        for fields in reader:
            if reader.line_num <= header.line or not any(f.strip() for f in fields):
                continue
            extra = [f for f in fields[header.width :] if f.strip()]
            if len(fields) < header.width or extra:
                raise FormatError(
                    f"{path}, line {reader.line_num}: has {len(fields)} fields, "
                    f"expected {header.width} as in the header"
                )
            yield reader.line_num, fields
    except csv.Error as error:
        raise FormatError(f"{path}, line {reader.line_num}: {error}, expected a row of a table") from error


class _Cells:
    """The fields of one line by the name of their column."""

    def __init__(self, path: Path, line: int, fields: Sequence[str], header: Header) -> None:
        self._where = f"{path}, line {line}"
        self._fields = fields
        self._header = header

    def text(self, name: str) -> str:
        """Return the field without blanks around it, "" where there is no such column."""
        column = self._header.columns.get(name)
        return "" if column is None else self._fields[column].strip()

    def number(self, name: str, default: float | None = None) -> float:
        """Return the field as a number; ``default`` where it is empty."""
        text = self.text(name)
        if not text and default is not None:
            return default
        # Spreadsheets of half of Europe write "12,5" and separate by semicolons.
        if self._header.delimiter != "," and "." not in text:
            text = text.replace(",", ".", 1)
        try:
            return float(text)
        except ValueError:
            raise FormatError(f"{self._where}: {name} is {self.text(name)!r}, expected a number") from None

    def whole(self, name: str) -> int | None:
        """Return the field as a whole number, None where it is empty."""
        text = self.text(name)
        try:
            # Ids have up to 53 bits: the way through a float is only for "12.0".
            return None if not text else int(text) if re.fullmatch(r"[+-]?\d+", text) else _whole(float(text))
        except (ValueError, OverflowError):
            raise FormatError(f"{self._where}: {name} is {text!r}, expected a whole number") from None

    def plane(self) -> tuple[int, ...]:
        """Return the index in the stack: of the column ``plane``, or of the leading axes."""
        if self._header.axes:
            return tuple(round(self.number(axis)) for axis in self._header.axes)
        text = self.text("plane").strip("()[]")
        parts = re.split(r"[\s,;/]+", text) if text else []
        if not all(re.fullmatch(r"\d+", p) for p in parts if p):
            raise FormatError(f"{self._where}: plane is {text!r}, expected whole numbers with blanks between")
        return tuple(int(p) for p in parts if p)

    def kind(self) -> str:
        """Return point, box or both; without the column, a row with edges is a box."""
        kind = self.text("kind").lower() or ("box" if self.text("y0") else "point")
        if kind not in ("point", "box", "both"):
            raise FormatError(f"{self._where}: kind is {kind!r}, expected point, box or both")
        return kind

    def attributes(self) -> dict[str, Any]:
        """Return the JSON object of the column ``attributes``."""
        text = self.text("attributes")
        if not text:
            return {}
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise FormatError(f"{self._where}: attributes is {text!r}, expected a JSON object")
        return value


def _whole(value: float) -> int:
    if value != int(value):
        raise ValueError
    return int(value)


def _rows(cell: _Cells, class_name: str) -> list[Row]:
    """Return the point, the box, or both, of one line."""
    base = Row(
        "point",
        (),
        cell.text("class") or class_name,
        cell.text("source") or "imported",
        cell.number("score", 1.0),
        cell.whole("round") or 0,
        cell.number("time", 0.0),
        cell.number("seconds", 0.0),
        cell.whole("id"),
        cell.attributes(),
    )
    kind = cell.kind()
    rows = []
    if kind != "box":
        rows.append(replace(base, coordinates=(cell.number("y"), cell.number("x"))))
    if kind != "point":
        box = tuple(cell.number(side) for side in _BOX_COLUMNS[1:])
        rows.append(replace(base, kind="box", coordinates=box))
    return rows


def write(
    path: Path, items: Sequence[Item], *, classes: Sequence[str] = (), radius: float | None = None
) -> Path:
    """Write one table for all planes (``annotations.csv`` if ``path`` is a folder).

    ``classes`` and ``radius`` are not used. A plane without rows leaves no trace in a table.
    """
    path = Path(path)
    path = path / "annotations.csv" if path.is_dir() else path
    return write_text(path, table_text(items, "\t" if path.suffix.lower() == ".tsv" else ","))


def table_text(items: Sequence[Item], delimiter: str = ",", labels: Mapping[int, int] | None = None) -> str:
    """Return the table; ``labels`` (by id) makes a first column of numbers in a label image."""
    boxes = any(len(item.hints.boxes) for item in items)
    columns = [*(["label"] if labels is not None else []), *_COLUMNS, *(_BOX_COLUMNS if boxes else ())]
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, delimiter=delimiter, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for item in items:
        for fields in _lines(item):
            writer.writerow(fields | {"label": "" if labels is None else labels.get(fields["id"], "")})
    return out.getvalue()


def _lines(item: Item) -> Iterator[dict[str, Any]]:
    for point, box in cells_of(item.hints):
        row = point or box
        if row is None:
            continue
        sides = dict(zip(_BOX_COLUMNS[1:], map(repr, box.coordinates), strict=True)) if box else {}
        y, x = row.coordinates if row is point else _centre(row.coordinates)
        yield {
            "y": repr(y),
            "x": repr(x),
            "class": row.class_name,
            "source": row.source,
            "score": repr(row.score),
            "id": row.id,
            "image": item.ref.image,
            "plane": " ".join(map(str, item.ref.plane)),
            "round": row.round,
            "time": repr(row.time),
            "seconds": repr(row.seconds),
            "attributes": json.dumps(row.attributes, ensure_ascii=False) if row.attributes else "",
            "kind": "both" if point and box else row.kind,
            **sides,
        }


def _centre(box: Sequence[float]) -> tuple[float, float]:
    y0, x0, y1, x1 = box
    return (y0 + y1) / 2, (x0 + x1) / 2
