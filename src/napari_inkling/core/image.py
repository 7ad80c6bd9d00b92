"""An image: one 2-D plane that is read lazily, piece by piece."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from napari_inkling.core.errors import ImageError

__all__ = ["Image", "ImageKind", "LazyArray", "PlaneRef"]

#: Stained tissue and blood; bright cells on dark ground; phase contrast, and bright field without a stain.
ImageKind = Literal["colour", "fluorescence", "transmitted"]

_WITH_PLANE = re.compile(r"(.*)\[([0-9]+(?:,[0-9]+)*)\]", re.DOTALL)


class LazyArray(Protocol):
    """What numpy, dask and zarr arrays have in common."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        ...

    @property
    def dtype(self) -> Any:
        """Type of a pixel."""
        ...

    def __getitem__(self, key: Any) -> Any: ...


@dataclass(frozen=True, order=True)
class PlaneRef:
    """Names one plane of a project: an image and a place in its stack, e.g. ``("embryo", (3, 12))``."""

    image: str
    plane: tuple[int, ...] = ()

    def __str__(self) -> str:
        return self.image + (f"[{','.join(map(str, self.plane))}]" if self.plane else "")

    @classmethod
    def parse(cls, text: str) -> PlaneRef:
        """Return the reference that ``str`` wrote; without whole numbers in brackets, all is the name."""
        found = _WITH_PLANE.fullmatch(text)
        return cls(text) if found is None else cls(found[1], tuple(map(int, found[2].split(","))))


@dataclass(frozen=True, eq=False)
class Image:
    """A plane (Y, X) or (Y, X, C) of any real dtype; nothing is read before :meth:`read`.

    Parameters
    ----------
    ref : PlaneRef
        Which plane of which image of the project this is.
    array : LazyArray
        Shape (Y, X) or (Y, X, C).
    pixel_size_um : float or None
        Edge of a pixel in µm, where the file says so.
    channel_names : tuple of str
        What each channel is called; ``()`` where nobody knows.
    """

    ref: PlaneRef
    array: LazyArray
    pixel_size_um: float | None = None
    channel_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.array.shape) not in (2, 3):
            raise ImageError(f"{self.ref} has shape {self.array.shape}, expected (Y, X) or (Y, X, C)")
        if 0 in self.array.shape:
            raise ImageError(f"{self.ref} is empty: its shape is {self.array.shape}")
        if np.dtype(self.array.dtype).kind not in "buif":
            raise ImageError(f"{self.ref} has pixels of type {self.array.dtype}, expected real numbers")

    @property
    def height(self) -> int:
        """Rows."""
        return self.array.shape[0]

    @property
    def width(self) -> int:
        """Columns."""
        return self.array.shape[1]

    @property
    def channels(self) -> int:
        """Channels; 1 for a plane without a channel axis."""
        return self.array.shape[2] if len(self.array.shape) == 3 else 1

    def read(self, rows: slice = slice(None), columns: slice = slice(None)) -> npt.NDArray[Any]:
        """Return the pixels of a window, shape (y, x, C), in the dtype of the file."""
        window = np.asarray(self.array[rows, columns])
        return window if window.ndim == 3 else window[..., np.newaxis]
