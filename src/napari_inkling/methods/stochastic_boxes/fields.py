"""What *stochastic-boxes* learns from: planes at the working scale, with a box for everything marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Boxes, Image, Points, TrainingImage
from napari_inkling.methods.stochastic_boxes.sizes import ClassSizes
from napari_inkling.training.box_crops import BOX, IGNORED, POINT, BoxField, BoxRows
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.working_image import Window, WorkingImage, windows

__all__ = ["PlaneField", "fields_of", "pointed_cells", "to_working_boxes"]

FloatArray = npt.NDArray[np.float64]

#: Planes of at most so many working pixels along an edge are one field; of larger ones, parts with hints.
LARGEST_FIELD, FIELD = 1536, 1024


@dataclass(frozen=True, eq=False)
class PlaneField:
    """A plane, or the ``window`` of a large one that holds hints, at the working scale."""

    image: Image
    window: Window
    field: BoxField


def pointed_cells(plane: TrainingImage) -> Points:
    """Return the cells of a plane that have a point and no box."""
    return plane.hints.points.cells.without_ids(plane.hints.boxes.ids)


def to_working_boxes(boxes: FloatArray, working: WorkingImage) -> FloatArray:
    """Return boxes (N, 4) in pixels of the image as working pixels from the image's top left edge."""
    result: FloatArray = (boxes + 0.5) / np.tile([working.rows.step, working.columns.step], 2)
    return result


def fields_of(
    plane: TrainingImage, intensity: Intensity, scale: float, sizes: ClassSizes, classes: Sequence[str]
) -> Iterator[PlaneField]:
    """Yield a plane as one field, or the parts of a large plane that hold hints."""
    working = WorkingImage(plane.image, scale, intensity)
    rows = _rows_of(plane, working, sizes, classes)
    y, x = rows.centres.T
    for window in [working.whole] if max(working.shape) <= LARGEST_FIELD else windows(working.shape, FIELD):
        inside = (y >= window.top) & (y < window.bottom) & (x >= window.left) & (x < window.right)
        if not inside.any():
            continue
        corner = np.tile([window.top, window.left], 2)
        height, width = window.shape
        reach = rows.boxes - corner
        near = ((reach[:, 2:] > 0) & (reach[:, :2] < (height, width))).all(1)
        own = BoxRows(reach, rows.classes, rows.kinds).take(near)
        yield PlaneField(plane.image, window, BoxField(working.read(window), own))


def _rows_of(
    plane: TrainingImage, working: WorkingImage, sizes: ClassSizes, classes: Sequence[str]
) -> BoxRows:
    """Return all that is marked on a plane as working boxes: drawn, of points, and ignored."""
    drawn, points, ignored = plane.hints.boxes.cells, pointed_cells(plane), plane.hints.boxes.ignored
    number = {name: k for k, name in enumerate(classes)}
    of_points = _numbers(points, number)
    halves = sizes.stochastic[of_points] / 2
    stand_in = np.concatenate([points.coordinates - halves, points.coordinates + halves], axis=1)
    boxes = np.concatenate([drawn.coordinates, stand_in, ignored.coordinates])
    kinds = np.repeat([BOX, POINT, IGNORED], [len(drawn), len(points), len(ignored)])
    numbers = np.concatenate([_numbers(drawn, number), of_points, np.zeros(len(ignored), np.int64)])
    return BoxRows(to_working_boxes(boxes, working), numbers, kinds)


def _numbers(rows: Boxes | Points, number: dict[str, int]) -> npt.NDArray[np.int64]:
    return np.array([number[name] for name in rows.classes], dtype=np.int64)
