"""Pascal VOC: one XML file per image, with boxes.

VOC knows neither points nor scores nor where a box comes from. What it lacks goes into elements that other
programs skip: ``<inkling>`` holds such columns as JSON, ``<point>`` (beside ``<object>``) a point. Boxes are
written in whole pixels, as readers expect; the exact ones are in ``<inkling>``. Attributes are written as
CVAT does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_inkling.core import CELL, FormatError
from napari_inkling.project.formats.corners import from_corners, to_corners
from napari_inkling.project.formats.files import find_files, safe_stems, write_text
from napari_inkling.project.formats.items import Item
from napari_inkling.project.formats.known_images import KnownImages
from napari_inkling.project.formats.result import ImportResult
from napari_inkling.project.formats.rows import Collector, Row, row_columns, rows_of, with_columns
from napari_inkling.project.formats.xml_tree import Node, element, read_xml, xml_text

__all__ = ["read", "write"]

_SIDES = ("xmin", "ymin", "xmax", "ymax")
#: Flags of VOC that become attributes where they are set.
_FLAGS = ("truncated", "difficult", "occluded")


def read(
    path: Path,
    images: Mapping[str, tuple[int, int]] | None = None,
    *,
    files: Mapping[str, str] | None = None,
    class_name: str = CELL,
) -> ImportResult:
    """Read one XML file, or all of a folder (or of the folder ``Annotations`` in it).

    Parameters
    ----------
    path : Path
        File or folder.
    images : mapping of str to (int, int), or None
        Height and width of the images that may be meant; None takes any.
    files : mapping of str to str
        Paths of these images.
    class_name : str
        Class of objects whose name is empty.

    Raises
    ------
    FormatError
        If a file is not Pascal VOC.
    """
    collector = Collector(KnownImages(images, files))
    for file in find_files(Path(path), [".xml"], ["Annotations"], "Pascal VOC files"):
        _read_file(file, collector, class_name)
    return collector.result()


def _read_file(path: Path, collector: Collector, class_name: str) -> None:
    root = read_xml(path, "annotation")
    own = _json(root)
    name, plane = own.get("image"), own.get("plane", ())
    if not isinstance(plane, list | tuple) or not all(isinstance(i, int) for i in plane):
        raise FormatError(f"{root.where}: the plane is {plane!r}, expected whole numbers")
    # Copies and renamed images keep the old <filename>, so the XML file's own name goes before it.
    guesses = [str(g) for g in (name, path.stem, root.string("filename")) if g]
    known = next((g for g in guesses if len(collector.images.find(g)) == 1), guesses[0])
    key = collector.plane(known, plane, where=path.name, shape=_size(root))
    if key is None:
        return
    for node in root.children:
        if node.tag == "object":
            row = _box(node, class_name)
        elif node.tag == "point":
            row = _point(node, class_name)
        else:
            continue
        collector.add(key, row, f"{path.name} line {node.line}")


def _size(root: Node) -> tuple[int, int] | None:
    size = root.get("size")
    if size is None:
        return None
    height, width = int(size.need("height").number()), int(size.need("width").number())
    return (height, width) if height and width else None  # some programs write zeros


def _box(node: Node, class_name: str) -> Row:
    bounds = node.need("bndbox")
    x0, y0, x1, y1 = (bounds.need(side).number() for side in _SIDES)
    return _with_own(node, Row("box", from_corners(x0, y0, x1, y1), attributes=_attributes(node)), class_name)


def _point(node: Node, class_name: str) -> Row:
    place = (node.need("y").number(), node.need("x").number())
    return _with_own(node, Row("point", place, attributes=_attributes(node)), class_name)


def _with_own(node: Node, row: Row, class_name: str) -> Row:
    """Return the row with class and columns."""
    name = node.string("name") or class_name
    own = _json(node)
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


def write(
    path: Path, items: Sequence[Item], *, classes: Sequence[str] = (), radius: float | None = None
) -> Path:
    """Write one XML file per plane into a folder, or the only plane into ``path`` if that ends with ``.xml``.

    ``classes`` and ``radius`` are not used: VOC lists no classes and draws no points.
    """
    path = Path(path)
    if path.suffix.lower() == ".xml":
        if len(items) != 1:
            raise FormatError(f"{path} is one file, but there are {len(items)} images; expected a folder")
        return write_text(path, _document(items[0]))
    stems = safe_stems([str(item.ref) for item in items])
    for item in items:
        write_text(path / f"{stems[str(item.ref)]}.xml", _document(item))
    return path


def _document(item: Item) -> str:
    own = {"image": item.ref.image, "plane": list(item.ref.plane)}
    parts = [element("filename", item.file_name)]
    if item.shape:
        height, width = item.shape
        sides = element("width", width, depth=2) + element("height", height, depth=2)
        parts.append(f"  <size>\n{sides}{element('depth', 3, depth=2)}  </size>\n")
    parts += [element("segmented", 0), element("inkling", json.dumps(own))]
    parts += [_element_of(row) for row in rows_of(item.hints)]
    return f"<annotation>\n{''.join(parts)}</annotation>\n"


def _element_of(row: Row) -> str:
    own = {
        **row_columns(row),
        "class": row.class_name,
        "score": None if math.isnan(row.score) else row.score,
        "attributes": row.attributes,
    }
    inside = [element("name", row.class_name, depth=2)]
    inside += _place(row)
    if row.attributes:
        listed = "".join(map(_attribute, row.attributes.items()))
        inside.append(f"    <attributes>\n{listed}    </attributes>\n")
    inside.append(element("inkling", json.dumps(own), depth=2))
    tag = "object" if row.kind == "box" else "point"
    return f"  <{tag}>\n{''.join(inside)}  </{tag}>\n"


def _place(row: Row) -> list[str]:
    if row.kind == "point":
        y, x = row.coordinates
        return [element("y", repr(y), depth=2), element("x", repr(x), depth=2)]
    flags = [element("pose", "Unspecified", depth=2)]
    flags += [element(f, int(str(row.attributes.get(f)) == "1"), depth=2) for f in ("truncated", "difficult")]
    whole = zip(_SIDES, _whole_corners(row.coordinates), strict=True)
    sides = "".join(element(side, value, depth=3) for side, value in whole)
    return [*flags, f"    <bndbox>\n{sides}    </bndbox>\n"]


def _whole_corners(box: Sequence[float]) -> tuple[int, int, int, int]:
    """Return xmin, ymin, xmax, ymax; a box that rounding would leave without area keeps one pixel."""
    x0, y0, x1, y1 = (math.floor(v + 0.5) for v in to_corners(box))
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)


def _stated(box: tuple[float, ...]) -> Sequence[float]:
    return from_corners(*_whole_corners(box))


def _attribute(pair: tuple[str, Any]) -> str:
    name, value = pair
    inside = element("name", name, depth=4) + element("value", value, depth=4)
    return f"      <attribute>\n{inside}      </attribute>\n"
