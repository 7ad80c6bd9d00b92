"""Which rows are of one cell: for formats that hold point, box and mask of a cell in one entry."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from itertools import chain, pairwise

from napari_inkling.core import HintSet
from napari_inkling.project.formats.rows import KINDS, Cell, Kind, Row, all_rows

__all__ = ["cells_of"]


def cells_of(hints: HintSet) -> list[Cell]:
    """Return all rows, those of one cell together.

    Rows are of one cell if they have the same id and agree in every column. The cells stand in an order in
    which every kind keeps its own, so that reading restores it; where there is no such order, each row stands
    alone.
    """
    every = all_rows(hints)
    tables = [[row for row in every if row.kind == kind] for kind in KINDS]
    if sum(map(bool, tables)) < 2:
        return [Cell(**{row.kind: row}) for row in every]
    numbers: dict[tuple[int | None, str], int] = {}
    sequences = [[numbers.setdefault((r.id, r.columns), len(numbers)) for r in rows] for rows in tables]
    order = _merged(sequences)
    if order is None:
        return [Cell(**{row.kind: row}) for row in every]
    found: dict[int, dict[Kind, Row]] = {}
    for number, row in zip(chain.from_iterable(sequences), every, strict=True):
        found.setdefault(number, {})[row.kind] = row
    return [Cell(**found[number]) for number in order]


def _merged(sequences: Sequence[Sequence[int]]) -> list[int] | None:
    """Return one order with all sequences in it, small numbers first; None if they contradict each other."""
    sorter: TopologicalSorter[int] = TopologicalSorter()
    for sequence in sequences:
        for number in sequence:
            sorter.add(number)
        for before, after in pairwise(sequence):
            sorter.add(after, before)
    try:
        sorter.prepare()
    except CycleError:
        return None
    order: list[int] = []
    ready: list[int] = []
    while sorter.is_active():
        for number in sorter.get_ready():
            heappush(ready, number)
        order.append(heappop(ready))
        sorter.done(order[-1])
    return order
