"""One line of a table, understood."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_inkling.core import FormatError
from napari_inkling.project.formats.collector import mask_row
from napari_inkling.project.formats.corners import from_corners
from napari_inkling.project.formats.csv_header import Header
from napari_inkling.project.formats.rows import Kind, Row, kinds_in
from napari_inkling.project.formats.run_lengths import mask_from_text

__all__ = ["Fields", "read_lines"]


def read_lines(path: Path, text: str, header: Header) -> Iterator[Fields]:
    """Yield every line below the header; raises FormatError for one that is no row of the table."""
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
            yield Fields(path, reader.line_num, fields, header)
    except csv.Error as error:
        raise FormatError(f"{path}, line {reader.line_num}: {error}, expected a row of a table") from error


class Fields:
    """The fields of one line by the name of their column."""

    def __init__(self, path: Path, line: int, fields: Sequence[str], header: Header) -> None:
        self.place = f"{path.name} line {line}"
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

    def kinds(self) -> tuple[Kind, ...]:
        """Return which rows the line holds; without the column ``kind``, one with edges is a box."""
        is_box = self._header.corners or self.text("y0")
        text = self.text("kind").lower() or ("box" if is_box else "point")
        if not (found := kinds_in(text)):
            raise FormatError(
                f"{self._where}: kind is {text!r}, expected point, box, mask, or some with + between"
            )
        return found

    def rows(self, class_name: str) -> list[Row]:
        """Return the rows of the line; a mask whose pixels are elsewhere has no ``crop``."""
        base = Row(
            "point",
            (),
            self.text("class") or class_name,
            self.text("source") or "imported",
            self.number("score", 1.0),
            self.whole("round") or 0,
            self.number("time", 0.0),
            self.number("seconds", 0.0),
            self.whole("id"),
            self._attributes(),
        )
        found = []
        for kind in self.kinds():
            if kind == "mask":
                found.append(self._mask(base))
            else:
                found.append(replace(base, kind=kind, coordinates=self._place(kind)))
        return found

    def _place(self, kind: Kind) -> tuple[float, ...]:
        """Return the coordinates of a point or box."""
        if kind == "point":
            return self.number("y"), self.number("x")
        y0, x0, y1, x1 = map(self.number, ("y0", "x0", "y1", "x1"))
        return from_corners(x0, y0, x1, y1) if self._header.corners else (y0, x0, y1, x1)

    def _mask(self, base: Row) -> Row:
        if not (text := self.text("mask")):
            return replace(base, kind="mask")
        try:
            mask = mask_row(*mask_from_text(text))
        except FormatError as error:
            raise FormatError(f"{self._where}: {error}") from error
        return replace(base, kind="mask", coordinates=mask.coordinates, crop=mask.crop)

    def _attributes(self) -> dict[str, Any]:
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
