"""Rows of any format on their way into hints: checked, gathered by plane, and every change told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

import numpy as np

from napari_inkling.core import CELL, SOURCES, Boxes, FormatError, HintSet, PlaneRef, Points, new_ids
from napari_inkling.project.formats.known_images import KnownImages
from napari_inkling.project.formats.result import ImportResult, Tally

__all__ = ["Collector", "Kind", "Row", "cells_of", "row_columns", "rows_of", "with_columns"]

Kind = Literal["point", "box"]
R = TypeVar("R", Points, Boxes)
_LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Row:
    """One point (y, x) or box (y0, x0, y1, x1) with its columns; ``id`` None asks for a new one."""

    kind: Kind
    coordinates: tuple[float, ...]
    class_name: str = CELL
    source: str = "imported"
    score: float = 1.0
    round: int = 0
    time: float = 0.0
    seconds: float = 0.0
    id: int | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


def rows_of(hints: HintSet) -> list[Row]:
    """Return all points, then all boxes."""
    return [*_rows("point", hints.points), *_rows("box", hints.boxes)]


def cells_of(hints: HintSet) -> list[tuple[Row | None, Row | None]]:
    """Return points and boxes, those of one cell as a pair, for formats that hold both in one entry.

    Point and box are one cell if they have the same id and agree in every column. They are paired only if all
    boxes have their point and both kinds stand in the same order, so that reading restores the order.
    """
    rows = rows_of(hints)
    boxes = {row.id: row for row in rows if row.kind == "box"}
    points = [row for row in rows if row.kind == "point"]
    shared = [p for p in points if p.id in boxes]
    alike = [replace(boxes[p.id], kind="point", coordinates=p.coordinates) for p in shared]
    # By their text, for two scores that are NaN are not equal.
    if [p.id for p in shared] == list(boxes) and list(map(repr, alike)) == list(map(repr, shared)):
        return [(p, boxes.get(p.id)) for p in points]
    return [*((p, None) for p in points), *((None, b) for b in boxes.values())]


def _rows(kind: Kind, table: Points | Boxes) -> list[Row]:
    return [
        Row(
            kind,
            tuple(table.coordinates[i].tolist()),
            str(table.classes[i]),
            str(table.sources[i]),
            float(table.scores[i]),
            int(table.rounds[i]),
            float(table.times[i]),
            float(table.seconds[i]),
            int(table.ids[i]),
            {name: _plain(values[i]) for name, values in table.attributes.items()},
        )
        for i in range(len(table))
    ]


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not np.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float) or value is None else str(value)


def row_columns(row: Row) -> dict[str, Any]:
    """Return what a format has no place for, to be put into the file as JSON; see :func:`with_columns`."""
    return {
        "kind": row.kind,
        "source": row.source,
        "round": row.round,
        "time": row.time,
        "seconds": row.seconds,
        "id": row.id,
        "coordinates": list(row.coordinates),
    }


def with_columns(
    row: Row,
    columns: Any,
    where: str,
    stated: Callable[[tuple[float, ...]], Sequence[float]] = tuple,
    tolerance: float = 1e-6,
) -> Row:
    """Return a row with what :func:`row_columns` wrote.

    The exact coordinates count only if ``stated``, how the format rounds them, still gives those of ``row``
    within ``tolerance`` pixels: another program may have moved the box since.
    """
    try:
        exact = tuple(float(v) for v in columns.get("coordinates", row.coordinates))
        agree = len(exact) == len(row.coordinates) and bool(
            np.allclose(stated(exact), row.coordinates, rtol=0, atol=tolerance)
        )
        return Row(
            row.kind,
            exact if agree else row.coordinates,
            row.class_name,
            str(columns.get("source", row.source)),
            row.score,
            int(columns.get("round", row.round)),
            float(columns.get("time", row.time)),
            float(columns.get("seconds", row.seconds)),
            row.id if columns.get("id") is None else int(columns["id"]),
            row.attributes,
        )
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"{where}: the columns under 'inkling' are damaged ({error})") from error


class Collector:
    """Takes rows, one after the other, and gives the hints of each plane."""

    def __init__(self, images: KnownImages) -> None:
        self.images = images
        self.tally = Tally()
        self._rows: dict[str, dict[Kind, list[Row]]] = {}
        self._ids: set[tuple[str, Kind, int]] = set()

    def plane(
        self, image: str, plane: Sequence[int] = (), *, where: str, shape: tuple[int, int] | None = None
    ) -> str | None:
        """Return the key of a plane under what the file calls its image, or None (noted) if it is not known.

        ``shape`` is the height and width that the file states.
        """
        names = self.images.find(image)
        if len(names) != 1:
            self._note_unknown(image, names)
            return None
        known = self.images.shape(names[0])
        if known and shape and known != shape:
            self.tally.add(
                "the annotations of an image were made at another size, check their places",
                "the annotations of {n} images were made at another size, check their places",
                f"{where} says {shape[1]} × {shape[0]}, {names[0]} has {known[1]} × {known[0]}",
            )
        key = str(PlaneRef(names[0], tuple(plane)))
        self._rows.setdefault(key, {"point": [], "box": []})
        return key

    def add(self, key: str, row: Row, where: str) -> None:
        """Take a row of a plane, unless it is no place or box in the image; ``where`` names it in notices."""
        if not all(map(np.isfinite, row.coordinates)):
            raise FormatError(
                f"{where}: coordinates {list(row.coordinates)} are not finite, expected numbers of pixels"
            )
        for name, value in (("id", row.id or 0), ("round", row.round)):
            if not -_LARGEST <= value <= _LARGEST:
                raise FormatError(f"{where}: the {name} {value} is too large, expected at most {_LARGEST}")
        if not np.isfinite([row.time, row.seconds]).all() or np.isinf(row.score):
            raise FormatError(f"{where}: score, time or seconds is not finite, expected numbers")
        if self._usable(PlaneRef.parse(key).image, row, where):
            self._rows[key][row.kind].append(self._mended(key, row, where))

    def result(self) -> ImportResult:
        """Return everything."""
        hints = {
            key: HintSet(_table(Points, kinds["point"]), _table(Boxes, kinds["box"]))
            for key, kinds in self._rows.items()
        }
        return ImportResult(hints, self.tally.notices())

    def _note_unknown(self, image: str, fits: Sequence[str]) -> None:
        if fits:
            one, many = (
                "skipped an image whose name fits several",
                "skipped {n} images whose names fit several",
            )
            self.tally.add(one, many, f"{image} (fits {', '.join(fits)})")
        else:
            one, many = "skipped an image that is not known", "skipped {n} images that are not known"
            self.tally.add(one, many, image)

    def _usable(self, image: str, row: Row, where: str) -> bool:
        shape = self.images.shape(image)
        low, high = np.array(row.coordinates).reshape(-1, 2)[[0, -1]]
        if row.kind == "box" and (low >= high).any():
            self.tally.add("skipped a box without area", "skipped {n} boxes without area", where)
            return False
        if shape is None:
            return True
        edge = np.array(shape) - 0.5
        if (high < -0.5).any() or (low > edge).any() or (row.kind == "box" and (low == edge).any()):
            noun, nouns = ("a point", "points") if row.kind == "point" else ("a box", "boxes")
            self.tally.add(
                f"skipped {noun} outside the image", f"skipped {{n}} {nouns} outside the image", where
            )
            return False
        if (low < -0.5 - 1e-6).any() or (high > edge + 1e-6).any():
            self.tally.add(
                "a box reaches beyond the image, it was kept as it is",
                "{n} boxes reach beyond the image, they were kept as they are",
                where,
            )
        return True

    def _mended(self, key: str, row: Row, where: str) -> Row:
        changes: dict[str, Any] = {}
        if row.source not in SOURCES:
            says = f"the source {row.source!r} is none of {', '.join(SOURCES)}, it became 'imported'"
            self.tally.add(says, "{n} rows: " + says.replace("{", "{{").replace("}", "}}"), where)
            changes["source"] = "imported"
        if row.id is not None and (key, row.kind, row.id) in self._ids:
            self.tally.add(
                "a row repeats the id of another, it got a new one",
                "{n} rows repeat the id of another, they got new ones",
                f"{where} (id {row.id})",
            )
            changes["id"] = None
        elif row.id is not None:
            self._ids.add((key, row.kind, row.id))
        return Row(**{**row.__dict__, **changes}) if changes else row


def _table(kind: type[R], rows: Sequence[Row]) -> R:
    if not rows:
        return kind()
    fresh = iter(new_ids(sum(r.id is None for r in rows)).tolist())
    names = list(dict.fromkeys(name for r in rows for name in r.attributes))
    return kind(
        coordinates=np.array([r.coordinates for r in rows]),
        classes=_objects([r.class_name for r in rows]),
        sources=_objects([r.source for r in rows]),
        scores=np.array([r.score for r in rows]),
        rounds=np.array([r.round for r in rows]),
        times=np.array([r.time for r in rows]),
        seconds=np.array([r.seconds for r in rows]),
        ids=np.array([next(fresh) if r.id is None else r.id for r in rows], dtype=np.int64),
        attributes={name: _objects([r.attributes.get(name, "") for r in rows]) for name in names},
    )


def _objects(values: Sequence[Any]) -> Any:
    column = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):  # a slice would unpack values that are lists
        column[i] = value
    return column
