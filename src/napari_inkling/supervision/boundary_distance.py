"""How far inside its cell a pixel lies: the target of the head that parts touching cells."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

__all__ = ["boundary_distance"]


def boundary_distance(labels: npt.NDArray[np.integer], r1: float) -> npt.NDArray[np.float32]:
    """Return the distance of each pixel from the boundary of its cell, in units of r1, at most 1.

    The target is that of "deep watershed" methods (Naylor et al., "Segmentation of nuclei in histopathology
    images by deep regression of the distance map", IEEE TMI 2019), with one length for all cells so that it
    can be learnt from masks that are not exact.

    Parameters
    ----------
    labels : array of int, (Y, X)
        0 outside of cells. Cells that touch have a boundary between them; the edge of the image is none.
    r1 : float
        Mean radius of a cell, in pixels.

    Returns
    -------
    array of float32, (Y, X)
        0 outside of cells. A pixel at a boundary is half a pixel away from it.
    """
    boundary = np.zeros(labels.shape, dtype=bool)
    for here, there in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
        differs = labels[here] != labels[there]
        boundary[here] |= differs
        boundary[there] |= differs
    if not boundary.any():
        return np.where(labels > 0, 1, 0).astype(np.float32)
    distance = ndimage.distance_transform_edt(~boundary) + 0.5
    return np.where(labels > 0, np.minimum(distance / r1, 1), 0).astype(np.float32)
