"""How many cells there are: a cell of a label image has a point, a box and a mask, and is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, fields

from napari_inkling.core import BACKGROUND, NOT_CELLS, HintSet

__all__ = ["Counts", "count_by_class", "count_cells"]


@dataclass(frozen=True)
class Counts:
    """Numbers of cells, of their points, boxes and masks, and of rows that mark none.

    ``background`` rows say "not a cell", ``ignored`` ones "something is here that nobody labelled".
    """

    cells: int = 0
    points: int = 0
    boxes: int = 0
    masks: int = 0
    background: int = 0
    ignored: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def __str__(self) -> str:
        """Return e.g. "3 cells (3 points, 1 box), 10 marks of background"."""
        nouns = (("point", "points"), ("box", "boxes"), ("mask", "masks"))
        counts = (self.points, self.boxes, self.masks)
        kinds = [_words(n, *noun) for n, noun in zip(counts, nouns, strict=True) if n]
        told = _words(self.cells, "cell", "cells") + (f" ({', '.join(kinds)})" if kinds else "")
        if self.background:
            told += ", " + _words(self.background, "mark of background", "marks of background")
        return told + (", " + _words(self.ignored, "place", "places") + " to ignore" if self.ignored else "")


def count_cells(every: Iterable[HintSet]) -> Counts:
    """Return the counts of all planes together; rows of one plane with one id are one cell."""
    return sum(map(_count, every), Counts())


def count_by_class(every: Iterable[HintSet]) -> Counter[str]:
    """Return the number of cells of each class, of all planes together."""
    cells = {
        (plane, int(i)): str(name)
        for plane, hints in enumerate(every)
        for rows in hints.kinds
        for i, name in zip(rows.ids, rows.classes, strict=True)
        if name not in NOT_CELLS
    }
    return Counter(cells.values())


def _count(hints: HintSet) -> Counts:
    cells = hints.cells
    ids = {i for rows in cells.kinds for i in rows.ids.tolist()}
    points, boxes, masks = map(len, cells.kinds)
    background = hints.classes.count(BACKGROUND)
    return Counts(len(ids), points, boxes, masks, background, len(hints) - len(cells) - background)


def _words(count: int, noun: str, nouns: str) -> str:
    return f"{count:,} {noun if count == 1 else nouns}"
