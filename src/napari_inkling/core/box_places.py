"""Where boxes lie: around which places, over one another, and at the edge of the image. Pure functions."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from napari_inkling.core.hints import Boxes, Points
from napari_inkling.core.masks import Masks

__all__ = [
    "MIDDLE",
    "boxes_at",
    "centred_on",
    "cut",
    "of_same_cells",
    "pointed_at",
    "where_inside",
    "whole",
]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]

#: Boxes whose intersection over union is larger are of one cell, whatever their classes.
SAME = 0.5
#: Boxes of one class are of one cell, too, if the smaller one lies within the larger one by this share.
WITHIN = 0.75
#: The middle of a box reaches so far from its centre: a share of half its sides, and at least these pixels.
MIDDLE, LEAST_MIDDLE = 0.5, 2.0


def cut(boxes: Boxes, shape: tuple[int, int]) -> Boxes:
    """Return boxes without what lies outside an image of that many rows and columns.

    Boxes of which less than a pixel each way is left are left out.
    """
    edge = np.array([*shape, *shape]) - 0.5
    inside = np.clip(boxes.coordinates, -0.5, edge)
    if np.array_equal(inside, boxes.coordinates):
        return boxes
    kept = (inside[:, 2:] - inside[:, :2] >= 1).all(axis=1)
    return boxes.take(kept).changed(coordinates=inside[kept])


def whole(rows: Boxes | Masks, shape: tuple[int, int]) -> BoolArray:
    """Return which boxes or masks do not touch the edge of an image of that many rows and columns, (N,).

    Of the cells in the others nobody knows how large they are.
    """
    edges = rows.coordinates - 0.5 if isinstance(rows, Masks) else rows.coordinates
    within = (edges[:, :2] > 0.5) & (edges[:, 2:] < np.array(shape) - 1.5)
    return np.asarray(within.all(axis=1))


def boxes_at(boxes: Boxes, y: float, x: float, reach: float = 0.0) -> Rows:
    """Return the rows of the boxes around a place, within ``reach`` pixels of it; the smallest one first."""
    y0, x0, y1, x1 = boxes.coordinates.T
    around = (y0 - reach <= y) & (y <= y1 + reach) & (x0 - reach <= x) & (x <= x1 + reach)
    rows = np.flatnonzero(around)
    return rows[np.argsort(((y1 - y0) * (x1 - x0))[rows], kind="stable")]


def where_inside(edges: FloatArray, places: FloatArray, beyond: float = 0.0) -> tuple[Rows, Rows]:
    """Return which places (M, 2) lie in which boxes (N, 4): rows of boxes and of places, one of each a pair.

    With ``beyond``, also places that far outside, in pixels.
    """
    if not len(edges) or not len(places):
        return np.empty(0, np.intp), np.empty(0, np.intp)
    centres, half = (edges[:, :2] + edges[:, 2:]) / 2, (edges[:, 2:] - edges[:, :2]) / 2 + beyond
    found = KDTree(places).query_ball_point(centres, half.max(axis=1), p=np.inf)
    counts = np.fromiter(map(len, found), np.intp, len(found))
    box = np.repeat(np.arange(len(edges)), counts)
    place = np.fromiter((i for rows in found for i in rows), np.intp, int(counts.sum()))
    inside = (np.abs(places[place] - centres[box]) <= half[box]).all(axis=1)
    return box[inside], place[inside]


def centred_on(edges: FloatArray, places: FloatArray) -> BoolArray:
    """Return which boxes (N, 4) have one of the places (M, 2) in their middle; shape (N,)."""
    box, place = where_inside(edges, places, LEAST_MIDDLE)
    away = np.abs(places[place] - (edges[box, :2] + edges[box, 2:]) / 2)
    middle = np.maximum((edges[box, 2:] - edges[box, :2]) / 2 * MIDDLE, LEAST_MIDDLE)
    result = np.zeros(len(edges), dtype=bool)
    result[box[(away <= middle).all(axis=1)]] = True
    return result


def of_same_cells(
    edges: FloatArray, classes: npt.ArrayLike, others: FloatArray, other_classes: npt.ArrayLike
) -> BoolArray:
    """Return which boxes (N, 4) are of a cell that one of ``others`` (M, 4) is around; shape (N,).

    Two boxes are of one cell if their intersection over union is above :data:`SAME`, or if they are of one
    class and the smaller one lies within the larger one by more than :data:`WITHIN`.
    """
    first, second = np.asarray(classes, dtype=object), np.asarray(other_classes, dtype=object)
    # Of either pair the centre of one box is inside the other one.
    one, its = where_inside(edges, (others[:, :2] + others[:, 2:]) / 2)
    other, mine = where_inside(others, (edges[:, :2] + edges[:, 2:]) / 2)
    i, j = np.concatenate([one, mine]), np.concatenate([its, other])
    sides = np.minimum(edges[i, 2:], others[j, 2:]) - np.maximum(edges[i, :2], others[j, :2])
    shared = np.clip(sides, 0, None).prod(axis=1)
    area, other_area = (np.prod(e[:, 2:] - e[:, :2], axis=1) for e in (edges[i], others[j]))
    same = shared > SAME * (area + other_area - shared)
    same |= (first[i] == second[j]) & (shared > WITHIN * np.minimum(area, other_area))
    result = np.zeros(len(edges), dtype=bool)
    result[i[same]] = True
    return result


def pointed_at(boxes: Boxes, points: Points) -> Rows:
    """Return for each box the row of the point that marks the same cell, -1 where there is none; shape (N,).

    A point marks a cell of its own class if it is inside the box, else one whose box has it in its middle.
    Of several boxes around a point, and points in a box, those take one another that are centred best, of
    one class first.
    """
    edges, places = boxes.coordinates, points.coordinates
    box, point = where_inside(edges, places)
    half = (edges[box, 2:] - edges[box, :2]) / 2
    away = (np.abs(places[point] - boxes.centres[box]) / half).max(axis=1, initial=0)
    other = boxes.classes[box] != points.classes[point]
    owner = np.full(len(boxes), -1, dtype=np.intp)
    taken: set[int] = set()
    for pair in np.lexsort((away, other)).tolist():
        i, j = int(box[pair]), int(point[pair])
        if owner[i] < 0 and j not in taken and not (other[pair] and away[pair] > MIDDLE):
            owner[i] = j
            taken.add(j)
    return owner
