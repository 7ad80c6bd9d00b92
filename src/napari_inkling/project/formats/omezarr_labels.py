"""OME-Zarr labels: label images with the classes of their cells, alone or in the Zarr store of their image.

Each image is one label image of all its planes, in Zarr 2 (OME-Zarr 0.4) or Zarr 3 (0.5) as the image
itself, else in 0.4, which more programs read. The numbers go on from plane to plane. ``image-label`` says
colour, class and score of each for other programs; all rows are under ``inkling`` beside it, with which
everything is read as it was, but for pixels that two masks share: they belong to the later one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from napari_inkling.core import CELL, FormatError
from napari_inkling.project.formats.collector import Collector
from napari_inkling.project.formats.known_images import KnownImages
from napari_inkling.project.formats.label_cells import Labels, Told, add_cells, whole_numbers
from napari_inkling.project.formats.omezarr_labels_writing import write
from napari_inkling.project.formats.omezarr_metadata import attributes_of, is_zarr, ome_of
from napari_inkling.project.formats.result import ImportResult
from napari_inkling.project.formats.rows import row_from_json

__all__ = ["read", "write"]


def read(path: Path, images: KnownImages, class_name: str = CELL) -> ImportResult:
    """Read a label image, all in the group ``labels`` of an image, or those of all ``.zarr`` in a folder."""
    collector = Collector(images)
    for folder in _label_images(path):
        _read_labels(folder, collector, class_name)
    return collector.result()


def _label_images(path: Path) -> Iterator[Path]:
    """Yield the folders of label images."""
    if not path.is_dir():
        raise FormatError(f"{path} does not exist, expected OME-Zarr labels or a folder of them")
    found = (
        [path] if is_zarr(path) else sorted(p for p in path.iterdir() if p.suffix == ".zarr" and is_zarr(p))
    )
    if not found:
        raise FormatError(f"the folder {path} holds no .zarr, expected OME-Zarr labels")
    for folder in found:
        ome = ome_of(attributes_of(folder))
        group = folder / "labels" if (folder / "labels").is_dir() else folder
        names = ome_of(attributes_of(group)).get("labels")
        if "image-label" not in ome and isinstance(names, list):
            yield from (group / str(name) for name in names)
        else:
            yield folder


def _read_labels(folder: Path, collector: Collector, class_name: str) -> None:
    attributes = attributes_of(folder)
    own = attributes.get("inkling", {})
    own = own if isinstance(own, dict) else {}
    store = next((p for p in (folder, *folder.parents) if p.suffix == ".zarr"), folder)
    names = [*([str(own["image"])] if "image" in own else []), store.name]
    told = _told(own, f"{folder}: 'inkling'")
    for plane, labels in _planes(folder, own):
        labels = whole_numbers(folder, labels)
        shape = (labels.shape[0], labels.shape[1])
        key = collector.plane(names, plane, where=folder.name, shape=shape)
        if key is not None:
            here = told.get(plane, ())
            add_cells(collector, key, labels, class_name, folder.name, here, _classes(ome_of(attributes)))


def _planes(folder: Path, own: Mapping[str, Any]) -> Iterator[tuple[tuple[int, ...], Labels]]:
    """Yield planes with their index in the stack; an axis of length 1 counts only if we wrote it.

    Of our own labels, those that are empty and were not written are left out.
    """
    import zarr

    try:
        node = zarr.open(folder, mode="r")
        axes = "tczyx"
        if not isinstance(node, zarr.Array):
            multiscale = ome_of(dict(node.attrs))["multiscales"][0]
            node = node[multiscale["datasets"][0]["path"]]
            listed = multiscale.get("axes") or list(axes[-node.ndim :])
            axes = "".join((a["name"] if isinstance(a, Mapping) else a)[:1].lower() for a in listed)
        axes = axes[-node.ndim :]
        stack = own.get(
            "stack", [a for a, n in zip(axes, node.shape, strict=True) if a not in "cyx" and n > 1]
        )
        lengths = [node.shape[axes.index(a)] for a in stack]
        planes = own.get("planes", list(map(list, product(*map(range, lengths)))))
        for plane in product(*map(range, lengths)):
            at: dict[str, Any] = dict(zip(stack, plane, strict=True)) | {"y": slice(None), "x": slice(None)}
            labels = np.asarray(node[tuple(at.get(a, 0) for a in axes)])
            if labels.any() or list(plane) in planes:
                yield plane, labels if axes.index("y") < axes.index("x") else labels.T
    except Exception as error:  # zarr, its codecs and damaged metadata raise whatever they like
        raise FormatError(f"{folder} cannot be read ({error}), expected OME-Zarr labels") from error


def _told(own: Mapping[str, Any], where: str) -> dict[tuple[int, ...], Told]:
    """Return our rows by plane."""
    told: dict[tuple[int, ...], list[Any]] = {}
    rows = own.get("rows", [])
    for entry in rows if isinstance(rows, list) else [rows]:
        if not isinstance(entry, dict) or not isinstance(entry.get("plane"), list):
            raise FormatError(f"{where} is damaged: {str(entry)[:80]}")
        label = entry.get("label")
        row = row_from_json(entry, where)
        told.setdefault(tuple(entry["plane"]), []).append((label if isinstance(label, int) else None, row))
    return dict(told)


def _classes(ome: Mapping[str, Any]) -> dict[int, str]:
    """Return the classes of labels, as other programs write them."""
    labels = ome.get("image-label")
    listed = labels.get("properties") if isinstance(labels, dict) else None
    entries = [e for e in listed if isinstance(e, dict)] if isinstance(listed, list) else []
    return {e["label-value"]: str(e["class"]) for e in entries if "class" in e and "label-value" in e}
