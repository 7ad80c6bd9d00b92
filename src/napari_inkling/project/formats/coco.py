"""COCO: one JSON file with images, categories and annotations.

What other programs see: a box is a ``bbox``; a mask a ``segmentation`` in run lengths (RLE); a point is a
``keypoints`` of one point, with a ``bbox`` around it (of the cell's radius where it is known, else of one
pixel), because most readers drop annotations without one; the rows of one cell are one annotation with all
of them. Columns that COCO has no place for are under ``inkling`` in each annotation; ``score`` and
``attributes`` (as CVAT writes them) beside it. Background rows are no objects: they are in ``inkling`` at
the top level, where no detector learns from them (so they come last when they are read again). Each plane
of a stack is an image with ``plane``. A box around what nobody labelled is a crowd (``iscrowd``), which
trainers leave out and evaluation does not count, of a category "ignore".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_inkling.core import CELL, FormatError
from napari_inkling.project.formats.coco_annotation import Annotation
from napari_inkling.project.formats.coco_writing import write
from napari_inkling.project.formats.collector import Collector
from napari_inkling.project.formats.files import read_json
from napari_inkling.project.formats.known_images import KnownImages
from napari_inkling.project.formats.result import ImportResult

__all__ = ["read", "write"]


def read(path: Path, images: KnownImages, class_name: str = CELL) -> ImportResult:
    """Read a COCO file of boxes, masks (polygons or run lengths) and keypoints.

    A mask of another program becomes a mask, a box and a point, as one of a label image does. A crowd becomes
    a box to ignore.
    """
    content = _load(path)
    collector = Collector(images)
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
        if entry["category_id"] not in categories:
            raise FormatError(
                f"{path}, {where}: category_id {entry['category_id']!r} is none of the categories' ids"
            )
        if "id" in entry and repr(entry["id"]) in seen:
            collector.tally.add(
                "an annotation repeats the id of another, both were taken",
                "{n} annotations repeat the id of others, all were taken",
                f"{where} (id {entry['id']})",
            )
        seen.add(repr(entry.get("id")))
        if (key := keys[entry["image_id"]]) is None:
            skipped += 1
            continue
        annotation = Annotation(path, where, entry, collector, key)
        for row in annotation.rows(categories[entry["category_id"]]):
            collector.add(key, row, where)
    for where, entry in _background(path, content).items():
        if (key := keys.get(entry.get("image_id"))) is not None:
            collector.add(key, Annotation(path, where, entry, collector, key).background(), where)
    result = collector.result()
    if not skipped:
        return result
    return replace(result, notices=(*result.notices, f"{skipped} annotations belong to the skipped images"))


def _load(path: Path) -> dict[str, Any]:
    expected = 'expected a COCO object {"images": […], "annotations": […], "categories": […]}'
    content = read_json(path, expected)
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
        names = [str(entry["file_name"])]
        if isinstance(own, dict) and isinstance(own.get("image"), str):
            names.insert(0, own["image"])
        height, width = entry.get("height"), entry.get("width")
        shape = (height, width) if isinstance(height, int) and isinstance(width, int) else None
        keys[entry["id"]] = collector.plane(
            names, entry.get("plane") or (), where=where, shape=shape if all(shape or ()) else None
        )
    return keys


def _background(path: Path, content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    own = content.get("inkling", {})
    if not isinstance(own, dict) or not isinstance(own.get("background", []), list):
        raise FormatError(f"{path}: 'inkling' is damaged, expected an object with the list 'background'")
    entries = {f"inkling.background[{i}]": e for i, e in enumerate(own.get("background", []))}
    for where, entry in entries.items():
        if not isinstance(entry, dict):
            raise FormatError(f"{path}, {where} is {entry!r}, expected an object")
    return entries
