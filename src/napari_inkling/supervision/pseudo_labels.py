"""Which unlabelled candidates are for certain cells, and which background.

Source: Fujii et al., MICCAI 2021 ("the paper"), section 3: P-classification of marked cells against
unlabelled candidates ranks cells first, the same with the labels opposed ranks background first, and the top
of each ranking becomes pseudo-labels. Unlike there a candidate is ranked by a score that was fitted without
it, which cannot have learnt by heart that it is unlabelled. Numpy and scipy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from napari_inkling.supervision.p_classification import fit_scorer

__all__ = ["PseudoLabels", "select_pseudo_labels"]

FloatArray = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]

#: A scorer is fitted to at most so many candidates, drawn at random: the time grows with them.
MOST_CANDIDATES = 2000


@dataclass(frozen=True, eq=False)
class PseudoLabels:
    """What was chosen of M candidates, and how they were ranked.

    Attributes
    ----------
    cells, background : ndarray
        Indices of candidates, the surest first. No candidate is in both.
    cell_ranks, background_ranks : ndarray
        (M,) the share of candidates that look less like a cell, or less like background, those that look the
        same counted half; above 0 and below 1.
    """

    cells: Indices
    background: Indices
    cell_ranks: FloatArray
    background_ranks: FloatArray


def select_pseudo_labels(
    marked: npt.ArrayLike,
    candidates: npt.ArrayLike,
    random: np.random.Generator,
    *,
    alpha: float = 0.05,
    beta: float = 0.05,
    p: float = 4.0,
    penalty: float = 3.0,
    folds: int = 5,
    struck_cells: npt.ArrayLike | None = None,
) -> PseudoLabels:
    """Return the share α of candidates that rank first as cells, and the share β as background.

    At least one of each is chosen if its share is above 0, as far as there are candidates that may be; but
    none where all candidates score the same: there is nothing to choose by. Cells are chosen first.

    Parameters
    ----------
    marked : array-like
        Features of marked cells and of pseudo-cells that were accepted, (N, F), N of at least 1.
    candidates : array-like
        Features of unlabelled peaks, (M, F). Of fewer than two none is chosen: a score out of fold is fitted
        to the others.
    random : numpy Generator
        Deals the candidates into folds, and draws those that scorers are fitted to if there are many.
    alpha, beta : float
        α and β, from 0 (none is chosen) to 1, and together at most 1; .05 each in the paper.
    p, penalty : float
        See :func:`~.p_classification.fit_scorer`.
    folds : int
        At least 2.
    struck_cells : array-like of bool, optional
        (M,) candidates that are not to become cells.

    Raises
    ------
    ValueError
        If there is no marked cell, shapes do not fit, features are not finite, or a number is out of range.
    """
    if not (alpha >= 0 and beta >= 0 and alpha + beta <= 1):
        raise ValueError(f"alpha is {alpha!r} and beta {beta!r}, expected shares that sum to at most 1")
    if folds < 2:
        raise ValueError(f"there are {folds!r} folds, expected at least 2")
    cells, others = np.asarray(marked, dtype=np.float64), np.asarray(candidates, dtype=np.float64)
    if cells.ndim != 2 or not len(cells):
        raise ValueError(f"marked cells have shape {cells.shape}, expected (N, F) with N of at least 1")
    count = len(others)
    allowed_cells = ~_struck(struck_cells, count, "struck_cells")
    allowed_background = np.ones(count, bool)
    if count < 2:
        none, middle = np.empty(0, np.int64), np.full(count, 0.5)
        return PseudoLabels(none, none, middle, middle)
    fold = random.permutation(count) % min(folds, count)
    draw = random.permutation(count)
    as_cells = _scores_out_of_fold(cells, others, fold, draw, p, penalty, opposed=False)
    as_background = _scores_out_of_fold(cells, others, fold, draw, p, penalty, opposed=True)
    chosen = _top(as_cells, allowed_cells, alpha)
    allowed_background[chosen] = False
    return PseudoLabels(
        chosen, _top(as_background, allowed_background, beta), _ranks(as_cells), _ranks(as_background)
    )


def _scores_out_of_fold(
    marked: FloatArray,
    candidates: FloatArray,
    fold: Indices,
    draw: Indices,
    p: float,
    penalty: float,
    *,
    opposed: bool,
) -> FloatArray:
    """Return the score of each candidate, (M,), in deviations of those that its scorer was fitted to.

    The scorers of two folds differ a little in offset and scale; in that unit their scores compare.
    """
    result = np.zeros(len(candidates))
    for number in np.unique(fold):
        held_out = fold == number
        seen = candidates[draw[~held_out[draw]][:MOST_CANDIDATES]]
        positive, negative = (seen, marked) if opposed else (marked, seen)
        scorer = fit_scorer(positive, negative, p, penalty)
        of_seen = scorer.scores(seen)
        deviation = of_seen.std()
        moved = scorer.scores(candidates[held_out]) - of_seen.mean()
        result[held_out] = moved / (deviation if deviation > 1e-9 else 1)
    # scores of candidates that are alike differ by rounding
    return np.round(result, 9)


def _top(scores: FloatArray, allowed: Booleans, share: float) -> Indices:
    """Return the first of those allowed, ``share`` of all; at least one if any, the surest first."""
    if share == 0 or np.ptp(scores) == 0:
        return np.empty(0, np.int64)
    order = np.argsort(-scores, kind="stable")
    return order[allowed[order]][: max(1, round(share * len(scores)))]


def _ranks(scores: FloatArray) -> FloatArray:
    result: FloatArray = (rankdata(scores) - 0.5) / len(scores)
    return result


def _struck(given: npt.ArrayLike | None, count: int, name: str) -> Booleans:
    if given is None:
        return np.zeros(count, bool)
    struck = np.asarray(given)
    if struck.shape != (count,) or struck.dtype != np.bool_:
        raise ValueError(f"{name} is {struck.dtype} of shape {struck.shape}, expected bool of ({count},)")
    return struck
