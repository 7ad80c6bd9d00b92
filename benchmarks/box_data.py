"""Data sets of boxes, for the benchmarks: blood cells (BCCD), and cells in urine (UMID)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from common import find_data, skip

from napari_inkling.core import NOT_CELLS, HintSet
from napari_inkling.project.formats import read_annotations

__all__ = ["BoxData", "load_bccd", "load_umid"]


@dataclass(frozen=True)
class BoxData:
    """Images of one split with what is marked in them: file, shape, hints; ``classes`` in order."""

    files: Mapping[str, Path]
    shapes: Mapping[str, tuple[int, int]]
    hints: Mapping[str, HintSet]
    classes: tuple[str, ...]

    def pixels(self, name: str) -> npt.NDArray[np.uint8]:
        """Return an image, (Y, X, 3)."""
        from PIL import Image as Picture

        with Picture.open(self.files[name]) as picture:
            return np.asarray(picture.convert("RGB"))


def load_bccd(split: str, most: int | None = None) -> BoxData:
    """Return a split ("train", "val") of the blood images; skips the benchmark where they are absent."""
    folder = _folder("bccd", "Annotations")
    names = (folder / "ImageSets" / "Main" / f"{split}.txt").read_text(encoding="utf-8").split()
    files = {name: folder / "JPEGImages" / f"{name}.jpg" for name in sorted(names)[:most]}
    return _data(files, folder / "Annotations", "voc")


def load_umid(split: str, most: int | None = None) -> BoxData:
    """Return a split ("train", "val") of the urine images, likewise."""
    folder = _folder("umid_urine", "images")
    every = {path.stem: path for path in sorted((folder / "images").iterdir())}
    with (folder / f"{split}.csv").open(encoding="utf-8") as table:
        named = {Path(line.partition(",")[0]).stem for line in table}
    names = [name for name in every if name in named][:most]
    return _data({name: every[name] for name in names}, folder / f"{split}.csv", "points-csv")


def _folder(name: str, part: str) -> Path:
    folder = find_data(name, part)
    if folder is None:
        skip(f"the data set {name!r} is not in ../shared/data, nor in the folder that INKLING_DATA names")
    return folder


def _data(files: Mapping[str, Path], annotations: Path, format: str) -> BoxData:
    from PIL import Image as Picture

    shapes = {}
    for name, path in files.items():
        with Picture.open(path) as picture:
            shapes[name] = (picture.height, picture.width)
    found = read_annotations(annotations, format, shapes).hints
    hints = {name: found.get(name, HintSet()) for name in files}
    classes = {name for own in hints.values() for name in own.classes} - set(NOT_CELLS)
    return BoxData(files, shapes, hints, tuple(sorted(classes)))
