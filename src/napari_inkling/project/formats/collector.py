"""Rows on their way into hints: checked, gathered by plane, and every change told."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from napari_inkling.core import SOURCES, Boxes, FormatError, HintSet, Masks, PlaneRef, Points, new_ids
from napari_inkling.project.formats.known_images import KnownImages
from napari_inkling.project.formats.outlines import Polygon, filled
from napari_inkling.project.formats.result import ImportResult, Tally
from napari_inkling.project.formats.rows import KINDS, Kind, Row

__all__ = ["Collector", "cell_of_mask", "mask_row"]

R = TypeVar("R", Points, Boxes)
Shape = tuple[int, int]
_LARGEST = 2**63 - 1
#: What notices call a row.
_NOUNS = {"point": ("a point", "points"), "box": ("a box", "boxes"), "mask": ("a mask", "masks")}


def mask_row(top: int, left: int, crop: npt.NDArray[np.bool_], **columns: Any) -> Row:
    """Return the row of a mask with one pixel at least; empty edges of the crop are cut off."""
    rows, sides = np.flatnonzero(crop.any(1)), np.flatnonzero(crop.any(0))
    tight = crop[rows[0] : rows[-1] + 1, sides[0] : sides[-1] + 1]
    y, x = top + int(rows[0]), left + int(sides[0])
    return Row("mask", (y, x, y + tight.shape[0], x + tight.shape[1]), **columns, crop=tight)


def cell_of_mask(mask: Row, box: Sequence[float] | None = None) -> list[Row]:
    """Return a mask of another program with all that a cell of ours has: a box, and the point in its middle.

    Training, the simulated annotator and counting work with points and boxes (the points of Qu et al. 2020
    are the centres of the masks' bounding boxes); all three have one id.
    """
    y0, x0, y1, x1 = box or mask.edges
    mask = mask if mask.id is not None else replace(mask, id=int(new_ids(1)[0]))
    point = replace(mask, kind="point", coordinates=((y0 + y1) / 2, (x0 + x1) / 2), crop=None)
    return [point, replace(mask, kind="box", coordinates=(y0, x0, y1, x1), crop=None), mask]


class Collector:
    """Takes rows, one after the other, and gives the hints of each plane."""

    def __init__(self, images: KnownImages) -> None:
        self.images = images
        self.tally = Tally()
        self._rows: dict[str, dict[Kind, list[Row]]] = {}
        self._known: dict[str, Shape | None] = {}
        self._shapes: dict[str, Shape | None] = {}
        self._ids: set[tuple[str, Kind, int]] = set()
        self._boxes: set[tuple[str, str, tuple[float, ...]]] = set()

    def plane(
        self, names: str | Sequence[str], plane: object = (), *, where: str, shape: Shape | None = None
    ) -> str | None:
        """Return the key of a plane, or None (noted) if its image is not known.

        Parameters
        ----------
        names : str or sequence of str
            What the file calls the image, the most telling first; the first that is known counts.
        plane : sequence of int
            Index in the stack, as it was read.
        where : str
            Place in the file, for messages.
        shape : (int, int) or None
            Height and width that the file states.

        Raises
        ------
        FormatError
            If ``plane`` is something else.
        """
        if not isinstance(plane, list | tuple) or not all(type(i) is int for i in plane):
            raise FormatError(f"{where}: the plane is {plane!r}, expected whole numbers")
        guesses = [names] if isinstance(names, str) else names
        found = [self.images.find(guess) for guess in guesses]
        (name,) = next((fits for fits in found if len(fits) == 1), ("",))
        if not name:
            self._note_unknown(guesses[0], found[0])
            return None
        known = self.images.shape(name)
        if known and shape and known != shape:
            self.tally.add(
                "the annotations of an image were made at another size, check their places",
                "the annotations of {n} images were made at another size, check their places",
                f"{where} says {shape[1]} × {shape[0]}, {name} has {known[1]} × {known[0]}",
            )
        key = str(PlaneRef(name, tuple(plane)))
        self._rows.setdefault(key, {kind: [] for kind in KINDS})
        self._known[key] = known
        self._shapes[key] = known or shape or self._shapes.get(key)
        return key

    def shape(self, key: str) -> Shape | None:
        """Return height and width of a plane: the image's, else those that the file states."""
        return self._shapes[key]

    def filled(self, key: str, polygons: Sequence[Polygon], where: str) -> Row | None:
        """Return polygons (x, y from the image's corner) as a mask, None if no pixel's centre is in them."""
        try:
            found = filled(polygons, self._shapes[key])
        except ValueError as error:
            raise FormatError(f"{where}: {error}") from error
        points = np.concatenate([ring for polygon in polygons for ring in polygon])
        far = np.array(self._shapes[key] or (np.inf, np.inf))[::-1]
        if found and ((points < -1e-6).any() or (points > far + 1e-6).any()):
            self.note_cut(where)
        return mask_row(*found) if found else None

    def note_cut(self, where: str) -> None:
        """Tell that a mask was larger than its image."""
        self.tally.add(
            "a mask reaches beyond the image, it was cut off at its edge",
            "{n} masks reach beyond the image, they were cut off at its edge",
            where,
        )

    def add(self, key: str, row: Row, where: str) -> None:
        """Take a row of a plane, unless it is no place or box in the image; ``where`` names it in notices."""
        if not all(map(math.isfinite, row.coordinates)):
            raise FormatError(
                f"{where}: coordinates {list(row.coordinates)} are not finite, expected numbers of pixels"
            )
        for name, value in (("id", row.id or 0), ("round", row.round)):
            if not -_LARGEST <= value <= _LARGEST:
                raise FormatError(f"{where}: the {name} {value} is too large, expected at most {_LARGEST}")
        if not (math.isfinite(row.time) and math.isfinite(row.seconds)) or math.isinf(row.score):
            raise FormatError(f"{where}: score, time or seconds is not finite, expected numbers")
        if self._usable(self._known[key], row, where) and not self._repeats(key, row, where):
            self._rows[key][row.kind].append(self._mended(key, row, where))

    def result(self) -> ImportResult:
        """Return everything."""
        hints = {
            key: HintSet(_table(Points, kinds["point"]), _table(Boxes, kinds["box"]), _masks(kinds["mask"]))
            for key, kinds in self._rows.items()
        }
        sizes = {key: shape for key, shape in self._shapes.items() if shape}
        return ImportResult(hints, self.tally.notices(), sizes)

    def _note_unknown(self, image: str, fits: Sequence[str]) -> None:
        if fits:
            one, many = (
                "skipped an image whose name fits several",
                "skipped {n} images whose names fit several",
            )
            self.tally.add(one, many, f"{image} (fits {', '.join(fits)})")
        else:
            one, many = "skipped an image that is not known", "skipped {n} images that are not known"
            self.tally.add(one, many, image)

    def _usable(self, shape: Shape | None, row: Row, where: str) -> bool:
        (y0, x0), (y1, x1) = row.coordinates[:2], row.coordinates[-2:]
        if row.kind == "box" and (y0 >= y1 or x0 >= x1):
            self.tally.add("skipped a box without area", "skipped {n} boxes without area", where)
            return False
        if row.kind == "mask":
            y0, x0, y1, x1 = row.edges
        if shape is None:
            return True
        bottom, right = shape[0] - 0.5, shape[1] - 0.5
        touches = row.kind != "point" and (y0 == bottom or x0 == right)
        if y1 < -0.5 or x1 < -0.5 or y0 > bottom or x0 > right or touches:
            one, many = _NOUNS[row.kind]
            self.tally.add(
                f"skipped {one} outside the image", f"skipped {{n}} {many} outside the image", where
            )
            return False
        if row.kind == "box" and (min(y0, x0) < -0.5 - 1e-6 or y1 > bottom + 1e-6 or x1 > right + 1e-6):
            self.tally.add(
                "a box reaches beyond the image, it was kept as it is",
                "{n} boxes reach beyond the image, they were kept as they are",
                where,
            )
        return True

    def _repeats(self, key: str, row: Row, where: str) -> bool:
        """Whether another program's box is there already; two of ours with ids of their own are two."""
        if row.kind != "box" or row.id is not None:
            return False
        if (one := (key, row.class_name, row.coordinates)) in self._boxes:
            self.tally.add(
                "left out a box that repeats another of its class",
                "left out {n} boxes that repeat others of their class",
                where,
            )
            return True
        self._boxes.add(one)
        return False

    def _mended(self, key: str, row: Row, where: str) -> Row:
        if row.source not in SOURCES:
            says = f"the source {row.source!r} is none of {', '.join(SOURCES)}, it became 'imported'"
            self.tally.add(says, "{n} rows: " + says.replace("{", "{{").replace("}", "}}"), where)
            row = replace(row, source="imported")
        if row.id is not None and (key, row.kind, row.id) in self._ids:
            self.tally.add(
                "a row repeats the id of another, it got a new one",
                "{n} rows repeat the id of another, they got new ones",
                f"{where} (id {row.id})",
            )
            row = replace(row, id=None)
        elif row.id is not None:
            self._ids.add((key, row.kind, row.id))
        return row


def _table(kind: type[R], rows: Sequence[Row]) -> R:
    return kind([row.coordinates for row in rows], **_columns(rows)) if rows else kind()


def _masks(rows: Sequence[Row]) -> Masks:
    if not rows:
        return Masks()
    corners = [row.coordinates[:2] for row in rows]
    return Masks.from_crops(corners, [row.crop for row in rows if row.crop is not None], **_columns(rows))


def _columns(rows: Sequence[Row]) -> dict[str, Any]:
    fresh = iter(new_ids(sum(r.id is None for r in rows)).tolist())
    names = list(dict.fromkeys(name for r in rows for name in r.attributes))
    return {
        "classes": _objects([r.class_name for r in rows]),
        "sources": _objects([r.source for r in rows]),
        "scores": [r.score for r in rows],
        "rounds": [r.round for r in rows],
        "times": [r.time for r in rows],
        "seconds": [r.seconds for r in rows],
        "ids": [next(fresh) if r.id is None else r.id for r in rows],
        "attributes": {name: _objects([r.attributes.get(name, "") for r in rows]) for name in names},
    }


def _objects(values: Sequence[Any]) -> Any:
    column = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):  # a slice would unpack values that are lists
        column[i] = value
    return column
