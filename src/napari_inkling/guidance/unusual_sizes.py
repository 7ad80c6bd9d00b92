"""Boxes of unusual size: a slip of the hand, two cells in one box, or the wrong class."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree
from scipy.spatial.distance import cdist

from napari_inkling.guidance.size_prior import SizePrior

__all__ = ["FEWEST_FOR_USUAL", "UNUSUAL", "unusual_sizes"]

#: A size is unusual where the density that the other boxes make is less than this share of that at the
#: most crowded size: in a Gaussian prior beyond 3.3 deviations, where one box in two hundred lies.
UNUSUAL = 0.005
#: Fewer boxes than this do not tell what is usual.
FEWEST_FOR_USUAL = 8


def unusual_sizes(prior: SizePrior) -> npt.NDArray[np.intp]:
    """Return which of the prior's sizes are unusual, by row, the most unusual first; (M,).

    Each is judged by the density that all others make (leave one out), else a lonely box would vouch for
    itself. None is if there are fewer than :data:`FEWEST_FOR_USUAL`, or if they are borrowed.
    """
    count = len(prior.sizes)
    if count < FEWEST_FOR_USUAL or prior.borrowed:
        return np.empty(0, np.intp)
    scaled = prior.sizes / prior.bandwidth
    near = KDTree(scaled).query_ball_point(scaled, 1.0, return_length=True)  # itself, too
    lowest = UNUSUAL * _others(scaled, near.argmax()[None])[0]
    # Each neighbour within one bandwidth adds exp(-1/2) at least: most sizes need no closer look.
    lonely = np.flatnonzero((near - 1) * np.exp(-0.5) < lowest)
    density = _others(scaled, lonely)
    order = np.argsort(density, kind="stable")
    unusual: npt.NDArray[np.intp] = lonely[order][density[order] < lowest]
    return unusual


def _others(scaled: npt.NDArray[np.float64], rows: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Return the sum of the kernels of all others at some sizes (in bandwidths, (N, 2)); shape of rows."""
    found: npt.NDArray[np.float64] = np.exp(-0.5 * cdist(scaled[rows], scaled, "sqeuclidean")).sum(axis=1) - 1
    return found
