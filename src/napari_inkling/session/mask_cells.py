"""What a correction of masks means for the points and boxes of the same cells. Pure functions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Boxes, HintSet, Masks, Points
from napari_inkling.core.mask_places import masks_at

__all__ = ["following", "mask_under"]


def following(hints: HintSet, before: Masks, after: Masks) -> tuple[HintSet, HintSet]:
    """Return the whole edit that replaces masks: what goes, and what comes.

    What was not set by a person follows: a point that its mask no longer covers moves to its middle, a box
    fits itself around it, and both go with a mask that goes. What a person has set stays, unless its mask was
    joined to another one: then two cells are one.

    Parameters
    ----------
    hints : HintSet
        All hints of the plane, before the edit.
    before, after : Masks
        The masks that go, and those that come; a mask that only changes is in both, under one id.
    """
    gone = before.without_ids(after.ids).ids
    points, moved = _points(hints.points, gone, after)
    boxes, fitted = _boxes(hints.boxes, gone, after)
    return HintSet(points, boxes, before), HintSet(moved, fitted, after)


def mask_under(line: npt.NDArray[np.float64], masks: Masks) -> int | None:
    """Return the row of the mask that lies longest under a line through places (N, 2), ``None`` if none."""
    parts = [np.linspace(a, b, 2 + int(np.abs(b - a).max())) for a, b in pairwise(line)]
    counts = np.zeros(len(masks), dtype=np.int64)
    for y, x in np.concatenate(parts) if parts else ():
        counts[masks_at(masks, y, x)] += 1
    return int(counts.argmax()) if counts.any() else None


def _points(points: Points, gone: npt.NDArray[np.int64], after: Masks) -> tuple[Points, Points]:
    """Return the points that go or move, and the moved ones as they are then."""
    swallowed = [len(masks_at(after, y, x)) > 0 for y, x in points.with_ids(gone)]
    lost = points.with_ids(gone)
    lost = lost.take((lost.sources != "human") | np.array(swallowed, dtype=bool))
    theirs = points.with_ids(after.ids)
    row = _row_of(theirs, after)
    outside = [i not in masks_at(after, y, x) for i, (y, x) in zip(row, theirs, strict=True)]
    astray = (theirs.sources != "human") & np.array(outside, dtype=bool)
    was = theirs.take(astray)
    return Points.concatenate([lost, was]), was.changed(coordinates=after.centres[row[astray]])


def _boxes(boxes: Boxes, gone: npt.NDArray[np.int64], after: Masks) -> tuple[Boxes, Boxes]:
    """Return the boxes that go or change, and the changed ones as they are then."""
    lost = boxes.with_ids(gone)
    swallowed = [len(masks_at(after, y, x)) > 0 for y, x in lost.centres]
    lost = lost.take((lost.sources != "human") | np.array(swallowed, dtype=bool))
    theirs = boxes.with_ids(after.ids)
    was = theirs.take(theirs.sources != "human")
    edges = after.coordinates[_row_of(was, after)] - 0.5  # of the outermost pixels
    return Boxes.concatenate([lost, was]), was.changed(coordinates=edges)


def _row_of(rows: Points | Boxes, masks: Masks) -> npt.NDArray[np.intp]:
    """Return for each of the rows the mask of the same id."""
    order = np.argsort(masks.ids)
    return order[np.searchsorted(masks.ids, rows.ids, sorter=order)] if len(rows) else np.empty(0, np.intp)
