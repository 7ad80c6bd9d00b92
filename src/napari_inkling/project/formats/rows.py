"""Rows of any format on their way out of, or into, hints: one object per row, one per cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from napari_inkling.core import CELL, Boxes, FormatError, HintSet, Masks, Points

__all__ = [
    "KINDS",
    "Cell",
    "Kind",
    "Row",
    "all_rows",
    "kinds_in",
    "row_columns",
    "row_from_json",
    "row_to_json",
    "rows_of",
    "with_columns",
]

Kind = Literal["point", "box", "mask"]
#: In the order of :attr:`HintSet.kinds`.
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Row:
    """One point (y, x), box or mask (y0, x0, y1, x1) with its columns; ``id`` None asks for a new one.

    ``crop`` holds the pixels of a mask within its box, which is of whole pixels as those of
    :class:`~napari_inkling.core.Masks` are.
    """

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
    crop: npt.NDArray[np.bool_] | None = field(default=None, repr=False, compare=False)

    @property
    def columns(self) -> str:
        """What rows of one cell have in common, as text: two scores that are NaN are alike there."""
        return repr(replace(self, kind="point", coordinates=()))

    @property
    def edges(self) -> tuple[float, float, float, float]:
        """The box, or the outer edges of a mask's pixels."""
        y0, x0, y1, x1 = self.coordinates
        return (y0, x0, y1, x1) if self.kind == "box" else (y0 - 0.5, x0 - 0.5, y1 - 0.5, x1 - 0.5)


@dataclass(frozen=True)
class Cell:
    """The rows of one cell, which agree in every column; one of them at least is there."""

    point: Row | None = None
    box: Row | None = None
    mask: Row | None = None

    @property
    def rows(self) -> list[Row]:
        """The rows that are there, in the order of :data:`KINDS`."""
        return [row for row in (self.point, self.box, self.mask) if row]

    @property
    def kind(self) -> str:
        """Which kinds are there, e.g. ``"point+mask"``; see :func:`kinds_in`."""
        return "+".join(row.kind for row in self.rows)

    @property
    def edges(self) -> tuple[float, float, float, float] | None:
        """The box, without one the edges of the mask."""
        row = self.box or self.mask
        return row.edges if row else None


def kinds_in(text: str) -> tuple[Kind, ...]:
    """Return the kinds that ``Cell.kind`` wrote, empty if it was something else; "both" is point and box."""
    names = ["point", "box"] if text == "both" else text.split("+")
    found = tuple(kind for kind in KINDS if kind in names)
    return found if len(found) == len(names) else ()


def all_rows(hints: HintSet) -> list[Row]:
    """Return the rows of all kinds: points, boxes, masks."""
    points, boxes, masks = hints.kinds
    return [*rows_of("point", points), *rows_of("box", boxes), *rows_of("mask", masks)]


def rows_of(kind: Kind, table: Points | Boxes | Masks) -> list[Row]:
    """Return the rows of a table, in its order."""
    places = map(tuple, table.coordinates.tolist())
    numbers = zip(table.scores, table.rounds, table.times, table.seconds, table.ids, strict=True)
    return [
        Row(
            kind,
            place,
            str(table.classes[i]),
            str(table.sources[i]),
            float(score),
            int(round_),
            float(time),
            float(seconds),
            int(id_),
            {name: _plain(values[i]) for name, values in table.attributes.items()},
            table.crop(i) if isinstance(table, Masks) else None,
        )
        for i, (place, (score, round_, time, seconds, id_)) in enumerate(zip(places, numbers, strict=True))
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

    The exact coordinates of a point or box count only if ``stated``, how the format rounds them, still gives
    those of ``row`` within ``tolerance`` pixels: another program may have moved it since.
    """
    try:
        exact = tuple(float(v) for v in columns.get("coordinates", row.coordinates))
        agree = len(exact) == len(row.coordinates) and row.kind != "mask" and all(
            abs(a - b) <= tolerance for a, b in zip(stated(exact), row.coordinates, strict=True)
        )  # fmt: skip
        return replace(
            row,
            coordinates=exact if agree else row.coordinates,
            source=str(columns.get("source", row.source)),
            round=int(columns.get("round", row.round)),
            time=float(columns.get("time", row.time)),
            seconds=float(columns.get("seconds", row.seconds)),
            id=row.id if columns.get("id") is None else int(columns["id"]),
        )
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise FormatError(f"{where}: the columns under 'inkling' are damaged ({error})") from error


def row_to_json(row: Row) -> dict[str, Any]:
    """Return everything but the pixels of a mask, for formats that keep whole rows beside an image."""
    score = None if math.isnan(row.score) else row.score
    return {**row_columns(row), "class": row.class_name, "score": score, "attributes": dict(row.attributes)}


def row_from_json(values: Mapping[str, Any], where: str) -> Row:
    """Return what :func:`row_to_json` wrote; raises FormatError for anything else."""
    score, name, attributes = values.get("score"), values.get("class"), values.get("attributes", {})
    kinds, place = kinds_in(str(values.get("kind"))), values.get("coordinates")
    try:
        coordinates = tuple(map(float, place or ()))
        number = math.nan if score is None else float(score)
    except (TypeError, ValueError, OverflowError):
        coordinates, number = (), math.nan
    width = 2 if kinds == ("point",) else 4
    whole = len(kinds) == 1 and len(coordinates) == width
    if not (whole and isinstance(name, str) and isinstance(attributes, dict)):
        raise FormatError(f"{where} is damaged: {str(values)[:80]}")
    row = Row(kinds[0], coordinates, name, score=number, attributes=attributes)
    return with_columns(row, values, where)
