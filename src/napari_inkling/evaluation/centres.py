"""Cells as centres: what detection is measured on."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_inkling.core import BACKGROUND, Boxes, HintSet, Masks, Points, Predictions

__all__ = ["Cells", "box_centres", "cell_centres"]

#: Anything that says where cells are; bare coordinates have the shape (N, 2).
Cells: TypeAlias = "Points | Boxes | Masks | HintSet | Predictions | npt.NDArray[Any]"


def box_centres(boxes: Boxes | Masks) -> Points:
    """Return the centres of boxes, or of the boxes around masks, with all their columns, ids included."""
    edges = boxes.coordinates - (0.5 if isinstance(boxes, Masks) else 0)  # masks count pixels from their edge
    return Points(
        coordinates=(edges[:, :2] + edges[:, 2:]) / 2,
        classes=boxes.classes,
        sources=boxes.sources,
        scores=boxes.scores,
        rounds=boxes.rounds,
        times=boxes.times,
        seconds=boxes.seconds,
        ids=boxes.ids,
        attributes=boxes.attributes,
    )


def cell_centres(cells: Cells) -> Points:
    """Return one point per cell; background points are no cells.

    A box counts by its centre, and a mask by that of the box around it (the truth of Qu et al., IEEE TMI
    2020). Rows of several kinds with the same id are one cell, as the import of masks writes them: it counts
    once, at its point, else its box.
    """
    if isinstance(cells, Points):
        return cells.take(cells.classes != BACKGROUND)
    if isinstance(cells, Boxes | Masks):
        return box_centres(cells.take(cells.classes != BACKGROUND))
    if isinstance(cells, HintSet | Predictions):
        centres = Points()
        for rows in cells.kinds:
            centres = Points.concatenate([centres, cell_centres(rows.without_ids(centres.ids))])
        return centres
    return Points(coordinates=np.asarray(cells, dtype=np.float64))
