"""How far the box sizes drawn first tell all that were drawn: the Kullback-Leibler divergence of the prior.

Fig. 2 of the paper on stochastic boxes sets the divergence of the prior of all boxes, P₁₀₀, from that of a
share of them against what a detector learns from that share. A person has no P₁₀₀. So the boxes drawn so far,
N, stand for it, once in the order in which they were drawn and often resampled; and the law by which the
divergence of a density from a sample of n falls, C/n, goes on beyond N.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

from napari_inkling.guidance.size_prior import FLOOR_PX

__all__ = ["BANDWIDTH", "SMOOTHING", "DivergenceCurve", "divergence_curve", "kl_divergence"]

FloatArray = npt.NDArray[np.float64]

#: The kernel's deviation as a share of the mean side. Boxes that differ by it in both sides overlap with an
#: IOU of .76, so a detector that is asked for .5 does not feel finer detail; and it stays as boxes are added.
BANDWIDTH = 0.15
#: At least this share of the deviation, so that the grid can show it.
_LEAST_OF_DEVIATION = 0.25
#: The grid has so many heights and as many widths, and reaches so many deviations (with the kernel's) off the
#: mean.
_CELLS, _REACH = 32, 4.0
#: One box in so many may have any size: then no divergence is infinite.
SMOOTHING = 0.01
#: Batches grow by a factor, so many from the first to all boxes; and so many times they are resampled.
_BATCHES, _RESAMPLED = 12, 20
#: The standard deviation of C as a share of C, times √N; seen on real cells of six classes.
CAUTION = 2.0
#: The band holds this share of the resampled ones.
BAND = 0.9


@dataclass(frozen=True, eq=False)
class DivergenceCurve:
    """The divergence (in nats, ≥ 0) of the prior of all N boxes from that of the first n.

    Attributes
    ----------
    counts : ndarray
        (K,) the numbers of boxes n, growing, the last of them N.
    drawn : ndarray
        (K,) with the boxes in the order in which they were drawn; 0 at N.
    low, middle, high : ndarray
        (K,) with boxes drawn at random from all, with replacement: the band, and the median.
    decay : float
        C of the law C/n that the resampled ones follow, fitted to batches from a quarter of all on.
    """

    counts: npt.NDArray[np.int64]
    drawn: FloatArray
    low: FloatArray
    middle: FloatArray
    high: FloatArray
    decay: float

    @property
    def safe_decay(self) -> float:
        """C on the safe side: N boxes tell it to some 2/√N of itself, and few tend to tell too little."""
        return self.decay * (1 + CAUTION / float(np.sqrt(self.counts[-1])))

    def expected(self, count: npt.ArrayLike) -> FloatArray:
        """Return the divergence to expect of so many boxes, on the safe side; also of more than there are."""
        result: FloatArray = self.safe_decay / np.asarray(count, dtype=np.float64)
        return result


def kl_divergence(p: npt.ArrayLike, q: npt.ArrayLike, smoothing: float = SMOOTHING) -> FloatArray:
    """Return D(p‖q) = Σ p ln(p/q) in nats, over the last two axes; finite and ≥ 0.

    Both are made to sum to 1, and smoothed: (1 - smoothing) · p + smoothing / cells.

    Parameters
    ----------
    p, q : array_like
        (..., H, W) densities on the same grid, ≥ 0, with a positive sum; they broadcast.
    smoothing : float
        In [0, 1); with 0, q must be positive.
    """
    first, second = _smoothed(p, smoothing), _smoothed(q, smoothing)
    terms = xlogy(first, first).sum(axis=(-2, -1)) - (first * np.log(second)).sum(axis=(-2, -1))
    result: FloatArray = np.maximum(terms, 0)  # rounding may leave -1e-17
    return result


def divergence_curve(
    sizes: npt.ArrayLike, times: npt.ArrayLike | None = None, seed: int = 0
) -> DivergenceCurve:
    """Return how the divergence falls as boxes are added.

    The kernel's width is :data:`BANDWIDTH` times the mean side of all boxes, and the same for every batch,
    unlike that of the prior itself: so the curve shows what sizes there are, not how sharply one looks.

    Parameters
    ----------
    sizes : array_like
        (N, 2) heights and widths of the boxes of a class in pixels, N ≥ 2.
    times : array_like, optional
        (N,) when each was drawn; by default in the order of the rows. Unknown ones (NaN) come last.
    seed : int
        Of the resampling.
    """
    given = np.asarray(sizes, dtype=np.float64).reshape(-1, 2)
    if times is not None:
        given = given[np.argsort(np.asarray(times, dtype=np.float64), kind="stable")]
    total = len(given)
    counts = np.unique(np.geomspace(2, total, _BATCHES).round().astype(np.int64))
    cells, kernels = _on_grid(given)
    random = np.random.default_rng(seed)
    orders = np.concatenate([np.arange(total)[None], random.integers(0, total, (_RESAMPLED, total))])
    densities = kernels[0] @ _growing(cells[orders], counts) @ kernels[1].T  # (1 + R, K, H, W)
    every = kl_divergence(densities[0, -1], densities)
    low, middle, high = np.quantile(every[1:], [(1 - BAND) / 2, 0.5, (1 + BAND) / 2], axis=0)
    late = counts >= min(total / 4, counts[-1])
    decay = float((middle * counts)[late].mean())
    return DivergenceCurve(counts, every[0], low, middle, high, decay)


def _smoothed(density: npt.ArrayLike, smoothing: float) -> FloatArray:
    given = np.asarray(density, dtype=np.float64)
    shares = given / given.sum(axis=(-2, -1), keepdims=True)
    result: FloatArray = (1 - smoothing) * shares + smoothing / (given.shape[-2] * given.shape[-1])
    return result


def _on_grid(sizes: FloatArray) -> tuple[npt.NDArray[np.intp], tuple[FloatArray, FloatArray]]:
    """Return the cell of every size, (N,), and what each cell gives to each by the kernel, twice (H, H).

    A size beyond the grid counts in its last cell: an unusual one stays unusual, however far off it is.
    """
    mean, deviation = sizes.mean(axis=0), sizes.std(axis=0, ddof=1)
    width = np.maximum(np.maximum(BANDWIDTH * mean, _LEAST_OF_DEVIATION * deviation), FLOOR_PX)
    half = _REACH * np.sqrt(deviation**2 + width**2)
    place = (sizes - (mean - half)) / (2 * half) * _CELLS
    rows, columns = np.clip(place.astype(np.intp), 0, _CELLS - 1).T
    apart = np.subtract.outer(np.arange(_CELLS), np.arange(_CELLS))
    kernels = [np.exp(-0.5 * (apart * (2 * h / _CELLS) / w) ** 2) for h, w in zip(half, width, strict=True)]
    return rows * _CELLS + columns, (kernels[0], kernels[1])


def _growing(cells: npt.NDArray[np.intp], counts: npt.NDArray[np.int64]) -> FloatArray:
    """Return how many of the first n boxes lie in each cell, for each order and n: (R, N) → (R, K, H, W)."""
    shape = (len(cells), len(counts), _CELLS**2)
    batch = np.searchsorted(counts, np.arange(1, counts[-1] + 1))  # the first that has the box
    place = (np.arange(len(cells))[:, None] * len(counts) + batch) * _CELLS**2 + cells
    new = np.bincount(place.ravel(), minlength=np.prod(shape)).astype(np.float64).reshape(shape)
    return new.cumsum(axis=1, out=new).reshape(*shape[:2], _CELLS, _CELLS)
