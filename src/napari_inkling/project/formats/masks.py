"""Instance masks: label images, 0 for background and one whole number per cell (PNG or TIFF).

Read, every cell becomes a mask, the box around it and a point in the middle of that (as in Qu et al., IEEE
TMI 2020), all with one id. Written, a cell without a mask is a filled rectangle where it has a box, else a
small disk; the pixels hold 1, 2, 3 … in the order of the table that is written beside each image
(``NAME.csv``). Its column ``label`` leads back to id, class and all other columns; with it everything is read
as it was, but for pixels that two masks share: they belong to the later one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np

from napari_inkling.core import CELL, FormatError, ImageError, PlaneRef
from napari_inkling.project.formats.collector import Collector
from napari_inkling.project.formats.files import find_files
from napari_inkling.project.formats.known_images import KnownImages
from napari_inkling.project.formats.label_cells import Labels, Told, add_cells, whole_numbers
from napari_inkling.project.formats.masks_writing import write, write_png
from napari_inkling.project.formats.points_csv import label_table
from napari_inkling.project.formats.result import ImportResult

__all__ = ["SUFFIXES", "read", "write", "write_png"]

SUFFIXES = (".png", ".tif", ".tiff")


def read(path: Path, images: KnownImages, class_name: str = CELL) -> ImportResult:
    """Read one label image, or all of a folder (or of the folder ``labels`` or ``masks`` in it).

    A file is named like its image, perhaps with ``_mask``, ``_labels`` or ``_cp_masks`` behind.
    """
    collector = Collector(images)
    for file in find_files(path, SUFFIXES, ["labels", "masks"], "label images"):
        ref = images.find_file(file)
        for index, plane in _planes(file):
            told = label_table(file.with_suffix(".csv"), class_name) if not index else ()
            _add(file, PlaneRef(ref.image, ref.plane + index), plane, told, collector, class_name)
    return collector.result()


def _add(file: Path, ref: PlaneRef, plane: Labels, told: Told, collector: Collector, class_name: str) -> None:
    labels = whole_numbers(file, plane)
    shape = (labels.shape[0], labels.shape[1])
    key = collector.plane(ref.image, ref.plane, where=file.name, shape=shape)
    if key is not None:
        add_cells(collector, key, labels, class_name, file.name, told)


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


def _palette(path: Path) -> Labels | None:
    """Return the numbers behind the colours of a PNG with a palette (labels in disguise), None for others."""
    if path.suffix.lower() != ".png":
        return None
    import PIL.Image

    try:
        with PIL.Image.open(path) as picture:
            return np.asarray(picture) if picture.mode == "P" else None
    except PIL.UnidentifiedImageError:
        return None  # said where the pixels are read
    except (OSError, SyntaxError, ValueError) as error:
        raise FormatError(f"{path} is no readable PNG ({error}); expected a label image") from error
