"""Hints: what a person marked, as columns aligned with one array of coordinates.

This is napari's own shape of such data (``layer.data`` and ``layer.features``), without pandas. Instances are
immutable: every change makes a new one. Row identity is the column ``ids``; it is what an edit in the journal
names.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from napari_inkling.core.errors import HintError

__all__ = ["BACKGROUND", "CELL", "SOURCES", "Boxes", "HintSet", "Points", "new_ids"]

#: The class of a point that says "here is no cell". It counts as certain, like a cell.
BACKGROUND = "background"
#: The class of a cell in a project whose user named no classes.
CELL = "cell"
#: Where a row comes from. ``model`` rows are suggestions and never hints.
SOURCES = ("human", "accepted", "imported", "model")


def new_ids(count: int) -> npt.NDArray[np.int64]:
    """Return ``count`` random positive ids of 53 bits (exact in JSON), unique for all practical purposes."""
    return np.array([secrets.randbits(53) | 1 for _ in range(count)], dtype=np.int64)


def _column(value: Any, count: int, dtype: Any, name: str) -> npt.NDArray[Any]:
    array: npt.NDArray[Any] = np.asarray(value, dtype=dtype)
    if array.ndim == 0:
        array = np.full(count, array[()], dtype=dtype)
    if array.shape != (count,):
        raise HintError(f"column {name!r} has shape {array.shape}, expected ({count},)")
    array = array.copy()
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False, init=False)
class _Rows:
    """Coordinates with aligned columns; :class:`Points` and :class:`Boxes` fix the width.

    The constructor takes anything that numpy makes an array of, and repeats a scalar over the column.
    """

    width: ClassVar[int]

    coordinates: npt.NDArray[np.float64]
    classes: npt.NDArray[np.object_]
    sources: npt.NDArray[np.object_]
    scores: npt.NDArray[np.float64]
    rounds: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    seconds: npt.NDArray[np.float64]
    ids: npt.NDArray[np.int64]
    attributes: Mapping[str, npt.NDArray[np.object_]]

    def __init__(
        self,
        coordinates: npt.ArrayLike | None = None,
        classes: npt.ArrayLike = CELL,
        sources: npt.ArrayLike = "human",
        scores: npt.ArrayLike = 1.0,
        rounds: npt.ArrayLike = 0,
        times: npt.ArrayLike = 0.0,
        seconds: npt.ArrayLike = 0.0,
        ids: npt.ArrayLike | None = None,
        attributes: Mapping[str, npt.ArrayLike] | None = None,
    ) -> None:
        rows = self._checked(np.empty((0, self.width)) if coordinates is None else coordinates)
        count = len(rows)
        columns = {
            "coordinates": rows,
            "classes": _column(classes, count, object, "classes"),
            "sources": _column(sources, count, object, "sources"),
            "scores": _column(scores, count, np.float64, "scores"),
            "rounds": _column(rounds, count, np.int64, "rounds"),
            "times": _column(times, count, np.float64, "times"),
            "seconds": _column(seconds, count, np.float64, "seconds"),
            "ids": _column(new_ids(count) if ids is None else ids, count, np.int64, "ids"),
            "attributes": {k: _column(v, count, object, k) for k, v in (attributes or {}).items()},
        }
        for name, value in columns.items():
            object.__setattr__(self, name, value)  # the instance is frozen
        if len(np.unique(self.ids)) != count:
            raise HintError(f"{type(self).__name__} have duplicate ids")

    @classmethod
    def _checked(cls, given: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Return read-only coordinates (N, width) of finite numbers."""
        rows = np.array(given, dtype=np.float64)
        if rows.size == 0:
            rows = rows.reshape(0, cls.width)
        if rows.ndim != 2 or rows.shape[1] != cls.width:
            raise HintError(
                f"{cls.__name__} need coordinates of shape (N, {cls.width}), got {np.shape(given)}"
            )
        if not np.isfinite(rows).all():
            raise HintError(f"{cls.__name__} have coordinates that are not finite numbers")
        rows.flags.writeable = False
        return rows

    def __len__(self) -> int:
        return len(self.coordinates)

    def __iter__(self) -> Iterator[npt.NDArray[np.float64]]:
        return iter(self.coordinates)

    def take(self, index: Any) -> Self:
        """Return the rows that a mask, slice or index array selects."""
        columns = {f.name: getattr(self, f.name)[index] for f in fields(self) if f.name != "attributes"}
        return replace(self, **columns, attributes={k: v[index] for k, v in self.attributes.items()})

    def with_ids(self, ids: npt.ArrayLike) -> Self:
        """Return the rows whose id is among ``ids``, in this object's order."""
        return self.take(np.isin(self.ids, np.asarray(ids, dtype=np.int64)))

    def without_ids(self, ids: npt.ArrayLike) -> Self:
        """Return the rows whose id is not among ``ids``."""
        return self.take(~np.isin(self.ids, np.asarray(ids, dtype=np.int64)))

    def of_class(self, *names: str) -> Self:
        """Return the rows of the named classes."""
        return self.take(np.isin(self.classes.astype(str), names))

    def changed(self, **columns: Any) -> Self:
        """Return the same rows with whole columns replaced (scalars are repeated)."""
        return replace(self, **columns)

    def equals(self, other: object) -> bool:
        """Whether both hold the same rows, in the same order, in every column."""
        if type(other) is not type(self):
            return False
        if self.attributes.keys() != other.attributes.keys() or len(self) != len(other):
            return False
        same = (np.array_equal(getattr(self, f.name), getattr(other, f.name))
                for f in fields(self) if f.name != "attributes")  # fmt: skip
        return all(same) and all(np.array_equal(v, other.attributes[k]) for k, v in self.attributes.items())

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Return all rows one after the other; an attribute that a part lacks is ``""`` there."""
        parts = [p for p in parts if len(p)]
        if not parts:
            return cls()
        names = [f.name for f in fields(cls) if f.name != "attributes"]
        columns = {n: np.concatenate([getattr(p, n) for p in parts]) for n in names}
        keys = sorted({k for p in parts for k in p.attributes})
        attributes = {
            k: np.concatenate([p.attributes.get(k, np.full(len(p), "", object)) for p in parts]) for k in keys
        }
        return cls(**columns, attributes=attributes)

    def to_json(self) -> dict[str, Any]:
        """Return plain lists by column, exact under a JSON round trip (NaN scores become ``None``)."""
        scores = [None if np.isnan(s) else s for s in self.scores.tolist()]
        return {
            "coordinates": self.coordinates.tolist(), **{n: getattr(self, n).tolist() for n in ("classes",
            "sources", "rounds", "times", "seconds", "ids")}, "scores": scores, "attributes": {k: v.tolist()
            for k, v in self.attributes.items()},
        }  # fmt: skip

    @classmethod
    def from_json(cls, columns: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_json` wrote; columns of later versions are left alone."""
        known = {f.name for f in fields(cls)}
        given = {k: v for k, v in columns.items() if k in known}
        if "scores" in given:
            given["scores"] = [np.nan if s is None else s for s in given["scores"]]
        return cls(**given)


@dataclass(frozen=True, eq=False, init=False)
class Points(_Rows):
    """Points (y, x) in pixels, shape (N, 2); class :data:`BACKGROUND` says "not a cell".

    Columns: ``classes``, ``sources`` (one of :data:`SOURCES`), ``scores`` (1 for a person's, the model's
    confidence in [0, 1] otherwise), ``rounds`` (of training, in which it came), ``times`` (Unix seconds),
    ``seconds`` (that the hint took to make), ``ids``, and ``attributes`` by name.
    """

    width: ClassVar[int] = 2

    @property
    def cells(self) -> Points:
        """The points that mark a cell."""
        return self.take(self.classes != BACKGROUND)

    @property
    def background(self) -> Points:
        """The points that say "not a cell"."""
        return self.take(self.classes == BACKGROUND)


@dataclass(frozen=True, eq=False, init=False)
class Boxes(_Rows):
    """Boxes (y0, x0, y1, x1) in pixels, shape (N, 4), y1 > y0 and x1 > x0. Columns as for :class:`Points`."""

    width: ClassVar[int] = 4

    @classmethod
    def _checked(cls, given: npt.ArrayLike) -> npt.NDArray[np.float64]:
        rows = super()._checked(given)
        if (bad := np.flatnonzero((rows[:, 2:] <= rows[:, :2]).any(1))).size:
            raise HintError(f"box {rows[bad[0]].tolist()} has no area: expected y0 < y1 and x0 < x1")
        return rows

    @property
    def centres(self) -> npt.NDArray[np.float64]:
        """Box centres, shape (N, 2)."""
        return (self.coordinates[:, :2] + self.coordinates[:, 2:]) / 2


@dataclass(frozen=True)
class HintSet:
    """All hints of one plane, or the part of them that an edit touches."""

    points: Points = field(default_factory=Points)
    boxes: Boxes = field(default_factory=Boxes)

    def __len__(self) -> int:
        return len(self.points) + len(self.boxes)

    def replaced(self, before: HintSet, after: HintSet) -> HintSet:
        """Return these hints with the rows of ``before`` gone and those of ``after`` added."""
        return HintSet(
            Points.concatenate([self.points.without_ids(before.points.ids), after.points]),
            Boxes.concatenate([self.boxes.without_ids(before.boxes.ids), after.boxes]),
        )

    def to_json(self) -> dict[str, Any]:
        """Return only the kinds that have rows."""
        kinds = {"points": self.points, "boxes": self.boxes}
        return {name: rows.to_json() for name, rows in kinds.items() if len(rows)}

    @classmethod
    def from_json(cls, kinds: Mapping[str, Any]) -> HintSet:
        """Return what :meth:`to_json` wrote."""
        return cls(Points.from_json(kinds.get("points", {})), Boxes.from_json(kinds.get("boxes", {})))
