"""The boxes of a class on all planes, in the order in which they were drawn. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import HintSet, PlaneRef
from napari_inkling.core.box_places import whole

__all__ = ["DrawnBoxes", "OnPlane", "by_class", "join"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class DrawnBoxes:
    """The boxes of one class in all images to learn from, in the order in which they were drawn.

    ``coordinates`` (N, 4) are y0, x0, y1, x1 in pixels, on ``planes`` (N,), each a
    :class:`~napari_inkling.core.PlaneRef`. ``points`` is how many cells of the class have a point and no box.
    """

    planes: npt.NDArray[np.object_] = field(default_factory=lambda: np.empty(0, object))
    coordinates: FloatArray = field(default_factory=lambda: np.empty((0, 4)))
    points: int = 0

    def __len__(self) -> int:
        return len(self.coordinates)

    @property
    def sizes(self) -> FloatArray:
        """Heights and widths in pixels, (N, 2)."""
        sizes: FloatArray = self.coordinates[:, 2:] - self.coordinates[:, :2]
        return sizes

    @property
    def centres(self) -> FloatArray:
        """Where they are, (N, 2)."""
        centres: FloatArray = (self.coordinates[:, 2:] + self.coordinates[:, :2]) / 2
        return centres


@dataclass(frozen=True, eq=False)
class OnPlane:
    """Boxes (N, 4) of one class on one plane, when they were drawn (N,), and how many points there are."""

    coordinates: FloatArray
    times: FloatArray
    points: int


def by_class(hints: HintSet, shape: tuple[int, int]) -> dict[str, OnPlane]:
    """Return what every class has on a plane of a shape.

    Boxes that touch its edge do not count, for they do not tell how large cells are, nor does the point of a
    cell that has a box.
    """
    boxes, points = hints.boxes.cells, hints.points.cells.without_ids(hints.boxes.ids)
    boxes = boxes.take(whole(boxes, shape))
    found = {}
    for name in {*boxes.classes.tolist(), *points.classes.tolist()}:
        own, count = boxes.classes == name, int((points.classes == name).sum())
        found[name] = OnPlane(boxes.coordinates[own], boxes.times[own], count)
    return found


def join(planes: Mapping[PlaneRef, OnPlane]) -> DrawnBoxes:
    """Return the boxes of a class on several planes; of one time, in the order of the planes and rows."""
    order = np.argsort(np.concatenate([rows.times for rows in planes.values()]), kind="stable")
    refs = np.fromiter(planes, dtype=object, count=len(planes))
    of_plane: npt.NDArray[Any] = np.repeat(refs, [len(rows.times) for rows in planes.values()])
    coordinates = np.concatenate([rows.coordinates for rows in planes.values()])
    return DrawnBoxes(of_plane[order], coordinates[order], sum(rows.points for rows in planes.values()))
