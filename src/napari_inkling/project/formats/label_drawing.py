"""Points, boxes and masks drawn as a label image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_inkling.core import HintSet

__all__ = ["draw_labels", "label_numbers"]


def label_numbers(hints: HintSet) -> dict[int, int]:
    """Return the label of each id, counted from 1: points first, then boxes, then masks, in their order."""
    cells = dict.fromkeys(i for rows in hints.cells.kinds for i in rows.ids.tolist())
    return {cell: number for number, cell in enumerate(cells, 1)}


def draw_labels(
    hints: HintSet, shape: tuple[int, int], radius: float
) -> tuple[npt.NDArray[np.uint32], dict[int, int]]:
    """Return a label image, and :func:`label_numbers`.

    Rows with one id are one cell, drawn as its mask, else as its box, else as a disk. Masks lie over
    everything, a later one over those before. Elsewhere a small box lies over a large one, points lie over
    boxes, and the nearest point has the pixel: cells that are hidden completely have a label that no pixel
    holds. Background and what is ignored are not drawn.

    Parameters
    ----------
    hints : HintSet
        Cells.
    shape : (int, int)
        Height and width in pixels.
    radius : float
        Radius in pixels of the disk of a point; it covers one pixel at least.
    """
    points, boxes, masks = hints.cells.kinds
    numbers = label_numbers(hints)
    labels = np.zeros(shape, np.uint32)
    boxed = boxes.without_ids(masks.ids)
    sides = boxed.coordinates[:, 2:] - boxed.coordinates[:, :2]
    for i in np.argsort(-sides.prod(axis=1), kind="stable"):
        _fill_box(labels, boxed.coordinates[i], numbers[int(boxed.ids[i])])
    alone = points.without_ids(np.concatenate([boxes.ids, masks.ids]))
    nearest = np.full(shape, np.inf, np.float32) if len(alone) else np.empty(0, np.float32)
    for place, cell in zip(alone.coordinates, alone.ids.tolist(), strict=True):
        _fill_disk(labels, nearest, place, radius, numbers[cell])
    drawn = masks.labels(shape)
    of_row = np.array([0, *(numbers[cell] for cell in masks.ids.tolist())], np.uint32)
    return np.where(drawn, of_row[drawn], labels), numbers


def _fill_box(labels: npt.NDArray[np.uint32], box: npt.NDArray[np.float64], number: int) -> None:
    """Fill the pixels whose centres are in the box, or the one at its centre if there are none."""
    first, last = np.ceil(box[:2]).astype(int), np.floor(box[2:]).astype(int)
    middle = np.rint((box[:2] + box[2:]) / 2).astype(int)
    first, last = np.where(first > last, middle, first), np.where(first > last, middle, last)
    (y0, x0), (y1, x1) = np.maximum(first, 0), np.maximum(last + 1, 0)
    labels[y0:y1, x0:x1] = number


def _fill_disk(
    labels: npt.NDArray[np.uint32],
    nearest: npt.NDArray[np.float32],
    place: npt.NDArray[np.float64],
    radius: float,
    number: int,
) -> None:
    """Fill the pixels within the radius that are nearer to this point than to those before."""
    low = np.maximum(np.floor(place - radius).astype(int), 0)
    high = np.maximum(np.ceil(place + radius).astype(int) + 1, 0)
    window = np.s_[low[0] : high[0], low[1] : high[1]]
    rows, columns = labels[window].shape
    y, x = np.arange(low[0], low[0] + rows)[:, None], np.arange(low[1], low[1] + columns)[None]
    distance = np.hypot(y - place[0], x - place[1]).astype(np.float32)
    own = (y == np.rint(place[0])) & (x == np.rint(place[1]))
    mine = ((distance <= radius) | own) & (distance < nearest[window])
    labels[window][mine] = number
    nearest[window][mine] = distance[mine]
