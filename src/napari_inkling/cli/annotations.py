"""Truth and predictions from whatever holds them, under the same image names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from napari_inkling.cli.sources import is_project, planes_of

if TYPE_CHECKING:
    from napari_inkling.core import HintSet

__all__ = ["Annotated", "read_found", "read_truth", "truth_radius", "with_class_of"]

V = TypeVar("V")


@dataclass(frozen=True)
class Annotated:
    """Cells by plane (``str(PlaneRef)``), and of a project the sizes and files of its images by name.

    ``sizes`` are height and width by plane, where a project or a label image tells them.
    """

    hints: Mapping[str, HintSet]
    notices: tuple[str, ...] = ()
    shapes: Mapping[str, tuple[int, int]] | None = None
    files: Mapping[str, str] | None = None
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    is_project: bool = False


def read_truth(path: Path) -> Annotated:
    """Read a project's complete images (or, without such, all with hints), or an annotation file or folder.

    Raises
    ------
    FormatError
        If it is neither, or holds no cell.
    """
    from napari_inkling.core import FormatError

    truth = _read_project(path, complete=True) if is_project(path) else _read(path)
    if not any(map(len, truth.hints.values())):
        raise FormatError(f"{path} marks no cell, expected truth to compare with")
    return truth


def read_found(path: Path, truth: Annotated) -> Annotated:
    """Read predictions, or a project's hints, under the names that the images have in the truth."""
    if truth.shapes is not None and not is_project(path):
        return _read(path, truth.shapes, truth.files)
    found = _read_project(path, complete=False) if is_project(path) else _read(path)
    hints, sizes = _matched(found.hints, truth.hints), _matched(found.sizes, truth.hints)
    notices = found.notices
    if (
        found.sizes
        and path.is_file()
        and len(hints) == len(truth.hints) == 1
        and set(hints) != set(truth.hints)
    ):
        (name,), (true_name,) = hints, truth.hints  # a label image only has the name of its file
        notices = (*notices, f"{name} is taken for {true_name}: each side has one image")
        hints, sizes = {true_name: hints[name]}, {true_name: sizes[name]}
    return Annotated(hints, notices, sizes=sizes, is_project=found.is_project)


def truth_radius(truth: Mapping[str, HintSet]) -> float | None:
    """Return the mean radius of all boxes and masks in pixels, the mean of their sides halved, if any."""
    import numpy as np

    sized = [rows for own in truth.values() for rows in (own.boxes, own.masks.without_ids(own.boxes.ids))]
    every = np.concatenate([np.empty((0, 4)), *(rows.cells.coordinates for rows in sized)])
    return float((every[:, 2:] - every[:, :2]).mean() / 2) if len(every) else None


def with_class_of(truth: Mapping[str, HintSet], found: Mapping[str, HintSet]) -> Mapping[str, HintSet]:
    """Return the truth under the class of what was found, if each has only one: masks tell no class."""
    true_classes, found_classes = _classes(truth), _classes(found)
    if len(true_classes) != 1 or len(found_classes) != 1 or true_classes == found_classes:
        return truth
    (old,), (new,) = true_classes, found_classes

    def renamed(rows: Any) -> Any:
        return rows.changed(classes=[new if c == old else c for c in rows.classes])

    return {key: hints.mapped(renamed) for key, hints in truth.items()}


def _classes(annotations: Mapping[str, HintSet]) -> set[str]:
    return {name for hints in annotations.values() for name in hints.cells.classes}


def _read_project(path: Path, *, complete: bool) -> Annotated:
    """Return the hints of all images, or, with ``complete``, of those marked complete if there are any."""
    from napari_inkling.project import Project

    with Project.open(path, read_only=True) as project:
        chosen = [ref for record in project.images if record.complete for ref in record.planes()]
        planes = chosen if complete and chosen else list(project.planes_with_hints())
        sources = planes_of(project)
        return Annotated(
            {str(ref): project.hints(ref) for ref in planes},
            (f"no image of {path} is marked complete: all hints are taken for all cells",)
            if complete and not chosen
            else (),
            {source.ref.image: source.shape for source in sources},
            {source.ref.image: source.path for source in sources},
            {str(source.ref): source.shape for source in sources},
            is_project=True,
        )


def _read(
    path: Path, shapes: Mapping[str, tuple[int, int]] | None = None, files: Mapping[str, str] | None = None
) -> Annotated:
    from napari_inkling.core import FormatError
    from napari_inkling.project.formats import read_annotations

    if not path.exists():
        raise FormatError(f"{path} does not exist, expected an annotation file or a folder of them")
    found = read_annotations(path, images=shapes, files=files)
    return Annotated(found.hints, found.notices, sizes=found.sizes)


def _matched(found: Mapping[str, V], truth: Mapping[str, HintSet]) -> dict[str, V]:
    """Return what was found under the truth's names; ``tile_labels`` and ``tile`` are the same image."""
    from napari_inkling.project.formats.known_images import without_ending

    bare = {without_ending(name): name for name in truth}
    return {
        name if name in truth else bare.get(without_ending(name), name): own for name, own in found.items()
    }
