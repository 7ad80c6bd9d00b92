"""Truth and predictions from whatever holds them, under the same image names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from napari_inkling.cli.sources import is_project, planes_of

if TYPE_CHECKING:
    from napari_inkling.core import Boxes, HintSet, Points

__all__ = ["Annotated", "read_found", "read_truth", "truth_radius", "with_class_of"]

R = TypeVar("R", "Points", "Boxes")

#: What file names of masks and tables have behind the image's name.
_ENDING = re.compile(r"[_-](cp[_-]masks?|masks?|labels?|instances?|points|centroids|cells)$", re.IGNORECASE)


@dataclass(frozen=True)
class Annotated:
    """Cells by plane (``str(PlaneRef)``), and of a project the sizes and files of its images by name."""

    hints: Mapping[str, HintSet]
    notices: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int, int]] | None = None
    files: Mapping[str, str] | None = None


def read_truth(path: Path) -> Annotated:
    """Read a project's complete images (or, without such, all with hints), or an annotation file or folder.

    Raises
    ------
    FormatError
        If it is neither, or holds no cell.
    """
    from napari_inkling.core import FormatError

    truth = _project_truth(path) if is_project(path) else _read(path)
    if not any(map(len, truth.hints.values())):
        raise FormatError(f"{path} marks no cell, expected truth to compare with")
    return truth


def read_found(path: Path, truth: Annotated) -> Annotated:
    """Read predictions, under the names that the images have in the truth."""
    if truth.shapes is not None:
        return _read(path, truth.shapes, truth.files)
    found = _read(path)
    return Annotated(_matched(found.hints, truth.hints), found.notices)


def truth_radius(truth: Mapping[str, HintSet]) -> float | None:
    """Return the mean radius of all boxes in pixels, the mean of their sides halved; None without boxes."""
    import numpy as np

    from napari_inkling.core import BACKGROUND

    boxes = [rows.boxes.take(rows.boxes.classes != BACKGROUND).coordinates for rows in truth.values()]
    every = np.concatenate([np.empty((0, 4)), *boxes])
    return float((every[:, 2:] - every[:, :2]).mean() / 2) if len(every) else None


def with_class_of(truth: Mapping[str, HintSet], found: Mapping[str, HintSet]) -> Mapping[str, HintSet]:
    """Return the truth under the class of what was found, if each has only one: masks tell no class."""
    from napari_inkling.core import HintSet

    true_classes, found_classes = _classes(truth), _classes(found)
    if len(true_classes) != 1 or len(found_classes) != 1 or true_classes == found_classes:
        return truth
    (old,), (new,) = true_classes, found_classes

    def renamed(rows: R) -> R:
        return rows.changed(classes=[new if c == old else c for c in rows.classes])

    return {key: HintSet(renamed(rows.points), renamed(rows.boxes)) for key, rows in truth.items()}


def _classes(annotations: Mapping[str, HintSet]) -> set[str]:
    from napari_inkling.core import BACKGROUND

    kinds = [rows for hints in annotations.values() for rows in (hints.points, hints.boxes)]
    return {str(c) for rows in kinds for c in rows.classes} - {BACKGROUND}


def _project_truth(path: Path) -> Annotated:
    from napari_inkling.project import Project

    with Project.open(path, read_only=True) as project:
        complete = [ref for record in project.images if record.complete for ref in record.planes()]
        planes = complete or list(project.planes_with_hints())
        sources = planes_of(project)
        return Annotated(
            {str(ref): project.hints(ref) for ref in planes},
            ()
            if complete
            else (f"no image of {path} is marked complete: all hints are taken for all cells",),
            {source.ref.image: source.shape for source in sources},
            {source.ref.image: source.path for source in sources},
        )


def _read(
    path: Path, shapes: Mapping[str, tuple[int, int]] | None = None, files: Mapping[str, str] | None = None
) -> Annotated:
    from napari_inkling.core import FormatError
    from napari_inkling.project.formats import FORMATS, guess_format

    if not path.exists():
        raise FormatError(f"{path} does not exist, expected an annotation file or a folder of them")
    found = FORMATS[guess_format(path)].read(path, shapes, files=files)
    return Annotated(found.hints, found.notices)


def _matched(found: Mapping[str, HintSet], truth: Mapping[str, HintSet]) -> dict[str, HintSet]:
    """Return what was found under the truth's names; ``tile_labels`` and ``tile`` are the same image."""
    bare = {_ENDING.sub("", name): name for name in truth}
    return {
        name if name in truth else bare.get(_ENDING.sub("", name), name): rows for name, rows in found.items()
    }
