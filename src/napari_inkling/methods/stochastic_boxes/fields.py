"""What *stochastic-boxes* learns from: planes at the working scale, with a box for everything marked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Boxes, HintSet, Image, Points, TrainingImage
from napari_inkling.core.box_places import MIDDLE, cut, where_inside
from napari_inkling.methods.stochastic_boxes.sizes import ClassSizes
from napari_inkling.training.box_crops import BOX, EMPTY, IGNORED, POINT, BoxField, BoxRows
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.working_image import Window, WorkingImage, field_windows

__all__ = [
    "PlaneField",
    "around",
    "fields_of",
    "numbers",
    "on_plane",
    "pointed_cells",
    "to_working_boxes",
]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PlaneField:
    """A plane, or the ``window`` of a large one that holds hints, at the working scale."""

    image: Image
    window: Window
    field: BoxField


def on_plane(plane: TrainingImage) -> TrainingImage:
    """Return a plane with the hints that lie on it: boxes, also those of masks, are cut at its edges."""
    shape = plane.image.height, plane.image.width
    points, boxes = plane.hints.points, _with_masks(plane.hints)
    beyond = ((boxes.coordinates < -0.5) | (boxes.coordinates > np.tile(shape, 2) - 0.5)).any(axis=1)
    on = ((points.coordinates >= -0.5) & (points.coordinates <= np.array(shape) - 0.5)).all(axis=1)
    boxes = Boxes.concatenate([boxes.take(~beyond), cut(boxes.take(beyond), shape)])
    return replace(plane, hints=replace(plane.hints, points=points.take(on), boxes=boxes))


def _with_masks(hints: HintSet) -> Boxes:
    """Return the boxes, and those around masks of cells that have none."""
    masks = hints.masks.cells.without_ids(hints.boxes.ids)
    around = Boxes(masks.coordinates - 0.5, classes=masks.classes, ids=masks.ids)
    return Boxes.concatenate([hints.boxes, around]) if len(masks) else hints.boxes


def pointed_cells(plane: TrainingImage) -> Points:
    """Return the cells of a plane that have a point and no box.

    A point in the middle of a box of its class marks the same cell, whoever made the two.
    """
    boxes = plane.hints.boxes.cells
    points = plane.hints.points.cells.without_ids(boxes.ids)
    box, point = where_inside(boxes.coordinates, points.coordinates)
    half = (boxes.coordinates[box, 2:] - boxes.coordinates[box, :2]) / 2
    away = (np.abs(points.coordinates[point] - boxes.centres[box]) / half).max(axis=1, initial=0)
    same = (away <= MIDDLE) & (boxes.classes[box] == points.classes[point])
    return points.take(~np.isin(np.arange(len(points)), point[same]))


def to_working_boxes(boxes: FloatArray, working: WorkingImage) -> FloatArray:
    """Return boxes (N, 4) in pixels of the image as working pixels from the image's top left edge."""
    result: FloatArray = (boxes + 0.5) / np.tile([working.rows.step, working.columns.step], 2)
    return result


def numbers(rows: Boxes | Points, classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the number of each row's class, (N,)."""
    number = {name: k for k, name in enumerate(classes)}
    return np.array([number[name] for name in rows.classes], dtype=np.int64)


def around(places: FloatArray, sizes: FloatArray) -> FloatArray:
    """Return boxes (N, 4) of these heights and widths, (N, 2) or (2,), about places (N, 2)."""
    return np.concatenate([places - sizes / 2, places + sizes / 2], axis=1)


def fields_of(
    plane: TrainingImage,
    intensity: Intensity,
    scale: float,
    sizes: ClassSizes,
    classes: Sequence[str],
    of_points: FloatArray,
) -> Iterator[PlaneField]:
    """Yield a plane as one field, or the parts of a large plane that hold hints.

    ``of_points`` has height and width of the box that stands in for each of :func:`pointed_cells`, (N, 2).
    """
    working = WorkingImage(plane.image, scale, intensity)
    rows = _rows_of(plane, working, sizes, classes, of_points)
    y, x = np.minimum(rows.centres, np.nextafter(working.shape, 0)).T  # the far rim belongs to the last part
    for window in field_windows(working):
        inside = (y >= window.top) & (y < window.bottom) & (x >= window.left) & (x < window.right)
        inside &= rows.kinds != IGNORED
        if not inside.any():
            continue
        corner = np.tile([window.top, window.left], 2)
        height, width = window.shape
        reach = rows.boxes - corner
        near = ((reach[:, 2:] > 0) & (reach[:, :2] < (height, width))).all(1)
        own = BoxRows(reach, rows.classes, rows.kinds).take(near)
        yield PlaneField(plane.image, window, BoxField(working.read(window), own))


def _rows_of(
    plane: TrainingImage,
    working: WorkingImage,
    sizes: ClassSizes,
    classes: Sequence[str],
    of_points: FloatArray,
) -> BoxRows:
    """Return all that is marked on a plane as working boxes, whatever its kind."""
    drawn, points, ignored = plane.hints.boxes.cells, pointed_cells(plane), plane.hints.boxes.ignored
    empty = plane.hints.points.background
    parts = [
        (drawn.coordinates, numbers(drawn, classes), BOX),
        (around(points.coordinates, of_points), numbers(points, classes), POINT),
        (around(empty.coordinates, np.median(sizes.stochastic, axis=0)), None, EMPTY),
        (ignored.coordinates, None, IGNORED),
    ]
    return BoxRows(
        to_working_boxes(np.concatenate([boxes for boxes, _, _ in parts]), working),
        np.concatenate([np.zeros(len(b), np.int64) if n is None else n for b, n, _ in parts]),
        np.concatenate([np.full(len(boxes), kind) for boxes, _, kind in parts]),
    )
