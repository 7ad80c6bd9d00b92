"""From maps of foreground and boundary distance to one mask for each cell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage.segmentation import watershed

__all__ = ["component_instances", "seeded_holes", "seeded_instances"]


def seeded_instances(
    foreground: npt.NDArray[np.floating],
    height: npt.NDArray[np.floating],
    seeds: npt.ArrayLike,
    *,
    threshold: float = 0.5,
    background: npt.ArrayLike = (),
) -> npt.NDArray[np.int32]:
    """Return a label image (Y, X): i + 1 where the cell of seed i is, 0 where there is none.

    A watershed floods ``height`` from the seeds, highest first, and stays where ``foreground`` reaches the
    threshold; so cells that touch are parted where the height is lowest between them (Vincent & Soille,
    "Watersheds in digital spaces", 1991). A seed has its own pixel in any case, unless that is a click on
    background or the pixel of an earlier seed; foreground that holds no seed belongs to no cell.

    Parameters
    ----------
    foreground : array of float, (Y, X)
        Probability that a pixel lies in a cell.
    height : array of float, (Y, X)
        Highest in the middle of cells, such as the distance from the boundary.
    seeds : array, (N, 2)
        A place in each cell, in pixels; one outside the image has no cell.
    threshold : float
        On ``foreground``.
    background : array, (M, 2)
        Clicks on what is not a cell: their pixels lie in no mask.

    Raises
    ------
    ValueError
        If both maps differ in shape.
    """
    if foreground.shape != height.shape:
        raise ValueError(f"foreground has shape {foreground.shape}, but height has {height.shape}")
    inside = foreground >= threshold
    markers = np.zeros(foreground.shape, dtype=np.int32)
    rows, columns, number = _pixels(seeds, foreground.shape)
    markers[rows[::-1], columns[::-1]] = number[::-1] + 1  # the first of several in a pixel is written last
    clicked = _pixels(background, foreground.shape)
    markers[clicked[0], clicked[1]] = 0
    inside |= markers > 0
    inside[clicked[0], clicked[1]] = False
    if not markers.any():
        return markers
    flooded: npt.NDArray[np.int32] = watershed(-height, markers, mask=inside)
    return flooded


def seeded_holes(
    inside: npt.NDArray[np.bool_], seeds: npt.ArrayLike, near: npt.NDArray[np.bool_]
) -> npt.NDArray[np.bool_]:
    """Return the holes of a foreground (Y, X) that hold a seed and lie wholly in ``near`` (Y, X).

    A network may be surer of the rim of a small cell than of its middle; the seed tells that it is a cell.
    """
    rows, columns, _ = _pixels(seeds, inside.shape)
    if inside[rows, columns].all():
        return np.zeros_like(inside)
    holes, _ = ndimage.label(ndimage.binary_fill_holes(inside) & ~inside)
    seeded = np.setdiff1d(holes[rows, columns], [0, *np.unique(holes[~near])])
    return np.isin(holes, seeded)


def component_instances(
    foreground: npt.NDArray[np.floating], threshold: float = 0.5, background: npt.ArrayLike = ()
) -> npt.NDArray[np.int32]:
    """Return a label image (Y, X) of connected foreground, numbered from 1 by first pixels, row by row.

    The published way from a map to masks: cells that touch are one. A component with a click on background
    ((M, 2), in pixels) in it is none.
    """
    labels, count = ndimage.label(foreground >= threshold)
    rows, columns, _ = _pixels(background, foreground.shape)
    gone = np.isin(np.arange(count + 1), [0, *labels[rows, columns]])
    numbers = np.where(gone, 0, np.cumsum(~gone)).astype(np.int32)
    kept: npt.NDArray[np.int32] = numbers[labels]
    return kept


def _pixels(
    places: npt.ArrayLike, shape: tuple[int, ...]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return row, column and index of the places (N, 2) that lie on a pixel."""
    pixels = np.round(np.asarray(places, dtype=np.float64).reshape(-1, 2)).astype(np.int64)
    on = np.flatnonzero(((pixels >= 0) & (pixels < np.array(shape))).all(1))
    return pixels[on, 0], pixels[on, 1], on
