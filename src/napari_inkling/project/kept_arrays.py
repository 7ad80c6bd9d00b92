"""Writing pixels that have no file of their own into the project's folder."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_inkling.core import ImageError, ProjectError
from napari_inkling.project.whole_files import safe_name

__all__ = ["write_array"]

_TILE = 512
#: Above this size the file is a BigTIFF.
_BIG = 2 << 30


def write_array(folder: Path, name: str, array: Any, axes: str, pixel_size_um: float | None) -> Path:
    """Write an array plane by plane as a tiled, packed TIFF; returns its path.

    Raises
    ------
    ImageError
        If the axes do not fit the array, or it has no real pixels.
    ProjectError
        If the file cannot be written.
    """
    array = array if hasattr(array, "shape") else np.asarray(array)
    shape = tuple(int(n) for n in array.shape)
    dtype = np.dtype(array.dtype)
    _check(name, shape, dtype, axes)
    keep = "".join(a for a, n in zip(axes, shape, strict=True) if a in "YX" or n > 1)
    stack = "".join(a for a in keep if a not in "YXC")
    order = stack + "YX" + ("C" if "C" in keep else "")
    out_shape = tuple(shape[axes.index(a)] for a in order)
    out_dtype = np.dtype(np.uint8) if dtype.kind == "b" else dtype.newbyteorder("=")
    path = _free_path(folder, name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(
            path,
            _planes(array, axes, stack, order, out_dtype),
            shape=out_shape,
            dtype=out_dtype,
            photometric="minisblack",
            planarconfig="contig" if "C" in keep else None,
            tile=(_TILE, _TILE),
            compression="zlib",
            compressionargs={"level": 1},  # a person waits
            bigtiff=int(np.prod(out_shape, dtype=np.int64)) * out_dtype.itemsize > _BIG,
            metadata={"axes": order.replace("C", "S"), "pixel_size_um": pixel_size_um},
        )
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise ProjectError(f"{path} cannot be written: {error.strerror or error}") from error
        raise
    return path


def _check(name: str, shape: tuple[int, ...], dtype: np.dtype[Any], axes: str) -> None:
    if len(axes) != len(shape) or len(set(axes)) != len(axes) or not set("YX") <= set(axes):
        raise ImageError(
            f"image {name!r} has shape {shape} and axes {axes!r}, "
            "expected one letter for each axis, Y and X among them"
        )
    if 0 in shape:
        raise ImageError(f"image {name!r} is empty: its shape is {shape}")
    if dtype.kind not in "buif":
        raise ImageError(f"image {name!r} has pixels of type {dtype}, expected real numbers")


def _planes(
    array: Any, axes: str, stack: str, order: str, dtype: np.dtype[Any]
) -> Iterator[npt.NDArray[Any]]:
    """Yield the tiles of every plane, (Y, X) or (Y, X, C); an axis of length 1 is taken at 0."""
    inner = [a for a in axes if a in order and a not in stack]
    transpose = [inner.index(a) for a in order if a not in stack]
    for index in product(*(range(array.shape[axes.index(a)]) for a in stack)):
        at: dict[str, Any] = dict(zip(stack, index, strict=True)) | dict.fromkeys(inner, slice(None))
        plane = np.asarray(array[tuple(at.get(a, 0) for a in axes)]).transpose(transpose)
        for y in range(0, plane.shape[0], _TILE):
            for x in range(0, plane.shape[1], _TILE):
                yield np.ascontiguousarray(plane[y : y + _TILE, x : x + _TILE], dtype=dtype)


def _free_path(folder: Path, name: str) -> Path:
    """Return a path that any file system takes; names of images may hold more than that."""
    safe = safe_name(name)[:100].strip(" .") or "image"
    path, number = folder / f"{safe}.tif", 1
    while path.exists():
        number += 1
        path = folder / f"{safe}-{number}.tif"
    return path
