"""Where masks lie: on which pixels, under which points, and over one another. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core.masks import Masks

__all__ = ["Clipping", "clipped", "masks_at", "paint", "painted", "places_among", "points_inside"]

BoolImage = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
Box = tuple[int, int, int, int]


def painted(masks: Masks, box: Box) -> BoolImage:
    """Return which pixels of a box y0, x0, y1, x1 (as slices) the masks have, shape (y1 - y0, x1 - x0)."""
    image = np.zeros((box[2] - box[0], box[3] - box[1]), dtype=bool)
    for i in range(len(masks)):
        paint(image, box[:2], masks, i, True)
    return image


def paint(
    image: npt.NDArray[Any],
    corner: tuple[int, int],
    masks: Masks,
    i: int,
    value: int,
    part: Callable[[BoolImage], BoolImage] | None = None,
) -> None:
    """Give the pixels of a mask, or a part of them, a value in an image whose first pixel is ``corner``."""
    top, left, bottom, right = masks.coordinates[i].astype(int).tolist()
    (y0, x0), (height, width) = corner, image.shape[:2]
    low, high = (max(top, y0), max(left, x0)), (min(bottom, y0 + height), min(right, x0 + width))
    if low[0] < high[0] and low[1] < high[1]:
        crop = masks.crop(i) if part is None else part(masks.crop(i))
        inside = crop[low[0] - top : high[0] - top, low[1] - left : high[1] - left]
        image[low[0] - y0 : high[0] - y0, low[1] - x0 : high[1] - x0][inside] = value


def masks_at(masks: Masks, y: float, x: float) -> npt.NDArray[np.intp]:
    """Return the rows of the masks that have the pixel at a place."""
    row, column = int(np.floor(y + 0.5)), int(np.floor(x + 0.5))
    y0, x0, y1, x1 = masks.coordinates.T
    near = np.flatnonzero((y0 <= row) & (row < y1) & (x0 <= column) & (column < x1))
    hit = [i for i in near.tolist() if masks.crop(i)[row - int(y0[i]), column - int(x0[i])]]
    return np.array(hit, dtype=np.intp)


def places_among(rows: Masks, others: Masks) -> npt.NDArray[np.int64]:
    """Return for each row where it is among others with the same id, pixels and class, -1 if it is not."""
    known = {key: n for n, key in enumerate(_keys(others))}
    return np.array([known.get(key, -1) for key in _keys(rows)], dtype=np.int64)


def _keys(masks: Masks) -> Iterator[tuple[Any, ...]]:
    corners = map(tuple, masks.coordinates.tolist())
    return zip(masks.ids.tolist(), masks.bitmaps, corners, masks.classes, strict=True)


def points_inside(masks: Masks, places: npt.NDArray[np.float64]) -> list[npt.NDArray[np.intp]]:
    """Return for each mask which of the places (N, 2) lie on its pixels."""
    pixels = np.floor(places + 0.5).astype(np.int64).reshape(-1, 2)
    order = np.argsort(pixels[:, 0], kind="stable")
    pixels = pixels[order]
    inside = []
    for i, (y0, x0, y1, x1) in enumerate(masks.coordinates.astype(np.int64).tolist()):
        start, stop = np.searchsorted(pixels[:, 0], (y0, y1))
        at = start + np.flatnonzero((x0 <= pixels[start:stop, 1]) & (pixels[start:stop, 1] < x1))
        if len(at):
            at = at[masks.crop(i)[tuple((pixels[at] - (y0, x0)).T)]]
        inside.append(order[at])
    return inside


def clipped(masks: Masks, taken: Masks) -> Masks:
    """Return the masks without the pixels that others have taken.

    A mask that shares more than half of its own or of another's pixels with that one is left out: it is of a
    cell that has been taken. Of a mask that falls apart, the largest piece is returned.
    """
    return Clipping(masks, masks).after(taken).left


@dataclass(frozen=True)
class Clipping:
    """Masks without the pixels that others have taken, see :func:`clipped`, through changes of the others.

    ``left`` is what is left of all ``masks``, ``pieces`` of the rows of them that lose pixels (``None``: the
    row is left out).
    """

    masks: Masks
    left: Masks
    taken: Masks = field(default_factory=Masks)
    pieces: Mapping[int, Masks | None] = field(default_factory=dict)

    def after(self, taken: Masks) -> Clipping:
        """Return this with other masks taken instead; only what lies near a difference is worked out."""
        at = places_among(taken, self.taken)
        gone = np.ones(len(self.taken), dtype=bool)
        gone[at[at >= 0]] = False
        boxes = np.concatenate([self.taken.coordinates[gone], taken.coordinates[at < 0]])
        near = sorted({i for i, _ in _overlaps(self.masks.coordinates, boxes)})
        pieces = dict(self.pieces)
        for i in near:
            pieces.pop(i, None)
        pieces.update(_pieces(self.masks, near, taken))
        if pieces == self.pieces:
            return replace(self, taken=taken)
        return Clipping(self.masks, _with_pieces(self.masks, pieces), taken, pieces)


def _pieces(masks: Masks, rows: list[int], taken: Masks) -> dict[int, Masks | None]:
    """Return what is left of those of these rows that lose pixels, ``None`` if they are left out."""
    others: dict[int, list[int]] = {}
    for j, n in _overlaps(taken.coordinates, masks.coordinates[rows]):
        others.setdefault(rows[n], []).append(j)
    pieces: dict[int, Masks | None] = {}
    for i, over in others.items():
        free = _free_pixels(masks, i, taken, over)
        if free is None or not free.any():
            pieces[i] = None
        elif free.sum() < masks.bitmaps[i].area:
            pieces[i] = Masks.from_crops(masks.coordinates[i, :2].astype(int), [_largest_piece(free)])
    return pieces


def _free_pixels(masks: Masks, i: int, taken: Masks, over: list[int]) -> BoolImage | None:
    """Return a mask's pixels that none of these others has, ``None`` if it is of the same cell as one."""
    y0, x0 = masks.coordinates[i, :2].astype(int).tolist()
    crop = masks.crop(i)
    left = crop.copy()
    for j in over:
        shared = np.zeros_like(crop)
        paint(shared, (y0, x0), taken, j, True)
        shared &= crop
        if 2 * int(shared.sum()) > min(masks.bitmaps[i].area, taken.bitmaps[j].area):
            return None
        left &= ~shared
    return left


def _with_pieces(masks: Masks, pieces: Mapping[int, Masks | None]) -> Masks:
    """Return the masks with the pixels of these pieces in some rows; the rows of ``None`` are left out."""
    if not pieces:
        return masks
    coordinates, bitmaps = masks.coordinates.copy(), masks.bitmaps.copy()
    kept = np.ones(len(masks), dtype=bool)
    for i, piece in pieces.items():
        if piece is None:
            kept[i] = False
        else:
            coordinates[i], bitmaps[i] = piece.coordinates[0], piece.bitmaps[0]
    return masks.changed(coordinates=coordinates, bitmaps=bitmaps).take(kept)


def _overlaps(boxes: FloatArray, others: FloatArray) -> Iterator[tuple[int, int]]:
    """Yield which boxes (N, 4) overlap which of others (M, 4), as pairs of rows."""
    if not len(boxes):
        return
    order = np.argsort(boxes[:, 0], kind="stable")
    y0, x0, y1, x1 = boxes[order].T
    tallest = float((y1 - y0).max())
    for number, (top, left, bottom, right) in enumerate(others.tolist()):
        start, stop = np.searchsorted(y0, (top - tallest, bottom))
        part = slice(start, stop)
        meet = (y1[part] > top) & (x0[part] < right) & (x1[part] > left)
        for i in order[part][meet].tolist():
            yield i, number


def _largest_piece(pixels: BoolImage) -> BoolImage:
    from scipy import ndimage

    labels, count = ndimage.label(pixels, np.ones((3, 3)))
    if count == 1:
        return pixels
    largest: BoolImage = labels == 1 + np.bincount(labels.ravel())[1:].argmax()
    return largest
