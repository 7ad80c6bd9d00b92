"""The cluster label: k-means on colour and on the distance to the nearest point.

Source: Qu et al., IEEE TMI 2020 (here "the paper"), section IV.A.2, Eq. 4. The paper's lengths are for nuclei
of r1 = 11 px; here they scale with r1.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_inkling.supervision.gaussian_masks import IGNORE, Neighbourhood
from napari_inkling.supervision.voronoi import (
    BACKGROUND,
    NUCLEUS,
    PAPER_R1,
    Label,
    at_paper_scale,
    voronoi_edges,
)

__all__ = ["clean_in_cells", "cluster_label", "colour_contrast", "k_means"]

#: Lengths of the paper, in pixels for r1 = 11: where the distance is clipped, the disks of the two overlaps,
#: and that of the morphological operations (which the paper does not state).
CLIP, POINT_DISK, DILATED_DISK, CLEANING_DISK = 20.0, 2.0, 5.0, 2.0
#: Pixels that k-means is fitted on; more do not move the centres.
MOST_PIXELS = 60_000
#: Below this contrast between points and cell edges, colour tells nothing.
SMALLEST_CONTRAST = 0.5

Mask = npt.NDArray[np.bool_]


def cluster_label(
    image: npt.NDArray[np.floating], cells: Neighbourhood, r1: float = PAPER_R1, *, seed: int = 0
) -> Label | None:
    """Return the cluster label; ``None`` if nuclei and background look alike.

    Parameters
    ----------
    image : array of float, (Y, X) or (Y, X, C)
        In any unit, the same for all channels: they are stretched to the range of the distance.
    cells : Neighbourhood
        Cell and distance of each pixel, see :func:`voronoi_cells`.
    r1 : float
        Mean radius of a nucleus, in pixels; at 11, lengths are the paper's.
    seed : int
        For the pixels that are drawn and the first centres.

    Returns
    -------
    array of int8, (Y, X), or None
        1 nucleus, 0 background, -1 ignore; all ignored if there is no point. ``None`` where the cluster with
        most points on it is also the one with fewest pixels near points, where there are no three clusters,
        or where colour does not tell points from cell edges: then go on with the Voronoi label alone.

    Raises
    ------
    ValueError
        If image and cells differ in shape, or a pixel is not finite.
    """
    pixels = _checked(image, cells)
    if (cells.index < 0).all():
        return np.full(cells.index.shape, IGNORE, dtype=np.int8)
    if colour_contrast(pixels, cells, r1) < SMALLEST_CONTRAST:
        return None
    features = _features(pixels, cells.distance, r1).reshape(pixels.shape[0] * pixels.shape[1], -1)
    few = np.random.default_rng(seed).choice(len(features), min(MOST_PIXELS, len(features)), replace=False)
    clusters = k_means(features, few, 3, seed).reshape(cells.index.shape)
    if clusters.max() < 2:
        return None
    on_points = np.bincount(clusters[cells.distance <= at_paper_scale(POINT_DISK, r1)], minlength=3)
    near_points = np.bincount(clusters[cells.distance <= at_paper_scale(DILATED_DISK, r1)], minlength=3)
    nuclei = int(on_points.argmax())
    background = int(np.lexsort((-np.bincount(clusters.ravel()), near_points))[0])  # of equals, the largest
    if nuclei == background:
        return None
    radius = max(1.0, at_paper_scale(CLEANING_DISK, r1))
    label = np.full(clusters.shape, IGNORE, dtype=np.int8)
    label[clean_in_cells(clusters == background, cells.index, radius)] = BACKGROUND
    label[clean_in_cells(clusters == nuclei, cells.index, radius)] = NUCLEUS
    return label


def colour_contrast(image: npt.NDArray[np.floating], cells: Neighbourhood, r1: float = PAPER_R1) -> float:
    """Return how far the colour at points is from that at cell edges: Mahalanobis' distance, 0 if unknown.

    Edges closer than r1 to a point do not count, unless all are.
    """
    pixels = _checked(image, cells)
    colours = pixels.reshape(-1, pixels.shape[2])
    inside = cells.distance <= at_paper_scale(POINT_DISK, r1)
    edges = voronoi_edges(cells.index)
    far = edges & (cells.distance > r1)
    outside = far if far.any() else edges
    if not (inside.any() and outside.any()):  # one point has no edges: all beyond 2·r1 stands for them
        outside = cells.distance > 2 * r1
    if not (inside.any() and outside.any()):
        return 0.0
    here, there = colours[inside.ravel()], colours[outside.ravel()]
    difference = here.mean(0) - there.mean(0)
    spread = (_covariance(here) + _covariance(there)) / 2
    spread += np.eye(len(spread)) * max(1e-9, 1e-6 * np.trace(spread))
    return float(np.sqrt(difference @ np.linalg.solve(spread, difference)))


def clean_in_cells(mask: Mask, index: npt.NDArray[np.int64], radius: float) -> Mask:
    """Return the mask closed, then opened, with a disk of ``radius`` pixels, in each Voronoi cell for itself.

    What lies in another cell, or outside of the image, neither grows into a cell nor eats into it.
    """
    steps = _disk(radius)
    closed = _eroded(_dilated(mask, index, steps), index, steps)
    return _dilated(_eroded(closed, index, steps), index, steps)


def _checked(image: npt.NDArray[np.floating], cells: Neighbourhood) -> npt.NDArray[np.float64]:
    """Pixels as float64 (Y, X, C)."""
    pixels = np.atleast_3d(np.asarray(image, dtype=np.float64))
    if pixels.shape[:2] != cells.index.shape:
        raise ValueError(f"the image has shape {pixels.shape[:2]}, but the cells have {cells.index.shape}")
    if not np.isfinite(pixels).all():
        raise ValueError("the image has pixels that are not finite; give them a value first")
    return pixels


def _features(
    pixels: npt.NDArray[np.float64], distance: npt.NDArray[np.float32], r1: float
) -> npt.NDArray[np.float32]:
    """Clipped distance and colours (Y, X, 1 + C) in [0, clip]; outliers of colour are clipped too.

    The channel of the widest range fills it and the others keep their proportion to it: a channel without
    contrast stays without.
    """
    clip = at_paper_scale(CLIP, r1)
    low, high = np.percentile(pixels, [0.5, 99.5], axis=(0, 1))
    colours = (pixels.clip(low, high) - low) * (clip / ((high - low).max() or np.inf))
    return np.concatenate([distance.clip(max=clip)[..., None], colours], axis=2).astype(np.float32)


def k_means(
    values: npt.NDArray[np.float32], chosen: npt.NDArray[np.int64], count: int, seed: int
) -> npt.NDArray[np.int64]:
    """Return the cluster of each row of ``values`` (P, F), Eq. 4; centres are those of the ``chosen`` rows.

    There are fewer than ``count`` clusters where the chosen rows have fewer different values.
    """
    from sklearn.cluster import KMeans  # seconds to import

    sample = values[chosen]
    count = min(count, len(np.unique(sample, axis=0)))
    centres = KMeans(count, n_init=4, random_state=seed).fit(sample).cluster_centers_.astype(np.float32)
    squared = (centres**2).sum(1) - 2 * values @ centres.T  # but for what all centres share
    clusters: npt.NDArray[np.int64] = squared.argmin(1)
    return clusters


def _covariance(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    centred = values - values.mean(0)
    covariance: npt.NDArray[np.float64] = centred.T @ centred / len(values)
    return covariance


# -- morphology that stays in its cell


def _disk(radius: float) -> list[tuple[int, int]]:
    """Return steps (dy, dx) to the other pixels of a disk."""
    reach = range(-int(radius), int(radius) + 1)
    return [(dy, dx) for dy in reach for dx in reach if 0 < dy * dy + dx * dx <= radius * radius]


def _dilated(mask: Mask, index: npt.NDArray[np.int64], steps: list[tuple[int, int]]) -> Mask:
    out = mask.copy()
    for dy, dx in steps:
        here, there = _overlap(mask.shape[0], dy), _overlap(mask.shape[1], dx)
        to, source = (here[0], there[0]), (here[1], there[1])
        out[to] |= mask[source] & (index[to] == index[source])
    return out


def _eroded(mask: Mask, index: npt.NDArray[np.int64], steps: list[tuple[int, int]]) -> Mask:
    return ~_dilated(~mask, index, steps)


def _overlap(size: int, step: int) -> tuple[slice, slice]:
    """Pixels along an axis, and those ``step`` further."""
    return (
        slice(max(0, -step), max(0, size - max(0, step))),
        slice(max(0, step), max(0, size + min(0, step))),
    )
