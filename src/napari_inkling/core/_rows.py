"""Rows: one array of coordinates with aligned columns, which every kind of hint is.

This is napari's own shape of such data (``layer.data`` and ``layer.features``), without pandas. Instances are
immutable: every change makes a new one. Row identity is the column ``ids``; it is what an edit in the journal
names.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from napari_inkling.core.errors import HintError

__all__ = ["BACKGROUND", "CELL", "IGNORE", "NOT_CELLS", "SOURCES", "Rows", "new_ids"]

#: The class of a point that says "here is no cell". It counts as certain, like a cell.
BACKGROUND = "background"
#: The class of a box around something that nobody labelled: neither a cell to learn from, nor background.
IGNORE = "ignore"
#: The classes of rows that mark no cell.
NOT_CELLS = (BACKGROUND, IGNORE)
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
    return _frozen(array.copy())


def _frozen(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False, init=False)
class Rows:
    """Coordinates with aligned columns; each kind of hint fixes how wide they are.

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

    @classmethod
    def column_names(cls) -> tuple[str, ...]:
        """Return the names of the columns, coordinates first; attributes are none of them."""
        return tuple(f.name for f in fields(cls) if f.name != "attributes")

    def __len__(self) -> int:
        return len(self.coordinates)

    def __iter__(self) -> Iterator[npt.NDArray[np.float64]]:
        return iter(self.coordinates)

    def take(self, index: Any) -> Self:
        """Return the rows that a mask, slice or index array selects; if that is all in order, this itself."""
        at = np.arange(len(self))[index]
        if np.array_equal(at, np.arange(len(self))):
            return self
        if len(np.unique(at)) != len(at):
            raise HintError(f"{type(self).__name__} have duplicate ids")
        taken = object.__new__(type(self))  # checking again what was checked takes most of the time
        for name in self.column_names():
            object.__setattr__(taken, name, _frozen(getattr(self, name)[at]))
        object.__setattr__(taken, "attributes", {k: _frozen(v[at]) for k, v in self.attributes.items()})
        return taken

    @property
    def cells(self) -> Self:
        """The rows that mark a cell: those of no class in :data:`NOT_CELLS`."""
        return self.take(np.logical_and.reduce([self.classes != name for name in NOT_CELLS]))

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
        same = (np.array_equal(getattr(self, n), getattr(other, n)) for n in self.column_names())
        return all(same) and all(np.array_equal(v, other.attributes[k]) for k, v in self.attributes.items())

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Return all rows one after the other; an attribute that a part lacks is ``""`` there."""
        parts = [p for p in parts if len(p)]
        if not parts:
            return cls()
        columns = {n: np.concatenate([getattr(p, n) for p in parts]) for n in cls.column_names()}
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
