"""Masks and label images for tests, worked out by hand."""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Masks


def drawing(*rows: str) -> npt.NDArray[np.int32]:
    """Return the label image that the digits draw; a dot is background."""
    return np.array([[0 if c == "." else int(c) for c in row] for row in rows], dtype=np.int32)


def packed(*octets: int, level: int = 1) -> bytes:
    """Return a bitmap of these bytes."""
    return zlib.compress(bytes(octets), level)


#: An L in the rows 1 and 2, and two pixels at the right; there is no 2.
CORNER = drawing(
    ".....",
    ".1..3",
    ".11.3",
    ".....",
)


def corner(**columns: object) -> Masks:
    """The masks of :data:`CORNER`."""
    return Masks.from_labels(CORNER, **columns)
