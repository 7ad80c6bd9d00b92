"""Writing labels; what is written where is told in :mod:`~napari_inkling.project.formats.omezarr_labels`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_inkling.core import NOT_CELLS, FormatError
from napari_inkling.project.formats.files import safe_stems
from napari_inkling.project.formats.items import Export, Item
from napari_inkling.project.formats.label_drawing import draw_labels, label_numbers
from napari_inkling.project.formats.masks_writing import RADIUS
from napari_inkling.project.formats.omezarr_metadata import (
    LabelFrame,
    attributes_of,
    frame_of_items,
    frame_of_store,
    image_group,
    is_zarr,
    ome_of,
)
from napari_inkling.project.formats.rows import all_rows, row_to_json
from napari_inkling.project.whole_files import write_whole_folder

__all__ = ["NAME", "write"]

#: What our label image is called among those of an image.
NAME = "inkling"


def write(path: Path, export: Export) -> Path:
    """Write a label image per image into a folder, or the only one into ``path`` if that ends with .zarr.

    If ``path`` is the OME-Zarr store of the image itself, they go into its group ``labels``.

    Raises
    ------
    FormatError
        If there are several images for one store, a size is not known, or something else is in the way.
    """
    images: dict[str, list[Item]] = {}
    for item in sorted(export.items, key=lambda item: item.ref):
        images.setdefault(item.ref.image, []).append(item)
    if path.suffix.lower() == ".zarr":
        if len(images) != 1:
            raise FormatError(f"{path} is one store, but there are {len(images)} images; expected a folder")
        (items,) = images.values()
        if _is_image(path):
            _write_into_image(path, items, export)
        else:
            _write_store(path, frame_of_items(items), items, export, {})
        return path
    stems = safe_stems(list(images))
    frames = {name: frame_of_items(items) for name, items in images.items()}
    for name, items in images.items():
        _write_store(path / f"{stems[name]}.zarr", frames[name], items, export, {})
    return path


def _is_image(path: Path) -> bool:
    if not is_zarr(path):
        return False
    attributes = attributes_of(path)
    return "inkling" not in attributes and "image-label" not in ome_of(attributes)


def _write_into_image(store: Path, items: Sequence[Item], export: Export) -> None:
    try:
        group, frame = image_group(store) / "labels", frame_of_store(store)
    except (LookupError, TypeError, ValueError, OSError) as error:
        raise FormatError(
            f"{store} is Zarr without an image of OME-Zarr, expected one to put labels into"
        ) from error
    size = dict(zip(frame.axes, frame.shape, strict=True))
    if (size["y"], size["x"]) != items[0].known_shape():
        height, width = items[0].known_shape()
        raise FormatError(
            f"the image in {store} is {size['x']} × {size['y']} pixels, {items[0].ref.image} is "
            f"{width} × {height}; expected the store of the image itself"
        )
    _write_store(group / NAME, frame, items, export, {"source": {"image": "../../"}})
    _list_labels(group, frame.zarr_format)
    if (store / ".zmetadata").is_file():  # readers of consolidated metadata would not see the labels
        import zarr

        zarr.consolidate_metadata(store, zarr_format=2)


def _list_labels(group: Path, zarr_format: Any) -> None:
    """Name our label image in the metadata of the group, beside those that are there."""
    import zarr

    node = zarr.open_group(group, mode="a", zarr_format=zarr_format)
    ome = ome_of(dict(node.attrs))
    names = [*(n for n in ome.get("labels", []) if n != NAME), NAME]
    if zarr_format == 2:
        node.attrs["labels"] = names
    else:
        node.attrs["ome"] = {"version": "0.5", **ome, "labels": names}


def _write_store(
    folder: Path, frame: LabelFrame, items: Sequence[Item], export: Export, more: Mapping[str, Any]
) -> None:
    if folder.exists() and not (is_zarr(folder) and "inkling" in attributes_of(folder)):
        raise FormatError(f"{folder} is there already and no labels of ours, expected another name")
    for item in items:
        frame.place(item.ref.plane)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        write_whole_folder(folder, partial(_fill, frame=frame, items=items, export=export, more=more))
    except OSError as error:
        raise FormatError(f"cannot write {folder}: {error.strerror or error}") from error


def _fill(
    folder: Path, *, frame: LabelFrame, items: Sequence[Item], export: Export, more: Mapping[str, Any]
) -> None:
    """Write pixels and metadata of one label image."""
    import zarr

    count = sum(len(label_numbers(item.hints)) for item in items)
    group = zarr.open_group(folder, mode="w", zarr_format=frame.zarr_format)
    encoding: Any = {"name": "v2" if frame.zarr_format == 2 else "default", "separator": "/"}
    array = group.create_array(
        "0",
        shape=frame.shape,
        chunks=frame.chunks,
        dtype=np.uint16 if count < 2**16 else np.uint32,
        chunk_key_encoding=encoding,
        dimension_names=list(frame.axes) if frame.zarr_format == 3 else None,
    )
    cells: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    for item in items:
        labels, numbers = draw_labels(item.hints, item.known_shape(), item.radius or RADIUS)
        first = len(cells)
        labels[labels > 0] += first
        array[frame.place(item.ref.plane)] = labels.astype(array.dtype)
        numbers = {cell: number + first for cell, number in numbers.items()}
        cells += _properties(item, numbers)
        rows += _rows(item, numbers)
    planes = [list(item.ref.plane) for item in items]
    own = {"image": items[0].ref.image, "stack": list(frame.stack), "planes": planes, "rows": rows}
    label: dict[str, Any] = {"version": "0.4"} if frame.zarr_format == 2 else {}
    if cells:
        label |= {"colors": [_colour(cell, export.colours) for cell in cells], "properties": cells}
    ome: dict[str, Any] = {"multiscales": frame.multiscales(NAME), "image-label": {**label, **more}}
    if frame.zarr_format == 3:
        ome = {"ome": {"version": "0.5", **ome}}
    group.attrs.update({**ome, "inkling": own})


def _properties(item: Item, numbers: Mapping[int, int]) -> list[dict[str, Any]]:
    """Return what other programs are told of each cell."""
    told = {}
    for row in all_rows(item.hints):
        number = numbers.get(row.id or 0)
        if number and row.class_name not in NOT_CELLS:
            score = {} if math.isnan(row.score) else {"score": row.score}
            told[number] = {"class": row.class_name, "source": row.source, **score}
    return [{"label-value": number, **told[number]} for number in sorted(told)]


def _rows(item: Item, numbers: Mapping[int, int]) -> list[dict[str, Any]]:
    plane = list(item.ref.plane)
    return [
        {
            "label": numbers.get(row.id or 0) if row.class_name not in NOT_CELLS else None,
            "plane": plane,
            **row_to_json(row),
        }
        for row in all_rows(item.hints)
    ]


def _colour(cell: Mapping[str, Any], colours: Mapping[str, str]) -> dict[str, Any]:
    return {"label-value": cell["label-value"], "rgba": [*bytes.fromhex(colours[cell["class"]][1:]), 255]}
