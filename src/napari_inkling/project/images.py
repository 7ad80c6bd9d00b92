"""Opening any image file lazily, and telling whether it is still the same file."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Image, ImageError, PlaneRef
from napari_inkling.project import channel_names, omezarr, tiff
from napari_inkling.project.lazy import FileArray, ImageInfo, PixelCache, PlaneArray
from napari_inkling.project.omezarr import ZARR_METADATA, guess_axes, open_zarr
from napari_inkling.project.pictures import open_picture
from napari_inkling.project.tiff import open_tiff

__all__ = [
    "IMAGE_SUFFIXES",
    "ImageInfo",
    "check_shape",
    "find_images",
    "fingerprint",
    "open_array",
    "open_coarser",
    "open_image",
]

#: Files that are taken for images when a folder is added.
IMAGE_SUFFIXES = (".tif", ".tiff", ".btf", ".svs", ".lsm", ".png", ".jpg", ".jpeg", ".bmp", ".npy", ".zarr")
_BLOCK = 64 << 10
_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def open_array(path: Path | str, cache: PixelCache | None = None) -> tuple[FileArray, ImageInfo]:
    """Return all planes of an image file as one lazy array, and what its header says.

    Parameters
    ----------
    path : path
        TIFF (ImageJ, OME and slides too), PNG, JPEG, BMP, ``.npy``, or a folder with (OME-)Zarr.
    cache : PixelCache, optional
        Where decoded planes are kept; share one among many images to bound their memory.

    Raises
    ------
    ImageError
        If the file is missing, empty, truncated, not an image, or has no real pixels.
    """
    path = Path(path)
    try:
        array = _opener(path)(path, cache or PixelCache())
    except (ImageError, MemoryError):
        raise
    except Exception as error:
        raise ImageError(_unreadable(path, error)) from error
    info = array.info
    _check(info, path)
    if info.is_rgb and not info.channel_names:
        info = replace(info, channel_names=channel_names.colours(info.channels))
    return FileArray(info, _with_plain_errors(array, path)), info


def open_coarser(path: Path | str, cache: PixelCache | None = None) -> tuple[FileArray, ...]:
    """Return the smaller copies of its image that a file keeps (OME-Zarr, pyramidal TIFF), the largest first.

    Those that do not hold every plane and channel are left out. Raises as :func:`open_array` does.
    """
    path, cache = Path(path), cache or PixelCache()
    _, info = open_array(path, cache)
    found: list[FileArray] = []
    try:
        if path.is_dir():
            found = [open_zarr(path, cache, n) for n in range(1, omezarr.count_levels(path))]
        elif _opener(path) is open_tiff:
            found = [open_tiff(path, cache, n) for n in range(1, tiff.count_levels(path))]
    except (ImageError, MemoryError):
        raise
    except Exception as error:
        raise ImageError(_unreadable(path, error)) from error
    kept, last = [], info
    for array in found:
        if _is_coarser(array.info, last):
            kept.append(FileArray(array.info, _with_plain_errors(array, path)))
            last = array.info
    return tuple(kept)


def _is_coarser(info: ImageInfo, than: ImageInfo) -> bool:
    """Whether an image is a smaller copy of another: the same planes and channels of fewer pixels."""
    same = (info.axes, info.dtype, info.stack_shape, info.plane_shape[2:]) == (
        than.axes, than.dtype, than.stack_shape, than.plane_shape[2:]
    )  # fmt: skip
    smaller = all(0 < a < b for a, b in zip(info.plane_shape[:2], than.plane_shape[:2], strict=True))
    return same and smaller


def open_image(path: Path | str, ref: PlaneRef, cache: PixelCache | None = None) -> Image:
    """Return one plane of an image file; raises :class:`ImageError` as :func:`open_array` does."""
    array, info = open_array(path, cache)
    try:
        return Image(ref, PlaneArray(array, ref.plane), info.pixel_size_um, info.channel_names)
    except ImageError as error:
        raise ImageError(f"{path}: {error}") from error


def check_shape(path: Path | str, info: ImageInfo, shape: tuple[int, ...]) -> None:
    """Raise :class:`ImageError` if a file has another shape than when its image was added to a project."""
    if info.shape != shape:
        raise ImageError(f"{path} has changed: its shape is {info.shape}, and was {shape} when it was added")


def find_images(path: Path) -> list[Path]:
    """Return the image files in a folder, sorted, without subfolders; the path itself if it is no folder."""
    if path.is_dir() and not _is_zarr(path):
        return sorted(
            p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".")
        )
    return [path]


def fingerprint(path: Path | str) -> str:
    """Return what tells one image's content from another's: its size and a hash of its first and last 64 KiB.

    For Zarr: a hash of its metadata and of its first and last chunk. Times do not count, so a copy is the
    same image; a change in the middle of a large file that keeps its size goes unnoticed.
    """
    path = Path(path)
    digest = hashlib.sha256()
    try:
        files = list(_zarr_files(path)) if path.is_dir() else [path]
        size = 0
        for file in files:
            length = file.stat().st_size
            size += length
            with file.open("rb") as stream:
                digest.update(stream.read(_BLOCK))
                stream.seek(max(_BLOCK, length - _BLOCK))
                digest.update(stream.read(_BLOCK))
    except FileNotFoundError as error:
        raise ImageError(f"{path} is missing") from error
    except OSError as error:
        raise ImageError(f"{path} cannot be read: {error.strerror or error}") from error
    return f"{size}-{digest.hexdigest()[:32]}"


def _opener(path: Path) -> Callable[[Path, PixelCache], FileArray]:
    if not path.exists():
        raise ImageError(f"{path} is missing")
    if path.is_dir():
        if not _is_zarr(path):
            raise ImageError(f"{path} is a folder without (OME-)Zarr in it, expected an image")
        return open_zarr
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise ImageError(f"{path} is empty: the file has 0 bytes")
    if start[:4] in _TIFF_STARTS:
        return open_tiff
    return _open_npy if start[:6] == b"\x93NUMPY" else open_picture


def _open_npy(path: Path, cache: PixelCache) -> FileArray:
    header = np.load(path, mmap_mode="r", allow_pickle=False)
    axes = guess_axes(header.shape)
    info = ImageInfo(header.shape, str(header.dtype.newbyteorder("=")), axes)

    def read(index: tuple[int, ...], rows: slice, columns: slice) -> npt.NDArray[Any]:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
        return np.array(array[(*index, rows, columns)], dtype=info.dtype)

    return FileArray(info, read)


def _check(info: ImageInfo, path: Path) -> None:
    if 0 in info.shape:
        raise ImageError(f"{path} is empty: its shape is {info.shape}")
    if np.dtype(info.dtype).kind not in "buif":
        raise ImageError(f"{path} has pixels of type {info.dtype}, expected real numbers")


def _with_plain_errors(array: FileArray, path: Path) -> Any:
    def read(index: tuple[int, ...], rows: slice, columns: slice) -> npt.NDArray[Any]:
        try:
            return array.read_plane(index, rows, columns)
        except (ImageError, MemoryError):
            raise
        except Exception as error:
            raise ImageError(_unreadable(path, error)) from error

    return read


def _unreadable(path: Path, error: Exception) -> str:
    """Say in plain words why a library could not read a file: they raise anything at all on damaged ones."""
    if isinstance(error, FileNotFoundError):
        return f"{path} is missing"
    if isinstance(error, PermissionError):
        return f"{path} cannot be read: permission denied"
    if type(error).__name__ == "UnidentifiedImageError":
        kinds = "TIFF, PNG, JPEG, BMP, .npy or OME-Zarr"
        return f"{path} is not an image, whatever its name: expected what begins like {kinds}"
    truncated = isinstance(error, EOFError | struct.error) or "truncated" in str(error).lower()
    return f"{path} {'is truncated' if truncated else 'is damaged or of an unknown kind'}: {error}"


def _is_zarr(path: Path) -> bool:
    return any((path / name).is_file() for name in ZARR_METADATA)


def _zarr_files(path: Path) -> Iterator[Path]:
    """Yield the metadata of a Zarr folder and of its first array, and that array's first and last chunk."""
    array = path
    for folder in (path, path / "0", path / "0" / "0"):
        if _is_zarr(folder):
            array = folder
            names = (*ZARR_METADATA, ".zattrs")
            yield from (folder / name for name in names if (folder / name).is_file())
    for edge in (0, -1):
        if chunk := _edge_file(array, edge):
            yield chunk


def _edge_file(folder: Path, edge: int) -> Path | None:
    # Labels that somebody adds to an image do not make it another image.
    other = ("zarr.json", "labels")
    entries = sorted(p for p in folder.iterdir() if not (p.name.startswith(".z") or p.name in other))
    if not entries:
        return None
    return entries[edge] if entries[edge].is_file() else _edge_file(entries[edge], edge)
