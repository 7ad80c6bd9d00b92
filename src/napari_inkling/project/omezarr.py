"""OME-Zarr 0.4 and 0.5 (full resolution) and plain Zarr arrays, both formats of Zarr."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import ImageError
from napari_inkling.project import channel_names, pixel_size
from napari_inkling.project.lazy import FileArray, ImageInfo, PixelCache, cached

__all__ = ["ZARR_METADATA", "count_levels", "guess_axes", "open_zarr"]

#: One of these lies in every Zarr array or group.
ZARR_METADATA = ("zarr.json", ".zarray", ".zgroup")


def open_zarr(path: Path, cache: PixelCache, level: int = 0) -> FileArray:
    """Return the first multiscale image of an OME-Zarr folder, or a Zarr array, channels last.

    ``level`` 0 is the full resolution; there are as many as :func:`count_levels` says.
    """
    node, multiscale = _open(path)
    if multiscale is None:
        return _as_file_array(node, guess_axes(tuple(node.shape)), None, (), path, cache)
    dataset = multiscale["datasets"][level]
    array = node[dataset["path"]]
    axes = _axis_names(multiscale, array.ndim)
    attributes = dict(node.attrs)
    names = channel_names.from_omero(attributes.get("ome", attributes))
    return _as_file_array(array, axes, _pixel_size(multiscale, dataset), names, path, cache)


def count_levels(path: Path) -> int:
    """Return at how many resolutions a Zarr folder holds its image."""
    _, multiscale = _open(path)
    return 1 if multiscale is None else len(multiscale["datasets"])


def _open(path: Path) -> tuple[Any, Mapping[str, Any] | None]:
    """Return the group with its first multiscale image, or an array and None."""
    import zarr

    node = zarr.open(path, mode="r")
    attributes = dict(node.attrs)
    if not isinstance(node, zarr.Array) and "multiscales" not in attributes.get("ome", attributes):
        if "plate" in attributes.get("ome", attributes):
            raise ImageError(f"{path} is a plate; open one of the images in its wells instead")
        if "0" not in node:
            raise ImageError(f"{path} is a Zarr group without an image (no 'multiscales' in its attributes)")
        node = node["0"]  # the layout of bioformats2raw
        attributes = dict(node.attrs)
    if isinstance(node, zarr.Array):
        return node, None
    return node, attributes.get("ome", attributes)["multiscales"][0]


def guess_axes(shape: tuple[int, ...]) -> str:
    """Return axes for an array that states none: up to 5 values at the end are channels, the rest stacks."""
    if len(shape) < 2:
        raise ImageError(f"an array of shape {shape} is no image, expected (Y, X) at least")
    channels = len(shape) > 2 and shape[-1] <= 5 < min(shape[-3:-1])
    stack = len(shape) - 2 - channels
    if stack > 3:
        raise ImageError(f"an array of shape {shape} has too many axes, expected up to three before Y and X")
    return "QTZ"[3 - stack :] + "YX" + ("C" if channels else "")


def _axis_names(multiscale: Mapping[str, Any], ndim: int) -> str:
    given = multiscale.get("axes")
    if not given:
        return "TCZYX"[-ndim:]
    names = [a["name"] if isinstance(a, Mapping) else a for a in given]
    kinds = [a.get("type", "") if isinstance(a, Mapping) else "" for a in given]
    letters = [
        "C" if kind == "channel" else name[:1].upper() for name, kind in zip(names, kinds, strict=True)
    ]
    if "Y" not in letters or "X" not in letters or len(set(letters)) != len(letters) or len(letters) != ndim:
        raise ImageError(f"the axes are {names}, expected y and x among them, each once")
    return "".join(letters)


def _pixel_size(multiscale: Mapping[str, Any], level: Mapping[str, Any]) -> float | None:
    axes = multiscale.get("axes") or []
    transforms = [t for part in (level, multiscale) for t in part.get("coordinateTransformations", ())]
    scales = [t["scale"] for t in transforms if t.get("type") == "scale"]
    sizes = {
        axis["name"]: pixel_size.in_um(float(np.prod([s[i] for s in scales])), axis["unit"])
        for i, axis in enumerate(axes)
        if isinstance(axis, Mapping) and axis.get("unit") and scales
    }
    return pixel_size.square(sizes.get("x"), sizes.get("y"))


def _as_file_array(
    array: Any, axes: str, size: float | None, names: Sequence[str], path: Path, cache: PixelCache
) -> FileArray:
    """Put channels last and drop axes of length 1 (but Y and X)."""
    keep = [a for a, n in zip(axes, array.shape, strict=True) if a in "YX" or n > 1]
    order = [a for a in keep if a not in "YXC"] + ["Y", "X"] + (["C"] if "C" in keep else [])
    shape = tuple(int(array.shape[axes.index(a)]) for a in order)
    names = channel_names.chosen(shape[-1] if "C" in keep else 1, names)
    info = ImageInfo(shape, str(np.dtype(array.dtype).newbyteorder("=")), "".join(order), size, names)
    as_stored = [a for a in axes if a in "YX" or (a == "C" and "C" in keep)]
    transpose = [as_stored.index(a) for a in order if a in "YXC"]

    def read(index: tuple[int, ...], rows: slice, columns: slice) -> npt.NDArray[Any]:
        at: dict[str, Any] = dict(zip(order, index, strict=False))
        at |= {"Y": rows, "X": columns}
        if "C" in keep:
            at["C"] = slice(None)
        return np.asarray(array[tuple(at.get(a, 0) for a in axes)]).transpose(transpose)

    return FileArray(info, cached(read, path, info, cache))
