"""What accepting and rejecting make of suggestions: a person's hints. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from napari_inkling.core import (
    BACKGROUND,
    DISAGREEMENT,
    IGNORE,
    Boxes,
    HintSet,
    Masks,
    Points,
    Predictions,
    new_ids,
)
from napari_inkling.core.box_places import pointed_at
from napari_inkling.core.mask_places import points_inside
from napari_inkling.session.suggested_cells import positions

__all__ = [
    "MARKED_BY",
    "accepted",
    "as_a_persons",
    "attributes_of_cells",
    "background_at",
    "beside_hints",
    "joined_to_points",
    "nearest_is_accepted",
    "owned",
    "owners",
]

RowsT = TypeVar("RowsT", Boxes, Masks)
AnyRowsT = TypeVar("AnyRowsT", Points, Boxes, Masks)

#: Attribute of a cell that a person pointed at, or boxed, and a model outlined: the source of that hint.
MARKED_BY = "marked_by"


def accepted(
    suggestions: Predictions,
    time: float,
    round: int = 0,
    hints: HintSet | None = None,
    among: Predictions | None = None,
) -> HintSet:
    """Return new hints for accepted suggestions; they keep class, score and attributes, not their id.

    The rows of one cell get one new id. A mask or a box of a cell that ``hints`` only point at becomes that
    cell's: it takes the point's id and class. ``among`` is all that is suggested, if that is more: which cell
    a point marks shows only beside its neighbours. What the model says of itself is no attribute of a cell
    and stays behind.
    """
    hints = hints or HintSet()
    marked = owners(suggestions if among is None else among, hints)
    cells = np.unique(suggestions.ids)
    ids = dict(zip(cells.tolist(), new_ids(len(cells)).tolist(), strict=True))
    fresh = HintSet(*suggestions.kinds).mapped(
        lambda rows: _renamed(rows, ids | marked, hints.points).changed(
            sources="accepted", times=time, rounds=round, attributes=attributes_of_cells(rows)
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


def owners(suggestions: Predictions, hints: HintSet) -> dict[int, int]:
    """Return which suggestions are of a cell that a person pointed at: their id → that of the point.

    A point that has a mask, or a box, already stays with it. Of a cell that is outlined the outline counts.
    """
    masks, have_one = owned(suggestions.masks, hints)
    marked = _table(suggestions.masks.ids[have_one], masks.ids[have_one])
    boxes = suggestions.boxes.without_ids(suggestions.masks.ids)
    lone = hints.points.cells.without_ids([*hints.boxes.ids, *marked.values()])
    at = pointed_at(boxes, lone)
    return marked | _table(boxes.ids[at >= 0], lone.ids[at[at >= 0]])


def joined_to_points(boxes: Boxes, hints: HintSet) -> Boxes:
    """Return boxes that a person draws with the ids of the cells that they are around and have no box.

    A cell that was pointed at, and then boxed under the same class, is one.
    """
    lone = hints.points.cells.without_ids(hints.boxes.ids)
    ids = boxes.ids.copy()
    for box, point in enumerate(pointed_at(boxes, lone).tolist()):
        if point >= 0 and lone.classes[point] == boxes.classes[box]:
            ids[box] = lone.ids[point]
    return boxes.changed(ids=ids)


def as_a_persons(before: HintSet, after: HintSet) -> HintSet:
    """Return ``after`` with all rows that are changed as a person's own.

    Of what was imported that is so for boxes to ignore alone: these hide suggestions if they are a person's.
    """
    kinds = zip(before.kinds, after.kinds, strict=True)
    return HintSet(*(_as_own(was, now) for was, now in kinds))


def _as_own(before: Any, after: Any) -> Any:
    known = {one: row for row, one in enumerate(before.ids.tolist())}
    rows = np.array([known.get(one, -1) for one in after.ids.tolist()], dtype=np.intp)
    theirs = (after.sources == "accepted") | ((after.sources == "imported") & (after.classes == IGNORE))
    changed = (rows >= 0) & theirs
    same = (after.coordinates[changed] == before.coordinates[rows[changed]]).all(axis=1)
    changed[changed] = ~(same & (after.classes[changed] == before.classes[rows[changed]]))
    if not changed.any():
        return after
    return after.changed(
        sources=np.where(changed, "human", after.sources), scores=np.where(changed, 1.0, after.scores)
    )


def beside_hints(hints: HintSet, suggestions: Predictions) -> HintSet:
    """Return hints and suggestions as cells: one that was marked and outlined, by whomever, is one.

    Its outline, or box, and its point have all columns alike, and are in the order of points, so that formats
    hold them in one entry. Id and class are the point's. Where a model outlined what a person had pointed at,
    source and score are the model's, for nobody has looked at the outline yet, also of a point's own box;
    whose the hints are stays in the attribute :data:`MARKED_BY`.
    """
    marked = owners(suggestions, hints)
    hints = HintSet(_as_outlined(hints.points, suggestions, marked), hints.boxes, hints.masks)
    outlines = HintSet(
        suggestions.points.without_ids(list(marked)),
        _renamed(suggestions.boxes, marked, hints.points).without_ids(hints.boxes.ids),
        _renamed(suggestions.masks, marked, hints.points),
    )
    every = hints.joined(outlines)
    return HintSet(every.points, _as_points(every.boxes, every.points), _as_points(every.masks, every.points))


def _table(keys: npt.NDArray[np.int64], values: npt.NDArray[np.int64]) -> dict[int, int]:
    return dict(zip(keys.tolist(), values.tolist(), strict=True))


def _renamed(rows: AnyRowsT, ids: Mapping[int, int], points: Points) -> AnyRowsT:
    """Return rows under these ids, by the old ones; those of a point take its class."""
    classes = dict(zip(points.ids.tolist(), points.classes, strict=True))
    now = [ids.get(one, one) for one in rows.ids.tolist()]
    names = [classes.get(one, name) for one, name in zip(now, rows.classes, strict=True)]
    return rows.changed(ids=now, classes=names)


def _as_outlined(points: Points, suggestions: Predictions, marked: Mapping[int, int]) -> Points:
    """Return points with the model as source, and its score, where it outlined the cell (``marked``)."""
    score = dict(zip(suggestions.ids.tolist(), suggestions.scores.tolist(), strict=True))
    outlined = {point: score[one] for one, point in marked.items()}
    at = np.array([one in outlined for one in points.ids.tolist()], dtype=bool)
    if not at.any():
        return points
    sources, scores = points.sources.copy(), points.scores.copy()
    whose = points.attributes.get(MARKED_BY, np.full(len(points), "", dtype=object)).copy()
    whose[at], sources[at] = sources[at], "model"
    scores[at] = [outlined[one] for one in points.ids[at].tolist()]
    return points.changed(sources=sources, scores=scores, attributes={**points.attributes, MARKED_BY: whose})


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
