"""Masks: one row per cell, its pixels packed into the smallest box around them.

A packed mask is small (a nucleus takes some 60 bytes): tens of thousands of them fit into memory, into the
journal, and into a message to another process.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from napari_inkling.core._rows import Rows
from napari_inkling.core.errors import HintError

__all__ = ["Masks"]

BoolImage = npt.NDArray[np.bool_]
Shape = tuple[int, int]

#: Largest coordinate of a pixel.
_LARGEST = 2**31 - 1
#: Up to this number a list has a place for every number; a sparse label image may hold larger ones, e.g. ids.
_MOST_LISTED = 1_000_000


@dataclass(frozen=True, eq=False, init=False)
class Masks(Rows):
    """Masks of whole pixels, one row per cell. Columns as for :class:`Points`, and ``bitmaps``.

    ``coordinates`` (N, 4) are the bounding boxes as slices y0, x0, y1, x1: the mask has pixels in the rows
    y0 ≤ y < y1 and the columns x0 ≤ x < x1, and at least one in the first and the last of each. ``bitmaps``
    (N,) are ``bytes``: the pixels of that box row by row, eight in a byte, packed by zlib. Equal masks are
    those whose bitmaps were packed alike.

    Raises
    ------
    HintError
        For a box that is not of whole pixels at 0 or more, or a bitmap that is not of this box.
    """

    width: ClassVar[int] = 4

    bitmaps: npt.NDArray[np.object_]

    def __init__(
        self, coordinates: npt.ArrayLike | None = None, bitmaps: Iterable[bytes] = (), **columns: Any
    ) -> None:
        super().__init__(coordinates, **columns)
        given = list(bitmaps)
        if len(given) != len(self):
            raise HintError(f"{len(given)} bitmaps were given for {len(self)} masks")
        checked = np.empty(len(given), dtype=object)
        boxes = self.coordinates.astype(np.int64).tolist()
        for i, (bitmap, (y0, x0, y1, x1)) in enumerate(zip(given, boxes, strict=True)):
            try:
                checked[i] = _checked_bitmap(bitmap, (y1 - y0, x1 - x0))
            except HintError as error:
                raise HintError(f"mask {i} with the box {[y0, x0, y1, x1]} {error}") from None
        checked.flags.writeable = False
        object.__setattr__(self, "bitmaps", checked)  # the instance is frozen

    @classmethod
    def _checked(cls, given: npt.ArrayLike) -> npt.NDArray[np.float64]:
        rows = super()._checked(given)
        whole = (rows == np.floor(rows)) & (rows >= 0) & (rows <= _LARGEST)
        if (bad := np.flatnonzero(~whole.all(1) | (rows[:, 2:] <= rows[:, :2]).any(1))).size:
            raise HintError(
                f"mask {bad[0]} has the box {rows[bad[0]].tolist()}, "
                "expected whole pixels 0 ≤ y0 < y1 and 0 ≤ x0 < x1"
            )
        return rows

    @classmethod
    def from_labels(cls, labels: npt.ArrayLike, **columns: Any) -> Self:
        """Return the masks of a label image.

        Parameters
        ----------
        labels : (Y, X) array of integers
            0 is background; the pixels of one number are one mask, connected or not.
        **columns
            ``classes``, ``scores`` and so on, in the order of the numbers that occur, smallest first.

        Raises
        ------
        HintError
            If ``labels`` is not a plane of integers, or one of them is below 0.
        """
        image = np.asarray(labels)
        if image.ndim != 2 or image.dtype.kind not in "bui":
            raise HintError(
                f"labels have shape {image.shape} and dtype {image.dtype}, expected integers of shape (Y, X)"
            )
        places = _places_of(image)
        corners = [(y.start, x.start) for _, (y, x) in places]
        return cls.from_crops(corners, (image[window] == number for number, window in places), **columns)

    @classmethod
    def from_crops(cls, corners: npt.ArrayLike, crops: Iterable[npt.NDArray[Any]], **columns: Any) -> Self:
        """Return masks from cut-out pieces of any size; empty rows and columns around the mask are cut off.

        Parameters
        ----------
        corners : (N, 2) array of int
            Row and column of the first pixel of each piece.
        crops : iterable of (Y, X) arrays of bool
            True where the mask is.
        **columns
            The other columns, one value for each mask or one for all.

        Raises
        ------
        HintError
            If a piece has no pixel, or pixels above or left of the image.
        """
        starts = np.asarray(corners).reshape(-1, 2).tolist()
        boxes: list[tuple[int, int, int, int]] = []
        bitmaps: list[bytes] = []
        for (y, x), crop in zip(starts, crops, strict=True):
            tight, (top, left) = _tightened(crop, len(boxes))
            height, width = tight.shape
            boxes.append((y + top, x + left, y + top + height, x + left + width))
            bitmaps.append(_Bitmap.of(tight))
        return cls(boxes, bitmaps, **columns)

    def crop(self, i: int) -> BoolImage:
        """Return the pixels of one mask within its box, shape (y1 - y0, x1 - x0)."""
        crop: BoolImage = self.bitmaps[i].crop()
        return crop

    def labels(self, shape: Shape) -> npt.NDArray[np.int32]:
        """Return the label image of shape (Y, X): i + 1 where row i is, 0 elsewhere.

        A later row paints over an earlier one; what lies outside the shape is cut off.
        """
        painted = np.zeros(shape, dtype=np.int32)
        for i, (y0, x0, y1, x1) in enumerate(self.coordinates.astype(np.int64).tolist()):
            window = painted[y0:y1, x0:x1]
            window[self.crop(i)[: window.shape[0], : window.shape[1]]] = i + 1
        return painted

    @property
    def areas(self) -> npt.NDArray[np.int64]:
        """Number of pixels of each mask, shape (N,)."""
        return np.array([bitmap.area for bitmap in self.bitmaps], dtype=np.int64)

    @property
    def centres(self) -> npt.NDArray[np.float64]:
        """The pixel of each mask that is nearest to its centroid, shape (N, 2): never outside the mask."""
        within = np.array([bitmap.centre for bitmap in self.bitmaps], dtype=np.float64).reshape(-1, 2)
        return self.coordinates[:, :2] + within

    def to_json(self) -> dict[str, Any]:
        """Return plain lists by column; bitmaps as base64 text."""
        text = [base64.b64encode(packed).decode("ascii") for packed in self.bitmaps]
        return {**super().to_json(), "bitmaps": text}

    @classmethod
    def from_json(cls, columns: Mapping[str, Any]) -> Self:
        """Return what :meth:`to_json` wrote; columns of later versions are left alone."""
        try:
            bitmaps = [base64.b64decode(text, validate=True) for text in columns.get("bitmaps", ())]
        except (binascii.Error, TypeError, ValueError) as error:
            raise HintError(f"a bitmap is not base64 text: {error}") from error
        return super().from_json({**columns, "bitmaps": bitmaps})


class _Bitmap(bytes):
    """A bitmap that was checked, or made, for a box of this shape.

    Rows share it when they are taken, joined or changed: it is checked and measured once, not at each edit.
    """

    shape: Shape

    @classmethod
    def of(cls, crop: BoolImage) -> Self:
        """Pack a tight crop."""
        return cls.checked(zlib.compress(np.packbits(crop).tobytes(), 1), (crop.shape[0], crop.shape[1]))

    @classmethod
    def checked(cls, packed: bytes, shape: Shape) -> Self:
        """Take packed bytes whose caller knows that they are of this shape."""
        bitmap = cls(packed)
        bitmap.shape = shape
        return bitmap

    def crop(self) -> BoolImage:
        """Return the pixels."""
        return _unpacked(zlib.decompress(self), self.shape)

    @cached_property
    def area(self) -> int:
        """Number of pixels."""
        return int.from_bytes(zlib.decompress(self)).bit_count()

    @cached_property
    def centre(self) -> tuple[int, int]:
        """The pixel nearest to the centroid; the first of several."""
        y, x = np.nonzero(self.crop())
        nearest = np.argmin((y - y.mean()) ** 2 + (x - x.mean()) ** 2)
        return int(y[nearest]), int(x[nearest])


def _checked_bitmap(bitmap: Any, shape: Shape) -> _Bitmap:
    """Return the bitmap of a box of this shape; ``HintError`` goes on after "mask … "."""
    if isinstance(bitmap, _Bitmap) and bitmap.shape == shape:
        return bitmap
    if not isinstance(bitmap, bytes):
        raise HintError(f"has a bitmap of type {type(bitmap).__name__}, expected bytes")
    try:
        bits = zlib.decompress(bitmap)
    except zlib.error as error:
        raise HintError(f"has a bitmap that zlib cannot unpack: {error}") from error
    expected = -(-shape[0] * shape[1] // 8)
    if len(bits) != expected:
        raise HintError(
            f"has a bitmap of {len(bits)} bytes that does not fit its box of {shape[0]} × {shape[1]} pixels, "
            f"expected {expected} bytes"
        )
    if bits[-1] & (1 << (8 * expected - shape[0] * shape[1])) - 1:
        raise HintError("has a bitmap with pixels behind the end of its box")
    crop = _unpacked(bits, shape)
    if not crop.any():
        raise HintError("has an empty bitmap, expected one pixel at least")
    if not all(edge.any() for edge in (crop[0], crop[-1], crop[:, 0], crop[:, -1])):
        raise HintError("has an empty row or column at an edge of its box, expected a tight one")
    return _Bitmap.checked(bitmap, shape)


def _unpacked(bits: bytes, shape: Shape) -> BoolImage:
    flat = np.unpackbits(np.frombuffer(bits, dtype=np.uint8), count=shape[0] * shape[1])
    return flat.view(np.bool_).reshape(shape)


def _tightened(crop: npt.NDArray[Any], i: int) -> tuple[BoolImage, Shape]:
    """Return what is left of a crop without its empty edges, and where in it that begins."""
    whole = np.asarray(crop, dtype=bool)
    if whole.ndim != 2:
        raise HintError(f"mask {i} has a crop of shape {whole.shape}, expected (Y, X)")
    rows, columns = np.flatnonzero(whole.any(1)), np.flatnonzero(whole.any(0))
    if not len(rows):
        raise HintError(f"mask {i} is empty, expected one pixel at least")
    top, left = int(rows[0]), int(columns[0])
    return whole[top : rows[-1] + 1, left : columns[-1] + 1], (top, left)


def _places_of(image: npt.NDArray[Any]) -> list[tuple[int, tuple[slice, slice]]]:
    """Return the numbers that occur in a label image, in order, and the box around the pixels of each."""
    from scipy.ndimage import find_objects  # this package is imported at once, scipy only with a label image

    if not image.any():
        return []
    if image.min() < 0:
        raise HintError(f"labels hold {image.min()}, expected 0 for the background and numbers above it")
    if image.max() <= _MOST_LISTED:
        found = find_objects(image.astype(np.uint8) if image.dtype == bool else image)
        return [(i + 1, place) for i, place in enumerate(found) if place is not None]
    numbers = np.unique(image[image > 0])
    ranks = np.where(image > 0, np.searchsorted(numbers, image) + 1, 0)
    return list(zip(numbers.tolist(), find_objects(ranks), strict=True))
