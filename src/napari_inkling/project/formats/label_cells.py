"""What a label image says of cells, alone or together with the rows that were kept beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import FormatError, Masks
from napari_inkling.project.formats.collector import Collector, cell_of_mask
from napari_inkling.project.formats.rows import Row, rows_of

__all__ = ["Told", "add_cells", "whole_numbers"]

Labels = npt.NDArray[Any]
#: Rows that a table tells, each with its label if it is drawn; those of masks lack their pixels.
Told = Sequence[tuple[int | None, Row]]


def whole_numbers(path: object, plane: Labels) -> Labels:
    """Return a plane of a file as labels (Y, X) of whole numbers; raises FormatError for anything else."""
    if plane.ndim == 3:
        colours = plane[..., :3] if plane.shape[2] >= 3 else plane[..., :1]
        if (colours != colours[..., :1]).any():
            raise FormatError(
                f"{path} is a colour image of shape {plane.shape}, expected labels: one number per pixel"
            )
        plane = plane[..., 0]
    if plane.dtype.kind == "f":
        if not np.isfinite(plane).all() or (plane != np.floor(plane)).any():
            raise FormatError(f"{path} holds fractions, expected a label image with whole numbers")
        plane = plane.astype(np.int64)
    if plane.dtype.kind == "i" and plane.size and plane.min() < 0:
        raise FormatError(
            f"{path} holds the label {plane.min()}, expected 0 for background and numbers above"
        )
    return plane.astype(np.uint8) if plane.dtype.kind == "b" else plane


def add_cells(
    collector: Collector,
    key: str,
    labels: Labels,
    class_name: str,
    where: str,
    told: Told = (),
    classes: Mapping[int, str] | None = None,
) -> None:
    """Add the cells of a label image to a plane.

    A label that ``told`` does not have becomes a cell with mask, box and point, of the class in ``classes``
    or of ``class_name``. What ``told`` has comes back as it was written: masks get their pixels here,
    points and boxes do not need the image.

    Raises
    ------
    FormatError
        If the labels have another size than their image.
    """
    if (shape := collector.shape(key)) and labels.shape != shape:
        raise FormatError(
            f"{where} is {_size(labels.shape)} pixels, its image {key} is {_size(shape)}, "
            "expected labels of the same size"
        )
    found = _masks_by_label(labels if told else _separated(labels, collector, where))
    for label, row in told:
        if row.kind != "mask":
            collector.add(key, row, where)
        elif label in found:
            mask = found[label]
            collector.add(key, replace(row, coordinates=mask.coordinates, crop=mask.crop), where)
        else:
            collector.tally.add(
                "left out a mask of the table that has no pixel in its label image",
                "left out {n} masks of the table that have no pixel in their label image",
                f"{where} (label {label})",
            )
    known = {label for label, _ in told}
    for label in [label for label in found if label not in known]:
        name = (classes or {}).get(label, class_name)
        for row in cell_of_mask(replace(found[label], class_name=name, source="imported", id=None)):
            collector.add(key, row, where)


def _masks_by_label(labels: Labels) -> dict[int, Row]:
    masks = rows_of("mask", Masks.from_labels(labels))
    found = {}
    for mask in masks:
        assert mask.crop is not None
        y, x = int(mask.coordinates[0]), int(mask.coordinates[1]) + int(mask.crop[0].argmax())
        found[int(labels[y, x])] = mask
    return found


def _separated(labels: Labels, collector: Collector, where: str) -> Labels:
    """Return labels in which the parts of a mask with only one value are cells of their own."""
    from scipy import ndimage

    value = labels.max() if labels.size else 0
    if value == 0 or ((labels != 0) & (labels != value)).any():
        return labels
    parts, count = ndimage.label(labels)
    if count == 1:
        return labels
    collector.tally.add(
        "a mask holds one value only, each connected part was taken as a cell",
        "{n} masks hold one value only, each connected part was taken as a cell",
        f"{where} ({value}: {count} parts)",
    )
    return np.asarray(parts)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]}"
