"""One annotation of a COCO file, understood."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from napari_inkling.core import BACKGROUND, IGNORE, FormatError, new_ids
from napari_inkling.project.formats.coco_writing import HALF_PIXEL
from napari_inkling.project.formats.collector import Collector, cell_of_mask, mask_row
from napari_inkling.project.formats.corners import Box, from_corners
from napari_inkling.project.formats.outlines import Polygon, is_rectangle
from napari_inkling.project.formats.rows import Kind, Row, kinds_in, with_columns
from napari_inkling.project.formats.run_lengths import from_run_lengths, lengths_of_text, mask_from_text

__all__ = ["Annotation"]


class Annotation:
    """An entry of ``annotations``, or of our own ``background``.

    Parameters
    ----------
    path : Path
        The file, for messages.
    where : str
        Place in the file.
    entry : mapping
        The entry.
    collector : Collector
        Which knows the plane's size, and takes the notices.
    key : str
        The plane.
    """

    def __init__(
        self, path: Path, where: str, entry: Mapping[str, Any], collector: Collector, key: str
    ) -> None:
        self._where, self._short = f"{path}, {where}", where
        self._entry, self._collector, self._key = entry, collector, key

    def rows(self, class_name: str) -> list[Row]:
        """Return what the annotation says of its cell: rows of some kinds, with one id."""
        own = self._own()
        found = self._kinds()
        if not found:
            self._note(
                "skipped an annotation without a box, a polygon or one keypoint",
                "skipped {n} annotations without a box, a polygon or one keypoint",
            )
            return []
        boxes = [row for row in found if row.kind == "box"]
        if self._entry.get("iscrowd") and not own and boxes:
            self._note(
                "took a crowd region as a box to ignore: neither a cell nor background",
                "took {n} crowd regions as boxes to ignore: neither cells nor background",
            )
            class_name, found = IGNORE, boxes
        shared = int(new_ids(1)[0]) if len(found) > 1 else None
        rows = [
            replace(row, class_name=class_name, score=self._score(), attributes=self._attributes(), id=shared)
            for row in found
        ]
        return [with_columns(row, own, self._where, tolerance=0.01) for row in rows] if own else rows

    def background(self) -> Row:
        """Return the row of an entry of our own list."""
        kind = str(self._entry.get("kind", "point"))
        if kind == "mask":
            try:
                row = mask_row(*mask_from_text(str(self._entry.get("mask"))))
            except FormatError as error:
                raise FormatError(f"{self._where}: {error}") from error
        else:
            place = self._numbers("coordinates", self._entry.get("coordinates"), 4 if kind == "box" else 2)
            row = Row("box" if kind == "box" else "point", tuple(place))
        row = replace(row, class_name=BACKGROUND, score=self._score(), attributes=self._attributes())
        return with_columns(row, self._entry, self._where)

    def _kinds(self) -> list[Row]:
        """Return the rows that the annotation holds, without their columns."""
        point, box, mask = self._keypoint(), self._bbox(), self._mask()
        own = self._own().get("kind")
        if own is None:
            return self._of_another_program(point, box, mask)
        kinds: dict[Kind, Row | None] = {
            "point": Row("point", point) if point else None,
            "box": Row("box", box) if box else None,
            "mask": mask,
        }
        return [row for kind in kinds_in(str(own)) if (row := kinds[kind])]

    def _of_another_program(
        self, point: tuple[float, float] | None, box: Box | None, mask: Row | None
    ) -> list[Row]:
        if mask:
            middle, *rest = cell_of_mask(mask, box)
            return [replace(middle, coordinates=point or middle.coordinates), *rest]
        if point and box and max(box[2] - box[0], box[3] - box[1]) <= 2 * HALF_PIXEL:
            box = None  # a box of one pixel says nothing but where the point is
        return [*([Row("point", point)] if point else []), *([Row("box", box)] if box else [])]

    def _note(self, one: str, many: str) -> None:
        self._collector.tally.add(one, many, self._short)

    def _own(self) -> Mapping[str, Any]:
        own = self._entry.get("inkling")
        if own is not None and not isinstance(own, dict):
            raise FormatError(f"{self._where}: 'inkling' is {own!r}, expected an object")
        return own or {}

    def _attributes(self) -> dict[str, Any]:
        attributes = self._entry.get("attributes", {})
        if not isinstance(attributes, dict):
            raise FormatError(f"{self._where}: 'attributes' is {attributes!r}, expected an object")
        return attributes

    def _score(self) -> float:
        score = self._entry.get("score", 1.0)
        if score is None:
            return math.nan
        if isinstance(score, bool) or not isinstance(score, int | float):
            raise FormatError(f"{self._where}: the score is {score!r}, expected a number")
        return float(score)

    def _numbers(self, name: str, values: Any, count: int) -> list[float]:
        if (
            isinstance(values, list)
            and len(values) == count
            and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
        ):
            with suppress(OverflowError):
                return [float(v) for v in values]
        raise FormatError(f"{self._where}: {name!r} is {values!r}, expected {count} numbers")

    def _keypoint(self) -> tuple[float, float] | None:
        """Return (y, x) of the only keypoint; skeletons of several say nothing of a cell's centre."""
        keypoints = self._entry.get("keypoints")
        if not isinstance(keypoints, list) or len(keypoints) != 3:
            return None
        x, y, visible = self._numbers("keypoints", keypoints, 3)
        return (y, x) if visible else None

    def _bbox(self) -> Box | None:
        """Return the box that is stated, else the one around the polygons."""
        bbox = self._entry.get("bbox")
        if bbox is not None and bbox != []:
            x, y, width, height = self._numbers("bbox", bbox, 4)
            return from_corners(x, y, x + width, y + height)
        if not (rings := self._rings()):
            return None
        every = np.concatenate(rings)
        return from_corners(*every.min(0).tolist(), *every.max(0).tolist())

    def _mask(self) -> Row | None:
        segmentation = self._entry.get("segmentation")
        if isinstance(segmentation, dict):
            return self._run_lengths(segmentation)
        if not (rings := self._rings()):
            return None
        if not np.isfinite(np.concatenate(rings)).all():
            raise FormatError(f"{self._where}: 'segmentation' holds numbers that are not finite")
        polygons: list[Polygon] = [[ring] for ring in rings]
        if is_rectangle(polygons):
            return None
        if (mask := self._collector.filled(self._key, polygons, self._short)) is None:
            self._collector.tally.add(
                "a polygon is too small for a mask, or outside the image; its box was taken",
                "{n} polygons are too small for a mask, or outside the image; their boxes were taken",
                self._short,
            )
        return mask

    def _rings(self) -> list[Any]:
        """Return the polygons as arrays (N, 2) of x, y."""
        polygons = self._entry.get("segmentation")
        if not isinstance(polygons, list) or not polygons:
            return []
        listed = polygons if isinstance(polygons[0], list) else [polygons]
        flat = [
            self._numbers("segmentation", p, len(p) // 2 * 2 if isinstance(p, list) else 0) for p in listed
        ]
        return [np.array(numbers).reshape(-1, 2) for numbers in flat if numbers]

    def _run_lengths(self, segmentation: Mapping[str, Any]) -> Row | None:
        size, counts = segmentation.get("size"), segmentation.get("counts")
        if not isinstance(size, list) or len(size) != 2 or not all(type(n) is int and n > 0 for n in size):
            raise FormatError(f"{self._where}: the size of the mask is {size!r}, expected [height, width]")
        shape = self._collector.shape(self._key)
        if shape and tuple(size) != shape:
            raise FormatError(
                f"{self._where}: the mask is of an image of {size[1]} × {size[0]} pixels, {self._key} is "
                f"{shape[1]} × {shape[0]}"
            )
        try:
            found = from_run_lengths(self._counts(counts), (size[0], size[1]))
        except FormatError as error:
            raise FormatError(f"{self._where}: {error}") from error
        return mask_row(*found) if found else None

    def _counts(self, counts: Any) -> Sequence[int]:
        if isinstance(counts, str):
            return lengths_of_text(counts)
        if isinstance(counts, list) and all(type(n) is int and abs(n) < 2**53 for n in counts):
            return counts
        raise FormatError(f"the counts of the mask are {str(counts)[:40]!r}, expected text or whole numbers")
