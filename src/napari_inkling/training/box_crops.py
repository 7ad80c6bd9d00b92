"""Random crops of images and of the boxes and points in them: batches for a detector of boxes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from napari_inkling.training.crops import crop_of, jittered, random_corner, resized, view_of
from napari_inkling.training.loop import Batch

__all__ = [
    "BOX",
    "EMPTY",
    "IGNORED",
    "NOTHING",
    "POINT",
    "BoxField",
    "BoxRows",
    "box_crops",
    "cut_rows",
    "turned_rows",
]

FloatArray = npt.NDArray[np.float64]

#: Kinds of rows: a box that was drawn; one that stands in for a point, and for a click on what is no cell;
#: what is ignored; and no row at all.
BOX, POINT, EMPTY, IGNORED, NOTHING = 0, 1, 2, 3, -1
#: A drawn box that the edge of a crop cuts is ignored if less than this share of it is left.
LEAST_LEFT = 0.3


@dataclass(frozen=True, eq=False)
class BoxRows:
    """Boxes of one image, or of a crop: ``boxes`` (M, 4), numbers of ``classes`` (M,), and ``kinds`` (M,).

    Boxes are y0, x0, y1, x1 in pixels from the image's top left *edge*, so that a box around all of S × S
    pixels is 0, 0, S, S. The centre of one of the kind :data:`POINT`, or :data:`EMPTY`, is the point.
    """

    boxes: FloatArray
    classes: npt.NDArray[np.int64]
    kinds: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def centres(self) -> FloatArray:
        """Their middles, (M, 2)."""
        return (self.boxes[:, :2] + self.boxes[:, 2:]) / 2

    def take(self, which: npt.NDArray[np.bool_]) -> BoxRows:
        """Return some of the rows."""
        return BoxRows(self.boxes[which], self.classes[which], self.kinds[which])


@dataclass(frozen=True, eq=False)
class BoxField:
    """An image, or a window of one, ready for training: ``pixels`` (C, Y, X), and what is marked in it."""

    pixels: npt.NDArray[np.float32]
    rows: BoxRows


def box_crops(
    fields: Sequence[BoxField],
    *,
    side: int,
    count: int,
    random: np.random.Generator,
    boxed: float = 0.5,
    near_marked: float = 0.5,
    jitter: float = 0.1,
    zoom: float = 0.0,
) -> Iterator[Batch]:
    """Yield batches of ``count`` crops of ``side`` × ``side`` pixels with their rows, without end.

    Rows come as (B, M, 6): x0, y0, x1, y1, number of the class, kind; shorter lists end with rows of the kind
    :data:`NOTHING`. Each crop is turned and mirrored at random into one of eight views.

    Parameters
    ----------
    fields : sequence of BoxField
        What is cropped; a large one more often than a small one, as the root of its area.
    side, count : int
        Edge of a crop in pixels, and how many make a batch.
    random : Generator
        Draws everything.
    boxed : float
        At least this share of the crops comes from fields with drawn boxes, however few these are: from them
        alone are sizes learnt.
    near_marked : float
        Share of the crops that hold a place of a row for certain, be it to ignore: what lies around that
        teaches too. Others may.
    jitter, zoom : float
        As for :func:`~napari_inkling.training.crops.random_crops`.
    """
    weights = _weights(fields, boxed)
    while True:
        edge = round(side * float(np.exp(random.uniform(-zoom, zoom)))) if zoom else side
        images, lists = [], []
        for chosen in random.choice(len(fields), count, p=weights):
            field = fields[chosen]
            corner = random_corner(field.pixels.shape[1:], field.rows.centres, edge, near_marked, random)
            turns, mirror = int(random.integers(4)), bool(random.integers(2))
            images.append(view_of(crop_of(field.pixels, corner, edge), turns, mirror))
            rows = cut_rows(field.rows, field.pixels.shape[1:], corner, edge)
            lists.append(_scaled(turned_rows(rows, edge, turns, mirror), side / edge))
        pixels = resized(torch.from_numpy(np.stack(images)), side)
        yield jittered(pixels, jitter, random), torch.from_numpy(_padded(lists))


def _weights(fields: Sequence[BoxField], boxed: float) -> FloatArray:
    """Return how likely each field is drawn; those with boxes have at least the share ``boxed`` together."""
    weights = np.sqrt([np.prod(f.pixels.shape[1:], dtype=np.float64) for f in fields])
    weights /= weights.sum()
    has_boxes = np.array([bool((f.rows.kinds == BOX).any()) for f in fields])
    share = float(weights[has_boxes].sum())
    if 0 < share < boxed:
        weights *= np.where(has_boxes, boxed / share, (1 - boxed) / (1 - share))
    result: FloatArray = weights / weights.sum()
    return result


def cut_rows(rows: BoxRows, shape: tuple[int, ...], corner: tuple[int, int], side: int) -> BoxRows:
    """Return the rows of a crop that has its top left corner at a pixel of an image of this shape.

    A drawn box is cut at the crop's edge, and ignored if little of it is left. The place of a point whose
    cell reaches into the crop is ignored, unless the point itself lies in it: nobody knows how far the cell
    reaches. What lies beyond the image is ignored, too; clicks on what is no cell are left out there.
    """
    boxes = rows.boxes - np.tile(corner, 2)
    cut = boxes.clip(0, side)
    areas, left = ((b[:, 2:] - b[:, :2]).prod(1) for b in (boxes, cut))
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = ((centres >= 0) & (centres < side)).all(1)
    is_point = (rows.kinds == POINT) | (rows.kinds == EMPTY)
    known = np.where(is_point, inside, left >= LEAST_LEFT * areas)
    result = BoxRows(
        np.where((is_point & inside)[:, None], boxes, cut), rows.classes, np.where(known, rows.kinds, IGNORED)
    ).take((left > 0) & (inside | (rows.kinds != EMPTY)))
    beyond = _beyond(shape, corner, side)
    return BoxRows(
        np.concatenate([result.boxes, beyond]),
        np.concatenate([result.classes, np.zeros(len(beyond), np.int64)]),
        np.concatenate([result.kinds, np.full(len(beyond), IGNORED)]),
    )


def _beyond(shape: tuple[int, ...], corner: tuple[int, int], side: int) -> FloatArray:
    """Return the strips of a crop that lie below and to the right of the image, as boxes (N, 4)."""
    bottom, right = shape[0] - corner[0], shape[1] - corner[1]
    strips = [(bottom, 0, side, side)] * (bottom < side) + [(0, right, side, side)] * (right < side)
    return np.array(strips, dtype=np.float64).reshape(-1, 4)


def turned_rows(rows: BoxRows, side: int, turns: int, mirror: bool) -> BoxRows:
    """Return the rows of a square crop turned and mirrored as :func:`~.crops.view_of` does it."""
    y0, x0, y1, x1 = rows.boxes.T
    for _ in range(turns):
        y0, x0, y1, x1 = side - x1, y0, side - x0, y1
    if mirror:
        x0, x1 = side - x1, side - x0
    return BoxRows(np.stack([y0, x0, y1, x1], axis=1), rows.classes, rows.kinds)


def _scaled(rows: BoxRows, factor: float) -> BoxRows:
    return BoxRows(rows.boxes * factor, rows.classes, rows.kinds)


def _padded(lists: Sequence[BoxRows]) -> npt.NDArray[np.float32]:
    """Return rows as (B, M, 6), boxes as xyxy."""
    result = np.full((len(lists), max(1, *map(len, lists)), 6), NOTHING, dtype=np.float32)
    for i, rows in enumerate(lists):
        result[i, : len(rows), :4] = rows.boxes[:, [1, 0, 3, 2]]
        result[i, : len(rows), 4], result[i, : len(rows), 5] = rows.classes, rows.kinds
    return result
