"""TIFF: plain, LZW and other compressions, tiled, BigTIFF, ImageJ hyperstacks, OME-TIFF, slides (level 0)."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_inkling.core import ImageError
from napari_inkling.project import channel_names, pixel_size
from napari_inkling.project.lazy import WHOLE_PLANE, FileArray, ImageInfo, PixelCache, ReadPlane, cached

__all__ = ["count_levels", "open_tiff"]

_IN_COLOUR = (tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR)


@dataclass(frozen=True)
class _Page:
    """Where one page of a series lies, so that it can be read without walking the file again."""

    path: str
    index: int
    offset: int


def open_tiff(path: Path, cache: PixelCache, level: int = 0) -> FileArray:
    """Return the first series of a TIFF file, channels last.

    ``level`` 0 is the full resolution; there are as many as :func:`count_levels` says.
    """
    with tifffile.TiffFile(path) as tif:
        _check_not_truncated(tif, path)
        if not tif.series:
            raise ImageError(f"{path} holds no image: the TIFF has no pages that can be read")
        series = tif.series[0].levels[level]
        shape, axes = _shape_and_axes(series)
        if "Y" not in axes or "X" not in axes:
            raise ImageError(f"{path} has axes {series.axes}, expected Y and X among them")
        order = _channels_last(axes)
        info = ImageInfo(
            tuple(shape[axes.index(a)] for a in order),
            str(np.dtype(series.dtype).newbyteorder("=")),
            order,
            _pixel_size(tif),
            _channel_names(tif, series, shape[axes.index("C")] if "C" in axes else 1),
        )
        read = _reader(path, tif, level, shape, axes, info)
    return FileArray(info, cached(read, path, info, cache))


def count_levels(path: Path) -> int:
    """Return at how many resolutions a TIFF file holds its first series."""
    with tifffile.TiffFile(path) as tif:
        return len(tif.series[0].levels) if tif.series else 1


def _shape_and_axes(series: Any) -> tuple[tuple[int, ...], str]:
    """Return the series' shape and axes with S (samples) called C, and a trailing channel axis recognised."""
    shape, axes = tuple(int(n) for n in series.shape), str(series.axes)
    if "S" in axes:
        # Colour samples are the channels; fluorescence channels of colour pages (rare) are a stack then.
        axes = axes.replace("C", "Q").replace("S", "C")
    elif axes[-3:] == "QYX" and shape[-1] <= 5 < min(shape[-3:-1]):
        # numpy (Y, X, C) written without saying so becomes Y pages of X × C.
        axes = axes[:-3] + "YXC"
    return shape, axes


def _channels_last(axes: str) -> str:
    stack = "".join(a for a in axes if a not in "YXC")
    return stack + "YX" + ("C" if "C" in axes else "")


def _reader(
    path: Path, tif: Any, level: int, shape: tuple[int, ...], axes: str, info: ImageInfo
) -> ReadPlane:
    series = tif.series[0].levels[level]
    if series.dataoffset is not None:
        dtype = np.dtype(series.dtype).newbyteorder(tif.byteorder)
        return _read_contiguous(path, series.dataoffset, dtype, shape, axes, info)
    page_axes = series.keyframe.axes.replace("S", "C")
    pages_match = int(np.prod(shape, dtype=np.int64)) == len(series.pages) * int(
        np.prod(series.keyframe.shape, dtype=np.int64)
    )
    if pages_match and axes.endswith(page_axes) and page_axes in ("YX", "YXC", "CYX"):
        return _read_pages(path, _locate(series.pages), shape, axes, page_axes, info)
    return _read_whole(path, level, axes, info)


def _locate(pages: Sequence[Any]) -> list[_Page | None]:
    return [
        None if p is None else _Page(str(Path(p.parent.filehandle.path)), int(p.index), int(p.offset))
        for p in pages
    ]


def _read_contiguous(
    path: Path, offset: int, dtype: np.dtype[Any], shape: tuple[int, ...], axes: str, info: ImageInfo
) -> ReadPlane:
    """Uncompressed and in one piece: map the file, copy the window, let the map go."""
    order = [axes.index(a) for a in info.axes]

    def read(index: tuple[int, ...], rows: slice, columns: slice) -> npt.NDArray[Any]:
        array: npt.NDArray[Any] = np.memmap(path, dtype, "r", offset, shape)
        window: tuple[Any, ...] = (*index, rows, columns)
        return np.array(array.transpose(order)[window])

    return read


def _read_pages(
    path: Path, pages: list[_Page | None], shape: tuple[int, ...], axes: str, page_axes: str, info: ImageInfo
) -> ReadPlane:
    """Compressed: decode only the strips or tiles of the pages that the window touches."""
    lead_axes, lead_shape = axes[: -len(page_axes)], shape[: len(axes) - len(page_axes)]
    channels = shape[axes.index("C")] if "C" in lead_axes else 1

    def read(index: tuple[int, ...], rows: slice, columns: slice) -> npt.NDArray[Any]:
        at = dict(zip(info.axes, index, strict=False))
        planes = []
        for channel in range(channels):
            at["C"] = channel
            number = int(np.ravel_multi_index([at[a] for a in lead_axes], lead_shape)) if lead_axes else 0
            page = pages[number]
            if page is None:
                raise ImageError(f"{path}: page {number} is missing; is the file truncated or part of a set?")
            planes.append(_read_window(page, page_axes, rows, columns))
        return np.stack(planes, axis=-1) if "C" in lead_axes else planes[0]

    return read


def _read_window(at: _Page, page_axes: str, rows: slice, columns: slice) -> npt.NDArray[Any]:
    import zarr

    key = tuple({"Y": rows, "X": columns}.get(a, slice(None)) for a in page_axes)
    with tifffile.TiffFile(at.path) as tif:
        tif.filehandle.seek(at.offset)
        page = tifffile.TiffPage(tif, index=at.index)
        if page.nbytes <= WHOLE_PLANE:
            window = page.asarray()[key]
        else:
            with page.aszarr() as store:
                window = zarr.open_array(store, mode="r")[key]
    return np.moveaxis(np.asarray(window), page_axes.index("C"), -1) if "C" in page_axes else window


def _read_whole(path: Path, level: int, axes: str, info: ImageInfo) -> ReadPlane:
    """Anything else (volumetric tiles, odd axes): the whole series is assembled, the window cut from it."""
    order = [axes.index(a) for a in info.axes]

    def read(index: tuple[int, ...], rows: slice, columns: slice) -> npt.NDArray[Any]:
        with tifffile.TiffFile(path) as tif:
            series = tif.series[0].levels[level]
            pixels = series.asarray().reshape([int(n) for n in series.shape])
        return np.asarray(pixels.transpose(order)[(*index, rows, columns)])

    return read


def _check_not_truncated(tif: Any, path: Path) -> None:
    """Raise if the file ends before its first or last page does, or before its chain of pages does."""
    size = tif.filehandle.size
    if not len(tif.pages):
        raise ImageError(f"{path} has no readable page: the TIFF is truncated or damaged ({size} bytes)")
    for page in (tif.pages.first, tif.pages[len(tif.pages) - 1]):
        ends = [o + n for o, n in zip(page.dataoffsets, page.databytecounts, strict=False)]
        if not ends or max(ends) > size:
            needed = f", its pixels need {max(ends)}" if ends else ""
            raise ImageError(f"{path} is truncated: the file has {size} bytes{needed}")
    last = tif.pages[len(tif.pages) - 1]
    fmt = tif.tiff
    tif.filehandle.seek(last.offset)
    (tags,) = struct.unpack(fmt.tagnoformat, tif.filehandle.read(fmt.tagnosize))
    tif.filehandle.seek(last.offset + fmt.tagnosize + tags * fmt.tagsize)
    following = tif.filehandle.read(fmt.offsetsize)
    if len(following) == fmt.offsetsize and struct.unpack(fmt.offsetformat, following)[0] >= size:
        raise ImageError(f"{path} is truncated: it breaks off after page {len(tif.pages)}")
    # ImageJ writes one page and all planes behind it; where they do not fit, tifffile sees that page only.
    stated = int((tif.imagej_metadata or {}).get("images", 1))
    if stated > 1 == len(tif.pages) and stated * last.nbytes + last.dataoffsets[0] > size:
        raise ImageError(f"{path} is truncated: {stated} planes do not fit into {size} bytes")


def _channel_names(tif: Any, series: Any, channels: int) -> tuple[str, ...]:
    """Return what OME-XML or ImageJ calls the channels; those of a colour picture are its colours."""
    ome = channel_names.from_ome(tif.ome_metadata) if tif.ome_metadata else ()
    imagej = channel_names.from_imagej(tif.imagej_metadata or {})
    in_colour = series.keyframe.photometric in _IN_COLOUR and "S" in series.axes
    return channel_names.chosen(channels, ome, imagej, channel_names.colours(channels) if in_colour else ())


def _pixel_size(tif: Any) -> float | None:
    if tif.ome_metadata:
        return pixel_size.from_ome(tif.ome_metadata)
    for shaped in tif.shaped_metadata or ():
        if size := shaped.get("pixel_size_um"):
            return float(size)
    page = tif.pages.first
    if tif.is_svs and (stated := re.search(r"MPP = ([\d.]+)", page.description)):
        return float(stated.group(1))
    tags = [page.tags.get(name) for name in ("XResolution", "YResolution")]
    if any(tag is None or not tag.value[1] for tag in tags):
        return None
    x, y = (float(tag.value[0]) / float(tag.value[1]) for tag in tags)
    if tif.imagej_metadata:
        return pixel_size.from_imagej(tif.imagej_metadata, x, y)
    unit = {2: "inch", 3: "cm"}.get(int(getattr(page.tags.get("ResolutionUnit"), "value", 1)), "")
    return pixel_size.from_dpi(x, y, unit)
