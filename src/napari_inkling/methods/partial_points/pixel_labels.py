"""What points say of pixels: the Voronoi label, a label by colour, and what a person drew."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_inkling.core import Masks
from napari_inkling.methods.partial_points.settings import PartialPointsSettings
from napari_inkling.supervision import (
    BACKGROUND,
    NUCLEUS,
    Neighbourhood,
    agreed,
    at_paper_scale,
    cluster_label,
    colour_contrast,
    local_mixture_label,
    mark_background,
    voronoi_cells,
    voronoi_label,
)
from napari_inkling.training.point_fields import TrainingField
from napari_inkling.training.working_image import WorkingImage

__all__ = ["PixelLabels", "drawn_labels", "instances_of", "label_pixels", "with_drawn"]

Label = npt.NDArray[np.int8]
Instances = npt.NDArray[np.int64]

#: Below this contrast between points and cell edges, colour tells nothing (see ``colour_contrast``).
SMALLEST_CONTRAST = 0.5


@dataclass(frozen=True, eq=False)
class PixelLabels:
    """The labels of a field, int8 (Y, X): ``voronoi``, and ``colour`` if colour tells anything.

    ``cells`` are the Voronoi cells, ``drawn`` (Y, X) numbers what a person outlined, 0 elsewhere.
    """

    voronoi: Label
    colour: Label | None
    cells: Neighbourhood
    drawn: Instances

    @property
    def agreed(self) -> Label:
        """What both labels say together; ignored where they disagree."""
        return self.voronoi if self.colour is None else agreed(self.voronoi, self.colour)


def label_pixels(
    part: TrainingField,
    points: npt.NDArray[np.float64],
    r1: float,
    drawn: Instances,
    settings: PartialPointsSettings,
    seed: int,
) -> PixelLabels:
    """Return the labels of a field from the points (N, 2) of its nuclei, in its own pixels.

    Clicks on background count in each, and so does what a person drew; where nobody labelled, they say
    nothing.
    """
    cells = voronoi_cells(points, part.shape)
    disk = at_paper_scale(2, r1)
    colour = _colour_label(part, cells, r1, settings, seed)

    def told(label: Label) -> Label:
        label = part.left_open(mark_background(label, part.background, disk))
        return with_drawn(label, cells, drawn, r1)

    return PixelLabels(
        told(voronoi_label(cells, disk)), None if colour is None else told(colour), cells, drawn
    )


def _colour_label(
    part: TrainingField, cells: Neighbourhood, r1: float, settings: PartialPointsSettings, seed: int
) -> Label | None:
    """Return what colour tells of pixels; ``None`` if nuclei and background look alike."""
    pixels = part.field.pixels.transpose(1, 2, 0)
    if settings.labels == "voronoi" or colour_contrast(pixels, cells, r1) < SMALLEST_CONTRAST:
        return None
    if settings.labels == "cluster":
        return cluster_label(pixels, cells, r1, seed=seed)
    return local_mixture_label(pixels, cells, r1, background=part.background, seed=seed).label


def with_drawn(label: Label, cells: Neighbourhood, drawn: Instances, r1: float) -> Label:
    """Return the label with what a person drew as the truth: inside nucleus, and background around.

    The background reaches r1 far, but not beyond the Voronoi cell in which most of the drawn mask lies.
    """
    if not drawn.any():
        return label
    there = drawn > 0
    both = np.stack([drawn[there], cells.index[there]])
    pairs, counts = np.unique(both, axis=1, return_counts=True)
    order = np.lexsort((counts, pairs[0]))
    most = order[np.diff(pairs[0, order], append=-1) != 0]  # of each drawn mask, the cell with most pixels
    distance: npt.NDArray[np.float64] = ndimage.distance_transform_edt(~there)
    around = (distance <= r1) & np.isin(cells.index, pairs[1, most])
    result = np.where(around, BACKGROUND, label)
    return np.where(there, NUCLEUS, result).astype(np.int8)


def instances_of(labels: PixelLabels) -> Instances:
    """Return which nucleus each pixel belongs to that is labelled as one, from 1; 0 elsewhere."""
    owners = np.where(labels.agreed == NUCLEUS, labels.cells.index + 1, 0)
    first = int(owners.max(initial=0)) + 1
    return np.where(labels.drawn > 0, labels.drawn + first, owners)


def drawn_labels(masks: Masks, working: WorkingImage, part: TrainingField) -> Instances:
    """Return i + 1 where a person's mask i is, at the working scale; 0 elsewhere, (Y, X) of the field.

    Each working pixel takes what the image's pixel in its middle belongs to.
    """
    painted = np.zeros(part.shape, dtype=np.int64)
    window = part.window
    y, x = (
        np.round(axis.to_input(np.arange(start, stop, dtype=np.float64))).astype(np.int64)
        for axis, start, stop in (
            (working.rows, window.top, window.bottom),
            (working.columns, window.left, window.right),
        )
    )
    for i, (y0, x0, y1, x1) in enumerate(masks.coordinates.astype(np.int64).tolist()):
        rows, columns = np.flatnonzero((y >= y0) & (y < y1)), np.flatnonzero((x >= x0) & (x < x1))
        if len(rows) and len(columns):
            seen = masks.crop(i)[np.ix_(y[rows] - y0, x[columns] - x0)]
            there = painted[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            there[seen] = i + 1
    return painted
