"""Which suggestions are left to judge: predictions minus what is marked or rejected. Pure functions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from napari_inkling.core import BACKGROUND, Boxes, HintSet, Points, Predictions, new_ids

__all__ = [
    "accepted",
    "background_at",
    "by_doubt",
    "positions",
    "with_ids",
    "within",
    "without_known",
]

FloatArray = npt.NDArray[np.float64]


def positions(items: HintSet | Predictions) -> FloatArray:
    """Return where the points and then the boxes (their centres) lie, shape (N, 2)."""
    return np.concatenate([items.points.coordinates, items.boxes.centres])


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
        Of the same plane. A point, cell or background, hides what is within ``radius`` of it; a box what is
        within ``radius`` or half its shorter side of its centre.
    rejected : (N, 2) array
        Where suggestions were rejected; each hides what is within ``radius / 2``.
    radius : float
        Radius of a cell, in pixels.
    """
    sides = hints.boxes.coordinates[:, 2:] - hints.boxes.coordinates[:, :2]
    reach = np.concatenate([np.full(len(hints.points), radius), np.maximum(radius, sides.min(1) / 2)])
    found = positions(predictions)
    unknown = np.ones(len(found), dtype=bool)
    unknown[near(found, positions(hints), reach)] = False
    unknown[near(found, rejected, radius / 2)] = False
    return _take(predictions, unknown)


def _take(predictions: Predictions, mask: npt.NDArray[np.bool_]) -> Predictions:
    count = len(predictions.points)
    return Predictions(
        predictions.points.take(mask[:count]), predictions.boxes.take(mask[count:]), predictions.radius
    )


def with_ids(predictions: Predictions, ids: npt.ArrayLike) -> Predictions:
    """Return the suggestions with these ids."""
    return Predictions(predictions.points.with_ids(ids), predictions.boxes.with_ids(ids), predictions.radius)


def within(predictions: Predictions, y0: float, x0: float, y1: float, x1: float) -> Predictions:
    """Return those whose position lies in the rectangle, its edges included."""
    y, x = positions(predictions).T
    inside: npt.NDArray[np.bool_] = np.logical_and.reduce([y >= y0, y <= y1, x >= x0, x <= x1])
    return _take(predictions, inside)


def accepted(suggestions: Predictions, time: float, round: int = 0) -> HintSet:
    """Return new hints for accepted suggestions; they keep class, score and attributes, not their id."""

    def accept(rows: Points | Boxes) -> dict[str, object]:
        return {"sources": "accepted", "times": time, "rounds": round, "ids": new_ids(len(rows))}

    return HintSet(
        suggestions.points.changed(**accept(suggestions.points)),
        suggestions.boxes.changed(**accept(suggestions.boxes)),
    )


def background_at(suggestions: Predictions) -> HintSet:
    """Return one background point at the position of each suggestion."""
    return HintSet(Points(positions(suggestions)).changed(classes=BACKGROUND))


def by_doubt(suggestions: Predictions, threshold: float) -> npt.NDArray[np.int64]:
    """Return the ids of all suggestions, those with a score closest to ``threshold`` first."""
    scores = np.concatenate([suggestions.points.scores, suggestions.boxes.scores])
    ids = np.concatenate([suggestions.points.ids, suggestions.boxes.ids])
    return ids[np.argsort(np.abs(scores - threshold), kind="stable")]
