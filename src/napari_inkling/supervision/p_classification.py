"""P-classification: a linear score that is right at the top of its list.

Source: Ertekin & Rudin, "On equivalence relationships between classification and ranking algorithms", JMLR
2011; Eq. 2 of Fujii et al., MICCAI 2021, prints it without the p in the exponent, without which p would say
next to nothing. With p in the exponent, and f with an intercept,

    R(f) = Σ_i exp(-f(x_i)) + 1/p Σ_k exp(p·f(x_k))                       x_i positive, x_k negative

The higher p, the more the highest negatives count, and with them the top of the list. Numpy and scipy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

__all__ = ["Scorer", "fit_scorer"]

FloatArray = npt.NDArray[np.float64]

#: Enough for hundreds of features; it usually takes some dozens.
_MOST_STEPS = 1000


@dataclass(frozen=True, eq=False)
class Scorer:
    """A linear score f of features, the higher the more positive.

    Attributes
    ----------
    weights : ndarray
        (F,) for features from which ``mean`` was subtracted, divided by ``scale``.
    bias : float
        Added to the score.
    mean, scale : ndarray
        (F,) mean and standard deviation of the features it was fitted to; 1 where all were alike.
    """

    weights: FloatArray
    bias: float
    mean: FloatArray
    scale: FloatArray

    def scores(self, features: npt.ArrayLike) -> FloatArray:
        """Return f of each row of ``features`` (N, F); (N,)."""
        rows = np.asarray(features, dtype=np.float64)
        result: FloatArray = (rows - self.mean) / self.scale @ self.weights + self.bias
        return result


def fit_scorer(
    positive: npt.ArrayLike, negative: npt.ArrayLike, p: float = 4.0, penalty: float = 3.0
) -> Scorer:
    """Return the score that minimises R(f), with a penalty on its weights.

    The best intercept for given weights is known, and with it ln R(f) is, but for constants,

        J(w) = ln Σ_i exp(-w·z_i) + 1/p ln Σ_k exp(p·w·z_k)

    which is convex, and nothing in it overflows. What is minimised, by L-BFGS, is J(w) + penalty/2·‖w‖².
    Without the penalty samples that a plane parts would have no optimum.

    Parameters
    ----------
    positive, negative : array-like
        Features, (N, F) and (M, F); of each at least one row.
    p : float
        At least 1; 4 in the paper.
    penalty : float
        Above 0. It weighs the same however many samples there are.

    Raises
    ------
    ValueError
        If a side has no sample, features are not finite or differ in number, or p or the penalty is out of
        range.
    """
    if not p >= 1:
        raise ValueError(f"p is {p!r}, expected a number of at least 1")
    if not penalty > 0:
        raise ValueError(f"the penalty is {penalty!r}, expected a positive number")
    raised, lowered = _rows(positive, "positive"), _rows(negative, "negative")
    if raised.shape[1] != lowered.shape[1]:
        raise ValueError(f"positive samples have {raised.shape[1]} features, negative {lowered.shape[1]}")
    mean, scale = _standard(np.concatenate([raised, lowered]))
    raised, lowered = (raised - mean) / scale, (lowered - mean) / scale
    found = minimize(
        _objective,
        np.zeros(raised.shape[1]),
        args=(raised, lowered, p, penalty),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _MOST_STEPS, "ftol": 1e-10, "gtol": 1e-6},
    )
    # dR/db = 0 where Σ_i exp(-w·z_i - b) = Σ_k exp(p·(w·z_k + b))
    bias = (_log_sum_exp(-(raised @ found.x)) - _log_sum_exp(p * (lowered @ found.x))) / (p + 1)
    return Scorer(found.x, float(bias), mean, scale)


def _objective(
    weights: FloatArray, positive: FloatArray, negative: FloatArray, p: float, penalty: float
) -> tuple[float, FloatArray]:
    """Return J(w) + penalty/2·‖w‖² and its gradient, (F,)."""
    low, high = -positive @ weights, p * (negative @ weights)
    total_low, total_high = _log_sum_exp(low), _log_sum_exp(high)
    value = total_low + total_high / p + penalty / 2 * weights @ weights
    gradient = np.exp(high - total_high) @ negative - np.exp(low - total_low) @ positive
    return float(value), gradient + penalty * weights


def _log_sum_exp(values: FloatArray) -> float:
    """Return ln Σ exp(values), as scipy's logsumexp does, which takes most of the time of so small a sum."""
    highest = values.max()
    return float(highest + np.log(np.exp(values - highest).sum()))


def _rows(given: npt.ArrayLike, name: str) -> FloatArray:
    rows = np.asarray(given, dtype=np.float64)
    if rows.ndim != 2 or not len(rows):
        raise ValueError(f"{name} samples have shape {rows.shape}, expected (N, F) with N of at least 1")
    if not np.isfinite(rows).all():
        raise ValueError(f"{name} samples have features that are not finite")
    return rows


def _standard(rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of each column, the latter 1 where all rows are (nearly) alike."""
    mean, deviation = rows.mean(axis=0), rows.std(axis=0)
    alike = deviation <= 1e-12 * np.abs(rows).max(axis=0)
    return mean, np.where(alike, 1.0, deviation)
