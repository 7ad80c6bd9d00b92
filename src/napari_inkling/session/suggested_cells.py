"""Which suggestions are left to judge: predictions minus what is marked or rejected. Pure functions.

Rows of several kinds with one id are one cell: they are judged together, and count once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from napari_inkling.core import BACKGROUND, DISAGREEMENT, HintSet, Masks, Points, Predictions, new_ids
from napari_inkling.core.mask_places import clipped, points_inside
from napari_inkling.guidance import doubts

__all__ = [
    "accepted",
    "attributes_of_cells",
    "background_at",
    "by_doubt",
    "count_cells",
    "near",
    "nearest_is_accepted",
    "owned",
    "positions",
    "scored",
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


def without_known(
    predictions: Predictions, hints: HintSet, rejected: FloatArray, radius: float
) -> Predictions:
    """Return the predictions that are neither near a hint nor where one was rejected.

    Parameters
    ----------
    predictions : Predictions
        Of one plane.
    hints : HintSet
        Of the same plane. A point, cell or background, hides what is within ``radius`` of it; a box, or
        a mask, what is within ``radius`` or half its box's shorter side of its centre. A mask is still
        suggested where a cell was only pointed at or boxed. Masks are clipped by those of a person, see
        :func:`~napari_inkling.core.mask_places.clipped`.
    rejected : (N, 2) array
        Where suggestions were rejected; each hides what is within ``radius / 2``.
    radius : float
        Radius of a cell, in pixels.
    """
    edges = np.concatenate([hints.boxes.coordinates, hints.masks.coordinates])
    sides = edges[:, 2:] - edges[:, :2]
    reach = np.concatenate([np.full(len(hints.points), radius), np.maximum(radius, sides.min(1) / 2)])
    found, places = positions(predictions), positions(hints)
    ids = predictions.ids
    outlines = (hints.points.classes == BACKGROUND, np.zeros(len(hints.boxes)), np.ones(len(hints.masks)))
    tells_outline = np.concatenate(outlines).astype(bool)
    masks = len(found) - len(predictions.masks)  # from here on
    free = clipped(predictions.masks, hints.masks)
    judged = near(found, rejected, radius / 2) | near(found, places[tells_outline], reach[tells_outline])
    judged[masks:] |= ~np.isin(ids[masks:], free.ids)
    known = np.isin(ids, ids[judged])
    known[:masks] |= near(found[:masks], places, reach)
    left = _take(predictions, ~known)
    return replace(left, masks=free.with_ids(left.masks.ids))


def _take(predictions: Predictions, mask: npt.NDArray[np.bool_]) -> Predictions:
    ends = np.cumsum([len(rows) for rows in predictions.kinds])
    parts = iter(np.split(mask, ends[:-1]))
    return predictions.mapped(lambda rows: rows.take(next(parts)))


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


def accepted(suggestions: Predictions, time: float, round: int = 0, hints: HintSet | None = None) -> HintSet:
    """Return new hints for accepted suggestions; they keep class, score and attributes, not their id.

    The rows of one cell get one new id. A mask around a cell that ``hints`` only point at becomes that
    cell's: it takes the point's id and class. What the model says of itself is no attribute of a cell and
    stays behind.
    """
    hints = hints or HintSet()
    old = np.unique(suggestions.ids)
    new = new_ids(len(old))
    masks, owners = owned(suggestions.masks, hints)
    new[np.searchsorted(old, suggestions.masks.ids[owners])] = masks.ids[owners]
    fresh = HintSet(suggestions.points, suggestions.boxes, masks.changed(ids=suggestions.masks.ids)).mapped(
        lambda rows: rows.changed(
            sources="accepted",
            times=time,
            rounds=round,
            ids=new[np.searchsorted(old, rows.ids)],
            attributes=attributes_of_cells(rows),
        )
    )
    return HintSet(
        fresh.points.without_ids(hints.points.ids), fresh.boxes.without_ids(hints.boxes.ids), fresh.masks
    )


def attributes_of_cells(rows: Any) -> dict[str, Any]:
    """Return the attributes of suggested rows without what the model says of itself."""
    return {name: values for name, values in rows.attributes.items() if name != DISAGREEMENT}


def owned(masks: Masks, hints: HintSet) -> tuple[Masks, npt.NDArray[np.bool_]]:
    """Return masks with the id and the class of the cell that is pointed at inside, and which have one.

    A point that has a mask already stays with it; of several points in a mask the first is taken.
    """
    lone = hints.points.cells.without_ids(hints.masks.ids)
    ids, classes = masks.ids.copy(), masks.classes.copy()
    owners = np.zeros(len(masks), dtype=bool)
    used: set[int] = set()
    for i, inside in enumerate(points_inside(masks, lone.coordinates) if len(lone) else ()):
        point = next((int(n) for n in np.sort(inside) if int(n) not in used), None)
        if point is not None:
            used.add(point)
            ids[i], classes[i], owners[i] = lone.ids[point], lone.classes[point], True
    return masks.changed(ids=ids, classes=classes), owners


def nearest_is_accepted(found: FloatArray, hints: HintSet) -> npt.NDArray[np.bool_]:
    """Return at which of ``found`` (N, 2) the nearest cell was a suggestion and is as it was then; (N,)."""
    ids = np.concatenate([rows.ids for rows in hints.kinds])
    sources = np.concatenate([rows.sources for rows in hints.kinds])
    if not len(ids) or not len(found):
        return np.zeros(len(found), dtype=bool)
    accepted_only = ~np.isin(ids, ids[sources != "accepted"])
    nearest: npt.NDArray[np.bool_] = accepted_only[KDTree(positions(hints)).query(found)[1]]
    return nearest


def background_at(suggestions: Predictions) -> HintSet:
    """Return one background point for each suggested cell."""
    first = np.sort(np.unique(suggestions.ids, return_index=True)[1])
    return HintSet(Points(positions(suggestions)[first]).changed(classes=BACKGROUND))


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


def by_doubt(
    suggestions: Predictions, threshold: float, others: Masks | None = None
) -> npt.NDArray[np.int64]:
    """Return the ids of all suggested cells, the most doubtful first.

    See :func:`~napari_inkling.guidance.doubts`; by scores alone, those closest to ``threshold`` come first.
    """
    ids = suggestions.ids
    ids = ids[np.argsort(-doubts(suggestions, threshold, others), kind="stable")]
    return ids[np.sort(np.unique(ids, return_index=True)[1])]
