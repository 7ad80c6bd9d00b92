"""Pascal VOC: one XML file per image, with boxes.

VOC knows neither points nor masks nor scores nor where a box comes from. What it lacks goes into elements
that other programs skip: ``<inkling>`` holds such columns as JSON, and a mask; ``<point>`` (beside
``<object>``) is a point. Boxes are written in whole pixels, as readers expect; the exact ones are in
``<inkling>``. Attributes are written as CVAT does. A box around what nobody labelled is an object "ignore"
that is ``difficult``; other objects with that flag are cells, which keep it as an attribute.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_inkling.core import CELL, FormatError
from napari_inkling.project.formats.collector import Collector, mask_row
from napari_inkling.project.formats.corners import from_corners
from napari_inkling.project.formats.files import find_files
from napari_inkling.project.formats.known_images import KnownImages
from napari_inkling.project.formats.result import ImportResult
from napari_inkling.project.formats.rows import Row, kinds_in, with_columns
from napari_inkling.project.formats.run_lengths import mask_from_text
from napari_inkling.project.formats.voc_writing import SIDES, whole_corners, write
from napari_inkling.project.formats.xml_tree import Node, read_xml, xml_text

__all__ = ["read", "write"]

#: Flags of VOC that become attributes where they are set.
_FLAGS = ("truncated", "difficult", "occluded")


def read(path: Path, images: KnownImages, class_name: str = CELL) -> ImportResult:
    """Read one XML file, or all of a folder (or of the folder ``Annotations`` in it)."""
    collector = Collector(images)
    for file in find_files(path, [".xml"], ["Annotations"], "Pascal VOC files"):
        _read_file(file, collector, class_name)
    return collector.result()


def _read_file(path: Path, collector: Collector, class_name: str) -> None:
    root = read_xml(path, "annotation")
    own = _json(root)
    # Copies and renamed images keep the old <filename>, so the XML file's own name goes before it.
    names = [str(name) for name in (own.get("image"), path.stem, root.string("filename")) if name]
    key = collector.plane(names, own.get("plane", ()), where=path.name, shape=_size(root))
    if key is None:
        return
    for node in root.children:
        if node.tag not in ("object", "point"):
            continue
        where = f"{path.name} line {node.line}"
        for row in (
            _object(node, class_name, collector) if node.tag == "object" else [_point(node, class_name)]
        ):
            collector.add(key, row, where)


def _size(root: Node) -> tuple[int, int] | None:
    size = root.get("size")
    if size is None:
        return None
    height, width = int(size.need("height").number()), int(size.need("width").number())
    return (height, width) if height and width else None  # some programs write zeros


def _point(node: Node, class_name: str) -> Row:
    place = (node.need("y").number(), node.need("x").number())
    return _with_own(node, Row("point", place, attributes=_attributes(node)), _json(node), class_name)


def _object(node: Node, class_name: str, collector: Collector) -> list[Row]:
    """Return the box of an object, the mask that we wrote with it, or both."""
    bounds, own = node.need("bndbox"), _json(node)
    x0, y0, x1, y1 = (bounds.need(side).number() for side in SIDES)
    stated = Row("box", from_corners(x0, y0, x1, y1), attributes=_attributes(node))
    box = _with_own(node, stated, own, class_name)
    kinds = kinds_in(str(own.get("kind", "box")))
    if "mask" not in kinds:
        return [box]
    try:
        pixels = mask_row(*mask_from_text(str(own.get("mask"))))
    except FormatError as error:
        raise FormatError(f"{node.where}: <inkling> is damaged: {error}") from error
    if list(box.coordinates) != own.get("coordinates"):
        collector.tally.add(
            "another program moved a box, the mask that was in it was left out",
            "another program moved {n} boxes, the masks that were in them were left out",
            f"{node.path.name} line {node.line}",
        )
        return [box]
    mask = replace(box, kind="mask", coordinates=pixels.coordinates, crop=pixels.crop)
    return [box, mask] if "box" in kinds else [mask]


def _with_own(node: Node, row: Row, own: dict[str, Any], class_name: str) -> Row:
    """Return the row with class and columns."""
    name = node.string("name") or class_name
    if not own:
        return replace(row, class_name=name)
    row = with_columns(row, own, node.where, stated=_stated if row.kind == "box" else tuple)
    # Another program may have changed the name; as long as it did not, the exact one counts.
    exact = own.get("class", name)
    score, attributes = own.get("score", 1.0), own.get("attributes", row.attributes)
    if not isinstance(attributes, dict) or not (score is None or isinstance(score, int | float)):
        raise FormatError(f"{node.where}: <inkling> is damaged: its score or attributes have the wrong type")
    same = isinstance(exact, str) and xml_text(exact).strip() == xml_text(name)
    return replace(
        row,
        class_name=exact if same else name,
        score=math.nan if score is None else float(score),
        attributes=attributes,
    )


def _stated(box: tuple[float, ...]) -> Sequence[float]:
    return from_corners(*whole_corners(box))


def _json(node: Node) -> dict[str, Any]:
    child = node.get("inkling")
    if child is None:
        return {}
    try:
        value = json.loads(child.text)
    except ValueError as error:
        raise FormatError(f"{child.where}: <inkling> holds no JSON ({error})") from error
    if not isinstance(value, dict):
        raise FormatError(f"{child.where}: <inkling> holds {child.text.strip()!r}, expected a JSON object")
    return value


def _attributes(node: Node) -> dict[str, Any]:
    flags = {flag: "1" for flag in _FLAGS if node.string(flag, "0").lower() in ("1", "true")}
    listed = node.get("attributes")
    named = {a.string("name"): a.string("value") for a in listed.all("attribute")} if listed else {}
    return flags | named
