"""Measurements of every cell that has a mask: size, shape, and how bright it is in each channel."""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TextIO

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Image, Masks
from napari_inkling.core.mask_places import places_among

__all__ = ["Measurements", "measure", "measuring", "remeasuring", "write_measurements"]

IntArray = npt.NDArray[np.int64]

#: So many cells are measured in one piece of the work, some 20 ms.
PIECE = 100
#: The masks of a piece begin in the same band of so many rows, so that it reads a small part of the image.
_BAND = 256


@dataclass(frozen=True, eq=False)
class Measurements:
    """A table of one plane: one row for each mask, in the masks' order; ``columns`` by name, all of (N,).

    ``id``, ``class``, ``source``, ``score``; ``y_px``, ``x_px`` (the centroid); ``area_px`` and, where the
    pixel size is known, ``area_um2``; ``eccentricity`` of the ellipse with the same second moments, 0 for a
    disk and almost 1 for a line; ``mean_intensity`` or, of several channels, ``mean_intensity_R`` and
    so on, with numbers from 1 on where the channels have no names.
    """

    columns: Mapping[str, npt.NDArray[np.generic]]

    def __len__(self) -> int:
        return len(self.columns["id"])


def measure(masks: Masks, image: Image) -> Measurements:
    """Return what :func:`measuring` finds, all at once."""
    work = measuring(masks, image)
    while True:
        try:
            next(work)
        except StopIteration as end:
            found: Measurements = end.value
            return found


def measuring(masks: Masks, image: Image) -> Generator[int, None, Measurements]:
    """Measure masks piece by piece; yield how many are done, and return all measurements.

    Masks may overlap: each is measured whole. What of a mask lies outside of the image is not measured; of
    one that lies outside as a whole the area is 0 and the rest NaN.

    Parameters
    ----------
    masks : Masks
        Of one plane.
    image : Image
        The plane. Each piece reads only the part of it that its masks lie in.
    """
    names = ["y_px", "x_px", "area_px", "eccentricity", *_intensity_columns(image)]
    table = np.full((len(masks), len(names)), np.nan)
    table[:, names.index("area_px")] = 0
    order = np.lexsort((masks.coordinates[:, 1], masks.coordinates[:, 0] // _BAND))
    for start in range(0, len(masks), PIECE):
        piece = order[start : start + PIECE]
        for rows, figures in _measured(masks, piece, image):
            table[rows] = figures
        yield start + len(piece)
    figures_of = dict(zip(names, table.T, strict=True))
    if image.pixel_size_um is not None:
        at = names.index("area_px") + 1
        figures_of["area_um2"] = figures_of["area_px"] * image.pixel_size_um**2
        names.insert(at, "area_um2")
    return Measurements({**_about(masks), **{name: figures_of[name] for name in names}})


def remeasuring(
    masks: Masks, image: Image, before: Masks, known: Measurements
) -> Generator[int, None, Measurements]:
    """Do as :func:`measuring`, but take over what is known of masks that are as they were.

    Parameters
    ----------
    masks, image
        What to measure now.
    before, known : Masks, Measurements
        Masks that were measured on the same image, and what was found.
    """
    at = places_among(masks, before)
    if not set(_intensity_columns(image)) <= set(known.columns):
        at[:] = -1  # another image lies in its place
    fresh = np.flatnonzero(at < 0)
    work = measuring(masks.take(fresh), image)
    count = len(masks) - len(fresh)
    try:
        while True:
            yield count + next(work)
    except StopIteration as end:
        found: Measurements = end.value
    place = np.where(at < 0, 0, len(fresh) + at)  # among the new ones, then the known ones
    place[fresh] = np.arange(len(fresh))
    figures = {
        name: np.concatenate([column, known.columns[name]])[place] if count else column
        for name, column in found.columns.items()
    }
    return Measurements({**figures, **_about(masks)})


def _about(masks: Masks) -> dict[str, npt.NDArray[Any]]:
    return {"id": masks.ids, "class": masks.classes, "source": masks.sources, "score": masks.scores}


def _intensity_columns(image: Image) -> list[str]:
    names = image.channel_names or range(1, image.channels + 1)
    return ["mean_intensity"] if image.channels == 1 else [f"mean_intensity_{name}" for name in names]


def _measured(
    masks: Masks, rows: IntArray, image: Image
) -> Iterator[tuple[IntArray, npt.NDArray[np.float64]]]:
    """Yield rows, and y, x, area, eccentricity and the mean of each channel of each of them."""
    from skimage.measure import regionprops_table

    boxes = masks.coordinates[rows].astype(np.int64)
    top, left = boxes[:, :2].min(axis=0)
    bottom, right = np.minimum(boxes[:, 2:].max(axis=0), (image.height, image.width))
    if top >= bottom or left >= right:
        return
    pixels = image.read(slice(int(top), int(bottom)), slice(int(left), int(right)))
    pixels = pixels.astype(np.uint8) if pixels.dtype == bool else pixels
    for layer, painted in _layers(masks, rows, (top, left), (bottom - top, right - left)):
        found = regionprops_table(
            painted, pixels, properties=("label", "centroid", "area", "eccentricity", "intensity_mean")
        )
        figures = np.stack([np.asarray(column, dtype=np.float64) for column in list(found.values())[1:]], 1)
        figures[:, :2] += (top, left)
        yield layer[found["label"] - 1], figures


def _layers(
    masks: Masks, rows: IntArray, corner: tuple[int, int], shape: tuple[int, int]
) -> Iterator[tuple[IntArray, npt.NDArray[np.int32]]]:
    """Yield masks that do not overlap, and the label image of them: the first has the label 1.

    ``corner`` is the pixel of the plane where the label images of ``shape`` begin.
    """
    left = list(rows)
    while left:
        painted = np.zeros(shape, dtype=np.int32)
        later, layer = [], []
        for row in left:
            y, x = (masks.coordinates[row, :2] - corner).astype(int)
            crop = masks.crop(int(row))
            window = painted[y : y + crop.shape[0], x : x + crop.shape[1]]
            inside = crop[: window.shape[0], : window.shape[1]]
            if window[inside].any():
                later.append(row)
            else:
                layer.append(row)
                window[inside] = len(layer)
        yield np.array(layer), painted
        left = later


def write_measurements(file: TextIO, tables: Iterable[tuple[str, Measurements]]) -> int:
    """Write tables as one CSV with the name of the plane first; returns how many cells that are.

    A column that one plane has and another has not is empty there; so is what is not known.
    """
    planes = [(plane, table) for plane, table in tables if len(table)]
    names = list(dict.fromkeys(name for _, table in planes for name in table.columns))
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["image", *names])
    for plane, table in planes:
        columns = [
            table.columns[name].tolist() if name in table.columns else [None] * len(table) for name in names
        ]
        writer.writerows([plane, *map(_text, row)] for row in zip(*columns, strict=True))
    return sum(len(table) for _, table in planes)


def _text(value: object) -> object:
    """Return a value as a table shows it: numbers with six digits, nothing for what is not known."""
    if isinstance(value, float):
        return "" if np.isnan(value) else f"{value:.6g}"
    return value
