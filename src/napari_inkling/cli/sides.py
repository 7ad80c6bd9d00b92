"""Predictions and truth given the wrong way round: what is certain is refused, what may be meant is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from napari_inkling.cli.annotations import Annotated

if TYPE_CHECKING:
    from napari_inkling.core import HintSet

__all__ = ["must_be_in_order", "order_notices"]


def must_be_in_order(predictions: Path, found: Annotated, truth: Path, true: Annotated) -> None:
    """Raise FormatError if all of the truth is a model's and nothing of the predictions is."""
    from napari_inkling.core import FormatError

    if _from_model(true) == _cells(true) and not _from_model(found):
        raise FormatError(
            f"{truth} holds only what a model suggested, and {predictions} nothing of that kind: "
            "the two seem swapped, expected PREDICTIONS first and TRUTH second"
        )


def order_notices(predictions: Path, found: Annotated, truth: Path, true: Annotated) -> Iterator[str]:
    """Yield what hints at the wrong order, or at truth that is none, but may be meant."""
    if suggested := _from_model(true):
        share = f"{suggested:,} of {_cells(true):,} cells"
        yield f"a model suggested {share} of {truth}, and nobody has checked them"
    elif _scored(true) and not _scored(found):
        yield f"{truth} has scores, as predictions have, and {predictions} has none: is {truth} the truth?"
    elif found.is_project and not true.is_project:
        yield f"{predictions} is a project: its hints are taken for predictions; truth comes second"


def _cells(side: Annotated) -> int:
    from napari_inkling.project.formats import count_cells

    return count_cells(side.hints.values()).cells


def _from_model(side: Annotated) -> int:
    from napari_inkling.project.formats import count_cells

    return count_cells(_of(hints, "model") for hints in side.hints.values()).cells


def _scored(side: Annotated) -> bool:
    """Whether rows that no person made or accepted have scores other than 1."""
    rows = [rows for h in side.hints.values() for s in ("model", "imported") for rows in _of(h, s).kinds]
    return any((r.scores < 1).any() for r in rows)


def _of(hints: HintSet, source: str) -> HintSet:
    return hints.mapped(lambda rows: rows.take(rows.sources == source))
