"""What accepting and rejecting make of suggestions: a person's hints. Pure functions."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from napari_inkling.core import (
    BACKGROUND,
    DISAGREEMENT,
    Boxes,
    HintSet,
    Masks,
    Points,
    Predictions,
    new_ids,
)
from napari_inkling.core.mask_places import points_inside
from napari_inkling.session.suggested_cells import positions

__all__ = [
    "accepted",
    "attributes_of_cells",
    "background_at",
    "beside_hints",
    "nearest_is_accepted",
    "owned",
]

RowsT = TypeVar("RowsT", Boxes, Masks)


def accepted(suggestions: Predictions, time: float, round: int = 0, hints: HintSet | None = None) -> HintSet:
    """Return new hints for accepted suggestions; they keep class, score and attributes, not their id.

    The rows of one cell get one new id. A mask around a cell that ``hints`` only point at becomes that
    cell's: it takes the point's id and class. What the model says of itself is no attribute of a cell and
    stays behind.
    """
    hints = hints or HintSet()
    old = np.unique(suggestions.ids)
    new = new_ids(len(old))
    masks, owners = owned(suggestions.masks, hints)
    new[np.searchsorted(old, suggestions.masks.ids[owners])] = masks.ids[owners]
    fresh = HintSet(suggestions.points, suggestions.boxes, masks.changed(ids=suggestions.masks.ids)).mapped(
        lambda rows: rows.changed(
            sources="accepted",
            times=time,
            rounds=round,
            ids=new[np.searchsorted(old, rows.ids)],
            attributes=attributes_of_cells(rows),
        )
    )
    return HintSet(
        fresh.points.without_ids(hints.points.ids), fresh.boxes.without_ids(hints.boxes.ids), fresh.masks
    )


def attributes_of_cells(rows: Any) -> dict[str, Any]:
    """Return the attributes of suggested rows without what the model says of itself."""
    return {name: values for name, values in rows.attributes.items() if name != DISAGREEMENT}


def owned(masks: Masks, hints: HintSet) -> tuple[Masks, npt.NDArray[np.bool_]]:
    """Return masks with the id and the class of the cell that is pointed at inside, and which have one.

    A point that has a mask already stays with it; of several points in a mask the first is taken.
    """
    lone = hints.points.cells.without_ids(hints.masks.ids)
    ids, classes = masks.ids.copy(), masks.classes.copy()
    owners = np.zeros(len(masks), dtype=bool)
    used: set[int] = set()
    for i, inside in enumerate(points_inside(masks, lone.coordinates) if len(lone) else ()):
        point = next((int(n) for n in np.sort(inside) if int(n) not in used), None)
        if point is not None:
            used.add(point)
            ids[i], classes[i], owners[i] = lone.ids[point], lone.classes[point], True
    return masks.changed(ids=ids, classes=classes), owners


def beside_hints(hints: HintSet, suggestions: Predictions) -> HintSet:
    """Return hints and suggestions as cells: one that was marked and outlined, by whomever, is one.

    Its outline has all columns of its point, and outlines are in the order of points, so that formats hold
    both in one entry.
    """
    masks, owners = owned(suggestions.masks, hints)
    ids = suggestions.masks.ids[owners]
    every = hints.joined(
        HintSet(suggestions.points.without_ids(ids), suggestions.boxes.without_ids(ids), masks)
    )
    return HintSet(every.points, _as_points(every.boxes, every.points), _as_points(every.masks, every.points))


def _as_points(rows: RowsT, points: Points) -> RowsT:
    """Return rows in the order of the points with their ids, others last, with those points' columns."""
    place = {one: i for i, one in enumerate(points.ids.tolist())}
    index = np.array([place.get(one, len(points)) for one in rows.ids.tolist()], dtype=np.int64)
    order = np.argsort(index, kind="stable")
    rows, index = rows.take(order), index[order]
    pointed = index < len(points)
    like: Points = points.take(index[pointed])
    columns: dict[str, Any] = {}
    for name in ("classes", "sources", "scores", "rounds", "times", "seconds"):
        columns[name] = getattr(rows, name).copy()
        columns[name][pointed] = getattr(like, name)
    attributes = {}
    for name in {*rows.attributes, *like.attributes}:
        attributes[name] = np.array(rows.attributes.get(name, [""] * len(rows)), dtype=object)
        attributes[name][pointed] = like.attributes.get(name, "")
    return rows.changed(**columns, attributes=attributes)


def nearest_is_accepted(found: npt.NDArray[np.float64], hints: HintSet) -> npt.NDArray[np.bool_]:
    """Return at which of ``found`` (N, 2) the nearest cell was a suggestion and is as it was then; (N,)."""
    ids = np.concatenate([rows.ids for rows in hints.kinds])
    sources = np.concatenate([rows.sources for rows in hints.kinds])
    if not len(ids) or not len(found):
        return np.zeros(len(found), dtype=bool)
    accepted_only = ~np.isin(ids, ids[sources != "accepted"])
    nearest: npt.NDArray[np.bool_] = accepted_only[KDTree(positions(hints)).query(found)[1]]
    return nearest


def background_at(suggestions: Predictions) -> HintSet:
    """Return one background point for each suggested cell."""
    first = np.sort(np.unique(suggestions.ids, return_index=True)[1])
    return HintSet(Points(positions(suggestions)[first]).changed(classes=BACKGROUND))
