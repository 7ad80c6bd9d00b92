"""How many of the cells are marked: an estimate from the hints alone, before anything is trained.

Blobs of the size of a cell, bright or dark, are candidates. The share of cells among those that nobody marked
is a mixture proportion (:mod:`.class_prior`), told by what the marked ones look like. Numpy, SciPy,
scikit-image and scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import KDTree
from skimage.feature import peak_local_max

from napari_inkling.core import Image
from napari_inkling.supervision.class_prior import estimate_class_prior

__all__ = ["MarkedShare", "marked_share"]

FloatArray = npt.NDArray[np.float64]

#: Edge in cell radii of the part of an image that is looked at, around the cells marked there.
SIDE = 100
#: Of the Laplacian of Gaussian that finds blobs, in cell radii. Less than a flat disk answers most to: cells
#: are brighter in the middle, and touch.
_SIGMA = 0.5
#: Weaker answers are noise; the image's contrast is 1.
_FAINTEST = 0.01
#: Radii, in cell radii, of the rings that a blob is described by, and how many places are read on each.
_RINGS, _PLACES = (0.0, 0.35, 0.7, 1.05, 1.4, 1.8), 16
#: How much the image is smoothed for that (σ in cell radii, at least half a pixel).
_SMOOTH = 0.12


@dataclass(frozen=True)
class MarkedShare:
    """The share of the cells that are marked, and the interval that it lies in 19 times in 20, in (0, 1]."""

    estimate: float
    low: float
    high: float


def marked_share(
    images: Sequence[tuple[Image, npt.ArrayLike]], radius: float, random: np.random.Generator
) -> MarkedShare | None:
    """Return the share of marked cells in the parts of the images that hold them.

    Parameters
    ----------
    images : sequence of (Image, points)
        Marked cells, (N, 2), in pixels of the image. A part of :data:`SIDE` radii around them is read.
    radius : float
        That of a cell, in pixels.
    random : numpy Generator
        Splits and resamples, see :func:`.estimate_class_prior`.

    Returns
    -------
    MarkedShare or None
        ``None`` with fewer than two marked cells. Objects that look like cells count as cells: then it is
        too low. Measured by ``tests/supervision/test_marked_share.py`` on drawn and on real images.
    """
    parts = [_described(image, np.asarray(places, np.float64), radius) for image, places in images]
    if sum(len(marked) for marked, _ in parts) < 2:
        return None
    marked, others = (np.concatenate(rows) for rows in zip(*parts, strict=True))
    if not len(others):
        return MarkedShare(1.0, 1.0, 1.0)
    prior = estimate_class_prior(marked, others, random)

    def share(of_others: float) -> float:
        return len(marked) / (len(marked) + of_others * len(others))

    return MarkedShare(share(prior.estimate), share(prior.high), share(prior.low))


def _described(image: Image, places: FloatArray, radius: float) -> tuple[FloatArray, FloatArray]:
    """Return features of the marked cells in a part of an image, and of the unmarked blobs there."""
    rows, columns = (
        _part(places[:, axis], length, SIDE * radius)
        for axis, length in enumerate((image.height, image.width))
    )
    grey = _grey(image.read(rows, columns))
    places = places - (rows.start, columns.start)
    places = places[((places > -0.5) & (places < np.array(grey.shape) - 0.5)).all(axis=1)]
    blobs = _blobs(grey, radius)
    if len(blobs) and len(places):
        # What is marked is seen where its blob is, as the others are.
        away, nearest = KDTree(blobs).query(places)
        free = KDTree(places).query(blobs)[0] > radius
        places = np.where((away <= radius)[:, np.newaxis], blobs[nearest], places)
        blobs = blobs[free]
    return _looks(grey, places, radius), _looks(grey, blobs, radius)


def _part(places: FloatArray, length: int, side: float) -> slice:
    """Return at most ``side`` pixels of an axis, around the median of the places."""
    side = min(length, max(1, round(side)))
    middle = float(np.median(places)) if len(places) else length / 2
    first = int(np.clip(round(middle - side / 2), 0, length - side))
    return slice(first, first + side)


def _grey(pixels: npt.NDArray[Any]) -> FloatArray:
    """Return the mean of the channels, (Y, X): most pixels within [0, 1]."""
    grey = np.nan_to_num(pixels.astype(np.float64).mean(axis=2))
    dark, bright = np.percentile(grey, [1, 99.5])
    result: FloatArray = (grey - dark) / max(bright - dark, 1e-9)
    return result


def _blobs(grey: FloatArray, radius: float) -> FloatArray:
    """Return the middles (N, 2) of bright and of dark blobs of about the size of a cell."""
    sigma = _SIGMA * radius
    answer = sigma**2 * ndimage.gaussian_laplace(grey, sigma)
    found = [
        peak_local_max(
            sign * answer, min_distance=max(1, round(radius)), threshold_abs=_FAINTEST, exclude_border=False
        )
        for sign in (-1, 1)
    ]
    return np.concatenate(found).astype(np.float64)


def _looks(grey: FloatArray, places: FloatArray, radius: float) -> FloatArray:
    """Return features (N, F): brightness, its unevenness, and edges on rings around each place."""
    angles = np.linspace(0, 2 * np.pi, _PLACES, endpoint=False)
    rings = radius * np.array(_RINGS)[:, np.newaxis]
    y, x = (
        places[:, axis, np.newaxis, np.newaxis] + rings * wave(angles)
        for axis, wave in enumerate((np.sin, np.cos))
    )
    sigma = max(_SMOOTH * radius, 0.5)
    smooth = ndimage.map_coordinates(ndimage.gaussian_filter(grey, sigma), [y, x], order=1, mode="nearest")
    edges = ndimage.map_coordinates(
        ndimage.gaussian_gradient_magnitude(grey, sigma), [y, x], order=1, mode="nearest"
    )
    mean = smooth.mean(axis=2)
    contrast = mean[:, :-1] - mean[:, -1:]
    return np.concatenate([mean, contrast, smooth.std(axis=2)[:, 1:], edges.mean(axis=2)], axis=1)
