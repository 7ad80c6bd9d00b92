"""One box for every point of a class: the paper's stochastic boxes "mean" and "mean-IOU" (Sec. 2.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter

from napari_inkling.guidance.size_prior import SizePrior

__all__ = ["GRID", "expected_iou", "mean_box", "mean_iou_box"]

FloatArray = npt.NDArray[np.float64]

#: The integral of Eq. 1 is a sum over so many heights and as many widths.
GRID = 100
#: They, and the solution, lie within so many deviations of the mean, and above 0.
REACH = 5.0
#: Cells of the grid with less than this share of the highest density are left out of the sum.
_NEGLIGIBLE = 1e-4
#: The search starts among so many quantiles of the heights and of the widths.
_STARTS = 10
#: It ends when its step is less than this, in pixels.
_LAST_STEP = 0.01
#: At last, the sizes of the grid within so many steps are looked at.
_AROUND = 3


def mean_box(prior: SizePrior) -> FloatArray:
    """Return the expected height and width in pixels, (2,): S1 in Sec. 2.1 of the paper."""
    return prior.mean


def mean_iou_box(prior: SizePrior, start: npt.ArrayLike | None = None) -> FloatArray:
    """Return the height and width whose box overlaps most with all boxes of the class, (2,) in pixels.

    Eq. 1 of the paper: argmax over (x, y) of ∫ IOU(B(x, y), B(h, w)) f(h, w) dh dw with both boxes centred.
    The integral is a sum on a grid of 100 × 100 within 5 deviations of the mean. A gradient-free pattern
    search climbs from the mean, and from every place that beats its neighbours on a coarse grid of quantiles;
    the best of them is looked at closely. So it finds the same box wherever it starts, also if the class has
    cells of two sizes.

    Parameters
    ----------
    prior : SizePrior
        Of one class.
    start : array_like, optional
        (2,) where to start instead of the mean, in pixels.
    """
    grid = _Grid.of(prior)
    given = prior.mean if start is None else np.asarray(start, dtype=np.float64)
    rough = [_climb(grid, place, 2 * grid.step, grid.step) for place in (given, *_coarse_maxima(grid))]
    return _climb(grid, _best_around(grid, _best(grid, np.stack(rough))), grid.step / 2, _LAST_STEP)


def expected_iou(
    boxes: npt.ArrayLike, heights: FloatArray, widths: FloatArray, weights: FloatArray
) -> FloatArray:
    """Return Σ weight · IOU(box, (height, width)) of centred boxes, shape (M,).

    Parameters
    ----------
    boxes : array_like
        (M, 2) heights and widths in pixels.
    heights, widths : ndarray
        (H,) and (W,) in pixels.
    weights : ndarray
        (H, W) the probability of each pair.
    """
    given = np.asarray(boxes, dtype=np.float64).reshape(-1, 2)
    areas = np.outer(heights, widths)
    found = np.empty(len(given))
    for index, (y, x) in enumerate(given):  # one by one: each fits the processor's cache
        shared = np.outer(np.minimum(y, heights), np.minimum(x, widths))
        found[index] = (weights * (shared / (areas + (y * x) - shared))).sum()
    return found


@dataclass(frozen=True, eq=False)
class _Grid:
    """A prior on the grid, and the spacing in pixels (2,): it is also where the solution may lie."""

    heights: FloatArray
    widths: FloatArray
    weights: FloatArray
    step: FloatArray

    @classmethod
    def of(cls, prior: SizePrior) -> _Grid:
        high = prior.mean + REACH * prior.deviation
        low = np.maximum(prior.mean - REACH * prior.deviation, high / GRID / 2)
        heights, widths = np.linspace(low, high, GRID).T
        weights = prior.on_grid(heights, widths)
        kept = weights > _NEGLIGIBLE * weights.max()
        rows, columns = _extent(kept.any(axis=1)), _extent(kept.any(axis=0))
        weights = weights[rows, columns] / weights[rows, columns].sum()
        return cls(heights[rows], widths[columns], weights, (high - low) / (GRID - 1))

    def iou(self, boxes: FloatArray) -> FloatArray:
        return expected_iou(boxes, self.heights, self.widths, self.weights)

    def clipped(self, boxes: FloatArray) -> FloatArray:
        """Return boxes (..., 2) within the grid: a box that is larger, or smaller, than all is never best."""
        result: FloatArray = np.clip(
            boxes, (self.heights[0], self.widths[0]), (self.heights[-1], self.widths[-1])
        )
        return result


def _extent(kept: npt.NDArray[np.bool_]) -> slice:
    """Return from the first to the last that is kept."""
    found = np.flatnonzero(kept)
    return slice(found[0], found[-1] + 1)


def _best(grid: _Grid, boxes: FloatArray) -> FloatArray:
    """Return the best of boxes (M, 2)."""
    best: FloatArray = boxes[int(grid.iou(boxes).argmax())]
    return best


def _best_around(grid: _Grid, box: FloatArray) -> FloatArray:
    """Return the best of the grid's sizes around a box: a sum of IOUs has its kinks, and peaks, there."""
    first = np.array([grid.heights[0], grid.widths[0]])
    nodes = np.round((box - first) / grid.step) + _square(_AROUND)
    return _best(grid, np.concatenate([box[None], grid.clipped(first + grid.step * nodes)]))


def _coarse_maxima(grid: _Grid) -> FloatArray:
    """Return the sizes that beat their eight neighbours on a grid of quantiles, shape (S, 2)."""
    heights = _quantiles(grid.heights, grid.weights.sum(axis=1))
    widths = _quantiles(grid.widths, grid.weights.sum(axis=0))
    places = np.stack(np.meshgrid(heights, widths, indexing="ij"), axis=-1)
    iou = grid.iou(places).reshape(places.shape[:2])
    found: FloatArray = places[iou >= maximum_filter(iou, 3)]
    return found


def _quantiles(sides: FloatArray, weights: FloatArray) -> FloatArray:
    """Return the sides (M,) below which 5 %, 15 % … 95 % of the weight lie, each once."""
    shares = (np.arange(_STARTS) + 0.5) / _STARTS
    return np.unique(sides[np.searchsorted(np.cumsum(weights), shares).clip(max=len(sides) - 1)])


def _climb(grid: _Grid, start: FloatArray, step: FloatArray, last: FloatArray | float) -> FloatArray:
    """Return where a pattern search in eight directions ends: when no step helps, steps (2,) are halved."""
    here = grid.clipped(start)
    best = grid.iou(here)[0]
    while (step >= last).any():
        around = grid.clipped(here + step * _square(1))
        iou = grid.iou(around)
        if iou.max() > best:
            here, best = around[int(iou.argmax())], iou.max()
        else:
            step = step / 2
    return here


def _square(reach: int) -> FloatArray:
    """Return the whole-numbered places within so many steps of (0, 0), in both directions; (P, 2)."""
    steps = np.arange(-reach, reach + 1.0)
    return np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
