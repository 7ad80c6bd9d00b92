"""The Voronoi label: at a point there is a nucleus, and between two nuclei there is background.

Source: Qu et al., "Weakly supervised deep nuclei segmentation using partial points annotation in
histopathology images", IEEE TMI 2020 (here "the paper"), section IV.A.1. Labels are int8 of shape (Y, X):
1 nucleus, 0 background, -1 (:data:`IGNORE`) where nothing is known.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_inkling.supervision.gaussian_masks import IGNORE, Neighbourhood, nearest_point

__all__ = [
    "BACKGROUND",
    "NUCLEUS",
    "PAPER_R1",
    "Label",
    "agreed",
    "at_paper_scale",
    "mark_background",
    "voronoi_cells",
    "voronoi_edges",
    "voronoi_label",
]

Label = npt.NDArray[np.int8]

NUCLEUS, BACKGROUND = 1, 0
#: Mean radius, in pixels, of the nuclei for which the paper states its lengths (its MO data set).
PAPER_R1 = 11.0


def at_paper_scale(length: float, r1: float) -> float:
    """Return a length that the paper gives in pixels, in pixels of an image whose nuclei have radius r1."""
    return length * r1 / PAPER_R1


def voronoi_cells(points: npt.ArrayLike, shape: tuple[int, int]) -> Neighbourhood:
    """Return, for each pixel, the point whose Voronoi cell it lies in, and how far away that point is.

    Parameters
    ----------
    points : array, (N, 2)
        Pixel coordinates; each counts as the pixel that it lies on. Of several in one pixel only the first
        has a cell. A point outside of the image keeps its cell, as far as that reaches in: what is cut from
        a larger plane has the cells of that plane.
    shape : (int, int)
        Rows and columns.

    Returns
    -------
    Neighbourhood
        ``index`` into ``points`` (-1 where there are none) and ``distance`` in pixels (then infinite).

    Raises
    ------
    ValueError
        If a coordinate is not finite.
    """
    places = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(places).all():
        bad = int(np.flatnonzero(~np.isfinite(places).all(1))[0])
        raise ValueError(f"point {bad} is at {tuple(places[bad].tolist())}, expected finite coordinates")
    pixels = np.round(places).astype(np.int64)
    first = np.sort(np.unique(pixels, axis=0, return_index=True)[1])
    near = nearest_point(pixels[first], shape)
    return Neighbourhood(near.distance, first[near.index] if len(first) else near.index)


def voronoi_edges(index: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Return the edges between cells, one pixel wide: no pixel off them touches one of another cell."""
    edges = np.zeros(index.shape, dtype=bool)
    edges[:-1] |= index[:-1] != index[1:]
    edges[:, :-1] |= index[:, :-1] != index[:, 1:]
    edges[:-1, :-1] |= index[:-1, :-1] != index[1:, 1:]
    return edges


def voronoi_label(cells: Neighbourhood, radius: float = 2.0) -> Label:
    """Return the Voronoi label of :func:`voronoi_cells`, all ignored if there is no point.

    Parameters
    ----------
    cells : Neighbourhood
        Cell and distance of each pixel.
    radius : float
        A disk of so many pixels around a point is nucleus. Where two disks would meet, the edge between them
        is background; a point's own pixel is nucleus in any case.
    """
    label = np.full(cells.index.shape, IGNORE, dtype=np.int8)
    label[cells.distance <= radius] = NUCLEUS
    label[voronoi_edges(cells.index)] = BACKGROUND
    label[cells.distance == 0] = NUCLEUS
    return label


def mark_background(label: Label, points: npt.ArrayLike, radius: float = 2.0) -> Label:
    """Return the label with a disk of ``radius`` pixels around each of ``points`` (M, 2) as background.

    For clicks on what is not a cell.
    """
    clicked = voronoi_cells(points, (label.shape[0], label.shape[1])).distance <= radius
    return np.where(clicked, BACKGROUND, label).astype(np.int8)


def agreed(*labels: Label) -> Label:
    """Return what the labels say together: ignored where two contradict each other, or where all ignore.

    A label that ignores a pixel leaves it to the others.
    """
    nucleus = np.any([label == NUCLEUS for label in labels], axis=0)
    background = np.any([label == BACKGROUND for label in labels], axis=0)
    return np.where(nucleus == background, IGNORE, nucleus).astype(np.int8)
