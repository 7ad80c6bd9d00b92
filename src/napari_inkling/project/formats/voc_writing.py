"""Writing Pascal VOC; what is written where is told in :mod:`~napari_inkling.project.formats.voc`."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_inkling.core import IGNORE, HintSet, Points
from napari_inkling.project.formats.cells import cells_of
from napari_inkling.project.formats.corners import to_corners
from napari_inkling.project.formats.files import write_text
from napari_inkling.project.formats.items import Export, Item
from napari_inkling.project.formats.rows import Cell, Row, row_columns, rows_of
from napari_inkling.project.formats.run_lengths import mask_text
from napari_inkling.project.formats.xml_tree import element

__all__ = ["SIDES", "whole_corners", "write"]

SIDES = ("xmin", "ymin", "xmax", "ymax")


def write(path: Path, export: Export) -> Path:
    """Write one XML file per plane into a folder, or the only plane into ``path`` if that ends with .xml."""
    for file, item in export.files(path, [".xml"]).items():
        write_text(file, _document(item))
    return path


def _document(item: Item) -> str:
    own = {"image": item.ref.image, "plane": list(item.ref.plane)}
    parts = [element("filename", item.file_name)]
    if item.shape:
        height, width = item.shape
        sides = element("width", width, depth=2) + element("height", height, depth=2)
        parts.append(f"  <size>\n{sides}{element('depth', 3, depth=2)}  </size>\n")
    parts += [element("segmented", 0), element("inkling", json.dumps(own))]
    parts += [
        _element("point", row, _place(row), row_columns(row)) for row in rows_of("point", item.hints.points)
    ]
    parts += map(_object, cells_of(HintSet(Points(), item.hints.boxes, item.hints.masks)))
    return f"<annotation>\n{''.join(parts)}</annotation>\n"


def _object(cell: Cell) -> str:
    """Return the element of a cell with a box, a mask or both."""
    row, edges = cell.rows[0], cell.edges
    assert edges is not None
    own = {**row_columns(row), "kind": cell.kind, "coordinates": list(edges)}
    if cell.mask:
        own["mask"] = mask_text(cell.mask)
    return _element("object", row, _bounds(row, edges), own)


def _element(tag: str, row: Row, place: str, own: dict[str, Any]) -> str:
    own |= {
        "class": row.class_name,
        "score": None if math.isnan(row.score) else row.score,
        "attributes": row.attributes,
    }
    inside = [element("name", row.class_name, depth=2), place]
    if row.attributes:
        listed = "".join(map(_attribute, row.attributes.items()))
        inside.append(f"    <attributes>\n{listed}    </attributes>\n")
    inside.append(element("inkling", json.dumps(own), depth=2))
    return f"  <{tag}>\n{''.join(inside)}  </{tag}>\n"


def _place(row: Row) -> str:
    y, x = row.coordinates
    return element("y", repr(y), depth=2) + element("x", repr(x), depth=2)


def _bounds(row: Row, edges: Sequence[float]) -> str:
    flags = [element("pose", "Unspecified", depth=2)]
    raised = {f for f in ("truncated", "difficult") if str(row.attributes.get(f)) == "1"}
    raised |= {"difficult"} if row.class_name == IGNORE else set()  # evaluation leaves those out
    flags += [element(f, int(f in raised), depth=2) for f in ("truncated", "difficult")]
    sides = zip(SIDES, whole_corners(edges), strict=True)
    inside = "".join(element(side, value, depth=3) for side, value in sides)
    return f"{''.join(flags)}    <bndbox>\n{inside}    </bndbox>\n"


def whole_corners(box: Sequence[float]) -> tuple[int, int, int, int]:
    """Return xmin, ymin, xmax, ymax; a box that rounding would leave without area keeps one pixel."""
    x0, y0, x1, y1 = (math.floor(v + 0.5) for v in to_corners(box))
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)


def _attribute(pair: tuple[str, Any]) -> str:
    name, value = pair
    inside = element("name", name, depth=4) + element("value", value, depth=4)
    return f"      <attribute>\n{inside}      </attribute>\n"
