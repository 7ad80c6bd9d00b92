"""Cells as centres: what detection is measured on."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_inkling.core import BACKGROUND, Boxes, HintSet, Points, Predictions

__all__ = ["Cells", "box_centres", "cell_centres"]

#: Anything that says where cells are; bare coordinates have the shape (N, 2).
Cells: TypeAlias = "Points | Boxes | HintSet | Predictions | npt.NDArray[Any]"


def box_centres(boxes: Boxes) -> Points:
    """Return the boxes' centres with all their columns, ids included."""
    return Points(
        coordinates=boxes.centres,
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

    A box counts by its centre (the truth of paper 004). A point and a box with the same id are the same cell,
    as the import of masks writes them; it counts once, at its point.
    """
    if isinstance(cells, Points):
        return cells.take(cells.classes != BACKGROUND)
    if isinstance(cells, Boxes):
        return box_centres(cells.take(cells.classes != BACKGROUND))
    if isinstance(cells, HintSet | Predictions):
        points = cell_centres(cells.points)
        return Points.concatenate([points, cell_centres(cells.boxes.without_ids(points.ids))])
    return Points(coordinates=np.asarray(cells, dtype=np.float64))
