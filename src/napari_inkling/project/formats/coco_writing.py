"""Writing COCO; what is written where is told in :mod:`~napari_inkling.project.formats.coco`."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from napari_inkling.core import BACKGROUND, IGNORE
from napari_inkling.project.formats.cells import cells_of
from napari_inkling.project.formats.corners import Box, to_corners
from napari_inkling.project.formats.files import write_text
from napari_inkling.project.formats.items import Export, Item
from napari_inkling.project.formats.rows import Cell, Row, row_columns
from napari_inkling.project.formats.run_lengths import mask_text, run_lengths, text_of_lengths

__all__ = ["HALF_PIXEL", "write"]

#: Half a pixel: the box around a point whose cell has no known radius is the pixel it lies in.
HALF_PIXEL = 0.5


def write(path: Path, export: Export) -> Path:
    """Write one JSON file (``annotations.json`` if ``path`` is a folder).

    All classes of the project are categories, whether or not there are cells of them.
    """
    path = path / "annotations.json" if path.is_dir() else path
    ignored = any(IGNORE in item.hints.classes for item in export.items)
    category = {name: i for i, name in enumerate([*export.colours, *[IGNORE] * ignored], 1)}
    annotations: list[dict[str, Any]] = []
    background: list[dict[str, Any]] = []
    for image_id, item in enumerate(export.items, 1):
        for cell in cells_of(item.hints):
            name = cell.rows[0].class_name
            if name == BACKGROUND:
                background += [_background(image_id, row) for row in cell.rows]
            else:
                ids = {"id": len(annotations) + 1, "image_id": image_id, "category_id": category[name]}
                annotations.append({**ids, **_annotation(cell, item)})
    points = any(len(item.hints.points.cells) for item in export.items)
    content = {
        "info": {"description": "written by napari-inkling"},
        "images": [_image(i, item) for i, item in enumerate(export.items, 1)],
        "categories": [_category(number, name, points) for name, number in category.items()],
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


def _annotation(cell: Cell, item: Item) -> dict[str, Any]:
    """Return an annotation with everything that is known of a cell."""
    x0, y0, x1, y1 = to_corners(cell.edges or _around(cell, item))
    area = int(cell.mask.crop.sum()) if cell.mask and cell.mask.crop is not None else (x1 - x0) * (y1 - y0)
    exact = cell.box or cell.rows[0]
    return {
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": area,
        "iscrowd": int(exact.class_name == IGNORE),
        **(_segmentation(cell.mask, item) if cell.mask else {}),
        **(_keypoint(cell.point) if cell.point else {}),
        **_score_and_attributes(exact),
        "inkling": {**row_columns(exact), "kind": cell.kind},
    }


def _around(cell: Cell, item: Item) -> Box:
    """Return the box around a point, as far as it lies in the image."""
    (y, x), half = cell.rows[0].coordinates, item.radius or HALF_PIXEL
    height, width = item.shape or (math.inf, math.inf)
    if not (0 <= y + HALF_PIXEL <= height and 0 <= x + HALF_PIXEL <= width):
        return y - half, x - half, y + half, x + half  # nothing of the image is there to cut it to
    y0, x0 = max(y - half, -HALF_PIXEL), max(x - half, -HALF_PIXEL)
    return y0, x0, min(y + half, height - HALF_PIXEL), min(x + half, width - HALF_PIXEL)


def _keypoint(point: Row) -> dict[str, Any]:
    y, x = point.coordinates
    return {"keypoints": [x, y, 2], "num_keypoints": 1}


def _segmentation(mask: Row, item: Item) -> dict[str, Any]:
    """Return the run lengths of a mask; an image of unknown size reaches as far as its masks."""
    assert mask.crop is not None
    height, width = item.shape or item.hints.masks.coordinates[:, 2:].max(0).astype(int).tolist()
    top, left = (int(v) for v in mask.coordinates[:2])
    lengths = run_lengths((top, left), mask.crop, (height, width))
    return {"segmentation": {"size": [height, width], "counts": text_of_lengths(lengths)}}


def _background(image_id: int, row: Row) -> dict[str, Any]:
    pixels = {"mask": mask_text(row)} if row.kind == "mask" else {}
    return {"image_id": image_id, **row_columns(row), **pixels, **_score_and_attributes(row)}


def _score_and_attributes(row: Row) -> dict[str, Any]:
    score = None if math.isnan(row.score) else row.score
    return {"score": score, **({"attributes": dict(row.attributes)} if row.attributes else {})}
