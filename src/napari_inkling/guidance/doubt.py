"""How doubtful a suggestion is: by its score, the model's own disagreement, and an odd size or shape.

Each reason is a number from 0 to 1, and any one of them is enough to look: with the reasons r, doubt is
1 - Π (1 - r). Where there is only the score, the order is that of the distance to the threshold.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from napari_inkling.core import DISAGREEMENT, Boxes, HintSet, Masks, Points, Predictions
from napari_inkling.core.box_places import whole

__all__ = ["REASONS", "doubts", "near_threshold", "odd_shapes", "odd_sizes", "reasons", "unsure"]

FloatArray = npt.NDArray[np.float64]
RowsT = TypeVar("RowsT", Boxes, Masks)

#: What the columns of :func:`reasons` mean, for a person.
REASONS = ("score near the threshold", "the model disagrees with itself", "unusual size or shape")

#: A robust z-score up to here is no reason for doubt; from the second one on it is as good as certain.
ORDINARY, ODD = 2.0, 6.0
#: The spread of log area, log aspect and fill among cells is at least this: equal ones are not all odd.
_LEAST_SPREAD = np.array([0.1, 0.1, 0.05])
#: Fewer masks, or boxes of a class, than this do not tell what is usual.
FEWEST = 8
#: Whatever the others are like: no score is unsure so far above the threshold, all are that are so near.
UNSURE = (0.15, 0.05)


def doubts(each: FloatArray) -> FloatArray:
    """Return the doubt (N,) in [0, 1] that several reasons (N, K) come to; any one of them is enough."""
    result: FloatArray = 1 - (1 - each).prod(axis=1)
    return result


def reasons(
    suggestions: Predictions,
    threshold: float,
    others: HintSet | None = None,
    shape: tuple[int, int] | None = None,
) -> FloatArray:
    """Return how strong each of the :data:`REASONS` to doubt every suggestion is; (N, 3) in [0, 1].

    Parameters
    ----------
    suggestions : Predictions
        Of one plane. The attribute :data:`~napari_inkling.core.DISAGREEMENT`, in [0, 1], is the second reason
        where the model gives it.
    threshold : float
        From which score on a suggestion counts as a cell.
    others : HintSet, optional
        More masks and boxes of the same plane, that a person has accepted or drawn; they say what is usual,
        too.
    shape : (int, int), optional
        Rows and columns of the image. What touches its edge, cut off as it is, has no unusual size or shape,
        and does not say what is usual.
    """
    others = others or HintSet()
    disagreement = np.concatenate([_disagreement(rows) for rows in suggestions.kinds])
    odd = [
        np.zeros(len(suggestions.points)),
        _of_whole(odd_sizes, suggestions.boxes, others.boxes, shape),
        _of_whole(odd_shapes, suggestions.masks, others.masks, shape),
    ]
    return np.stack(
        [near_threshold(suggestions.scores, threshold), disagreement, np.concatenate(odd)], axis=1
    )


def _of_whole(
    how_odd: Callable[[RowsT, RowsT], FloatArray], rows: RowsT, others: RowsT, shape: tuple[int, int] | None
) -> FloatArray:
    """Return how odd rows are that lie within the image, by those that do; 0 for the rest."""
    if shape is None:
        return how_odd(rows, others)
    found, inside = np.zeros(len(rows)), whole(rows, shape)
    found[inside] = how_odd(rows.take(inside), others.take(whole(others, shape)))
    return found


def unsure(scores: FloatArray, threshold: float, among: FloatArray | None = None) -> npt.NDArray[np.bool_]:
    """Return which scores (N,) are less than half as far above the threshold as the middle one of ``among``.

    That distance is :data:`UNSURE` at most and at least. How far good cells lie above the threshold differs
    from model to model, so that no fixed distance tells what is unsure. ``among``, by default the scores
    themselves, is (M,); of it, too, only what is above counts. A score that is not known is unsure, one below
    the threshold is not.
    """
    scores = np.nan_to_num(scores, nan=threshold)
    among = scores if among is None else among
    above = among[among >= threshold] - threshold
    most, least = UNSURE
    reach = np.clip(np.median(above) / 2, least, most) if len(above) else least
    result: npt.NDArray[np.bool_] = (scores >= threshold) & (scores - threshold < reach)
    return result


def near_threshold(scores: FloatArray, threshold: float) -> FloatArray:
    """Return 1 - |s - t| / max(t, 1 - t) for scores s (N,) in [0, 1]; 1 for a score that is not known."""
    distance = np.abs(np.nan_to_num(scores, nan=threshold) - threshold)
    result: FloatArray = np.clip(1 - distance / max(threshold, 1 - threshold), 0, 1)
    return result


def odd_shapes(masks: Masks, others: Masks | None = None) -> FloatArray:
    """Return how unlike the others' the size and shape of each mask is; (N,) in [0, 1].

    Of log area, log of the longer by the shorter side of the box, and the share of the box that is filled,
    the largest robust z-score |x - median| / (1.4826 · MAD) counts: 0 up to :data:`ORDINARY`, 1 from
    :data:`ODD` on, linear between. All are 0 where there are fewer than :data:`FEWEST` masks.
    """
    return _odd(_of_masks(masks), None if others is None else _of_masks(others))


def odd_sizes(boxes: Boxes, others: Boxes | None = None) -> FloatArray:
    """Return how unlike those of its class the size and shape of each box is; (N,) in [0, 1].

    As :func:`odd_shapes`, of log area and log of the longer by the shorter side.
    """
    found, every = np.zeros(len(boxes)), others or Boxes()
    for name in np.unique(boxes.classes.astype(str)):
        rows = boxes.classes == name
        found[rows] = _odd(
            _of_sides(boxes.coordinates[rows]), _of_sides(every.coordinates[every.classes == name])
        )
    return found


def _odd(figures: FloatArray, others: FloatArray | None) -> FloatArray:
    """Return how far figures (N, K) are from the middle of all, in [0, 1]; see :func:`odd_shapes`."""
    usual = figures if others is None else np.concatenate([figures, others])
    if len(usual) < FEWEST:
        return np.zeros(len(figures))
    middle = np.median(usual, axis=0)
    least = _LEAST_SPREAD[: figures.shape[1]]
    spread = np.maximum(1.4826 * np.median(np.abs(usual - middle), axis=0), least)
    z = (np.abs(figures - middle) / spread).max(axis=1, initial=0)
    result: FloatArray = np.interp(z, [ORDINARY, ODD], [0.0, 1.0])
    return result


def _of_masks(masks: Masks) -> FloatArray:
    """Return log area, log aspect and fill of masks, shape (N, 3)."""
    areas, sides = masks.areas.astype(np.float64), _of_sides(masks.coordinates)
    box_areas = np.exp(sides[:, 0])
    return np.stack([np.log(areas), sides[:, 1], areas / box_areas], axis=1)


def _of_sides(corners: FloatArray) -> FloatArray:
    """Return log area and log aspect of boxes (N, 4), shape (N, 2)."""
    sides = corners[:, 2:] - corners[:, :2]
    return np.stack([np.log(sides.prod(axis=1)), np.abs(np.log(sides[:, 0] / sides[:, 1]))], axis=1)


def _disagreement(rows: Points | Boxes | Masks) -> FloatArray:
    """Return the attribute as numbers; a row without one agrees."""
    given = rows.attributes.get(DISAGREEMENT)
    if given is None:
        return np.zeros(len(rows))
    known = np.array([value if isinstance(value, int | float) else 0.0 for value in given], dtype=np.float64)
    return np.clip(np.nan_to_num(known), 0, 1)
