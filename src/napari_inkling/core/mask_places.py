"""Where masks lie: on which pixels, under which points, and over one another. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core.masks import Masks

__all__ = ["clipped", "masks_at", "paint", "painted", "places_among", "points_inside"]

BoolImage = npt.NDArray[np.bool_]
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
    if not len(masks) or not len(taken):
        return masks
    areas = (masks.areas, taken.areas)
    pieces: dict[int, Masks | None] = {}
    for i, others in _overlapping(masks, taken).items():
        y0, x0 = masks.coordinates[i, :2].astype(int).tolist()
        crop = masks.crop(i)
        left = crop.copy()
        for j in others:
            shared = np.zeros_like(crop)
            paint(shared, (y0, x0), taken, j, True)
            shared &= crop
            if 2 * int(shared.sum()) > min(areas[0][i], areas[1][j]):
                pieces[i] = None
                break
            left &= ~shared
        else:
            if left.sum() < areas[0][i]:
                pieces[i] = Masks.from_crops([(y0, x0)], [_largest_piece(left)]) if left.any() else None
    return _with_pieces(masks, pieces) if pieces else masks


def _with_pieces(masks: Masks, pieces: Mapping[int, Masks | None]) -> Masks:
    """Return the masks with the pixels of these pieces in some rows; the rows of ``None`` are left out."""
    coordinates, bitmaps = masks.coordinates.copy(), masks.bitmaps.copy()
    kept = np.ones(len(masks), dtype=bool)
    for i, piece in pieces.items():
        if piece is None:
            kept[i] = False
        else:
            coordinates[i], bitmaps[i] = piece.coordinates[0], piece.bitmaps[0]
    return masks.changed(coordinates=coordinates, bitmaps=bitmaps).take(kept)


def _overlapping(masks: Masks, others: Masks) -> dict[int, list[int]]:
    """Return for each mask whose box overlaps boxes of others, which of them."""
    order = np.argsort(masks.coordinates[:, 0], kind="stable")
    y0, x0, y1, x1 = masks.coordinates[order].T
    tallest = float((y1 - y0).max())
    found: dict[int, list[int]] = {}
    for number, (top, left, bottom, right) in enumerate(others.coordinates.tolist()):
        start, stop = np.searchsorted(y0, (top - tallest, bottom))
        part = slice(start, stop)
        meet = (y1[part] > top) & (x0[part] < right) & (x1[part] > left)
        for i in order[part][meet].tolist():
            found.setdefault(i, []).append(number)
    return found


def _largest_piece(pixels: BoolImage) -> BoolImage:
    from scipy import ndimage

    labels, count = ndimage.label(pixels, np.ones((3, 3)))
    if count == 1:
        return pixels
    largest: BoolImage = labels == 1 + np.bincount(labels.ravel())[1:].argmax()
    return largest
