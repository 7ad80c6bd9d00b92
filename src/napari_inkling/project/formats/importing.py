"""Annotations of any format into a project."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_inkling.core import DISAGREEMENT, FormatError, HintSet, Masks, PlaneRef, Points
from napari_inkling.project.formats.counting import count_by_class, count_cells
from napari_inkling.project.formats.known_images import KnownImages, shapes_of
from napari_inkling.project.formats.registry import find_format
from napari_inkling.project.formats.result import ImportResult, Tally

if TYPE_CHECKING:
    from napari_inkling.project.project import Project

__all__ = ["import_annotations"]


def import_annotations(
    project: Project,
    path: Path | str,
    format: str,
    images: Collection[str] | None = None,
    *,
    class_name: str | None = None,
    as_truth: bool = False,
) -> ImportResult:
    """Add the annotations of a file or folder to a project's hints, one edit (and undo step) per plane.

    Rows keep the source that the file states; where it states none, or says "model", they become "imported".
    What is in the project already (the same id, or the same place and class) is not added again.

    Parameters
    ----------
    project : Project
        Its images are found by name, path or stem; its classes grow by those of the file.
    path : Path
        File or folder.
    format : str
        A name of :data:`FORMATS`.
    images : collection of str, optional
        Take only the annotations of these images (names, or files).
    class_name : str, optional
        Class of rows that name none; by default the project's first.
    as_truth : bool
        Take the rows for the truth about their images, which a model's suggestions are not.

    Returns
    -------
    ImportResult
        The rows that were added, by plane, what is new or a model's among them, and notices of all that was
        not added.

    Raises
    ------
    FormatError
        If the format is unknown, the file is not in it, or it holds suggestions that would become truth;
        nothing was added.
    ProjectError
        If the project cannot be edited.
    """
    shapes, files = shapes_of(project), {record.name: record.path for record in project.images}
    known_images = KnownImages(shapes, files)
    result = find_format(format).read(Path(path), known_images, class_name or project.classes[0].name)
    tally = Tally()
    chosen = None if images is None else _asked_for(images, known_images, tally)
    rows = _fitting(project, result.hints, chosen, tally)
    suggestions = count_cells(map(_suggested, rows.values())).cells
    if as_truth and suggestions:
        cells = f"{suggestions:,} cell{'s' * (suggestions != 1)}"
        raise FormatError(
            f"{path} holds {cells} that a model suggested: those are no truth to measure on, "
            "expected what people have marked or checked"
        )
    added = {key: hints.mapped(_as_hints) for key, hints in rows.items()}
    notices = (*result.notices, *tally.notices())
    new = _new_classes(project, added)
    _add(project, added, new, f"import {Path(path).name}")
    return ImportResult(added, notices, new_classes=new, suggestions=suggestions)


def _asked_for(images: Collection[str], known: KnownImages, tally: Tally) -> set[str]:
    """Return the images that are meant; count names that mean none."""
    chosen, unknown = known.chosen(images)
    for text in unknown:
        tally.add("asked for an image that is not known", "asked for {n} images that are not known", text)
    return chosen


def _fitting(
    project: Project, hints: Mapping[str, HintSet], chosen: Collection[str] | None, tally: Tally
) -> dict[str, HintSet]:
    """Return, by plane, the rows that a project has not yet; count all that is left out.

    Only those of the images ``chosen``, ``None`` for all of them.
    """
    rows: dict[str, HintSet] = {}
    for key, own in hints.items():
        ref = PlaneRef.parse(key)
        if chosen is not None and ref.image not in chosen:
            tally.add(
                "left out an image that was not asked for", "left out {n} images that were not asked for", key
            )
        elif ref not in project.image(ref.image).planes():
            tally.add(
                "skipped a plane that the image has not",
                "skipped {n} planes that the images have not",
                f"{key} ({len(own)} rows)",
            )
        else:
            known = project.hints(ref)
            rows[key] = _new(own, known, key, tally)
            if repeated := _in_one_pixel(rows[key].points, known.points):
                tally.add(
                    "took points at a pixel that is marked already",
                    "took points at pixels that are marked already on {n} images",
                    f"{key} ({repeated})",
                )
    return rows


def _new_classes(project: Project, added: Mapping[str, HintSet]) -> dict[str, int]:
    """Return the classes that a project has not yet, sorted, and of how many cells."""
    known, counts = {c.name for c in project.classes}, count_by_class(added.values())
    return {name: counts[name] for name in sorted(counts) if name not in known}


def _add(project: Project, added: Mapping[str, HintSet], new_classes: Collection[str], label: str) -> None:
    """Put rows into a project, one edit for each plane."""
    if new_classes:
        project.set_classes([*(c.name for c in project.classes), *new_classes])
    for key, hints in added.items():
        if len(hints):
            project.edit(PlaneRef.parse(key), HintSet(), hints, label)


def _new(hints: HintSet, known: HintSet, key: str, tally: Tally) -> HintSet:
    """Return the rows that a plane has not yet.

    A mask that comes to a cell whose point or box is known gets the id of that: it stays one cell.
    """
    note = partial(
        tally.add,
        "left out rows that are in the project already",
        "left out rows that {n} images have already",
    )
    same: dict[int, int] = {}
    for rows, there in zip(hints.kinds, known.kinds, strict=True):
        ids = dict(zip(_places(there), there.ids.tolist(), strict=True))
        found = ((own, ids.get(place)) for own, place in zip(rows.ids.tolist(), _places(rows), strict=True))
        same |= {own: other for own, other in found if other is not None}
    new = HintSet(*(_unknown(*both, same) for both in zip(hints.kinds, known.kinds, strict=True)))
    if gone := len(hints) - len(new):
        note(f"{key} ({gone})")
    return new


def _in_one_pixel(points: Points, known: Points) -> int:
    """Return how many points lie at the pixel of an earlier one, or of one that is known."""
    pixels, before = (np.floor(rows.coordinates + 0.5).astype(np.int64) for rows in (points, known))
    every = np.unique(np.concatenate([before, pixels]), axis=0)
    return len(pixels) - (len(every) - len(np.unique(before, axis=0)))


def _suggested(hints: HintSet) -> HintSet:
    return hints.mapped(lambda rows: rows.take(rows.sources == "model"))


def _unknown(rows: Any, known: Any, same: Mapping[int, int]) -> Any:
    places = set(_places(known))
    new = np.array([place not in places for place in _places(rows)], dtype=bool)
    left = rows.take(new & ~np.isin(rows.ids, known.ids))
    taken = {*known.ids.tolist(), *left.ids.tolist()}
    return left.changed(ids=[i if (own := same.get(i, i)) in taken else own for i in left.ids.tolist()])


def _places(rows: Any) -> list[tuple[object, ...]]:
    columns = [rows.classes, rows.bitmaps] if isinstance(rows, Masks) else [rows.classes]
    return [(*place, *rest) for place, *rest in zip(rows.coordinates.tolist(), *columns, strict=True)]


def _as_hints(rows: Any) -> Any:
    """Return rows as hints; what a model says of its own suggestions is no attribute of a cell."""
    suggested = rows.sources == "model"
    return rows.changed(
        sources=np.where(suggested, "imported", rows.sources).astype(object),
        attributes={n: v for n, v in rows.attributes.items() if n != DISAGREEMENT or not suggested.all()},
    )
