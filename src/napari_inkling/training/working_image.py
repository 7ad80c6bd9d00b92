"""An image as a network sees it: at the working scale, with normalised intensities, window by window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Image
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.resampling import Resampler, resample

__all__ = ["Window", "WorkingImage", "field_windows", "is_one_field", "windows"]

#: Planes of at most so many working pixels along an edge are one field of training; larger ones are cut into
#: fields of this edge.
LARGEST_FIELD, FIELD = 1536, 1024


@dataclass(frozen=True)
class Window:
    """Rows ``top`` to ``bottom`` and columns ``left`` to ``right`` of a working image."""

    top: int
    bottom: int
    left: int
    right: int

    def grown(self, margin: int, height: int, width: int) -> Window:
        """Return the window with a margin, as far as the image reaches."""
        return Window(
            max(0, self.top - margin),
            min(height, self.bottom + margin),
            max(0, self.left - margin),
            min(width, self.right + margin),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.bottom - self.top, self.right - self.left

    def touches(self, other: Window) -> bool:
        """Whether both have a pixel in common."""
        rows = self.top < other.bottom and other.top < self.bottom
        return rows and self.left < other.right and other.left < self.right

    def holds(self, coordinates: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Return which of ``coordinates`` (N, 2) lie on a pixel of the window, shape (N,)."""
        y, x = np.round(coordinates).T.reshape(2, -1)
        return (y >= self.top) & (y < self.bottom) & (x >= self.left) & (x < self.right)


@dataclass(frozen=True)
class WorkingImage:
    """Reads windows of ``image`` at ``scale``; coordinates of the working image are its own pixels."""

    image: Image
    scale: float
    intensity: Intensity

    @cached_property
    def rows(self) -> Resampler:
        """From image rows to working rows."""
        return Resampler(self.image.height, self.scale)

    @cached_property
    def columns(self) -> Resampler:
        """From image columns to working columns."""
        return Resampler(self.image.width, self.scale)

    @cached_property
    def range(self) -> Intensity:
        """The range in which this image is seen."""
        return self.intensity.of_image(self.image)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns at the working scale."""
        return self.rows.out, self.columns.out

    @property
    def whole(self) -> Window:
        """All of it."""
        return Window(0, self.rows.out, 0, self.columns.out)

    def read(self, window: Window) -> npt.NDArray[np.float32]:
        """Return normalised pixels of a window, shape (C, y, x)."""
        if self.scale == 1:
            pixels = self.image.read(slice(window.top, window.bottom), slice(window.left, window.right))
            return np.ascontiguousarray(self.range.apply(pixels).transpose(2, 0, 1))
        rows = self.rows.needed(window.top, window.bottom)
        columns = self.columns.needed(window.left, window.right)
        pixels = resample(
            self.range.apply(self.image.read(rows, columns)),
            self.rows.matrix(window.top, window.bottom),
            self.columns.matrix(window.left, window.right),
        )
        return np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def to_working(self, coordinates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return working coordinates (N, 2) for image coordinates (N, 2)."""
        return np.stack(
            [self.rows.to_output(coordinates[:, 0]), self.columns.to_output(coordinates[:, 1])], axis=1
        )

    def to_image(self, coordinates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return image coordinates (N, 2) for working coordinates (N, 2)."""
        return np.stack(
            [self.rows.to_input(coordinates[:, 0]), self.columns.to_input(coordinates[:, 1])], axis=1
        )


def windows(shape: tuple[int, int], side: int) -> Iterator[Window]:
    """Cover ``shape`` with windows of at most ``side`` pixels, row by row, without overlap."""
    for top in range(0, shape[0], side):
        for left in range(0, shape[1], side):
            yield Window(top, min(top + side, shape[0]), left, min(left + side, shape[1]))


def is_one_field(working: WorkingImage) -> bool:
    """Whether a plane is small enough to be learnt from, and shown, in one piece."""
    return max(working.shape) <= LARGEST_FIELD


def field_windows(working: WorkingImage) -> Iterator[Window]:
    """Yield the window of each field of a plane: the whole plane, or parts of a large one."""
    yield from [working.whole] if is_one_field(working) else windows(working.shape, FIELD)
