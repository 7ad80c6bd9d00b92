"""PNG, JPEG and BMP: one plane per file, read whole."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import PIL.Image

from napari_inkling.core import ImageError
from napari_inkling.project import channel_names, pixel_size
from napari_inkling.project.lazy import FileArray, ImageInfo, PixelCache

__all__ = ["open_picture"]

#: Pillow's mode → the mode read, dtype and channels. What is not here is read as RGB.
_MODES = {
    "1": ("L", "uint8", 1), "L": ("L", "uint8", 1), "LA": ("LA", "uint8", 2), "RGB": ("RGB", "uint8", 3),
    "RGBA": ("RGBA", "uint8", 4), "I;16": ("I;16", "uint16", 1), "I;16B": ("I;16B", "uint16", 1),
    "I": ("I", "int32", 1), "F": ("F", "float32", 1),
}  # fmt: skip
_PNG_END, _JPEG_END = b"IEND\xaeB`\x82", b"\xff\xd9"
#: Colour types of a PNG with 16 bits per sample that Pillow would cut down to 8 → channels.
_PNG_DEEP = {2: 3, 4: 2, 6: 4}


def open_picture(path: Path, cache: PixelCache) -> FileArray:
    """Return the only plane of a PNG, JPEG or BMP file; its header is read now, its pixels when asked for."""
    with _opened(path) as picture:
        width, height = picture.size
        mode, dtype, channels = _MODES.get(picture.mode, ("RGB", "uint8", 3))
        dpi = picture.info.get("dpi")
    deep = _deep_png_channels(path)
    if deep:
        dtype, channels = "uint16", deep
    size = pixel_size.from_dpi(float(dpi[0]), float(dpi[1]), "inch") if dpi else None
    shape, axes = ((height, width), "YX") if channels == 1 else ((height, width, channels), "YXC")
    stat = path.stat()

    def decode() -> npt.NDArray[Any]:
        return _decode_deep_png(path) if deep else _decode(path, mode, dtype)

    def read(index: tuple[int, ...], rows: slice, columns: slice) -> npt.NDArray[Any]:
        # Kept whatever its size: there is no decoding a part of it.
        return cache.get((str(path), stat.st_mtime_ns, stat.st_size), decode)[rows, columns].copy()

    if _lacks_end(path):
        decode()  # tells whether the file is truncated or merely unusual
    return FileArray(ImageInfo(shape, dtype, axes, size, channel_names.colours(channels)), read)


def _opened(path: Path) -> Any:
    try:
        with warnings.catch_warnings():
            # A slide of 90 megapixels is no attack; beyond twice that Pillow refuses, and so do we.
            warnings.simplefilter("ignore", PIL.Image.DecompressionBombWarning)
            return PIL.Image.open(path)
    except PIL.Image.DecompressionBombError as error:
        raise ImageError(
            f"{path} is too large for a picture file ({error}); convert it to OME-Zarr or TIFF"
        ) from error


def _decode(path: Path, mode: str, dtype: str) -> npt.NDArray[Any]:
    with _opened(path) as picture:
        picture.load()
        return np.asarray(picture if picture.mode == mode else picture.convert(mode)).astype(
            dtype, copy=False
        )


def _deep_png_channels(path: Path) -> int:
    with path.open("rb") as file:
        header = file.read(26)
    return _PNG_DEEP.get(header[25], 0) if header[1:4] == b"PNG" and header[24] == 16 else 0


def _decode_deep_png(path: Path) -> npt.NDArray[Any]:
    import imagecodecs

    return np.asarray(imagecodecs.png_decode(path.read_bytes()))


def _lacks_end(path: Path) -> bool:
    """Whether a PNG or JPEG misses the marker that ends it (within its last 64 KiB)."""
    with path.open("rb") as file:
        start = file.read(4)
        file.seek(max(0, path.stat().st_size - (64 << 10)))
        tail = file.read()
    end = {b"\x89PNG": _PNG_END, b"\xff\xd8\xff": _JPEG_END}.get(start if start[0] == 0x89 else start[:3])
    return end is not None and end not in tail
