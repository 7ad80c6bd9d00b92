"""From probability maps to points, and to their scores. Every method that finds centres uses these."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import KDTree
from skimage.measure import regionprops

__all__ = [
    "Peaks",
    "calibrated",
    "class_peaks",
    "component_centroids",
    "distances",
    "local_maxima",
    "peak_margin",
    "with_channels",
]

FloatArray = npt.NDArray[np.float64]

#: Peaks keep this distance from each other, in units of the cell radius.
SEPARATION = 0.5

_SMOOTHING = 1.0  # σ in pixels; a nucleus is about 10 across


class Peaks(NamedTuple):
    """Places (N, 2) in pixels of the map, heights (N,), and channels (N,)."""

    places: FloatArray
    heights: FloatArray
    channels: npt.NDArray[np.int64]


def class_peaks(probability: npt.NDArray[np.float32], r1: float, lowest: float) -> Peaks:
    """Return the peaks of maps (K, Y, X) of all classes together, of at least this height.

    Each has the channel that is highest there. ``r1`` is the cell radius in pixels of the maps.
    """
    return with_channels(probability, *local_maxima(probability.max(0), _separation(r1), lowest))


def with_channels(probability: npt.NDArray[np.float32], places: FloatArray, heights: FloatArray) -> Peaks:
    """Return peaks with the channel of maps (K, Y, X) that is highest at each."""
    y, x = np.clip(np.round(places).astype(int), 0, np.array(probability.shape[1:]) - 1).T.reshape(2, -1)
    return Peaks(places, heights, probability[:, y, x].argmax(0))


def calibrated(heights: FloatArray, threshold: float) -> FloatArray:
    """Return scores in [0, 1] for peak heights: 0 ↦ 0, ``threshold`` ↦ 0.5, 1 ↦ 1, linear between."""
    return np.interp(heights, [0, threshold, 1], [0, 0.5, 1])


def peak_margin(r1: float) -> int:
    """Return how many pixels around a place decide whether :func:`class_peaks` finds a peak there."""
    return _separation(r1) + 1 + int(4 * _SMOOTHING + 0.5)


def _separation(r1: float) -> int:
    return max(1, round(SEPARATION * r1))


def local_maxima(
    probability: npt.NDArray[np.float32], distance: int, threshold: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the peaks (N, 2) of a map (Y, X) and their heights (N,), of at least ``threshold``.

    A peak is the largest value within ``distance`` pixels of the smoothed map; a plateau counts once.
    Touching cells keep a peak each where the paper's connected components would join them.
    """
    smooth = ndimage.gaussian_filter(probability, _SMOOTHING)
    highest = (smooth == ndimage.maximum_filter(smooth, size=2 * distance + 1)) & (smooth >= threshold)
    plateaus, count = ndimage.label(highest, structure=np.ones((3, 3)))
    if not count:
        return np.empty((0, 2)), np.empty(0)
    y, x = np.nonzero(plateaus)
    plateau = plateaus[y, x] - 1
    pixels = np.bincount(plateau, minlength=count)
    places = np.stack([np.bincount(plateau, axis, count) / pixels for axis in (y, x)], axis=1)
    heights = np.empty(count)
    heights[plateau] = smooth[y, x]  # neighbours that are both the largest around are equal
    return places, heights


def component_centroids(
    probability: npt.NDArray[np.float32], threshold: float, smallest_area: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return centroids (N, 2) and highest values (N,) of components above ``threshold``, as in the paper."""
    components, _ = ndimage.label(probability > threshold)
    regions = [r for r in regionprops(components, probability) if r.area >= smallest_area]
    places = np.array([r.centroid for r in regions], dtype=np.float64).reshape(-1, 2)
    return places, np.array([r.intensity_max for r in regions], dtype=np.float64)


def distances(places: npt.NDArray[np.float64], others: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return how far each of ``places`` (N, 2) is from the nearest of others, infinite without any; (N,)."""
    if not len(others) or not len(places):
        return np.full(len(places), np.inf)
    nearest: npt.NDArray[np.float64] = KDTree(others).query(places)[0]
    return nearest
