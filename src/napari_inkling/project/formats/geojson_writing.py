"""Writing GeoJSON; what is written where is told in :mod:`~napari_inkling.project.formats.geojson`."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import IGNORE
from napari_inkling.project.formats.cells import cells_of
from napari_inkling.project.formats.corners import to_corners
from napari_inkling.project.formats.files import write_text
from napari_inkling.project.formats.items import Export, Item
from napari_inkling.project.formats.outlines import outlines
from napari_inkling.project.formats.rows import Cell, Row, row_columns

__all__ = ["QUPATH_IGNORE", "write"]

#: QuPath's name of the class of what its own classifiers leave out.
QUPATH_IGNORE = "Ignore*"

_SUFFIXES = (".geojson", ".json")
#: Colour of "not a cell" (r, g, b).
_GREY = [128, 128, 128]


def write(path: Path, export: Export) -> Path:
    """Write one file per plane into a folder, or the only plane into ``path`` if that is a file's name."""
    for file, item in export.files(path, _SUFFIXES).items():
        write_text(file, _document(item, export.colours))
    return path


def _document(item: Item, colours: Mapping[str, str]) -> str:
    features = [_feature(cell, item, colours) for cell in cells_of(item.hints)]
    own = {"image": item.ref.image, "plane": list(item.ref.plane)}
    content = {"type": "FeatureCollection", "features": features, "inkling": own}
    return json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":")) + "\n"


def _feature(cell: Cell, item: Item, colours: Mapping[str, str]) -> dict[str, Any]:
    row = cell.mask or cell.box or cell.rows[0]
    suggested = row.source == "model" and row.kind != "point"
    colour = colours.get(row.class_name)
    name = QUPATH_IGNORE if row.class_name == IGNORE else row.class_name
    classification = {"name": name, "color": list(bytes.fromhex(colour[1:])) if colour else _GREY}
    # The same cell has the same id in each export, so that QuPath knows it again.
    identity = uuid.uuid5(uuid.NAMESPACE_OID, f"{item.ref} {cell.kind} {row.id}")
    return {
        "type": "Feature",
        "id": str(identity),
        "geometry": _geometry(row),
        "properties": {
            "objectType": "detection" if suggested else "annotation",
            "classification": classification,
            **({"measurements": {"score": row.score}} if suggested and not math.isnan(row.score) else {}),
            "inkling": _own(cell, row),
        },
    }


def _own(cell: Cell, row: Row) -> dict[str, Any]:
    beside: dict[str, Any] = {
        other.kind: list(other.coordinates) for other in (cell.point, cell.box) if other and other != row
    }
    score = None if math.isnan(row.score) else row.score
    more: dict[str, Any] = {"attributes": dict(row.attributes)} if row.attributes else {}
    if row.class_name == QUPATH_IGNORE:
        more["class"] = QUPATH_IGNORE  # a person's own class of that name
    return {**row_columns(row), "kind": cell.kind, **beside, "score": score, **more}


def _geometry(row: Row) -> dict[str, Any]:
    if row.kind == "point":
        y, x = row.coordinates
        return {"type": "Point", "coordinates": [x + 0.5, y + 0.5]}
    if row.crop is None:
        x0, y0, x1, y1 = to_corners(row.coordinates)
        return {"type": "Polygon", "coordinates": [[[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]]}
    corner = np.array(row.coordinates[1::-1])
    polygons = [[_closed(ring + corner) for ring in polygon] for polygon in outlines(row.crop)]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _closed(ring: npt.NDArray[np.float64]) -> Sequence[Sequence[int]]:
    corners: list[list[int]] = ring.astype(np.int64).tolist()
    return [*corners, corners[0]]
