"""How doubtful a suggestion is: by its score, the model's own disagreement, and an odd size or shape.

Each reason is a number from 0 to 1, and any one of them is enough to look: with the reasons r, doubt is
1 - Π (1 - r). Where there is only the score, the order is that of the distance to the threshold.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_inkling.core import DISAGREEMENT, Boxes, Masks, Points, Predictions

__all__ = ["REASONS", "doubts", "near_threshold", "odd_shapes", "reasons"]

FloatArray = npt.NDArray[np.float64]

#: What the columns of :func:`reasons` mean, for a person.
REASONS = ("score near the threshold", "the model disagrees with itself", "unusual size or shape")

#: A robust z-score up to here is no reason for doubt; from the second one on it is as good as certain.
ORDINARY, ODD = 2.0, 6.0
#: The spread of log area, log aspect and fill among cells is at least this: equal ones are not all odd.
_LEAST_SPREAD = np.array([0.1, 0.1, 0.05])
#: Fewer masks than this do not tell what is usual.
FEWEST = 8


def doubts(suggestions: Predictions, threshold: float, others: Masks | None = None) -> FloatArray:
    """Return the doubt about every suggestion, points first, then boxes, then masks; (N,) in [0, 1].

    Takes what :func:`reasons` takes.
    """
    result: FloatArray = 1 - (1 - reasons(suggestions, threshold, others)).prod(axis=1)
    return result


def reasons(suggestions: Predictions, threshold: float, others: Masks | None = None) -> FloatArray:
    """Return how strong each of the :data:`REASONS` to doubt every suggestion is; (N, 3) in [0, 1].

    Parameters
    ----------
    suggestions : Predictions
        Of one plane. The attribute :data:`~napari_inkling.core.DISAGREEMENT`, in [0, 1], is the third reason
        where the model gives it.
    threshold : float
        From which score on a suggestion counts as a cell.
    others : Masks, optional
        More masks of the same plane, that a person has accepted or drawn; they say what is usual, too.
    """
    scores = suggestions.scores
    disagreement = np.concatenate([_disagreement(rows) for rows in suggestions.kinds])
    odd = np.zeros(len(scores))
    odd[len(scores) - len(suggestions.masks) :] = odd_shapes(suggestions.masks, others)
    return np.stack([near_threshold(scores, threshold), disagreement, odd], axis=1)


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
    figures = _figures(masks)
    usual = figures if others is None else np.concatenate([figures, _figures(others)])
    if len(usual) < FEWEST:
        return np.zeros(len(masks))
    middle = np.median(usual, axis=0)
    spread = np.maximum(1.4826 * np.median(np.abs(usual - middle), axis=0), _LEAST_SPREAD)
    z = (np.abs(figures - middle) / spread).max(axis=1, initial=0)
    result: FloatArray = np.interp(z, [ORDINARY, ODD], [0.0, 1.0])
    return result


def _figures(masks: Masks) -> FloatArray:
    """Return log area, log aspect and fill of masks, shape (N, 3)."""
    sides = masks.coordinates[:, 2:] - masks.coordinates[:, :2]
    areas = masks.areas.astype(np.float64)
    aspect = np.abs(np.log(sides[:, 0] / sides[:, 1]))
    return np.stack([np.log(areas), aspect, areas / sides.prod(axis=1)], axis=1)


def _disagreement(rows: Points | Boxes | Masks) -> FloatArray:
    """Return the attribute as numbers; a row without one agrees."""
    given = rows.attributes.get(DISAGREEMENT)
    if given is None:
        return np.zeros(len(rows))
    known = np.array([value if isinstance(value, int | float) else 0.0 for value in given], dtype=np.float64)
    return np.clip(np.nan_to_num(known), 0, 1)
