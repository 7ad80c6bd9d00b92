"""Every fourth pixel of planes too large to show whole, where the file keeps no smaller copy itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.project.lazy import WHOLE_PLANE, FileArray, ImageInfo, PixelCache

__all__ = ["LARGE_PLANE", "STEP", "previews", "thinned"]

#: Planes of more pixels than this are shown by way of previews.
LARGE_PLANE = 64 << 20
#: Each preview takes every so many-th row and column of the one before.
STEP = 4
#: The last preview has no edge longer than this: about what a screen shows at once.
_SCREEN = 2048
#: So many pixels are read at a time to make a preview.
_BAND = 16 << 20


def previews(array: FileArray) -> tuple[FileArray, ...]:
    """Return ever smaller previews of an array with large planes, nothing for others; all are lazy."""
    edges = array.info.plane_shape[:2]
    if edges[0] * edges[1] <= LARGE_PLANE:
        return ()
    made = [thinned(array)]
    while max(made[-1].info.plane_shape[:2]) > _SCREEN:
        made.append(thinned(made[-1]))
    return tuple(made)


def thinned(array: FileArray, step: int = STEP) -> FileArray:
    """Return every ``step``-th row and column of an array.

    A plane is read when it is first looked at, in bands, so that little of the large one is in memory at
    any time, and is then kept. What would still be too large to keep is read anew where it is looked at.
    """
    stack, (height, width, *channels) = array.info.stack_shape, array.info.plane_shape
    shape = (*stack, -(-height // step), -(-width // step), *channels)
    info = ImageInfo(shape, array.info.dtype, array.info.axes)
    cache = PixelCache(WHOLE_PLANE)

    def read(index: tuple[int, ...], rows: slice, columns: slice) -> npt.NDArray[Any]:
        wide = max(1, columns.stop - columns.start)
        band = max(1, _BAND // (step * step * wide))
        across = slice(columns.start * step, columns.stop * step, step)
        starts = range(rows.start, max(rows.stop, rows.start + 1), band)  # one at least, be it empty
        ends = [min(start + band, rows.stop) for start in starts]
        return np.concatenate([
            array[(*index, slice(start * step, end * step, step), across)]
            for start, end in zip(starts, ends, strict=True)
        ])  # fmt: skip

    def read_kept(index: tuple[int, ...], rows: slice, columns: slice) -> npt.NDArray[Any]:
        if info.plane_bytes > WHOLE_PLANE:
            return read(index, rows, columns)
        plane = cache.get(index, lambda: read(index, *(slice(0, n) for n in info.plane_shape[:2])))
        return plane[rows, columns].copy()

    return FileArray(info, read_kept)
