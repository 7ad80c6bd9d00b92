"""From maps of foreground and boundary distance to one mask for each cell, block by block.

Each mask is that of a seed: a cell that a person marked, or a centre that was found. Masks are cut out at the
image's own resolution, in blocks with a margin as wide as a mask reaches, so that none is broken at a border.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import KDTree

from napari_inkling.core import HintSet, Masks, Points
from napari_inkling.methods.partial_points.seeds import Seeds, seeds_beside
from napari_inkling.methods.partial_points.settings import PartialPointsSettings
from napari_inkling.supervision import at_paper_scale
from napari_inkling.training.instances import component_instances, seeded_holes, seeded_instances
from napari_inkling.training.pieces import Pieces
from napari_inkling.training.resampling import Resampler, resample
from napari_inkling.training.working_image import Window, WorkingImage, windows

__all__ = ["Outliner"]

FloatImage = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int32]

#: A mask reaches at most so far from its seed, in units of the cell radius.
REACH = 4.0
#: A hole around a seed that reaches no farther, in the same units, is the middle of its cell.
HOLLOW = 2.0
#: Edge of a block, in working pixels: a fraction of a second of work.
BLOCK = 256
#: What has fewer pixels than this share of a mean cell is no mask, unless a person marked it.
SMALLEST = 0.05
#: Pixels from here on count as foreground.
FOREGROUND = 0.5
#: The label of pixels that belong to no mask, and no mask's hole: around clicks on background, or drawn.
NOBODY = -1


@dataclass(frozen=True, eq=False)
class Outliner:
    """Cuts out the masks of one plane; ``r1`` is the cell radius in working pixels."""

    working: WorkingImage
    settings: PartialPointsSettings
    classes: tuple[str, ...]
    r1: float
    hints: HintSet

    @property
    def margin(self) -> int:
        """How many working pixels around a tile its masks depend on."""
        return ceil(REACH * self.r1) + 2 + ceil(self.working.scale)

    @property
    def radius(self) -> float:
        """The cell radius in pixels of the image."""
        return self.r1 / self.working.scale

    def masks(self, maps: FloatImage, tile: Window, window: Window, found: Points) -> Pieces[Masks]:
        """Return the masks of the seeds that lie in a tile.

        Parameters
        ----------
        maps : array, (1 or 2, y, x)
            Foreground, and the distance from the boundary if there is a head for it, in ``window``.
        tile, window : Window
            Of the working image; the window is the tile with at least :attr:`margin` around it.
        found : Points
            The centres found in the window, in pixels of the image.
        """
        seeds = seeds_beside(self.hints, found, self.classes, self.radius)
        parts = [Masks()]
        for block in _blocks(tile):
            parts.append(self._block(maps, block, window, seeds))
            yield
        return Masks.concatenate(parts)

    def _block(self, maps: FloatImage, block: Window, window: Window, seeds: Seeds) -> Masks:
        """Return the masks of the seeds in a block."""
        own = block.holds(self.working.to_working(seeds.points.coordinates))
        if not own.any() and self.settings.instances == "watershed":
            return Masks()
        around = block.grown(ceil(REACH * self.r1), *self.working.shape)
        rows, columns = self._pixels(around)
        maps = self._at_full_size(maps, window, rows, columns)
        corner = np.array([rows.start, columns.start])
        near = around.holds(self.working.to_working(seeds.points.coordinates))
        local, own = seeds.take(near), own[near]
        drawn = self._drawn(rows, columns)
        foreground = np.where(drawn, 0, maps[..., 0])
        if self.settings.instances == "components":
            labels, own, local = self._components(foreground, local, block, corner)
        else:
            labels = self._flooded(foreground, maps[..., -1], local, corner)
        labels[drawn] = NOBODY
        return self._cut(labels, local, own, corner)

    def _pixels(self, window: Window) -> tuple[slice, slice]:
        """Return the rows and columns of the image whose middles lie in a window of the working image."""

        def along(axis: Resampler, start: int, stop: int) -> slice:
            return slice(*(ceil(edge * axis.step - 0.5) for edge in (start, stop)))

        return (
            along(self.working.rows, window.top, window.bottom),
            along(self.working.columns, window.left, window.right),
        )

    def _at_full_size(self, maps: FloatImage, window: Window, rows: slice, columns: slice) -> FloatImage:
        """Return maps (k, y, x) of a window as pixels of the image, (Y, X, k)."""
        up = [Resampler(axis.out, axis.step) for axis in (self.working.rows, self.working.columns)]
        need = [axis.needed(part.start, part.stop) for axis, part in zip(up, (rows, columns), strict=True)]
        there = maps[
            :,
            need[0].start - window.top : need[0].stop - window.top,
            need[1].start - window.left : need[1].stop - window.left,
        ]
        return resample(
            np.ascontiguousarray(there.transpose(1, 2, 0)),
            up[0].matrix(rows.start, rows.stop),
            up[1].matrix(columns.start, columns.stop),
        )

    def _drawn(self, rows: slice, columns: slice) -> npt.NDArray[np.bool_]:
        """Return where the person's own masks are."""
        drawn = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=bool)
        y0, x0, y1, x1 = self.hints.masks.coordinates.astype(np.int64).T
        meet = (y0 < rows.stop) & (y1 > rows.start) & (x0 < columns.stop) & (x1 > columns.start)
        for i in np.flatnonzero(meet).tolist():
            crop = self.hints.masks.crop(i)
            y, x = np.nonzero(crop)
            y, x = y + y0[i] - rows.start, x + x0[i] - columns.start
            inside = (y >= 0) & (y < drawn.shape[0]) & (x >= 0) & (x < drawn.shape[1])
            drawn[y[inside], x[inside]] = True
        return drawn

    def _flooded(
        self, foreground: FloatImage, height: FloatImage, seeds: Seeds, corner: npt.NDArray[np.int64]
    ) -> Labels:
        """Return i + 1 where the mask of seed i is. Doubtful seeds have what the sure ones leave.

        A click on background is a seed too, whose basin is no mask. A cell's hollow middle is filled.
        """
        places, clicks = seeds.points.coordinates - corner, self.hints.points.background.coordinates - corner
        certain = _within(places[seeds.marked], foreground.shape, at_paper_scale(2, self.radius))
        reached = _within(places, foreground.shape, REACH * self.radius)
        hollow = seeded_holes(
            foreground >= FOREGROUND, places, _within(places, foreground.shape, HOLLOW * self.radius)
        )
        inside = np.where(reached, np.where(certain | hollow, 1, foreground), 0)
        labels = np.zeros(foreground.shape, dtype=np.int32)
        for chosen in (seeds.sure, ~seeds.sure):
            order = np.flatnonzero(chosen)
            left = np.where(labels == 0, inside, 0)
            markers = np.concatenate([clicks, places[order]])
            flooded = seeded_instances(left, height, markers, threshold=FOREGROUND)
            number = np.concatenate([[0], np.full(len(clicks), NOBODY), order + 1]).astype(np.int32)
            labels = np.where(labels == 0, number[flooded], labels)
        return labels

    def _components(
        self, foreground: FloatImage, seeds: Seeds, block: Window, corner: npt.NDArray[np.int64]
    ) -> tuple[Labels, npt.NDArray[np.bool_], Seeds]:
        """Return components as the paper has them; each is of the block that holds its first pixel."""
        clicks = self.hints.points.background.coordinates - corner
        labels = component_instances(foreground, FOREGROUND, clicks)
        numbers, first = np.unique(labels, return_index=True)
        pixels = np.stack(np.unravel_index(first[numbers > 0], labels.shape), axis=1)
        names = np.full(len(pixels), self.classes[0], dtype=object)
        if len(seeds.points):
            names = seeds.points.classes[KDTree(seeds.points.coordinates - corner).query(pixels)[1]]
        points = Points(pixels + corner, classes=names, sources="model")
        own = block.holds(self.working.to_working(points.coordinates))
        return labels, own, Seeds(points, np.zeros(len(points), dtype=bool))

    def _cut(
        self,
        labels: Labels,
        seeds: Seeds,
        own: npt.NDArray[np.bool_],
        corner: npt.NDArray[np.int64],
    ) -> Masks:
        """Return the masks of the own seeds, without their holes; what is tiny is left out."""
        least = SMALLEST * np.pi * self.radius**2
        corners, crops, rows = [], [], []
        for i, place in enumerate(ndimage.find_objects(labels)):
            if place is None or not own[i]:
                continue
            there = labels[place]
            crop = ndimage.binary_fill_holes(there == i + 1) & ((there == 0) | (there == i + 1))
            if crop.sum() < least and not seeds.marked[i]:
                continue
            corners.append((corner[0] + place[0].start, corner[1] + place[1].start))
            crops.append(crop)
            rows.append(i)
        points = seeds.points.take(np.array(rows, dtype=np.int64))
        return Masks.from_crops(
            np.array(corners, dtype=np.int64).reshape(-1, 2),
            crops,
            classes=points.classes,
            sources="model",
            scores=points.scores,
            ids=points.ids,
            attributes=points.attributes,
        )


def _within(places: npt.NDArray[np.float64], shape: tuple[int, ...], radius: float) -> npt.NDArray[np.bool_]:
    """Return which pixels lie within a radius of one of the pixels that ``places`` (N, 2) lie on."""
    pixels = np.round(places).astype(np.int64)
    y, x = pixels[((pixels >= 0) & (pixels < shape)).all(1)].T
    elsewhere = np.ones(shape, dtype=bool)
    elsewhere[y, x] = False
    if elsewhere.all():
        return ~elsewhere
    within: npt.NDArray[np.bool_] = ndimage.distance_transform_edt(elsewhere) <= radius
    return within


def _blocks(tile: Window) -> Iterator[Window]:
    """Cover a tile with blocks."""
    for part in windows(tile.shape, BLOCK):
        yield Window(
            part.top + tile.top, part.bottom + tile.top, part.left + tile.left, part.right + tile.left
        )
