"""Cells as centres: what detection is measured on."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Boxes, HintSet, Masks, Points, Predictions

__all__ = ["Cells", "box_centres", "cell_centres", "in_ignored"]

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
    """Return one point per cell; rows of background, and boxes around what nobody labelled, are no cells.

    A box counts by its centre, and a mask by that of the box around it (the truth of Qu et al., IEEE TMI
    2020). Rows of several kinds with the same id are one cell, as the import of masks writes them: it counts
    once, at its point, else its box.
    """
    if isinstance(cells, Points):
        return cells.cells
    if isinstance(cells, Boxes | Masks):
        return box_centres(cells.cells)
    if isinstance(cells, HintSet | Predictions):
        centres = Points()
        for rows in cells.kinds:
            centres = Points.concatenate([centres, cell_centres(rows.without_ids(centres.ids))])
        return centres
    return Points(coordinates=np.asarray(cells, dtype=np.float64))


def in_ignored(places: npt.NDArray[np.float64], truth: Cells) -> npt.NDArray[np.bool_]:
    """Return which places (N, 2) lie in a box of the truth around what nobody labelled, edges included; (N,).

    What a model finds there is neither right nor wrong.
    """
    boxes = truth.boxes if isinstance(truth, HintSet) else truth
    if not isinstance(boxes, Boxes):
        return np.zeros(len(places), bool)
    edges = boxes.ignored.coordinates[:, None]  # (M, 1, 4), beside (N, 2)
    within = (places >= edges[..., :2]) & (places <= edges[..., 2:])
    return np.asarray(within.all(-1).any(0), dtype=bool)
