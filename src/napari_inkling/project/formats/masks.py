"""Instance masks: label images, 0 for background and one whole number per cell (PNG or TIFF).

Read, every cell becomes a point at the centre of its bounding box (as in paper 004) and that box, both with
one id. Written, a point is a small disk and a box a filled rectangle; the pixels hold 1, 2, 3 … in the order
of the table that is written beside each image (``NAME.csv``), whose column ``label`` leads back to id, class
and all other columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import CELL, FormatError, ImageError, PlaneRef, new_ids
from napari_inkling.project.formats.files import find_files, safe_stems, write_file, write_text
from napari_inkling.project.formats.items import Item
from napari_inkling.project.formats.known_images import KnownImages
from napari_inkling.project.formats.label_drawing import draw_labels
from napari_inkling.project.formats.points_csv import table_text
from napari_inkling.project.formats.result import ImportResult
from napari_inkling.project.formats.rows import Collector, Row

__all__ = ["read", "write"]

Labels = npt.NDArray[Any]
_SUFFIXES = (".png", ".tif", ".tiff")
_ENDING = re.compile(r"[_-](cp[_-]masks?|masks?|labels?|instances?|segmentation|seg)$", re.IGNORECASE)
#: Radius in pixels of the disk of a point whose cell has no known radius.
_RADIUS = 3.0
#: Up to this label a cell is found by counting; above it labels are numbered anew first.
_MANY = 1 << 22


def read(
    path: Path,
    images: Mapping[str, tuple[int, int]] | None = None,
    *,
    files: Mapping[str, str] | None = None,
    class_name: str = CELL,
) -> ImportResult:
    """Read one label image, or all of a folder (or of the folder ``labels`` or ``masks`` in it).

    Parameters
    ----------
    path : Path
        File or folder; a file is named like its image, perhaps with ``_mask``, ``_labels`` or ``_cp_masks``
        behind.
    images : mapping of str to (int, int), or None
        Height and width of the images that may be meant; None takes any.
    files : mapping of str to str
        Paths of these images.
    class_name : str
        Class of all cells.

    Raises
    ------
    FormatError
        If a file cannot be read or is no label image.
    """
    known = KnownImages(images, files)
    collector = Collector(known)
    for file in find_files(Path(path), _SUFFIXES, ["labels", "masks"], "label images"):
        # A file of ours for a plane of a stack is called like the plane.
        one_plane = bool(re.search(r"\[\d+(,\d+)*\]$", file.stem))
        ref = PlaneRef.parse(file.stem) if one_plane else PlaneRef(file.name)
        found = known.find_without(ref.image, _ENDING)
        name = found[0] if len(found) == 1 else ref.image
        _read_file(file, PlaneRef(name, ref.plane), collector, class_name)
    return collector.result()


def _read_file(path: Path, ref: PlaneRef, collector: Collector, class_name: str) -> None:
    found = collector.images.find(ref.image)
    shape = collector.images.shape(found[0]) if len(found) == 1 else None
    for index, plane in _planes(path):
        labels = _checked(path, plane)
        if shape and labels.shape != shape:
            collector.tally.add(
                "skipped a mask of another size than its image",
                "skipped {n} masks of another size than their image",
                f"{path.name} is {_size(labels.shape)}, {found[0]} is {_size(shape)}",
            )
            return
        key = collector.plane(ref.image, ref.plane + index, where=path.name)
        if key is None:
            return
        boxes = _bounding_boxes(_separated(path, labels, collector))
        for (y0, x0, y1, x1), cell in zip(boxes.tolist(), new_ids(len(boxes)).tolist(), strict=True):
            centre = ((y0 + y1) / 2, (x0 + x1) / 2)
            collector.add(key, Row("point", centre, class_name, id=cell), path.name)
            collector.add(key, Row("box", (y0, x0, y1, x1), class_name, id=cell), path.name)


def _planes(path: Path) -> Iterator[tuple[tuple[int, ...], Labels]]:
    """Yield each plane of a file with its index in the stack."""
    from napari_inkling.project.images import open_array

    palette = _palette(path)
    if palette is not None:
        yield (), palette
        return
    try:
        array, info = open_array(path)
        for index in product(*map(range, info.stack_shape)):
            yield index, np.asarray(array[index] if index else array[...])
    except ImageError as error:
        raise FormatError(f"{error}; expected a label image") from error


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} × {shape[0]}"


def _palette(path: Path) -> Labels | None:
    """Return the numbers behind the colours of a PNG with a palette (labels in disguise), None for others."""
    if path.suffix.lower() != ".png":
        return None
    import PIL.Image

    try:
        with PIL.Image.open(path) as picture:
            return np.asarray(picture) if picture.mode == "P" else None
    except (OSError, SyntaxError, ValueError) as error:
        raise FormatError(f"{path} is no readable PNG ({error}); expected a label image") from error


def _checked(path: Path, plane: Labels) -> Labels:
    """Return labels as whole numbers, shape (Y, X)."""
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


def _separated(path: Path, labels: Labels, collector: Collector) -> Labels:
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
        f"{path.name} ({value}: {count} parts)",
    )
    return np.asarray(parts)


def _bounding_boxes(labels: Labels) -> npt.NDArray[np.float64]:
    """Return a box (y0, x0, y1, x1) per label, in order, shape (N, 4), around the pixels' outer edges."""
    from scipy import ndimage

    if labels.size and labels.max() > _MANY:
        labels = np.unique(labels, return_inverse=True)[1].reshape(labels.shape) + int(labels.min() > 0)
    found = [s for s in ndimage.find_objects(labels.astype(np.int32)) if s is not None]
    edges = [(rows.start, columns.start, rows.stop, columns.stop) for rows, columns in found]
    return np.array(edges, dtype=np.float64).reshape(-1, 4) - 0.5


def write(
    path: Path, items: Sequence[Item], *, classes: Sequence[str] = (), radius: float | None = None
) -> Path:
    """Write a label TIFF and a table per plane into a folder; a single plane into ``path`` if it is a TIFF.

    Background points are in the table, not in the image.

    Parameters
    ----------
    path : Path
        Folder, or file for a single plane.
    items : sequence of Item
        Planes with their rows; their shape must be known.
    classes : sequence of str
        Not used.
    radius : float or None
        Radius in pixels of the disk for a point; the item's own, or 3, without.
    """
    path = Path(path)
    if path.suffix.lower() in (".tif", ".tiff"):
        if len(items) != 1:
            raise FormatError(f"{path} is one file, but there are {len(items)} images; expected a folder")
        _write_file(path, items[0], radius)
        return path
    for ref, stem in safe_stems([str(item.ref) for item in items]).items():
        _write_file(path / f"{stem}.tif", next(i for i in items if str(i.ref) == ref), radius)
    return path


def _write_file(path: Path, item: Item, radius: float | None) -> None:
    import tifffile

    if item.shape is None:
        raise FormatError(f"the size of the image {item.ref.image!r} is not known, a label image needs it")
    labels, numbers = draw_labels(item.hints, item.shape, radius or item.radius or _RADIUS)
    kind = np.uint16 if len(numbers) < 2**16 else np.uint32
    write_file(path, lambda to: tifffile.imwrite(to, labels.astype(kind), compression="zlib"))
    write_text(path.with_suffix(".csv"), table_text([item], labels=numbers))
