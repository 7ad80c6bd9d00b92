"""Hints: what a person marked on one plane, as rows of points, boxes and masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from napari_inkling.core._rows import BACKGROUND, CELL, IGNORE, NOT_CELLS, SOURCES, Rows, new_ids
from napari_inkling.core.errors import HintError
from napari_inkling.core.masks import Masks

__all__ = [
    "BACKGROUND", "CELL", "IGNORE", "KINDS", "NOT_CELLS", "SOURCES", "Boxes", "HintSet", "Points", "new_ids",
]  # fmt: skip


@dataclass(frozen=True, eq=False, init=False)
class Points(Rows):
    """Points (y, x) in pixels, shape (N, 2); class :data:`BACKGROUND` says "not a cell".

    Columns: ``classes``, ``sources`` (one of :data:`SOURCES`), ``scores`` (1 for a person's, the model's
    confidence in [0, 1] otherwise), ``rounds`` (of training, in which it came), ``times`` (Unix seconds),
    ``seconds`` (that the hint took to make), ``ids``, and ``attributes`` by name.
    """

    width: ClassVar[int] = 2

    @property
    def background(self) -> Points:
        """The points that say "not a cell"."""
        return self.take(self.classes == BACKGROUND)


@dataclass(frozen=True, eq=False, init=False)
class Boxes(Rows):
    """Boxes (y0, x0, y1, x1) in pixels, shape (N, 4), y1 > y0 and x1 > x0. Columns as for :class:`Points`.

    Class :data:`IGNORE` says "something is here that nobody labelled".
    """

    width: ClassVar[int] = 4

    @property
    def ignored(self) -> Boxes:
        """The boxes around what nobody labelled."""
        return self.take(self.classes == IGNORE)

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


#: The kinds of hints: the field of a :class:`HintSet` that holds them → what its rows are.
KINDS: Mapping[str, type[Points] | type[Boxes] | type[Masks]] = {
    "points": Points, "boxes": Boxes, "masks": Masks,
}  # fmt: skip


@dataclass(frozen=True)
class HintSet:
    """All hints of one plane, or the part of them that an edit touches."""

    points: Points = field(default_factory=Points)
    boxes: Boxes = field(default_factory=Boxes)
    masks: Masks = field(default_factory=Masks)

    def __len__(self) -> int:
        return sum(map(len, self.kinds))

    @property
    def kinds(self) -> tuple[Points, Boxes, Masks]:
        """The rows of every kind, in the order of :data:`KINDS`."""
        return self.points, self.boxes, self.masks

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """The id of every row, in the order of :attr:`kinds`; shape (N,)."""
        return np.concatenate([rows.ids for rows in self.kinds])

    @property
    def classes(self) -> list[str]:
        """The class of every row, in the order of :attr:`kinds`; those that mark no cell too."""
        return [str(name) for rows in self.kinds for name in rows.classes]

    @property
    def cells(self) -> HintSet:
        """The rows that mark a cell."""
        return self.mapped(lambda rows: rows.cells)

    @property
    def teach(self) -> bool:
        """Whether cells, or what is none, are marked: a box to ignore alone teaches nothing."""
        return bool(len(self.cells) or len(self.points.background))

    def mapped(self, change: Callable[[Any], Any]) -> HintSet:
        """Return these hints after a change that works on rows of any kind."""
        return HintSet(*map(change, self.kinds))

    def matching(self, other: HintSet) -> HintSet:
        """Return those rows, as they are here, whose ids the same kind of ``other`` has."""
        return self._beside(other, lambda rows, named: rows.with_ids(named.ids))

    def replaced(self, before: HintSet, after: HintSet) -> HintSet:
        """Return these hints with the rows of ``before`` gone and those of ``after`` added."""
        left = self._beside(before, lambda rows, gone: rows.without_ids(gone.ids) if len(gone) else rows)
        return left.joined(after)

    def joined(self, other: HintSet) -> HintSet:
        """Return these hints and then those of ``other``."""
        return self._beside(other, lambda rows, more: rows.concatenate([rows, more]) if len(more) else rows)

    def _beside(self, other: HintSet, change: Callable[[Any, Any], Any]) -> HintSet:
        return HintSet(*map(change, self.kinds, other.kinds))

    def to_json(self) -> dict[str, Any]:
        """Return only the kinds that have rows."""
        return {name: rows.to_json() for name, rows in zip(KINDS, self.kinds, strict=True) if len(rows)}

    @classmethod
    def from_json(cls, kinds: Mapping[str, Any]) -> HintSet:
        """Return what :meth:`to_json` wrote."""
        found: dict[str, Any] = {name: rows.from_json(kinds.get(name, {})) for name, rows in KINDS.items()}
        return cls(**found)
