"""How many of the cells are marked: an estimate from the hints alone, before anything is trained.

Blobs of the size of a cell, bright or dark, are candidates: extrema of the Laplacian of Gaussian (Lindeberg,
"Feature detection with automatic scale selection", IJCV 1998). The share of cells among those that nobody
marked is a mixture proportion (:mod:`.class_prior`), told by what the marked ones look like. What comes of it
is the label frequency P(marked | cell) (Elkan & Noto, "Learning classifiers from only positive and unlabeled
data", KDD 2008). Numpy, SciPy, scikit-image and scikit-learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import KDTree
from skimage.feature import peak_local_max

from napari_inkling.core import Image
from napari_inkling.core.box_places import where_inside
from napari_inkling.supervision.class_prior import estimate_class_prior

__all__ = ["Described", "MarkedShare", "describe_marked", "marked_share"]

FloatArray = npt.NDArray[np.float64]

#: Edge of the part of an image that is looked at, around the cells marked there: in cell radii, and in pixels
#: at most.
SIDE, MOST_PIXELS = 100, 2048
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


class Described(NamedTuple):
    """Features of the marked cells (N, F) in a part of an image, and of the unmarked blobs (M, F) there."""

    marked: FloatArray
    blobs: FloatArray


def marked_share(
    parts: Sequence[Described], random: np.random.Generator, fewest: int = 2
) -> MarkedShare | None:
    """Return the share of the cells that are marked in parts of images.

    Parameters
    ----------
    parts : sequence of Described
        From :func:`describe_marked`, with one radius for all.
    random : numpy Generator
        Splits and resamples, see :func:`.estimate_class_prior`.
    fewest : int
        Of the marked cells that something is said with.

    Returns
    -------
    MarkedShare or None
        ``None`` with fewer marked cells. Other things that look like cells count as cells: then it is too
        low.
    """
    if sum(len(part.marked) for part in parts) < fewest:
        return None
    marked, blobs = (np.concatenate(rows) for rows in zip(*parts, strict=True))
    if not len(blobs):
        return MarkedShare(1.0, 1.0, 1.0)
    prior = estimate_class_prior(marked, blobs, random)

    def share(of_blobs: float) -> float:
        return len(marked) / (len(marked) + of_blobs * len(blobs))

    return MarkedShare(share(prior.estimate), share(prior.high), share(prior.low))


def describe_marked(
    image: Image, places: npt.ArrayLike, radius: float, ignored: npt.ArrayLike = ()
) -> Described:
    """Return what marked cells look like, and the unmarked blobs around them.

    Parameters
    ----------
    image : Image
        At most :data:`SIDE` radii of it are read each way, around the marked cells.
    places : array-like
        The middles of the marked cells, (N, 2), in pixels. Those that lie outside that part are left out.
    radius : float
        That of a cell, in pixels.
    ignored : array-like
        Boxes y0, x0, y1, x1 in pixels, (M, 4): blobs in them are left out.

    Raises
    ------
    ImageError
        If the image cannot be read.
    """
    marked = np.asarray(places, dtype=np.float64).reshape(-1, 2)
    rows, columns = (
        _part(marked[:, axis], length, min(SIDE * radius, MOST_PIXELS))
        for axis, length in enumerate((image.height, image.width))
    )
    grey = _grey(image.read(rows, columns))
    marked = marked - (rows.start, columns.start)
    marked = marked[((marked > -0.5) & (marked < np.array(grey.shape) - 0.5)).all(axis=1)]
    blobs = _blobs(grey, radius)
    edges = np.asarray(ignored, dtype=np.float64).reshape(-1, 4) - np.tile((rows.start, columns.start), 2)
    blobs = np.delete(blobs, where_inside(edges, blobs)[1], axis=0)
    if len(blobs) and len(marked):
        # What is marked is seen where its blob is, as the others are.
        away, nearest = KDTree(blobs).query(marked)
        free = KDTree(marked).query(blobs)[0] > radius
        marked = np.where((away <= radius)[:, np.newaxis], blobs[nearest], marked)
        blobs = blobs[free]
    features = _ring_features(grey, np.concatenate([marked, blobs]), radius)
    return Described(features[: len(marked)], features[len(marked) :])


def _part(places: FloatArray, length: int, side: float) -> slice:
    """Return at most ``side`` pixels of an axis, around the median of the places."""
    side = min(length, max(1, round(side)))
    middle = float(np.median(places)) if len(places) else length / 2
    first = int(np.clip(round(middle - side / 2), 0, length - side))
    return slice(first, first + side)


def _grey(pixels: npt.NDArray[Any]) -> FloatArray:
    """Return the mean of the channels, (Y, X): most within [0, 1], and the median where it is not finite."""
    grey = pixels.astype(np.float64).mean(axis=2)
    finite = np.isfinite(grey)
    if not finite.any():
        return np.zeros_like(grey)
    dark, median, bright = np.percentile(grey[finite], [1, 50, 99.5])
    grey[~finite] = median
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


def _ring_features(grey: FloatArray, places: FloatArray, radius: float) -> FloatArray:
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
