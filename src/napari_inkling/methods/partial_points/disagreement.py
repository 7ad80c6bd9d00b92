"""How much the network's answers for mirror images of one cell differ: a reason to look at it."""

from __future__ import annotations

from math import ceil, sqrt

import numpy as np
import numpy.typing as npt

__all__ = ["disagreements"]

FloatArray = npt.NDArray[np.float64]

#: Up to this coefficient of variation views agree as well as they do on cells that are there.
ALIKE = 0.2
#: The one from which on they disagree entirely; of two views, one sees nothing.
UNLIKE = sqrt(2)


def disagreements(
    views: npt.NDArray[np.float32],
    places: FloatArray,
    channels: npt.NDArray[np.int64],
    radius: float,
) -> FloatArray:
    """Return how much the views of each place differ; (N,) in [0, 1].

    What a view sees of a cell is the mean m of its map over the disk of the cell's radius, so that a peak may
    lie a pixel beside. The coefficient of variation s / m over the views, with the sample's standard
    deviation s, goes from 0 (up to :data:`ALIKE`) to 1 (from :data:`UNLIKE` on).

    Parameters
    ----------
    views : array, (V, K, Y, X)
        The map of each class in two views or more.
    places : array, (N, 2)
        In pixels of the maps. The maps go on beyond their edges as they end there.
    channels : array, (N,)
        The class of each place.
    radius : float
        Of a cell, in pixels of the maps.
    """
    reach = ceil(radius)
    disk = np.argwhere(np.hypot(*np.indices((2 * reach + 1,) * 2) - reach) <= radius) - reach  # (P, 2)
    y, x = (
        np.clip(np.round(middle).astype(np.int64)[:, None] + away, 0, edge - 1)  # (N, P)
        for middle, away, edge in zip(places.T, disk.T, views.shape[2:], strict=True)
    )
    seen = views[:, channels[:, None], y, x].mean(axis=2, dtype=np.float64)  # (V, N)
    variation = seen.std(axis=0, ddof=1) / np.maximum(seen.mean(axis=0), 1e-9)
    result: FloatArray = np.interp(variation, [ALIKE, UNLIKE], [0.0, 1.0])
    return result
