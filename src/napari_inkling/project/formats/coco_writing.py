"""Writing COCO; what is written where is told in :mod:`~napari_inkling.project.formats.coco`."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_inkling.core import BACKGROUND
from napari_inkling.project.formats.corners import to_corners
from napari_inkling.project.formats.files import write_text
from napari_inkling.project.formats.items import Item, class_names
from napari_inkling.project.formats.rows import Row, cells_of, row_columns

__all__ = ["PIXEL", "write"]

#: Half a pixel: the box around a point whose cell has no known radius is the pixel it lies in.
PIXEL = 0.5


def write(
    path: Path, items: Sequence[Item], *, classes: Sequence[str] = (), radius: float | None = None
) -> Path:
    """Write one JSON file (``annotations.json`` if ``path`` is a folder).

    Parameters
    ----------
    path : Path
        File or folder.
    items : sequence of Item
        Planes with their rows.
    classes : sequence of str
        Categories that come first, in this order, whether or not there are cells of them.
    radius : float or None
        Half the side in pixels of the ``bbox`` around points; the item's own radius, or half a pixel,
        without.
    """
    path = Path(path)
    path = path / "annotations.json" if path.is_dir() else path
    names = class_names(items, classes)
    category = {name: i for i, name in enumerate(names, 1)}
    annotations: list[dict[str, Any]] = []
    background: list[dict[str, Any]] = []
    for image_id, item in enumerate(items, 1):
        half = radius or item.radius or PIXEL
        for point, box in cells_of(item.hints):
            if (row := box or point) is None:
                continue
            if row.class_name == BACKGROUND:
                background += [_background(image_id, r) for r in (point, box) if r]
            else:
                ids = {"image_id": image_id, "category_id": category[row.class_name]}
                annotations.append({"id": len(annotations) + 1, **ids, **_annotation(row, point, half)})
    points = any(len(item.hints.points.cells) for item in items)
    content = {
        "info": {"description": "written by napari-inkling"},
        "images": [_image(i, item) for i, item in enumerate(items, 1)],
        "categories": [_category(category[name], name, points) for name in names],
        "annotations": annotations,
        "inkling": {"background": background},
    }
    return write_text(path, json.dumps(content, allow_nan=False, ensure_ascii=False) + "\n")


def _image(image_id: int, item: Item) -> dict[str, Any]:
    size = {"height": item.shape[0], "width": item.shape[1]} if item.shape else {}
    plane = {"plane": list(item.ref.plane)} if item.ref.plane else {}
    return {
        "id": image_id,
        "file_name": item.file_name,
        **size,
        **plane,
        "inkling": {"image": item.ref.image},
    }


def _category(category_id: int, name: str, points: bool) -> dict[str, Any]:
    keypoints = {"keypoints": ["centre"], "skeleton": []} if points else {}
    return {"id": category_id, "name": name, "supercategory": "", **keypoints}


def _annotation(row: Row, point: Row | None, half: float) -> dict[str, Any]:
    """Return an annotation of a box (with its point, if any) or of a point alone; ``row`` has the columns."""
    keypoints: dict[str, Any] = {}
    around: Sequence[float] = row.coordinates
    columns = row_columns(row)
    if point is not None:
        y, x = point.coordinates
        keypoints = {"keypoints": [x, y, 2], "num_keypoints": 1}
        if row is point:
            around = (y - half, x - half, y + half, x + half)
        else:
            columns["kind"] = "both"
    x0, y0, x1, y1 = to_corners(around)
    return {
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": (x1 - x0) * (y1 - y0),
        "iscrowd": 0,
        **keypoints,
        **_score_and_attributes(row),
        "inkling": columns,
    }


def _background(image_id: int, row: Row) -> dict[str, Any]:
    return {"image_id": image_id, **row_columns(row), **_score_and_attributes(row)}


def _score_and_attributes(row: Row) -> dict[str, Any]:
    score = None if math.isnan(row.score) else row.score
    return {"score": score, **({"attributes": dict(row.attributes)} if row.attributes else {})}
