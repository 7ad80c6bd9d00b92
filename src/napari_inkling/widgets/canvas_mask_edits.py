"""What a person painted into the masks' layer: its pixels now against those it was given. No napari."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Masks
from napari_inkling.core.mask_edits import LEAST, reshaped
from napari_inkling.core.mask_places import paint
from napari_inkling.widgets.label_plane import Box, LabelPlane

__all__ = ["MaskChange", "compare_masks"]


@dataclass(frozen=True)
class MaskChange:
    """One edit: masks that go, masks that come, what was done, and which suggestions ``after`` is of."""

    before: Masks
    after: Masks
    label: str = ""
    of: tuple[int, ...] = ()
    refusal: str = ""

    def __bool__(self) -> bool:
        return bool(len(self.before) or len(self.after))


def compare_masks(
    plane: LabelPlane,
    box: Box,
    taken_up: Mapping[int, Masks],
    owner_of: Callable[[int], Any],
) -> MaskChange:
    """Return what a person changed within a box.

    Parameters
    ----------
    plane : LabelPlane
        What the layer was given, and its image as it is now.
    box : (int, int, int, int)
        Where a person may have painted.
    taken_up : mapping
        The suggestion, one row, that was painted with a number before the stroke.
    owner_of : callable
        Returns the place (y, x) of the point of a cell, by id, or ``None``.
    """
    y0, x0, y1, x1 = box
    seen, given = plane.image[y0:y1, x0:x1], plane.expected(box)
    changed = seen != given
    before, after, of, verbs, small = [], [], [], [], 0
    for value in np.union1d(seen[changed], given[changed]).tolist():
        if value == 0:
            continue
        added, removed = changed & (seen == value), changed & (given == value)
        at = np.flatnonzero(plane.values == value)
        if len(at):
            row = plane.rows.take(at[:1])
            before.append(row)
            corner, pixels = _pixels(row, box, added, removed)
            now = reshaped(row, corner, pixels, owner_of(int(row.ids[0])))
            verbs.append("delete" if not len(now) else "paint" if added.any() else "erase part of")
        elif (suggested := taken_up.get(value)) is not None:
            now = reshaped(suggested, (y0, x0), added, owner_of(int(suggested.ids[0])))
            of.append(int(suggested.ids[0]))
            verbs.append("correct")
        elif added.sum() >= LEAST:
            name = plane.class_of(value)
            fresh = Masks.from_crops([(y0, x0)], [added], classes=name)
            now = reshaped(fresh, (y0, x0), added)
            verbs.append("draw")
        else:
            small += 1
            continue
        after.append(now)
    refusal = f"Not taken: a mask of fewer than {LEAST} pixels is no cell." if small else ""
    return MaskChange(Masks.concatenate(before), Masks.concatenate(after), _label(verbs), tuple(of), refusal)


def _pixels(
    row: Masks, box: Box, added: npt.NDArray[np.bool_], removed: npt.NDArray[np.bool_]
) -> tuple[tuple[int, int], npt.NDArray[np.bool_]]:
    """Return the pixels that a mask has now, hidden ones too, and where they begin."""
    own = row.coordinates[0].astype(int).tolist()
    top, left = min(own[0], box[0]), min(own[1], box[1])
    pixels = np.zeros((max(own[2], box[2]) - top, max(own[3], box[3]) - left), dtype=bool)
    paint(pixels, (top, left), row, 0, True)
    window = pixels[box[0] - top : box[2] - top, box[1] - left : box[3] - left]
    window |= added
    window &= ~removed
    return (top, left), pixels


def _label(verbs: list[str]) -> str:
    """Return what was done to how many masks, in words."""
    if len(verbs) == 1:
        return f"{verbs[0]} mask"
    return f"change {len(verbs)} masks" if verbs else ""
