"""Targets for detection from partial points.

Source: Qu et al., "Weakly supervised deep nuclei segmentation using partial points annotation in
histopathology images", IEEE TMI 2020 (here "the paper"), sections III.A and III.B. All masks are float32 of
shape (Y, X), with values in [0, 1] where something is known and :data:`IGNORE` where nothing is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import cKDTree

__all__ = [
    "IGNORE",
    "UNMARKED",
    "Neighbourhood",
    "add_detected_nuclei",
    "extended_gaussian_mask",
    "gaussian_mask",
    "masked_heat_map",
    "nearest_point",
    "propagate_background",
]

FloatImage = npt.NDArray[np.float32]

#: A pixel about which nothing is known. It never counts as background.
IGNORE = -1.0
#: A pixel where nothing is marked, outside of what is known to be unlabelled: a loss may take it for a little
#: background. No mask of this module has it.
UNMARKED = -2.0
#: Gaussian values below this are set to 0, as the paper's authors do.
SMALLEST = 0.05


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """The point nearest to each pixel: its ``distance`` D in pixels and its ``index``, both (Y, X)."""

    distance: FloatImage
    index: npt.NDArray[np.int64]


def nearest_point(points: npt.ArrayLike, shape: tuple[int, int]) -> Neighbourhood:
    """Return the distance from each pixel to the nearest of ``points`` (N, 2), infinite if there are none."""
    places = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if not len(places):
        return Neighbourhood(np.full(shape, np.inf, np.float32), np.full(shape, -1, np.int64))
    pixels = np.indices(shape).reshape(2, -1).T
    distance, index = cKDTree(places).query(pixels)
    return Neighbourhood(distance.reshape(shape).astype(np.float32), index.reshape(shape))


def _gaussian(distance: FloatImage, sigma: float) -> FloatImage:
    values = np.exp(-(distance.astype(np.float64) ** 2) / (2 * sigma**2))
    return np.where(values < SMALLEST, 0, values).astype(np.float32)


def gaussian_mask(distance: FloatImage, r1: float, sigma: float | None = None) -> FloatImage:
    """Return the plain Gaussian mask: everything further than ``r1`` from a point is background.

    The paper's arm "GM", which takes every unmarked cell for background.
    """
    return np.where(distance < r1, _gaussian(distance, sigma or r1 / 4), 0).astype(np.float32)


def masked_heat_map(distance: FloatImage, r1: float, sigma: float | None = None) -> FloatImage:
    """Return the Gaussian within ``r1`` of a cell, and :data:`IGNORE` beyond.

    Target and mask of Fujii et al., MICCAI 2021, section 3, in one array; there σ is r1 / 2. Its masked loss
    is :func:`~.losses.weighted_mse` with a foreground weight of 1. Arguments as for :func:`gaussian_mask`.
    """
    height = np.exp(-(distance.astype(np.float64) ** 2) / (2 * (sigma or r1 / 2) ** 2))
    return np.where(distance < r1, height, IGNORE).astype(np.float32)


def extended_gaussian_mask(
    distance: FloatImage, r1: float, r2: float | None = None, sigma: float | None = None
) -> FloatImage:
    """Return the extended Gaussian mask, Eq. 1 of the paper.

    Parameters
    ----------
    distance : array of float, (Y, X)
        D, in pixels, from each pixel to the nearest marked cell.
    r1 : float
        Mean radius of a cell, in pixels. The Gaussian reaches up to here.
    r2 : float, optional
        From r1 up to here is background, beyond is ignored; 2·r1 if not given.
    sigma : float, optional
        Width of the Gaussian, in pixels; r1 / 4 if not given.
    """
    r2 = 2 * r1 if r2 is None else r2
    inside = _gaussian(distance, sigma or r1 / 4)
    return np.where(distance < r1, inside, np.where(distance < r2, 0, IGNORE)).astype(np.float32)


def propagate_background(
    mask: FloatImage,
    probability: FloatImage,
    r1: float,
    low: float = 0.1,
    high: float = 0.7,
    largest_area: float | None = None,
) -> FloatImage:
    """Return the mask with what the model takes for background added, Eq. 3 of the paper.

    An ignored pixel becomes background where ``probability < low``, or where it lies in a connected component
    of ``probability > high`` that is larger than a cell. What the mask knows already stays as it is, and
    nothing predicted becomes foreground.

    Parameters
    ----------
    mask : array of float, (Y, X)
        The mask that the person's points gave, not that of the previous round.
    probability : array of float, (Y, X)
        p, what the model of the previous round says.
    r1 : float
        Mean radius of a cell, in pixels.
    low, high : float
        Thresholds on p, 0.1 and 0.7 in the paper.
    largest_area : float, optional
        Components larger than this many pixels are no cell; π·r1² if not given.
    """
    components, _ = ndimage.label(probability > high)
    too_large = np.bincount(components.ravel()) > (np.pi * r1**2 if largest_area is None else largest_area)
    too_large[0] = False
    background = (probability < low) | too_large[components]
    return np.where((mask == IGNORE) & background, 0, mask).astype(np.float32)


def add_detected_nuclei(
    mask: FloatImage, detected: npt.ArrayLike, r1: float, sigma: float | None = None
) -> FloatImage:
    """Return the mask with detections (N, 2) taken for cells: the paper's arm "ST-nu".

    Each gets an extended Gaussian of its own; only ignored pixels change.
    """
    added = extended_gaussian_mask(nearest_point(detected, mask.shape).distance, r1, sigma=sigma)
    return np.where(mask == IGNORE, added, mask).astype(np.float32)
