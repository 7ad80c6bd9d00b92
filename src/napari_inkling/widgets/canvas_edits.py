"""What a person changed in a layer: its rows now against those it was given. Pure functions, no napari."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, Points

__all__ = ["Change", "Seen", "compare_boxes", "compare_points", "is_inside"]

#: Two boxes whose intersection over union is above this are one.
_TWICE = 0.9

Rows = TypeVar("Rows", Points, Boxes)
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
Shape = tuple[int, int]


@dataclass(frozen=True)
class Seen:
    """What a layer shows: coordinates (N, 2) or (N, 4), classes (N,), ids (N,); unknown ids are new rows."""

    coordinates: FloatArray
    classes: npt.NDArray[np.object_]
    ids: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Change(Generic[Rows]):
    """One edit: rows that go, rows that come, what was done in words, and what was refused and why."""

    before: Rows
    after: Rows
    label: str = ""
    refusals: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(len(self.before) or len(self.after))


def compare_points(shown: Points, seen: Seen, shape: Shape, classes: Collection[str]) -> Change[Points]:
    """Return what turns ``shown`` into ``seen``.

    Refused: new or moved points outside the image, a new point at a pixel that has one, unknown classes.

    Parameters
    ----------
    shown : Points
        The rows that the layer was given.
    seen : Seen
        The rows that it has now.
    shape : (int, int)
        Rows and columns of the image.
    classes : collection of str
        Classes of the project.
    """
    index = _row_in(shown, seen.ids)
    new = index < 0
    outside = ~is_inside(seen.coordinates, shape)
    twice = new & ~outside & _repeats_pixel(seen.coordinates, new)
    moved = _moved(shown, seen, index)
    refusals = (
        _refusal(
            outside & (new | moved), seen.coordinates, "outside the image, which has {} × {} pixels", shape
        ),
        _refusal(twice, seen.coordinates, "at a pixel that is marked already"),
    )
    change = _change(
        shown, seen, index, new & ~outside & ~twice, moved & ~outside, {*classes, BACKGROUND}, "point"
    )
    return replace(change, refusals=(*(r for r in refusals if r), *change.refusals))


def compare_boxes(
    shown: Boxes, seen: Seen, shape: Shape, classes: Collection[str], least: float = 1.0
) -> Change[Boxes]:
    """Return what turns ``shown`` into ``seen``; boxes are cut at the edge of the image.

    Refused: boxes with a side shorter than ``least`` pixels inside the image, a new box that all but covers
    another one, unknown classes.
    """
    index = _row_in(shown, seen.ids)
    new, moved = index < 0, _moved(shown, seen, index)
    edge = np.array([shape[0], shape[1]]) - 0.5
    low = np.clip(seen.coordinates[:, :2], -0.5, edge)
    high = np.clip(seen.coordinates[:, 2:], -0.5, edge)
    small = ((high - low) < np.where(new, max(least, 1.0), 1.0)[:, None]).any(1)
    refusal = _refusal(
        small & (new | moved), seen.coordinates, "too small inside the image: draw it over a cell"
    )
    cut = replace(seen, coordinates=np.concatenate([low, high], axis=1))
    twice = new & ~small & _repeats_box(cut.coordinates, new)
    refusals = (
        refusal,
        _refusal(twice, seen.coordinates, "drawn over one that is there: select that to change it"),
    )
    known = {*classes, IGNORE}
    change = _change(shown, cut, index, new & ~small & ~twice, moved & ~small, known, "box")
    return replace(change, refusals=(*(r for r in refusals if r), *change.refusals))


def is_inside(coordinates: FloatArray, shape: Shape) -> BoolArray:
    """Return which points (N, 2) lie on a pixel of an image of this shape."""
    pixel = np.floor(coordinates[:, :2] + 0.5)
    return np.asarray(((pixel >= 0) & (pixel < shape)).all(1))


def _row_in(shown: Points | Boxes, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
    """Return for each id its row in ``shown``, -1 for unknown ones and for equal ones but the first."""
    index = np.full(len(ids), -1, dtype=np.intp)
    if not len(shown) or not len(ids):
        return index
    order = np.argsort(shown.ids)
    at = order[np.clip(np.searchsorted(shown.ids, ids, sorter=order), 0, len(shown) - 1)]
    first = np.zeros(len(ids), dtype=bool)
    first[np.unique(ids, return_index=True)[1]] = True
    known = (shown.ids[at] == ids) & first
    index[known] = at[known]
    return index


def _moved(shown: Points | Boxes, seen: Seen, index: npt.NDArray[np.intp]) -> BoolArray:
    # napari keeps the corners of shapes in single precision.
    moved = np.zeros(len(index), dtype=bool)
    old = index >= 0
    was, now = shown.coordinates[index[old]].astype(np.float32), seen.coordinates[old].astype(np.float32)
    moved[old] = (was != now).any(1)
    return moved


def _repeats_pixel(coordinates: FloatArray, new: BoolArray) -> BoolArray:
    """Return which of the new points lie at the same pixel as an old one or an earlier new one."""
    pixels = np.floor(coordinates + 0.5).astype(np.int64)
    order = np.lexsort((np.arange(len(new)), new))  # old ones first
    repeats = np.ones(len(new), dtype=bool)
    if len(new):
        repeats[order[np.unique(pixels[order], axis=0, return_index=True)[1]]] = False
    return repeats & new


def _repeats_box(coordinates: FloatArray, new: BoolArray) -> BoolArray:
    """Return which of the new boxes are, but for some pixels, an old one or an earlier new one."""
    repeats = np.zeros(len(new), dtype=bool)
    y0, x0, y1, x1 = coordinates.T
    areas = (y1 - y0) * (x1 - x0)
    for i in np.flatnonzero(new):
        height = np.minimum(y1, y1[i]) - np.maximum(y0, y0[i])
        width = np.minimum(x1, x1[i]) - np.maximum(x0, x0[i])
        shared = np.clip(height, 0, None) * np.clip(width, 0, None)
        before = (~new | (np.arange(len(new)) < i)) & ~repeats
        repeats[i] = (before & (shared > _TWICE * (areas + areas[i] - shared))).any()
    return repeats


def _change(
    shown: Any, seen: Seen, index: npt.NDArray[np.intp], new: BoolArray, moved: BoolArray,
    classes: Collection[str], noun: str,
) -> Change[Any]:  # fmt: skip
    old = index >= 0
    reclassed = np.zeros(len(index), dtype=bool)
    reclassed[old] = shown.classes[index[old]] != seen.classes[old]
    strange = (reclassed | new) & ~np.isin(seen.classes.astype(str), list(classes))
    reclassed, new = reclassed & ~strange, new & ~strange
    touched = moved | reclassed
    gone = shown.take(~np.isin(shown.ids, shown.ids[index[old]]))
    was = shown.take(index[touched])
    became = was.changed(
        coordinates=np.where(moved[touched, None], seen.coordinates[touched], was.coordinates),
        classes=np.where(reclassed[touched], seen.classes[touched], was.classes),
    )
    made = type(shown)(seen.coordinates[new], classes=seen.classes[new])
    refusals = _refusal(strange, seen.coordinates, f"of class {_first(seen.classes[strange])!r}, which the "
                        "project does not have")  # fmt: skip
    counts = (("add", int(new.sum())), ("move" if noun == "point" else "change", int(moved.sum())),
              ("change class of", int((reclassed & ~moved).sum())), ("delete", len(gone)))  # fmt: skip
    return Change(
        type(shown).concatenate([gone, was]),
        type(shown).concatenate([became, made]),
        ", ".join(f"{verb} {_count(n, noun)}" for verb, n in counts if n),
        (refusals,) if refusals else (),
    )


def _count(number: int, noun: str) -> str:
    plural = f"{noun}es" if noun.endswith("x") else f"{noun}s"
    return noun if number == 1 else f"{number:,} {plural}"


def _first(values: Sequence[Any] | npt.NDArray[Any]) -> Any:
    return values[0] if len(values) else None


def _refusal(which: BoolArray, coordinates: FloatArray, why: str, shape: Shape | None = None) -> str:
    """Return a sentence for a person about the rows refused, ``""`` if there are none."""
    if not which.any():
        return ""
    place = coordinates[which][0]
    noun = "point" if len(place) == 2 else "box"
    where = ", ".join(f"{value:.1f}" for value in place)
    others = f" and {which.sum() - 1:,} more" if which.sum() > 1 else ""
    return f"Not taken: the {noun} at ({where}){others} is {why.format(*(shape or ()))}."
