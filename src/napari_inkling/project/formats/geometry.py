"""The geometries of GeoJSON, read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import FormatError
from napari_inkling.project.formats.corners import Box, from_corners
from napari_inkling.project.formats.outlines import Polygon

__all__ = ["Geometry", "read_geometry"]


@dataclass(frozen=True)
class Geometry:
    """Polygons as :mod:`outlines` has them, or points (y, x) in our pixels."""

    polygons: Sequence[Polygon] = ()
    points: Sequence[tuple[float, float]] = ()

    @property
    def box(self) -> Box:
        """The box around the polygons, in our pixels."""
        every = np.concatenate([ring for polygon in self.polygons for ring in polygon])
        return from_corners(*every.min(0).tolist(), *every.max(0).tolist())


def read_geometry(value: Any, where: str) -> Geometry | None:
    """Return a geometry, None if it is neither of polygons nor of points.

    Raises
    ------
    FormatError
        If its coordinates are not those of its type.
    """
    if not isinstance(value, dict):
        return None
    kind, coordinates = value.get("type"), value.get("coordinates")
    if kind in ("Point", "MultiPoint"):
        places = _numbers([coordinates] if kind == "Point" else coordinates, where)
        return Geometry(points=[(y - 0.5, x - 0.5) for x, y in places.tolist()])
    if kind not in ("Polygon", "MultiPolygon"):
        return None
    listed = [coordinates] if kind == "Polygon" else coordinates
    if not isinstance(listed, list) or not listed or not all(isinstance(p, list) and p for p in listed):
        raise FormatError(f"{where}: the coordinates of the {kind} are not lists of rings")
    return Geometry([[_ring(ring, where) for ring in polygon] for polygon in listed])


def _ring(value: Any, where: str) -> npt.NDArray[np.float64]:
    """Return a ring without the point that closes it."""
    ring = _numbers(value, where)
    ring = ring[:-1] if len(ring) > 1 and (ring[0] == ring[-1]).all() else ring
    if len(ring) < 3:
        raise FormatError(f"{where}: a ring has {len(ring)} corners, expected three at least")
    return ring


def _numbers(value: Any, where: str) -> npt.NDArray[np.float64]:
    """Return pairs x, y; what follows them in a position, e.g. a height, is left out."""
    try:
        pairs = np.array([position[:2] for position in value], dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        pairs = np.empty(0)
    if pairs.ndim != 2 or pairs.shape[1:] != (2,) or not np.isfinite(pairs).all():
        raise FormatError(f"{where}: the coordinates {str(value)[:60]} are no list of pairs of numbers")
    return pairs
