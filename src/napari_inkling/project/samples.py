"""The sample data: small pictures with truth and a few hints, made by ``scripts/make_sample_data.py``.

They lie in ``napari_inkling/_sample_data`` of an installed package and in ``sample_data`` of a checkout.
One more is real: a stained section of colon that scikit-image brings along.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image as PillowImage
from scipy import ndimage

from napari_inkling.core import HintSet, PlaneRef, Points, ProjectError
from napari_inkling.project.formats import import_annotations
from napari_inkling.project.project import Project
from napari_inkling.project.records import ClassInfo

__all__ = ["Sample", "make_sample_project", "sample", "sample_folder", "sample_names"]


@dataclass(frozen=True)
class Sample:
    """One sample: images, truth, hints.

    Parameters
    ----------
    name, title : str
        For programs and for people.
    images : tuple of Path
        The images; the first is the one to look at.
    classes : tuple of ClassInfo
        The classes that its hints and its truth use.
    truth : mapping of str to Path
        By image name (the file's stem), the instance masks: uint16 PNG, 0 background, 1 … N the cells.
    hints : mapping of str to Path
        By import format (``"points-csv"``, ``"coco"``), files that hint at some of the cells.
    held_out : tuple of str
        Names of the images without hints, whose truth serves to validate.
    """

    name: str
    title: str
    images: tuple[Path, ...]
    classes: tuple[ClassInfo, ...]
    truth: Mapping[str, Path] = field(default_factory=dict)
    hints: Mapping[str, Path] = field(default_factory=dict)
    held_out: tuple[str, ...] = ()

    def truth_mask(self, image: str) -> npt.NDArray[np.uint16]:
        """Return the instance masks of an image, shape (Y, X)."""
        with PillowImage.open(self.truth[image]) as opened:
            return np.asarray(opened).astype(np.uint16)

    def truth_classes(self, image: str) -> tuple[str, ...]:
        """Return the class of label 1, 2, … of an image."""
        table = self.truth[image].with_suffix(".csv")
        if not table.exists():
            return (self.classes[0].name,) * int(self.truth_mask(image).max())
        with table.open(newline="", encoding="utf-8") as file:
            return tuple(row["class"] for row in csv.DictReader(file))

    def truth_points(self, image: str) -> Points:
        """Return every cell of an image as a point: the centre of its bounding box, in label order."""
        windows = ndimage.find_objects(self.truth_mask(image))
        centres = [[(s.start + s.stop - 1) / 2 for s in window] for window in windows]
        names = np.array(self.truth_classes(image), dtype=object)
        return Points(np.array(centres, dtype=np.float64), names).changed(sources="imported")


def sample_folder() -> Path:
    """Return where the sample data lie.

    Raises
    ------
    ProjectError
        If the package came without them.
    """
    installed = Path(str(files("napari_inkling"))) / "_sample_data"
    checkout = Path(__file__).resolve().parents[3] / "sample_data"
    for folder in (installed, checkout):
        if (folder / "samples.json").is_file():
            return folder
    raise ProjectError(f"the sample data are missing: expected them in {installed} or {checkout}")


def sample_names() -> tuple[str, ...]:
    """Return the names of all samples."""
    return tuple(_samples())


def sample(name: str) -> Sample:
    """Return a sample by name; raises :class:`~napari_inkling.core.ProjectError` for an unknown one."""
    if name not in _samples():
        raise ProjectError(f"there is no sample {name!r}: expected one of {', '.join(_samples())}")
    return _samples()[name]


def make_sample_project(name: str, folder: Path | str) -> Project:
    """Create a project of a sample in ``folder`` and return it open.

    It holds the sample's images, its hints as imported ones, and, as validation truth, every cell of the
    held-out images.
    """
    chosen = sample(name)
    project = Project.create(folder, [c.name for c in chosen.classes])
    project.set_classes(chosen.classes)
    project.add_images(chosen.images)
    for annotation_format, path in chosen.hints.items():
        import_annotations(project, path, annotation_format)
    for image in chosen.held_out:
        project.edit(PlaneRef(image), HintSet(), HintSet(chosen.truth_points(image)), "import truth")
        project.update_image(image, complete=True)
    return project


@cache
def _samples() -> Mapping[str, Sample]:
    folder = sample_folder()
    described = json.loads((folder / "samples.json").read_text(encoding="utf-8"))
    return {name: _read(name, entry, folder) for name, entry in described.items()} | _real()


def _read(name: str, entry: Mapping[str, Any], folder: Path) -> Sample:
    images = tuple(folder / image for image in entry["images"])
    return Sample(
        name=name,
        title=entry["title"],
        images=images,
        classes=tuple(ClassInfo(label, color) for label, color in entry["classes"].items()),
        truth={image.stem: folder / "truth" / f"{image.stem}.png" for image in images},
        hints={kind: folder / path for kind, path in entry["hints"].items()},
        held_out=tuple(entry["held_out"]),
    )


def _real() -> dict[str, Sample]:
    # Of the images of skimage.data, this one is part of the wheel: nothing is downloaded.
    path = Path(str(files("skimage.data"))) / "ihc.png"
    title = "Immunohistochemistry: colon, brown and blue (real, from scikit-image; no hints)"
    classes = (ClassInfo("nucleus", "#f0e442"),)
    name = "immunohistochemistry"
    return {name: Sample(name, title, (path,), classes)} if path.is_file() else {}
