"""An image as napari reads it: lazily, a whole stack at once, ever coarser where it is large."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Image, ImageError, PlaneRef
from napari_inkling.project.lazy import FileArray, ImageInfo, ReadPlane
from napari_inkling.project.preview import previews

if TYPE_CHECKING:
    from napari_inkling.project import ImageRecord, Project

__all__ = ["levels_of", "sample", "stack_of"]

#: Edge in pixels of the windows that are looked at to choose contrast limits of a large plane.
_WINDOW = 512
_SAMPLE = 250_000


def sample(image: Image) -> npt.NDArray[Any]:
    """Return some 250,000 pixels that stand for a plane, shape (N, C); of a large one from nine windows."""
    if image.height * image.width <= 9 * _WINDOW**2:
        every = image.read().reshape(-1, image.channels)
        return every[:: max(1, len(every) // _SAMPLE)]
    starts = [[round(t * max(0, n - _WINDOW)) for t in (0.1, 0.5, 0.9)] for n in (image.height, image.width)]
    windows = [image.read(slice(y, y + _WINDOW), slice(x, x + _WINDOW)) for y in starts[0] for x in starts[1]]
    every = np.concatenate([window.reshape(-1, image.channels) for window in windows])
    return every[:: max(1, len(every) // _SAMPLE)]


def stack_of(project: Project, record: ImageRecord, say: Callable[[str], object]) -> FileArray:
    """Return all planes of an image as one lazy array; one that cannot be read is black, and that is said."""

    def read(index: tuple[int, ...], rows: slice, columns: slice) -> npt.NDArray[Any]:
        return np.asarray(project.open_image(PlaneRef(record.name, index)).array[rows, columns])

    return _or_black(record.info, read, say)


def levels_of(project: Project, record: ImageRecord, say: Callable[[str], object]) -> list[FileArray]:
    """Return an image as napari shows it: at full resolution, then ever coarser if it is large.

    The coarser ones are the file's own if it keeps some, else previews; what is on screen decides which of
    them is read, and where.
    """
    full = stack_of(project, record, say)
    own = [_or_black(array.info, array.read_plane, say) for array in project.coarser(record.name)]
    levels = [full, *own]
    return [*levels, *previews(levels[-1])]


def _or_black(info: ImageInfo, read: ReadPlane, say: Callable[[str], object]) -> FileArray:
    """Return an array by way of ``read``; where that cannot be done it is black, and that is said once."""
    told: set[str] = set()

    def read_or_say(index: tuple[int, ...], rows: slice, columns: slice) -> npt.NDArray[Any]:
        try:
            return read(index, rows, columns)
        except ImageError as error:
            if str(error) not in told:
                told.add(str(error))
                say(str(error))
            window = (rows.stop - rows.start, columns.stop - columns.start)
            return np.zeros((*window, *info.plane_shape[2:]), info.dtype)

    return FileArray(info, read_or_say)
