"""Annotations out of a project, or predictions, in any format."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, overload

from napari_inkling.core import FormatError, HintSet, PlaneRef
from napari_inkling.project.formats.items import Annotations, Export, make_items
from napari_inkling.project.formats.known_images import KnownImages, shapes_of
from napari_inkling.project.formats.registry import find_format

if TYPE_CHECKING:
    from napari_inkling.project.project import Project

__all__ = ["export_annotations"]


@overload
def export_annotations(
    source: Project,
    path: Path | str,
    format: str,
    *,
    items: Annotations | None = None,
    images: Collection[str] | None = None,
    radius: float | None = None,
) -> Path: ...
@overload
def export_annotations(
    source: Annotations,
    path: Path | str,
    format: str,
    *,
    shapes: Mapping[str, tuple[int, int]] | None = None,
    files: Mapping[str, str] | None = None,
    images: Collection[str] | None = None,
    radius: float | None = None,
) -> Path: ...
def export_annotations(
    source: Project | Annotations,
    path: Path | str,
    format: str,
    *,
    items: Annotations | None = None,
    shapes: Mapping[str, tuple[int, int]] | None = None,
    files: Mapping[str, str] | None = None,
    images: Collection[str] | None = None,
    radius: float | None = None,
) -> Path:
    """Write hints or predictions to a file or folder.

    Parameters
    ----------
    source : Project, or mapping of PlaneRef or str to HintSet or Predictions
        A project gives its hints (also, without rows, the planes of images that are marked complete).
    path : Path
        File; a folder for formats with a file per image (or a file, for a single one).
    format : str
        A name of :data:`FORMATS`.
    items : mapping, optional
        With a project: write these rows instead of its hints, with its file names, sizes and classes.
    shapes : mapping of str to (int, int), optional
        Without a project: height and width of the images in pixels, by name. Label images need it.
    files : mapping of str to str, optional
        Without a project: paths of the images, by name.
    images : collection of str, optional
        Write only these images (names, or files).
    radius : float, optional
        Radius in pixels of the disk of a point in label images, and of the box around it in COCO; by default
        that of the predictions, or 3 and half a pixel.

    Returns
    -------
    Path
        The file or folder that was written.

    Raises
    ------
    FormatError
        If the format is unknown, there is nothing to write, or it cannot be written.
    """
    write = find_format(format).write
    colours: dict[str, str] = {}
    if isinstance(source, Mapping):
        annotations: Annotations = source
    else:
        shapes, files = shapes_of(source), {r.name: r.path for r in source.images}
        colours = {c.name: c.color for c in source.classes}
        annotations = items if items is not None else _all_hints(source)
    planes = make_items(annotations, shapes, files, radius)
    if images is not None:
        known = dict.fromkeys((i.ref.image for i in planes), (0, 0))
        chosen, unknown = KnownImages(known, files).chosen(images)
        if unknown:
            raise FormatError(
                f"there is nothing to write of {', '.join(map(repr, unknown))}, expected names of "
                f"{', '.join(map(repr, known)) or 'images with annotations, and there are none'}"
            )
        planes = tuple(i for i in planes if i.ref.image in chosen)
    if not planes:
        raise FormatError(f"there is nothing to write to {path}: no image has annotations")
    return write(Path(path), Export(planes, colours))


def _all_hints(project: Project) -> dict[PlaneRef, HintSet]:
    marked = set(project.planes_with_hints())
    refs = [ref for r in project.images for ref in r.planes() if r.complete or ref in marked]
    return {ref: project.hints(ref) for ref in refs}
