"""What points teach: parts of images at the working scale, and what hints say of each of their pixels."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_inkling.core import NOT_CELLS, Boxes, HintSet, Image, Points, TrainingImage
from napari_inkling.evaluation import cell_centres
from napari_inkling.supervision import (
    IGNORE,
    estimate_radius,
    extended_gaussian_mask,
    gaussian_mask,
    masked_heat_map,
    nearest_point,
)
from napari_inkling.training.crops import Field
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.working_image import Window, WorkingImage, field_windows

__all__ = [
    "MASKS",
    "MaskKind",
    "TrainingField",
    "Verdicts",
    "fields_of",
    "in_classes",
    "marked_cells",
    "radius_of",
]

FloatImage = npt.NDArray[np.float32]
FloatArray = npt.NDArray[np.float64]

#: What is known of pixels far from a point: nothing beyond a ring of background (extended, Eq. 1 of Qu et
#: al., TMI 2020), that they are background (plain), or nothing (disks, Fujii et al., MICCAI 2021).
MaskKind = Literal["extended", "plain", "disks"]
MASKS: Mapping[MaskKind, Callable[..., FloatImage]] = {
    "extended": extended_gaussian_mask,
    "plain": gaussian_mask,
    "disks": masked_heat_map,
}


def marked_cells(plane: TrainingImage) -> Points:
    """Return the cells that are marked on a plane, as points: those clicked, and the centres of boxes."""
    return _on_plane(cell_centres(plane.hints), plane.image)


def _on_plane(points: Points, image: Image) -> Points:
    """Return the points that lie on the image, its outermost pixels' rims included."""
    y, x = points.coordinates.T
    return points.take((y >= -0.5) & (y <= image.height - 0.5) & (x >= -0.5) & (x <= image.width - 0.5))


@dataclass(frozen=True, eq=False)
class Verdicts:
    """What a person said of suggestions: ``places`` (N, 2), which are ``right`` (N,), and in which round."""

    places: npt.NDArray[np.float64]
    right: npt.NDArray[np.bool_]
    rounds: npt.NDArray[np.int64]

    @property
    def latest(self) -> int:
        """The last round with a verdict, 0 without any."""
        return int(self.rounds.max(initial=0))


@dataclass(eq=False)
class TrainingField:
    """A field, its hints, and what they say of each of its pixels; all at the working scale.

    ``cells`` (N, 2) with ``classes`` (N,), and ``background`` (M, 2), are from the field's corner. They hold
    the neighbours beyond its edges too, whose masks reach into it; ``field.marked`` are the cells inside,
    and ``unprompted`` says which of these were neither accepted nor marked when there was a model to correct.
    ``judged`` are the suggestions inside that a person accepted or marked as *not a cell*. ``ignored`` (M, 4)
    are the boxes y0, x0, y1, x1 around what nobody labelled, edges included; they may reach beyond the field.
    """

    image: Image
    window: Window
    field: Field
    cells: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]
    background: npt.NDArray[np.float64]
    unprompted: npt.NDArray[np.bool_]
    judged: Verdicts
    r1: float
    ignored: npt.NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.window.shape

    @cached_property
    def unlabelled(self) -> npt.NDArray[np.bool_]:
        """Which pixels lie in a box around what nobody labelled, and not within r1 of a cell; (Y, X)."""
        inside = np.zeros(self.shape, dtype=bool)
        for y0, x0, y1, x1 in self.ignored.tolist():
            rows, columns = (slice(max(0, ceil(a)), max(0, floor(b) + 1)) for a, b in ((y0, y1), (x0, x1)))
            inside[rows, columns] = True
        if inside.any():
            inside &= nearest_point(self.cells, self.shape).distance >= self.r1
        return inside

    def is_unlabelled(self, places: FloatArray) -> npt.NDArray[np.bool_]:
        """Return which places (N, 2) lie where nobody labelled; (N,)."""
        y, x = np.clip(np.round(places).astype(int), 0, np.array(self.shape) - 1).T.reshape(2, -1)
        inside: npt.NDArray[np.bool_] = self.unlabelled[y, x]
        return inside

    def left_open(self, target: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a target (…, Y, X) that says nothing where nobody labelled: neither cell nor background."""
        if not self.unlabelled.any():
            return target
        return np.where(self.unlabelled, IGNORE, target).astype(target.dtype)

    def heights_at(self, places: FloatArray, peaks: FloatArray, heights: FloatArray) -> FloatArray:
        """Return the height of the peak at each place (N, 2), 0 where none is within a radius; (N,).

        ``peaks`` (M, 2) with ``heights`` (M,) are those of the field, as places are from its corner.
        """
        near = nearest_point(peaks, self.shape)
        y, x = np.clip(np.round(places).astype(int), 0, np.array(self.shape) - 1).T.reshape(2, -1)
        return np.where(near.distance[y, x] < self.r1, np.append(heights, 0)[near.index[y, x]], 0)

    def known_mask(self, classes: int, mask: MaskKind, sigma: float) -> FloatImage:
        """Return what the places say, (K, Y, X): a mask for each class, and the clicks on background.

        A cell of another class, and its ring, are background to a class. Where nobody labelled, nothing is
        known.

        Parameters
        ----------
        classes : int
            K.
        mask : "extended", "plain" or "disks"
            See :data:`MASKS`.
        sigma : float
            Width of the Gaussian, in units of r1.
        """
        near = nearest_point(self.cells, self.shape)
        of_all = MASKS[mask](near.distance, self.r1, sigma=sigma * self.r1)
        clicked = nearest_point(self.background, self.shape).distance
        of_all[(clicked < self.r1) & (clicked < near.distance) & (of_all <= 0)] = 0
        owner = np.append(self.classes, -1)[near.index]
        known = np.stack([np.where((of_all > 0) & (owner != k), 0, of_all) for k in range(classes)])
        return self.left_open(known)


def _verdicts(cells: Points, background: Points, working: WorkingImage, corner: tuple[int, int]) -> Verdicts:
    """Return which cells were accepted and what was marked as none after the first training."""
    accepted = cells.take((cells.sources == "accepted") & (cells.rounds > 0))
    rejected = background.take(background.rounds > 0)
    both = Points.concatenate([accepted, rejected])
    places = working.to_working(both.coordinates) - np.array(corner)
    return Verdicts(places, np.arange(len(both)) < len(accepted), both.rounds)


def radius_of(hinted: Sequence[TrainingImage]) -> float | None:
    """Return the cell radius in pixels: half of the boxes' median edge, else what the clicks show."""
    boxes = Boxes.concatenate([image.hints.boxes.cells for image in hinted])
    if len(boxes):
        return float(np.median(boxes.coordinates[:, 2:] - boxes.coordinates[:, :2]) / 2)
    return estimate_radius([(image.image, image.hints.points.cells.coordinates) for image in hinted])


def fields_of(
    plane: TrainingImage,
    intensity: Intensity,
    scale: float,
    radius: float,
    classes: tuple[str, ...],
    read: Mapping[Window, FloatImage] = MappingProxyType({}),
) -> Generator[TrainingField, None, None]:
    """Yield a plane as one field, or the parts of a large plane that hold hints.

    ``read`` has the pixels of windows that have been read before; hints are of ``classes`` or of no cell.
    """
    working = WorkingImage(plane.image, scale, intensity)
    places, background = (_places(points, working) for points in (marked_cells(plane), _not_cells(plane)))
    for window in field_windows(working):
        if window.holds(places).any() or window.holds(background).any():
            pixels = read[window] if window in read else working.read(window)
            yield _field(plane, working, window, pixels, radius * scale, classes)


def in_classes(hints: HintSet, classes: Sequence[str]) -> HintSet:
    """Return the hints that are of these classes, or say that something is no cell."""
    kept = [*classes, *NOT_CELLS]
    return hints.mapped(lambda rows: rows.take(np.isin(rows.classes.astype(str), kept)))


def _field(
    plane: TrainingImage,
    working: WorkingImage,
    window: Window,
    pixels: FloatImage,
    r1: float,
    classes: tuple[str, ...],
) -> TrainingField:
    """Return the field of a window with what is marked in it, and near it as far as Eq. 1 reaches."""
    cells, others = marked_cells(plane), _not_cells(plane)
    places, background = _places(cells, working), _places(others, working)
    inside = window.holds(places)
    around = window.grown(ceil(2 * r1), *working.shape)
    near, beside = around.holds(places), around.holds(background)
    corner = (window.top, window.left)
    return TrainingField(
        image=plane.image,
        window=window,
        field=Field(pixels, places[inside] - corner),
        cells=places[near] - corner,
        classes=np.array([classes.index(name) for name in cells.classes[near]], dtype=np.int64),
        background=background[beside] - corner,
        unprompted=(cells.rounds[inside] == 0) & (cells.sources[inside] != "accepted"),
        judged=_verdicts(cells.take(inside), others.take(window.holds(background)), working, corner),
        r1=r1,
        ignored=_at_working_scale(plane.hints.boxes.ignored, working) - np.tile(corner, 2),
    )


def _not_cells(plane: TrainingImage) -> Points:
    return _on_plane(plane.hints.points.background, plane.image)


def _places(points: Points, working: WorkingImage) -> npt.NDArray[np.float64]:
    """Return points in working pixels; one on the rim of the outermost pixel belongs to that pixel."""
    return working.to_working(points.coordinates).clip(0, np.array(working.shape) - 1)


def _at_working_scale(boxes: Boxes, working: WorkingImage) -> npt.NDArray[np.float64]:
    """Return boxes (N, 4) in pixels of the working image."""
    low, high = boxes.coordinates[:, :2], boxes.coordinates[:, 2:]
    return np.hstack([working.to_working(low), working.to_working(high)])
