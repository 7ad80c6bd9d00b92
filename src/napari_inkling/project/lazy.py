"""Arrays that read a file only when, and only where, they are looked at."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import ImageError

__all__ = ["WHOLE_PLANE", "FileArray", "ImageInfo", "PixelCache", "PlaneArray", "ReadPlane", "cached"]

Pixels = npt.NDArray[Any]
#: Planes up to this many bytes are decoded whole and kept; larger ones are read window by window.
WHOLE_PLANE = 64 << 20
#: Reads rows and columns of the plane at an index of the stack; returns a new array (y, x) or (y, x, C).
ReadPlane = Callable[[tuple[int, ...], slice, slice], Pixels]


@dataclass(frozen=True)
class ImageInfo:
    """What a file holds, known from its header alone.

    Parameters
    ----------
    shape : tuple of int
        Leading stack axes, then Y, X, and channels last where there are any.
    dtype : str
        As numpy names it, e.g. ``"uint16"``.
    axes : str
        One letter per axis of ``shape``: ``"YX"``, ``"YXC"``, ``"TZYX"`` … C is last or absent.
    pixel_size_um : float or None
        Edge of a pixel in µm, where the file says so believably.
    channel_names : tuple of str
        What the channels are called, all differently; ``()`` where the file does not say.
    """

    shape: tuple[int, ...]
    dtype: str
    axes: str
    pixel_size_um: float | None = None
    channel_names: tuple[str, ...] = ()

    @property
    def stack_shape(self) -> tuple[int, ...]:
        """Lengths of the axes before Y; ``()`` for a single plane."""
        return self.shape[: self.axes.index("Y")]

    @property
    def plane_shape(self) -> tuple[int, ...]:
        """Shape of one plane, (Y, X) or (Y, X, C)."""
        return self.shape[self.axes.index("Y") :]

    @property
    def channels(self) -> int:
        """How many there are; 1 without an axis of them."""
        return self.shape[-1] if self.axes.endswith("C") else 1

    @property
    def is_rgb(self) -> bool:
        """Whether the channels are taken for red, green and blue (and alpha): three or four of 8 bits."""
        return self.channels in (3, 4) and np.dtype(self.dtype) == np.uint8

    @property
    def plane_bytes(self) -> int:
        """Size of one plane in memory, in bytes."""
        return int(np.prod(self.plane_shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize


class PixelCache:
    """The planes that were read last, up to a number of bytes; what is read often is not decoded twice."""

    def __init__(self, limit_bytes: int = 256 << 20) -> None:
        self.limit_bytes = limit_bytes
        self._planes: OrderedDict[Hashable, Pixels] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, read: Callable[[], Pixels]) -> Pixels:
        """Return the plane kept under ``key``, reading it first if need be."""
        with self._lock:
            if key in self._planes:
                self._planes.move_to_end(key)
                return self._planes[key]
        pixels = read()
        with self._lock:
            self._planes[key] = pixels
            while len(self._planes) > 1 and sum(p.nbytes for p in self._planes.values()) > self.limit_bytes:
                self._planes.popitem(last=False)
        return pixels

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._planes.clear()


def cached(read: ReadPlane, path: Path, info: ImageInfo, cache: PixelCache) -> ReadPlane:
    """Return a reader that decodes small planes whole and keeps them; large ones stay read by window."""
    if info.plane_bytes > WHOLE_PLANE:
        return read
    stat = path.stat()
    height, width = info.plane_shape[:2]

    def read_cached(index: tuple[int, ...], rows: slice, columns: slice) -> Pixels:
        key = (str(path), stat.st_mtime_ns, stat.st_size, info.shape, index)
        plane = cache.get(key, lambda: read(index, slice(0, height), slice(0, width)))
        return plane[rows, columns].copy()

    return read_cached


class FileArray:
    """All planes of a file as one array with numpy's basic indexing (integers, slices with step, ``...``).

    Nothing stays open between reads, so a file can be moved or deleted at any time.

    Parameters
    ----------
    info : ImageInfo
        Shape, axes and type of what is read.
    read_plane : callable
        Reads a window of a plane as the file has it; indexing the array brings it to native byte order.
    """

    def __init__(self, info: ImageInfo, read_plane: ReadPlane) -> None:
        self.info = info
        self.shape = info.shape
        self.dtype = np.dtype(info.dtype).newbyteorder("=")
        self.read_plane = read_plane

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, key: Any) -> Pixels:
        keys = _full_key(key, self.ndim)
        lead = len(self.info.stack_shape)
        picks = [_pick(k, n) for k, n in zip(keys[:lead], self.shape, strict=False)]
        (rows, y), (columns, x) = (
            _window(k, n) for k, n in zip(keys[lead : lead + 2], self.shape[lead : lead + 2], strict=True)
        )
        rest = (y, x, *keys[lead + 2 :])
        # Native byte order: nothing above reads any other.
        planes = [
            np.asarray(self.read_plane(index, rows, columns)[rest], dtype=self.dtype)
            for index in product(*(p if isinstance(p, range) else (p,) for p in picks))
        ]
        kept = tuple(len(p) for p in picks if isinstance(p, range))
        if not planes:
            plane = (rows.stop - rows.start, columns.stop - columns.start, *self.shape[lead + 2 :])
            return np.empty((*kept, *np.empty(plane)[rest].shape), self.dtype)
        return np.stack(planes).reshape(*kept, *planes[0].shape) if kept else planes[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Pixels:
        return np.asarray(self[...], dtype=dtype)


class PlaneArray:
    """One plane of a :class:`FileArray`, shape (Y, X) or (Y, X, C)."""

    def __init__(self, stack: FileArray, index: tuple[int, ...]) -> None:
        lengths = stack.info.stack_shape
        if len(index) != len(lengths) or not all(0 <= i < n for i, n in zip(index, lengths, strict=True)):
            raise ImageError(f"there is no plane {list(index)}: the stack has {list(lengths)} planes")
        self._stack = stack
        self._index = index
        self.shape = stack.info.plane_shape
        self.dtype = stack.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    def __getitem__(self, key: Any) -> Pixels:
        return self._stack[(*self._index, *_full_key(key, self.ndim))]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Pixels:
        return np.asarray(self[...], dtype=dtype)


def _full_key(key: Any, ndim: int) -> tuple[Any, ...]:
    keys = key if isinstance(key, tuple) else (key,)
    if any(k is Ellipsis for k in keys):
        at = next(i for i, k in enumerate(keys) if k is Ellipsis)
        keys = (*keys[:at], *[slice(None)] * (ndim - len(keys) + 1), *keys[at + 1 :])
    if len(keys) > ndim:
        raise IndexError(f"{len(keys)} indices for an array of {ndim} axes")
    return (*keys, *[slice(None)] * (ndim - len(keys)))


def _pick(key: Any, length: int) -> int | range:
    if isinstance(key, slice):
        return range(length)[key]
    return range(length)[int(key)]


def _window(key: Any, length: int) -> tuple[slice, int | slice]:
    """Return the contiguous window that covers ``key``, and the key to apply to what was read."""
    picked = _pick(key, length)
    if isinstance(picked, int):
        return slice(picked, picked + 1), 0
    if not len(picked):
        return slice(0, 0), slice(None)
    low, high = min(picked[0], picked[-1]), max(picked[0], picked[-1])
    inner = slice(None, None, picked.step) if picked.step != 1 else slice(None)
    return slice(low, high + 1), inner
