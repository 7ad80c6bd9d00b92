"""Data sets of cells as points, for the benchmarks: two phase contrasts, fluorescence, and tissue."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import find_data, load_data, skip

from napari_inkling.core import IGNORE, Boxes, HintSet, Image, PlaneRef, Points
from napari_inkling.evaluation import cell_centres
from napari_inkling.project.formats import read_annotations

__all__ = ["DATA", "PointData", "load"]

#: Mean radius of a cell in each set, in pixels. The matching radius; and what a person sets with the circle.
RADII = {"psc_phase": 10.0, "dsb2018_fluo": 11.0, "monuseg": 11.0, "usiigaci_phase": 22.0}
DATA = tuple(RADII)
#: The frames to learn from, and those to judge on, of sets that have no split.
FRAMES = {
    "psc_phase": {"train": ("t000", "t110"), "val": ("t060", "t150")},
    "usiigaci_phase": {"train": ("set01", "set18"), "val": ("set09", "set30")},
}
#: Nobody annotated so many pixels along the edges of psc_phase.
MARGIN = 45


@dataclass(frozen=True)
class PointData:
    """One split: images, every cell of them as a point, and the matching ``radius`` in pixels."""

    images: Mapping[str, Image]
    truth: Mapping[str, HintSet]
    radius: float

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """Rows and columns of each image."""
        return {name: (image.height, image.width) for name, image in self.images.items()}


def load(name: str, split: str, most: int | None = None) -> PointData:
    """Return a split ("train", "val") of a data set; skips the benchmark where the data are absent."""
    images, truth = _frames(name, split) if name in FRAMES else _of_index(name, split)
    kept = list(images)[:most]
    return PointData({n: images[n] for n in kept}, {n: truth[n] for n in kept}, RADII[name])


def _of_index(name: str, split: str) -> tuple[dict[str, Image], dict[str, HintSet]]:
    found = load_data(name, split)
    images = {stem: Image(PlaneRef(stem), found.pixels(stem)) for stem in found.files}
    return images, {stem: HintSet(cell_centres(found.truth[stem])) for stem in found.files}


def _frames(name: str, split: str) -> tuple[dict[str, Image], dict[str, HintSet]]:
    from tifffile import imread

    folder = find_data(name, "images")
    if folder is None:
        skip(f"the data set {name!r} is not in ../shared/data, nor in the folder that INKLING_DATA names")
    frames = FRAMES[name][split]
    images = {stem: Image(PlaneRef(stem), imread(folder / "images" / f"{stem}.tif")) for stem in frames}
    if (folder / "centroids.csv").exists():
        return images, {stem: _centroids(folder, stem, images[stem]) for stem in frames}
    shapes = {stem: (image.height, image.width) for stem, image in images.items()}
    masks = read_annotations(folder / "labels", "masks", shapes).hints
    return images, {stem: HintSet(cell_centres(masks[stem])) for stem in frames}


def _centroids(folder: Path, stem: str, image: Image) -> HintSet:
    """Return the cells within the annotated region, and boxes around what nobody labelled."""
    with (folder / "centroids.csv").open(newline="", encoding="utf-8") as table:
        rows = [(float(row["y"]), float(row["x"])) for row in csv.DictReader(table) if row["image"] == stem]
    places, far = np.array(rows), np.array([image.height, image.width]) - 0.5 - MARGIN
    inside = ((places >= MARGIN - 0.5) & (places <= far)).all(axis=1)
    return HintSet(Points(places[inside]), Boxes(_frame(image, far), classes=IGNORE))


def _frame(image: Image, far: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Sequence[Sequence[float]]:
    """Return four boxes around the image's margin."""
    bottom, right = image.height - 0.5, image.width - 0.5
    return [
        (-0.5, -0.5, MARGIN - 0.5, right),
        (far[0], -0.5, bottom, right),
        (-0.5, -0.5, bottom, MARGIN - 0.5),
        (-0.5, far[1], bottom, right),
    ]
