"""Lazy arrays index as numpy does, and read no more than they are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from napari_inkling.core import ImageError
from napari_inkling.project.lazy import FileArray, ImageInfo, PixelCache, PlaneArray


class Recorder:
    """Reads from an array in memory and remembers the windows."""

    def __init__(self, pixels: np.ndarray[Any, Any]) -> None:
        self.pixels = pixels
        self.windows: list[tuple[tuple[int, ...], tuple[int, int], tuple[int, int]]] = []

    def __call__(self, index: tuple[int, ...], rows: slice, columns: slice) -> Any:
        self.windows.append((index, (rows.start, rows.stop), (columns.start, columns.stop)))
        return self.pixels[(*index, rows, columns)]


def lazy(pixels: np.ndarray[Any, Any], axes: str) -> tuple[FileArray, Recorder]:
    recorder = Recorder(pixels)
    return FileArray(ImageInfo(pixels.shape, str(pixels.dtype), axes), recorder), recorder


STACK = np.arange(2 * 3 * 8 * 10 * 2).reshape(2, 3, 8, 10, 2)


@pytest.mark.parametrize(
    "key",
    [
        (),
        ...,
        0,
        -1,
        (1, 2),
        (1, 2, slice(2, 5)),
        (1, 2, slice(2, 5), slice(None, None, 3)),
        (slice(None), 1, slice(1, 7, 2), 4),
        (slice(None), slice(1, 3), -1, slice(-3, None)),
        (0, 0, slice(None, None, -1), slice(8, 2, -2)),
        (..., 1),
        (0, ..., slice(2, 4), 0),
        (0, 0, slice(5, 5)),
        (slice(0, 0), 0),
        (0, 0, slice(2, 100), slice(-100, 3)),
    ],
)
def test_indexing_is_numpys(key: Any) -> None:
    array, _ = lazy(STACK, "TZYXC")
    np.testing.assert_array_equal(array[key], STACK[key])
    assert array[key].shape == STACK[key].shape


@pytest.mark.parametrize("key", [2, (0, 3), (0, 0, 8), (0, 0, 0, 0, 0, 0)])
def test_beyond_the_end_is_an_index_error(key: Any) -> None:
    array, _ = lazy(STACK, "TZYXC")
    with pytest.raises(IndexError):
        array[key]


def test_only_the_window_is_read() -> None:
    array, recorder = lazy(STACK, "TZYXC")
    array[1, 2, 2:5, 3:9:2]
    assert recorder.windows == [((1, 2), (2, 5), (3, 8))]


def test_foreign_byte_order_becomes_native() -> None:
    array, _ = lazy(STACK.astype(">i4"), "TZYXC")
    assert array.dtype == np.dtype("int32") == array[0].dtype


def test_plane_of_a_stack() -> None:
    array, recorder = lazy(STACK, "TZYXC")
    plane = PlaneArray(array, (1, 0))
    assert (plane.shape, plane.ndim, recorder.windows) == ((8, 10, 2), 3, [])
    np.testing.assert_array_equal(plane[2:4, :, 1], STACK[1, 0, 2:4, :, 1])
    np.testing.assert_array_equal(np.asarray(plane), STACK[1, 0])


@pytest.mark.parametrize("index", [(), (0,), (2, 0), (0, -1), (0, 0, 0)])
def test_a_plane_that_is_not_there(index: tuple[int, ...]) -> None:
    array, _ = lazy(STACK, "TZYXC")
    with pytest.raises(ImageError, match=r"there is no plane .* \[2, 3\]"):
        PlaneArray(array, index)


def test_info_splits_stack_and_plane() -> None:
    info = ImageInfo((2, 3, 8, 10, 4), "uint16", "TZYXC")
    assert (info.stack_shape, info.plane_shape, info.plane_bytes) == ((2, 3), (8, 10, 4), 640)
    assert ImageInfo((8, 10), "uint8", "YX").stack_shape == ()


def test_cache_keeps_the_latest_up_to_its_limit_and_always_one() -> None:
    cache = PixelCache(limit_bytes=20)
    reads: list[str] = []

    def get(name: str, size: int = 10) -> None:
        cache.get(name, lambda: (reads.append(name), np.zeros(size, np.uint8))[1])

    for name in ("a", "b", "a", "c", "a", "b"):
        get(name)
    assert reads == ["a", "b", "c", "b"]
    get("large", 100)
    get("large", 100)
    assert reads == ["a", "b", "c", "b", "large"]


@pytest.mark.parametrize(
    ("axes", "shape", "dtype", "expected"),
    [
        ("YXC", (9, 9, 3), "uint8", True),
        ("YXC", (9, 9, 4), "uint8", True),
        ("ZYXC", (2, 9, 9, 3), "uint8", True),
        ("YXC", (9, 9, 3), "uint16", False),
        ("YXC", (9, 9, 5), "uint8", False),
        ("ZYX", (3, 9, 3), "uint8", False),
    ],
)
def test_is_rgb(axes, shape, dtype, expected):
    assert ImageInfo(shape, dtype, axes).is_rgb is expected
