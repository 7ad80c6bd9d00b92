"""COCO: one JSON file with images, categories and annotations.

What other programs see: a box is a ``bbox``; a point is a ``keypoints`` of one point, with a ``bbox`` around
it (of the cell's radius where it is known, else of one pixel), because most readers drop annotations without
one; point and box of one cell are one annotation with both. Columns that COCO has no place for are under
``inkling`` in each annotation; ``score`` and ``attributes`` (as CVAT writes them) beside it. Background
points are no objects: they are in ``inkling`` at the top level, where no detector learns from them (so they
come last when they are read again). Each plane of a stack is an image with ``plane``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_inkling.core import BACKGROUND, CELL, FormatError, new_ids
from napari_inkling.project.formats.coco_writing import PIXEL, write
from napari_inkling.project.formats.corners import from_corners
from napari_inkling.project.formats.files import read_text
from napari_inkling.project.formats.known_images import KnownImages
from napari_inkling.project.formats.result import ImportResult
from napari_inkling.project.formats.rows import Collector, Row, with_columns

__all__ = ["read", "write"]


def read(
    path: Path,
    images: Mapping[str, tuple[int, int]] | None = None,
    *,
    files: Mapping[str, str] | None = None,
    class_name: str = CELL,
) -> ImportResult:
    """Read a COCO file of detection, keypoints or polygons (of which the bounding box is taken).

    Parameters
    ----------
    path : Path
        JSON file.
    images : mapping of str to (int, int), or None
        Height and width of the images that may be meant; None takes any.
    files : mapping of str to str
        Paths of these images.
    class_name : str
        Class of categories whose name is empty.

    Raises
    ------
    FormatError
        If the file is not COCO.
    """
    path = Path(path)
    content = _load(path)
    collector = Collector(KnownImages(images, files))
    keys = _planes(path, content, collector)
    categories = {
        c["id"]: str(c.get("name", c["id"])).strip() or class_name
        for c in _entries(path, content, "categories", ("id",)).values()
    }
    seen: set[str] = set()
    skipped = 0
    for where, entry in _entries(path, content, "annotations", ("image_id", "category_id")).items():
        if entry["image_id"] not in keys:
            raise FormatError(f"{path}, {where}: image_id {entry['image_id']!r} is none of the images' ids")
        if "id" in entry and repr(entry["id"]) in seen:
            collector.tally.add(
                "an annotation repeats the id of another, both were taken",
                "{n} annotations repeat the id of others, all were taken",
                f"{where} (id {entry['id']})",
            )
        seen.add(repr(entry.get("id")))
        key = keys[entry["image_id"]]
        if key is None:
            skipped += 1
            continue
        for row in _rows(path, where, entry, categories, collector):
            collector.add(key, row, where)
    for where, entry in _background(path, content).items():
        if (key := keys.get(entry.get("image_id"))) is not None:
            collector.add(key, _background_row(path, where, entry), where)
    result = collector.result()
    if not skipped:
        return result
    return replace(result, notices=(*result.notices, f"{skipped} annotations belong to the skipped images"))


def _load(path: Path) -> dict[str, Any]:
    expected = 'expected a COCO object {"images": […], "annotations": […], "categories": […]}'
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise FormatError(f"{path}, line {error.lineno}: not JSON ({error.msg}), {expected}") from error
    except RecursionError as error:
        raise FormatError(f"{path}: nested too deeply, {expected}") from error
    if not isinstance(content, dict):
        raise FormatError(f"{path} holds a {type(content).__name__} at its top, {expected}")
    return content


def _entries(
    path: Path, content: Mapping[str, Any], name: str, keys: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return the objects of a list by their place in the file, each with all ``keys``."""
    entries = content.get(name)
    if not isinstance(entries, list):
        raise FormatError(f"{path} has no list {name!r}, expected one as COCO demands")
    for i, entry in enumerate(entries):
        if not isinstance(entry, dict):
            raise FormatError(f"{path}, {name}[{i}] is {entry!r}, expected an object")
        for key in keys:
            if not isinstance(entry.get(key), int | str):
                raise FormatError(
                    f"{path}, {name}[{i}]: {key!r} is {entry.get(key)!r}, expected a number or text"
                )
    return {f"{name}[{i}]": entry for i, entry in enumerate(entries)}


def _planes(path: Path, content: Mapping[str, Any], collector: Collector) -> dict[object, str | None]:
    """Return the key of each image id, None where the image is not known."""
    keys: dict[object, str | None] = {}
    for where, entry in _entries(path, content, "images", ("id", "file_name")).items():
        if entry["id"] in keys:
            raise FormatError(
                f"{path}, {where}: the id {entry['id']!r} is there twice, expected one image per id"
            )
        own = entry.get("inkling")
        plane = entry.get("plane") or ()
        if not isinstance(plane, list | tuple) or not all(isinstance(i, int) for i in plane):
            raise FormatError(f"{path}, {where}: the plane is {plane!r}, expected whole numbers")
        guesses = [str(entry["file_name"])]
        if isinstance(own, dict) and isinstance(own.get("image"), str):
            guesses.insert(0, own["image"])
        name = next((g for g in guesses if len(collector.images.find(g)) == 1), guesses[-1])
        height, width = entry.get("height"), entry.get("width")
        shape = (height, width) if isinstance(height, int) and isinstance(width, int) else None
        keys[entry["id"]] = collector.plane(
            name, plane, where=where, shape=shape if all(shape or ()) else None
        )
    return keys


def _rows(
    path: Path, where: str, entry: Mapping[str, Any], categories: Mapping[Any, str], collector: Collector
) -> list[Row]:
    """Return what an annotation says: a point, a box, or both (of one cell, with one id)."""
    if entry.get("category_id") not in categories:
        raise FormatError(
            f"{path}, {where}: category_id {entry.get('category_id')!r} is none of the categories' ids"
        )
    if entry.get("iscrowd"):
        collector.tally.add(
            "skipped a crowd region, it is no single cell",
            "skipped {n} crowd regions, they are no single cells",
            where,
        )
        return []
    point, box = _keypoint(path, where, entry), _bbox(path, where, entry)
    own = entry.get("inkling")
    if own is not None and not isinstance(own, dict):
        raise FormatError(f"{path}, {where}: 'inkling' is {own!r}, expected an object")
    if point is not None and box is not None and _is_placeholder(box, own or {}):
        box = None
    made = [Row("point", point)] if point is not None else []
    made += [Row("box", box)] if box is not None else []
    if not made:
        collector.tally.add(
            "skipped an annotation without a box, a polygon or one keypoint",
            "skipped {n} annotations without a box, a polygon or one keypoint",
            where,
        )
    attributes = entry.get("attributes", {})
    if not isinstance(attributes, dict):
        raise FormatError(f"{path}, {where}: 'attributes' is {attributes!r}, expected an object")
    name, score = categories[entry["category_id"]], _score(path, where, entry)
    shared = int(new_ids(1)[0]) if len(made) == 2 else None
    rows = [replace(row, class_name=name, score=score, attributes=attributes, id=shared) for row in made]
    return [with_columns(row, own, f"{path}, {where}", tolerance=0.01) for row in rows] if own else rows


def _is_placeholder(box: Sequence[float], own: Mapping[str, Any]) -> bool:
    """Whether the box around a keypoint says nothing but where the point is."""
    single_pixel = max(box[2] - box[0], box[3] - box[1]) <= 2 * PIXEL
    return single_pixel if "kind" not in own else own["kind"] == "point"


def _score(path: Path, where: str, entry: Mapping[str, Any]) -> float:
    score = entry.get("score", 1.0)
    if score is None:
        return math.nan
    if isinstance(score, bool) or not isinstance(score, int | float):
        raise FormatError(f"{path}, {where}: the score is {score!r}, expected a number")
    return float(score)


def _numbers(path: Path, where: str, name: str, values: Any, count: int) -> list[float]:
    if (
        isinstance(values, list)
        and len(values) == count
        and all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    ):
        with suppress(OverflowError):
            return [float(v) for v in values]
    raise FormatError(f"{path}, {where}: {name!r} is {values!r}, expected {count} numbers")


def _keypoint(path: Path, where: str, entry: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return (y, x) of the only keypoint; skeletons of several say nothing of a cell's centre."""
    keypoints = entry.get("keypoints")
    if not isinstance(keypoints, list) or len(keypoints) != 3:
        return None
    x, y, visible = _numbers(path, where, "keypoints", keypoints, 3)
    return (y, x) if visible else None


def _bbox(path: Path, where: str, entry: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
    bbox = entry.get("bbox")
    if bbox is not None and bbox != []:
        x, y, width, height = _numbers(path, where, "bbox", bbox, 4)
        return from_corners(x, y, x + width, y + height)
    polygons = entry.get("segmentation")
    if not isinstance(polygons, list) or not polygons:
        return None
    flat = [v for polygon in polygons for v in (polygon if isinstance(polygon, list) else [polygon])]
    numbers = _numbers(path, where, "segmentation", flat, len(flat) // 2 * 2)
    if not numbers:
        return None
    across, down = numbers[::2], numbers[1::2]
    return from_corners(min(across), min(down), max(across), max(down))


def _background(path: Path, content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    own = content.get("inkling", {})
    if not isinstance(own, dict) or not isinstance(own.get("background", []), list):
        raise FormatError(f"{path}: 'inkling' is damaged, expected an object with the list 'background'")
    entries = {f"inkling.background[{i}]": e for i, e in enumerate(own.get("background", []))}
    for where, entry in entries.items():
        if not isinstance(entry, dict):
            raise FormatError(f"{path}, {where} is {entry!r}, expected an object")
    return entries


def _background_row(path: Path, where: str, entry: Mapping[str, Any]) -> Row:
    kind = "box" if entry.get("kind") == "box" else "point"
    place = tuple(_numbers(path, where, "coordinates", entry.get("coordinates"), 4 if kind == "box" else 2))
    row = Row(
        "box" if kind == "box" else "point",
        place,
        BACKGROUND,
        score=_score(path, where, entry),
        attributes=dict(entry.get("attributes") or {}),
    )
    return with_columns(row, entry, f"{path}, {where}")
