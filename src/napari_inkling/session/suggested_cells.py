"""Which suggestions are left to judge: predictions minus what is marked or rejected. Pure functions.

Rows of several kinds with one id are one cell: they are judged together, and count once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from napari_inkling.core import Boxes, HintSet, Masks, Predictions
from napari_inkling.core.box_places import centred_on, of_same_cells, where_inside
from napari_inkling.core.mask_places import clipped

__all__ = [
    "count_cells",
    "near",
    "positions",
    "scored",
    "usual_radius",
    "veiled",
    "with_classes",
    "with_ids",
    "within",
    "without_known",
    "without_masks",
]

FloatArray = npt.NDArray[np.float64]


def positions(items: HintSet | Predictions) -> FloatArray:
    """Return where the points, then the boxes, then the masks (their centres) lie, shape (N, 2)."""
    return np.concatenate([items.points.coordinates, items.boxes.centres, items.masks.centres])


def near(found: FloatArray, places: FloatArray, reach: float | FloatArray) -> npt.NDArray[np.bool_]:
    """Return which of ``found`` (N, 2) lie within ``reach`` (one, or one for each place) of a place; (N,)."""
    mask = np.zeros(len(found), dtype=bool)
    if len(found) and len(places):
        for index in KDTree(found).query_ball_point(places, reach):
            mask[index] = True
    return mask


def veiled(places: FloatArray, hints: HintSet) -> npt.NDArray[np.bool_]:
    """Return which places (N, 2) lie in a box to ignore that a person drew; (N,).

    Imported ones say what nobody labelled yet: what is suggested there is worth a look.
    """
    ignored = hints.boxes.ignored
    edges = ignored.coordinates[ignored.sources != "imported"]
    return np.isin(np.arange(len(places)), where_inside(edges, places)[1])


def without_known(
    predictions: Predictions,
    hints: HintSet,
    rejected: FloatArray,
    radius: float,
    free: Masks | None = None,
) -> Predictions:
    """Return the predictions that are neither near a hint nor where one was rejected.

    Parameters
    ----------
    predictions : Predictions
        Of one plane.
    hints : HintSet
        Of the same plane. A point, cell or background, hides points within ``radius`` of it; a box, or a
        mask, points within ``radius`` or half its box's shorter side of its centre. A box is hidden by a box
        or a mask of the same cell, see :func:`~napari_inkling.core.box_places.of_same_cells`, and by
        background in its middle; so it is still suggested where a cell was only pointed at. So is a mask,
        and where it was only boxed, too. Masks are clipped by those of a person, see
        :func:`~napari_inkling.core.mask_places.clipped`. What is
        :func:`veiled` is hidden.
    rejected : (N, 2) array
        Where suggestions were rejected; each hides what is within ``radius / 2``, or whose box has it in its
        middle.
    radius : float
        Radius of a cell, in pixels.
    free : Masks or None
        The clipped masks, if they are known.
    """
    free = clipped(predictions.masks, hints.masks) if free is None else free
    boxes = hints.boxes.cells

    def is_judged(places: FloatArray) -> npt.NDArray[np.bool_]:
        judged = veiled(places, hints) | near(places, rejected, radius / 2)
        judged |= near(places, hints.points.background.coordinates, radius)
        return judged | near(places, hints.masks.centres, _reach(hints.masks, radius))

    points = predictions.points.coordinates
    judged = (
        is_judged(points),
        veiled(predictions.boxes.centres, hints)
        | _are_known(predictions.boxes, replace(hints, boxes=boxes), rejected),
        is_judged(predictions.masks.centres) | ~np.isin(predictions.masks.ids, free.ids),
    )
    known = np.isin(predictions.ids, predictions.ids[np.concatenate(judged)])
    known[: len(points)] |= near(points, hints.points.coordinates, radius)
    known[: len(points)] |= near(points, boxes.centres, _reach(boxes, radius))
    left = _take(predictions, ~known)
    return replace(left, masks=free.with_ids(left.masks.ids))


def _reach(rows: Boxes | Masks, radius: float) -> FloatArray:
    """Return how far from the centre of each box, or mask, is still its cell, in pixels; (N,)."""
    sides = rows.coordinates[:, 2:] - rows.coordinates[:, :2]
    reach: FloatArray = np.maximum(radius, sides.min(axis=1) / 2)
    return reach


def _are_known(boxes: Boxes, hints: HintSet, rejected: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which suggested boxes are of a cell that has a box or a mask, or of what is none; (N,)."""
    edges = boxes.coordinates
    known = centred_on(edges, np.concatenate([rejected.reshape(-1, 2), hints.points.background.coordinates]))
    outlines = hints.masks.coordinates - 0.5  # of the outermost pixels
    known |= of_same_cells(edges, boxes.classes, hints.boxes.coordinates, hints.boxes.classes)
    return known | of_same_cells(edges, boxes.classes, outlines, hints.masks.classes)


def _take(predictions: Predictions, mask: npt.NDArray[np.bool_]) -> Predictions:
    ends = np.cumsum([len(rows) for rows in predictions.kinds])
    parts = iter(np.split(mask, ends[:-1]))
    return predictions.mapped(lambda rows: rows.take(next(parts)))


def usual_radius(boxes: Boxes) -> float | None:
    """Return half of the median side of boxes in whole pixels, a radius of their cells; ``None`` of none.

    A preview is like the one before: so it changes with few of them.
    """
    if not len(boxes):
        return None
    sides = boxes.coordinates[:, 2:] - boxes.coordinates[:, :2]
    return max(1.0, float(np.round(np.median(np.sqrt(sides.prod(axis=1))) / 2)))


def with_classes(predictions: Predictions, today: Callable[[str], str]) -> Predictions:
    """Return the predictions with every class under the name that ``today`` returns for it."""
    names = {str(name) for rows in predictions.kinds for name in rows.classes}
    changed = {name: now for name in names if (now := today(name)) != name}
    if not changed:
        return predictions
    return predictions.mapped(
        lambda rows: rows.changed(classes=[changed.get(name, name) for name in rows.classes])
    )


def with_ids(predictions: Predictions, ids: npt.ArrayLike) -> Predictions:
    """Return the suggestions with these ids."""
    return predictions.mapped(lambda rows: rows.with_ids(ids))


def within(predictions: Predictions, y0: float, x0: float, y1: float, x1: float) -> Predictions:
    """Return those whose position lies in the rectangle, its edges included."""
    y, x = positions(predictions).T
    inside: npt.NDArray[np.bool_] = np.logical_and.reduce([y >= y0, y <= y1, x >= x0, x <= x1])
    return _take(predictions, inside)


def scored(suggestions: Predictions) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return id and score of each suggested cell: points, then boxes, then masks, each cell once."""
    first = np.sort(np.unique(suggestions.ids, return_index=True)[1])
    return suggestions.ids[first], suggestions.scores[first]


def without_masks(suggestions: Predictions) -> Predictions:
    """Return the points and boxes of cells of which no mask is suggested."""
    ids = suggestions.masks.ids
    return suggestions.mapped(lambda rows: rows.without_ids(ids)) if len(ids) else suggestions


def count_cells(rows: HintSet | Predictions) -> int:
    """Return how many cells these rows are of."""
    return len(np.unique(np.concatenate([kind.ids for kind in rows.kinds])))
