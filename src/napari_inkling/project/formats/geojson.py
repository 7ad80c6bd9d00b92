"""GeoJSON as QuPath writes and opens it: one file per plane, an object per cell.

A mask is a Polygon or MultiPolygon along the edges of its pixels, holes included; a box a Polygon of four
corners; a point a Point: in pixels of full resolution from the image's corner. A cell is one object, with the
outline of its mask, else its box, else its point; what else it has, and all columns that QuPath has no place
for, is under ``inkling`` in its ``properties``. Suggestions are detections, everything else, and every point,
is an annotation. A box around what nobody labelled is of QuPath's own class "Ignore*".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_inkling.core import CELL, IGNORE, FormatError
from napari_inkling.project.formats.collector import Collector, cell_of_mask
from napari_inkling.project.formats.files import find_files, read_json
from napari_inkling.project.formats.geojson_writing import QUPATH_IGNORE, write
from napari_inkling.project.formats.geometry import read_geometry
from napari_inkling.project.formats.known_images import KnownImages
from napari_inkling.project.formats.outlines import is_rectangle
from napari_inkling.project.formats.result import ImportResult
from napari_inkling.project.formats.rows import KINDS, Kind, Row, kinds_in, with_columns

__all__ = ["read", "write"]


def read(path: Path, images: KnownImages, class_name: str = CELL) -> ImportResult:
    """Read one file named like its image (or with ``inkling`` in it), or all ``.geojson`` files of a folder.

    Of other programs' objects, a rectangle is a box, any other polygon a mask with box and point, and each
    place of a Point or MultiPoint a point. Lines and the nuclei within QuPath's cells are left out.
    """
    collector = Collector(images)
    for file in find_files(path, [".geojson"], ["geojson"], "GeoJSON files"):
        content = _load(file)
        ref = images.find_file(file)
        own = content.get("inkling")
        names, plane = [ref.image], list(ref.plane)
        if isinstance(own, dict):
            names, plane = [str(own.get("image", ref.image)), ref.image], own.get("plane", plane)
        key = collector.plane(names, plane, where=file.name)
        if key is None:
            continue
        for i, feature in enumerate(content["features"]):
            where = f"{file.name} features[{i}]"
            for row in _Feature(file, f"features[{i}]", feature).rows(collector, key, class_name):
                collector.add(key, row, where)
    return collector.result()


def _load(path: Path) -> dict[str, Any]:
    """Return a collection of features; QuPath also writes bare lists of them, and single ones."""
    expected = 'expected GeoJSON: {"type": "FeatureCollection", "features": […]}'
    content = read_json(path, expected)
    if isinstance(content, list):
        content = {"features": content}
    elif isinstance(content, dict) and content.get("type") == "Feature":
        content = {"features": [content]}
    if not isinstance(content, dict) or not isinstance(content.get("features"), list):
        raise FormatError(f"{path} has no list 'features', {expected}")
    return content


class _Feature:
    """One object of a file."""

    def __init__(self, path: Path, where: str, feature: Any) -> None:
        self._where = f"{path}, {where}"
        self._short = f"{path.name} {where}"
        self._geometry = self._object(feature, "the feature").get("geometry")
        self._properties = self._object(feature.get("properties") or {}, "'properties'")
        self._own = self._object(self._properties.get("inkling") or {}, "'inkling'")

    def _object(self, value: Any, what: str) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            raise FormatError(f"{self._where}: {what} is {str(value)[:40]!r}, expected an object")
        return value

    def rows(self, collector: Collector, key: str, class_name: str) -> list[Row]:
        """Return the rows of the object; what it cannot be is told to the collector."""
        found = read_geometry(self._geometry, self._where)
        if found is None:
            collector.tally.add(
                "skipped an object that is neither a polygon nor a point",
                "skipped {n} objects that are neither polygons nor points",
                self._short,
            )
            return []
        columns: dict[str, Any] = {
            "class_name": self._class() or class_name,
            "score": self._score(),
            "attributes": self._object(self._own.get("attributes", {}), "'attributes'"),
        }
        if found.points:
            return [self._with_own(Row("point", place, **columns)) for place in found.points]
        if is_rectangle(found.polygons) if not self._own else "mask" not in self._kinds:
            return self._cell(Row("box", found.box, **columns))
        mask = collector.filled(key, found.polygons, self._short)
        if mask is None:
            collector.tally.add(
                "skipped an outline in which no pixel's centre lies, or outside the image",
                "skipped {n} outlines in which no pixel's centre lies, or outside the image",
                self._short,
            )
            return []
        return self._cell(replace(mask, **columns))

    @property
    def _kinds(self) -> tuple[Kind, ...]:
        return kinds_in(str(self._own.get("kind"))) or KINDS

    def _with_own(self, row: Row) -> Row:
        return with_columns(row, self._own, self._where) if self._own else row

    def _cell(self, row: Row) -> list[Row]:
        """Return the row of an outline with the others of its cell.

        They are as they were written, or made anew if another program moved the outline, as far as its bounds
        tell.
        """
        if not self._own:
            return cell_of_mask(row) if row.kind == "mask" else [row]
        point, box, row = cell_of_mask(self._with_own(row))
        unmoved = list(row.coordinates) == self._own.get("coordinates")
        others = [other for other in (point, box) if other.kind in self._kinds and other.kind != row.kind]
        return [*(replace(o, coordinates=self._place(o.kind)) if unmoved else o for o in others), row]

    def _place(self, kind: Kind) -> tuple[float, ...]:
        values, count = self._own.get(kind), 2 if kind == "point" else 4
        if isinstance(values, list) and len(values) == count and all(_is_number(v) for v in values):
            return tuple(float(v) for v in values)
        raise FormatError(
            f"{self._where}: the {kind} under 'inkling' is {values!r}, expected {count} numbers"
        )

    def _class(self) -> str:
        found = self._properties.get("classification")
        if isinstance(found, dict):
            names = found.get("names")
            found = found.get("name") or (": ".join(map(str, names)) if isinstance(names, list) else "")
        name = found.strip() if isinstance(found, str) else ""
        return IGNORE if name == QUPATH_IGNORE != self._own.get("class") else name

    def _score(self) -> float:
        score = self._own.get("score", 1.0)
        if score is None:
            return math.nan
        if not _is_number(score):
            raise FormatError(f"{self._where}: the score is {score!r}, expected a number")
        return float(score)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
