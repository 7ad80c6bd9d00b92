"""How large the boxes of a class are: a density over (height, width), as wide as the boxes drawn say.

The prior of the paper that replaces points by stochastic (ST) boxes ("the paper" here), Sec. 2.1: f_c(w, h)
is measured from the boxes of class c by a kernel density estimate with a Gaussian kernel. A class with too
few boxes borrows from the others, which the paper leaves open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from napari_inkling.core import HintError

__all__ = ["FEWEST_FOR_SPREAD", "Borrowed", "SizePrior", "size_priors"]

FloatArray = npt.NDArray[np.float64]
#: What a class took from the others: nothing, how much its sizes vary, or all of its sizes.
Borrowed = Literal["", "spread", "sizes"]

#: From so many boxes on a class has a spread of its own.
FEWEST_FOR_SPREAD = 3
#: Deviation of a side as a share of its mean where no class has boxes enough to tell; cells in blood and
#: urine have .14 to .35.
USUAL_SPREAD = 0.2
#: A kernel is at least so wide, in pixels and as a share of the mean side: nobody draws more exactly.
FLOOR_PX, FLOOR_SHARE = 0.5, 0.02
#: So few boxes at once are multiplied in one thread: several would wait for a training that has the cores.
_AT_ONCE = 24


@dataclass(frozen=True, eq=False)
class SizePrior:
    """The density f(h, w) of box sizes: a product of two Gaussian kernels at every size, cut off at 0.

    Attributes
    ----------
    sizes : ndarray
        (N, 2) heights and widths in pixels, N ≥ 1: those of the boxes given, or borrowed ones.
    bandwidth : ndarray
        (2,) standard deviation of the kernel in pixels.
    borrowed : str
        What came from the boxes of other classes, one of :data:`Borrowed`.
    """

    sizes: FloatArray
    bandwidth: FloatArray
    borrowed: Borrowed = ""

    def density(self, heights: npt.ArrayLike, widths: npt.ArrayLike) -> FloatArray:
        """Return f at heights and widths in pixels, arrays that broadcast to a shape; per px², 0 outside."""
        h, w = np.broadcast_arrays(np.asarray(heights, np.float64), np.asarray(widths, np.float64))
        each = self._kernels(h.ravel(), 0) * self._kernels(w.ravel(), 1)
        result: FloatArray = each.sum(axis=0).reshape(h.shape) / self._mass
        return result

    def on_grid(self, heights: FloatArray, widths: FloatArray) -> FloatArray:
        """Return f at every pair of heights (H,) and widths (W,), shape (H, W): fast for many boxes."""
        h, w = self._kernels(heights, 0), self._kernels(widths, 1)
        result = np.zeros((len(heights), len(widths)))
        for first in range(0, len(h), _AT_ONCE):
            result += h[first : first + _AT_ONCE].T @ w[first : first + _AT_ONCE]
        return result / self._mass

    def equals(self, other: SizePrior) -> bool:
        """Return whether it is the same density, from the same boxes."""
        same = np.array_equal(self.sizes, other.sizes) and np.array_equal(self.bandwidth, other.bandwidth)
        return same and self.borrowed == other.borrowed

    @cached_property
    def mean(self) -> FloatArray:
        """The expected height and width in pixels, (2,): S1 of the paper."""
        above, first, _ = self._moments
        result: FloatArray = (first * above[:, ::-1]).sum(axis=0) / self._mass
        return result

    @cached_property
    def deviation(self) -> FloatArray:
        """The standard deviation of height and width under f in pixels, (2,)."""
        above, _, second = self._moments
        square = (second * above[:, ::-1]).sum(axis=0) / self._mass
        result: FloatArray = np.sqrt(np.maximum(square - self.mean**2, 0))
        return result

    def _kernels(self, sides: FloatArray, axis: int) -> FloatArray:
        """Return the kernel of every size at sides (M,) along an axis, shape (N, M); 0 at sides ≤ 0."""
        width = self.bandwidth[axis]
        z = (sides[None, :] - self.sizes[:, axis, None]) / width
        result: FloatArray = np.exp(-0.5 * z**2) / (np.sqrt(2 * np.pi) * width) * (sides > 0)
        return result

    @cached_property
    def _moments(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """The integrals of 1, x and x² times each kernel over x > 0, each of shape (N, 2)."""
        s, b = self.sizes, self.bandwidth
        above, edge = ndtr(s / b), b * np.exp(-0.5 * (s / b) ** 2) / np.sqrt(2 * np.pi)
        return above, s * above + edge, (s**2 + b**2) * above + s * edge

    @cached_property
    def _mass(self) -> float:
        """What of all kernels lies at h > 0 and w > 0."""
        return float(self._moments[0].prod(axis=1).sum())


def size_priors(sizes: Mapping[str, npt.ArrayLike]) -> dict[str, SizePrior]:
    """Return the prior of every class.

    The kernel's width is Scott's factor N^(-1/6) times the deviation of height and of width, at least
    :data:`FLOOR_PX` and :data:`FLOOR_SHARE` of the mean side.

    - 3 boxes or more: all from the class itself.
    - 1 or 2: its own sizes; the deviation is its own mean times the relative deviation within the classes
      that have 3 or more (:data:`USUAL_SPREAD` if none has). ``borrowed`` is "spread".
    - 0: the boxes of all classes together. ``borrowed`` is "sizes".

    Parameters
    ----------
    sizes : mapping
        Class → (N, 2) heights and widths of its boxes in pixels, N ≥ 0.

    Raises
    ------
    HintError
        If a size is not a positive number, or no class has any box: there is nothing to borrow from then.
    """
    checked = {name: _checked(name, given) for name, given in sizes.items()}
    if not sum(map(len, checked.values())):
        raise HintError(f"no class has a box ({', '.join(sizes) or 'there is none'}): draw some first")
    spread = _spread_within(checked.values())
    everything = _prior(np.concatenate(list(checked.values())), spread, "sizes")
    return {name: _prior(own, spread, "") if len(own) else everything for name, own in checked.items()}


def _checked(name: str, given: npt.ArrayLike) -> FloatArray:
    sizes = np.asarray(given, dtype=np.float64).reshape(-1, 2)
    bad = np.flatnonzero(~(np.isfinite(sizes) & (sizes > 0)).all(axis=1))
    if bad.size:
        raise HintError(f"box {bad[0]} of class {name!r} is {sizes[bad[0]].tolist()} px: expected sides > 0")
    return sizes


def _spread_within(classes: Iterable[FloatArray]) -> FloatArray:
    """Return the deviation of height and width as a share of the mean, pooled within the classes; (2,)."""
    known = [own for own in classes if len(own) >= FEWEST_FOR_SPREAD]
    if not known:
        return np.full(2, USUAL_SPREAD)
    squares = sum((((own / own.mean(axis=0)) - 1) ** 2).sum(axis=0) for own in known)
    result: FloatArray = np.sqrt(squares / sum(len(own) - 1 for own in known))
    return result


def _prior(sizes: FloatArray, spread: FloatArray, borrowed: Borrowed) -> SizePrior:
    mean = sizes.mean(axis=0)
    if len(sizes) >= FEWEST_FOR_SPREAD:
        deviation = sizes.std(axis=0, ddof=1)
    else:
        deviation, borrowed = spread * mean, borrowed or "spread"
    floor = np.maximum(FLOOR_PX, FLOOR_SHARE * mean)
    return SizePrior(sizes, np.maximum(len(sizes) ** (-1 / 6) * deviation, floor), borrowed)
