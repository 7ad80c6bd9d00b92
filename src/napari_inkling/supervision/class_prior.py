"""The share of cells among unlabelled candidates, which PU learning must know.

Whatever the threshold t on a score, at least the share π·P(score > t | cell) of the candidates is above it.
So π is at most the ratio of what is above t among the candidates and among the marked cells, and equal to the
least such ratio if some cells are unlike all background (Blum, Lee & Scott, "Semi-supervised novelty
detection", JMLR 2010). Few samples make ratios high up the list noisy; so the threshold is that of the least
upper confidence bound, the best-bin estimate of Garg et al., "Mixture proportion estimation and PU learning:
a modern approach", NeurIPS 2021. Numpy and scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

__all__ = ["ClassPrior", "estimate_class_prior"]

FloatArray = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

#: Estimates are at least this and at most 1 less this: a PU risk wants a prior within (0, 1).
LEAST = 0.01
#: Factor of √(1/M) + √(1/N) in the confidence bound of a ratio of M candidates and N marked cells; in Garg et
#: al. it is √(ln(4/δ)/2), 1.36 with their δ = .1. The ends of the interval take less and more of it: less
#: trusts ratios high up the list, which few samples make too low; more those further down, which background
#: makes too high.
CONFIDENCE, CONFIDENCE_OF_LOW, CONFIDENCE_OF_HIGH = 1.36, 0.5, 4.0
#: Weight of the data in the logistic regression; small, since features are many and marked cells few.
_DATA_WEIGHT = 0.01
_FOLDS, _RESAMPLED = 5, 200
#: Of more candidates than this a random sample is looked at: the time grows with them, the certainty hardly.
MOST_CANDIDATES = 2000


@dataclass(frozen=True)
class ClassPrior:
    """A share of cells: the estimate, and an interval meant to hold the true one 19 times in 20.

    All three lie within [:data:`LEAST`, 1 - :data:`LEAST`].
    """

    estimate: float
    low: float
    high: float

    @property
    def middle(self) -> float:
        """The middle of the interval in the logarithm: where little is known it says few."""
        return float(np.sqrt(self.low * self.high))


#: What is said where nothing is known.
_UNKNOWN = ClassPrior(0.5, LEAST, 1 - LEAST)


def estimate_class_prior(
    marked: npt.ArrayLike, candidates: npt.ArrayLike, random: np.random.Generator
) -> ClassPrior:
    """Return the share of cells among the candidates.

    The score is that of a logistic regression of marked against unlabelled, each sample scored by one that
    was fitted without it. Background that looks like a cell counts as cells: where features hardly tell
    them apart the estimate is too high. The marked must be a fair sample of the cells among the candidates.

    Parameters
    ----------
    marked, candidates : array-like
        Features, (N, F) and (M, F). With fewer than two of either, nothing can be said: half, and anything
        may be true. Where all have the same features, candidates look like cells, and anything may be true.
    random : numpy Generator
        Splits the samples, and resamples their scores for the interval (bootstrap).

    Raises
    ------
    ValueError
        If features are not finite, or differ in number.
    """
    cells, others = _rows(marked, "marked cells"), _rows(candidates, "candidates")
    if cells.shape[1] != others.shape[1]:
        raise ValueError(f"marked cells have {cells.shape[1]} features, candidates {others.shape[1]}")
    if len(cells) < 2 or len(others) < 2:
        return _UNKNOWN
    if len(others) > MOST_CANDIDATES:
        others = others[random.choice(len(others), MOST_CANDIDATES, replace=False)]
    scores = _scores(cells, others, random)
    thresholds, place = np.unique(scores, return_inverse=True)
    above = _Above(place[: len(cells)], place[len(cells) :], len(thresholds))
    estimate = above.ratio(CONFIDENCE)
    if len(thresholds) == 1:
        return ClassPrior(_within(estimate), LEAST, 1 - LEAST)
    resampled = [above.resampled(random) for _ in range(_RESAMPLED)]
    low = np.quantile([one.ratio(CONFIDENCE_OF_LOW) for one in resampled], 0.025)
    high = np.quantile([one.ratio(CONFIDENCE_OF_HIGH) for one in resampled], 0.975)
    return ClassPrior(_within(estimate), _within(min(low, estimate)), _within(max(high, estimate)))


def _rows(given: npt.ArrayLike, name: str) -> FloatArray:
    rows = np.asarray(given, dtype=np.float64)
    if rows.ndim != 2:
        raise ValueError(f"{name} have shape {rows.shape}, expected (N, F)")
    if not np.isfinite(rows).all():
        raise ValueError(f"{name} have features that are not finite")
    return rows


def _scores(marked: FloatArray, candidates: FloatArray, random: np.random.Generator) -> FloatArray:
    """Return how much each sample looks like a marked cell, out of fold; marked ones first, (N + M,)."""
    features = np.concatenate([marked, candidates])
    labels = np.repeat([1, 0], [len(marked), len(candidates)])
    folds = StratifiedKFold(
        min(_FOLDS, len(marked), len(candidates)), shuffle=True, random_state=int(random.integers(2**31))
    )
    classifier = make_pipeline(
        StandardScaler(), LogisticRegression(C=_DATA_WEIGHT, class_weight="balanced", max_iter=1000)
    )
    scores = cross_val_predict(classifier, features, labels, cv=folds, method="decision_function")
    # scores of samples that are alike differ by rounding, and no threshold shall part them
    result: FloatArray = np.round(scores, 9)
    return result


@dataclass(frozen=True, eq=False)
class _Above:
    """The thresholds that each marked cell (N,) and each candidate (M,) comes up to, of so many."""

    marked: Counts
    candidates: Counts
    thresholds: int

    def ratio(self, confidence: float) -> float:
        """Return the ratio of the shares at the threshold where its upper confidence bound is least."""
        cells, others = self._share(self.marked), self._share(self.candidates)
        error = confidence * (1 / np.sqrt(len(self.marked)) + 1 / np.sqrt(len(self.candidates)))
        known = cells > 0
        best = np.argmin((others[known] + error) / cells[known])
        return float(others[known][best] / cells[known][best])

    def _share(self, places: Counts) -> FloatArray:
        counts = np.bincount(places, minlength=self.thresholds)
        result: FloatArray = counts[::-1].cumsum()[::-1] / len(places)
        return result

    def resampled(self, random: np.random.Generator) -> _Above:
        marked, candidates = (random.choice(some, len(some)) for some in (self.marked, self.candidates))
        return _Above(marked, candidates, self.thresholds)


def _within(share: float) -> float:
    return float(np.clip(share, LEAST, 1 - LEAST))
