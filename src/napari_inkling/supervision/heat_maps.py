"""Targets of a heat map that learns only around what is known.

Source: Fujii et al., "Cell detection from imperfect annotation by pseudo label selection using
P-classification", MICCAI 2021 (here "the paper"), section 3. A heat map is float32 of shape (Y, X): within
[0, 1] where something is known and :data:`~.gaussian_masks.IGNORE` elsewhere, so that target and mask of the
paper are one array. The paper's masked loss is :func:`~.losses.weighted_mse` with a foreground weight of 1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_inkling.supervision.gaussian_masks import IGNORE

__all__ = ["heat_map"]

FloatImage = npt.NDArray[np.float32]


def heat_map(
    shape: tuple[int, int],
    cells: npt.ArrayLike,
    *,
    sigma: float,
    radius: float,
    background: npt.ArrayLike = (),
) -> FloatImage:
    """Return exp(-D²/2σ²) around cells, 0 around background, and :data:`IGNORE` where neither is near.

    Cells win: nearer than ``radius`` to one, a disk of background says nothing. Where disks of cells overlap
    the higher value counts, so D is the distance to the nearest. Places off the image count as far as their
    disks reach into it.

    Parameters
    ----------
    shape : tuple of int
        (Y, X) of the image.
    cells : array-like, (N, 2)
        Marked cells and pseudo-cells, (y, x) in pixels; they may lie between pixels.
    sigma : float
        σ, in pixels.
    radius : float
        Something is known of pixels nearer than this to a place, in pixels; 2·σ holds most of the Gaussian.
    background : array-like, (M, 2)
        Pseudo-background, (y, x) in pixels.

    Raises
    ------
    ValueError
        If ``sigma`` or ``radius`` is not positive, or a place is not finite.
    """
    if not (sigma > 0 and radius > 0):
        raise ValueError(f"sigma is {sigma!r} and radius {radius!r}, expected positive numbers of pixels")
    result = np.full(shape, IGNORE, np.float32)
    # the highest of all disks: IGNORE is below background, which is below every cell
    for place in _places(background):
        _raise_disk(result, place, radius, np.inf, height=0)
    for place in _places(cells):
        _raise_disk(result, place, radius, sigma, height=1)
    return result


def _places(given: npt.ArrayLike) -> npt.NDArray[np.float64]:
    places = np.asarray(given, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(places).all():
        bad = int(np.flatnonzero(~np.isfinite(places).all(axis=1))[0])
        raise ValueError(f"place {bad} is at {tuple(places[bad].tolist())}, expected finite coordinates")
    return places


def _raise_disk(
    image: FloatImage, place: npt.NDArray[np.float64], radius: float, sigma: float, height: float
) -> None:
    """Raise the pixels of a disk to a Gaussian of this height, in place, where they are lower."""
    first = np.clip(np.ceil(place - radius), 0, image.shape).astype(int)
    last = np.clip(np.floor(place + radius) + 1, 0, image.shape).astype(int)
    window = image[first[0] : last[0], first[1] : last[1]]
    y, x = np.ogrid[first[0] : last[0], first[1] : last[1]]
    squared = (y - place[0]) ** 2 + (x - place[1]) ** 2
    values = height * np.exp(-squared / (2 * sigma**2))
    np.maximum(window, np.where(squared < radius**2, values, IGNORE), out=window, casting="same_kind")
