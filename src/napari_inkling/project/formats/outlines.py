"""Masks as polygons and back, without the loss of a pixel.

A polygon is a list of rings, the outer one first and then those of its holes; a ring an array (N, 2) of x, y,
counted from the image's corner (the first pixel reaches from 0 to 1) and not closed. Outlines run along the
edges of pixels; a pixel is in a polygon if its centre is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Polygon", "filled", "is_rectangle", "outlines"]

BoolImage = npt.NDArray[np.bool_]
Polygon = Sequence[npt.NDArray[np.float64]]

#: Where the two ends of a pixel's upper, right, lower and left edge lie, and its neighbour there: (y, x).
#: In this sense the mask lies to the right of the edge as one walks (with y downwards).
_SIDES = (
    ((0, 0), (0, 1), (-1, 0)),
    ((0, 1), (1, 1), (0, 1)),
    ((1, 1), (1, 0), (1, 0)),
    ((1, 0), (0, 0), (0, -1)),
)
#: Polygons of more pixels than this are refused.
_LARGEST = 1 << 30


def outlines(crop: BoolImage) -> list[Polygon]:
    """Return the polygons of a mask: one for each part whose pixels touch by an edge.

    No ring meets itself: where pixels touch only by a corner, rings touch there. Outer rings have a positive
    area by the shoelace formula in x and y, holes a negative one.
    """
    rings = _rings(crop)
    outer = [ring for ring in rings if _area(ring) > 0]
    holes = [ring for ring in rings if _area(ring) < 0]
    if len(outer) == 1:
        return [[outer[0], *holes]]
    from scipy import ndimage

    parts, _ = ndimage.label(crop)
    owners = {_part(parts, ring): [ring] for ring in outer}
    for hole in holes:
        owners[_part(parts, hole)].append(hole)
    return list(owners.values())


def _rings(crop: BoolImage) -> list[npt.NDArray[np.float64]]:
    """Return all rings, as the edges between mask and background join."""
    height, width = crop.shape
    around = np.pad(crop, 1)
    following: dict[int, list[int]] = {}
    for begin, end, (down, right) in _SIDES:
        free = crop & ~around[1 + down : 1 + down + height, 1 + right : 1 + right + width]
        y, x = np.nonzero(free)
        starts = (y + begin[0]) * (width + 1) + x + begin[1]
        ends = (y + end[0]) * (width + 1) + x + end[1]
        for start, stop in zip(starts.tolist(), ends.tolist(), strict=True):
            following.setdefault(start, []).append(stop)
    rings = []
    while following:
        rings += _walk(following, next(iter(following)), width + 1)
    return [_corners(ring, width + 1) for ring in rings]


def _walk(following: dict[int, list[int]], start: int, stride: int) -> list[list[int]]:
    """Follow edges until back at the start, using them up; a corner that is met twice closes a ring.

    Where two pixels touch by a corner, the way goes on around the same pixel, so that parts stay apart.
    """
    right = {1: stride, stride: -1, -1: -stride, -stride: 1}
    path, place, rings = [start], {start: 0}, []
    while path[-1] in following:
        here, targets = path[-1], following[path[-1]]
        turn = here + right[here - path[-2]] if len(path) > 1 else targets[0]
        corner = turn if turn in targets else targets[0]
        targets.remove(corner)
        if not targets:
            del following[here]
        if corner not in place:
            place[corner] = len(path)
            path.append(corner)
            continue
        rings.append(path[place[corner] :])
        for gone in path[place[corner] + 1 :]:
            del place[gone]
        del path[place[corner] + 1 :]
    return rings


def _corners(ring: Sequence[int], stride: int) -> npt.NDArray[np.float64]:
    """Return x and y of those points of a ring where it turns."""
    codes = np.array(ring)
    turns = codes - np.roll(codes, 1) != np.roll(codes, -1) - codes
    return np.stack([codes[turns] % stride, codes[turns] // stride], axis=1).astype(np.float64)


def _area(ring: npt.NDArray[np.float64]) -> float:
    x, y = ring.T
    return float(x @ np.roll(y, -1) - np.roll(x, -1) @ y) / 2


def _part(parts: npt.NDArray[np.int32], ring: npt.NDArray[np.float64]) -> int:
    """Return the number of the part to the right of a ring's first edge."""
    (x, y), step = ring[0].astype(int), np.sign(ring[1] - ring[0]).astype(int)
    down, right = {(1, 0): (0, 0), (0, 1): (0, -1), (-1, 0): (-1, -1), (0, -1): (-1, 0)}[step[0], step[1]]
    return int(parts[y + down, x + right])


def is_rectangle(polygons: Sequence[Polygon]) -> bool:
    """Whether it is one rectangle along the axes: so do programs write boxes that only know polygons."""
    if len(polygons) != 1 or len(polygons[0]) != 1 or len(polygons[0][0]) != 4:
        return False
    (ring,) = polygons[0]
    still = (np.roll(ring, -1, axis=0) == ring).tolist()
    return still in ([[False, True], [True, False]] * 2, [[True, False], [False, True]] * 2)


def filled(polygons: Sequence[Polygon], shape: tuple[int, int] | None) -> tuple[int, int, BoolImage] | None:
    """Return top, left and pixels of all polygons together, None if no pixel's centre lies in one.

    What lies outside the image of this shape (height and width; None: to the left or above of it) is cut off.
    Raises ``ValueError`` for polygons of more than 2³⁰ pixels.
    """
    points = np.concatenate([ring for polygon in polygons for ring in polygon])
    low = np.maximum(np.floor(points.min(0)), 0)
    high = np.ceil(points.max(0)) if shape is None else np.minimum(np.ceil(points.max(0)), shape[::-1])
    (left, top), (width, height) = low, high - low
    if width <= 0 or height <= 0:
        return None
    if width * height > _LARGEST:
        raise ValueError(f"a polygon of {width:.0f} × {height:.0f} pixels is too large")
    inside = np.zeros((int(height), int(width)), bool)
    for polygon in polygons:
        inside |= _inside([ring - low for ring in polygon], inside.shape)
    return (int(top), int(left), inside) if inside.any() else None


def _inside(rings: Polygon, shape: tuple[int, ...]) -> BoolImage:
    """Return the pixels whose centre has an odd number of edges to its left."""
    height, width = shape
    crossings = np.zeros((height, width + 1), bool)
    for ring in rings:
        x0, y0 = ring.T
        x1, y1 = np.roll(ring, -1, axis=0).T
        first = np.clip(np.ceil(np.minimum(y0, y1) - 0.5), 0, height).astype(np.int64)
        stop = np.clip(np.ceil(np.maximum(y0, y1) - 0.5), 0, height).astype(np.int64)
        many = np.maximum(stop - first, 0)
        edge = np.repeat(np.arange(len(ring)), many)
        row = first[edge] + np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
        slope = (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
        x = x0[edge] + (row + 0.5 - y0[edge]) * slope
        column = np.clip(np.ceil(x - 0.5), 0, width).astype(np.int64)
        np.logical_xor.at(crossings, (row, column), True)
    return np.logical_xor.accumulate(crossings, axis=1)[:, :-1]
