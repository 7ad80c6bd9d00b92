"""Resizing that gives the same pixels whether an image is done in one piece or tile by tile.

Each output pixel is a weighted mean of input pixels under a triangle as wide as the output pixel (at least as
the input's), centred on the same place: antialiased bilinear interpolation. Rows and columns are two sparse
matrices; a tile takes the rows of the matrix that it needs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

__all__ = ["Resampler", "resampled_size"]


def resampled_size(size: int, scale: float) -> int:
    """Return how many pixels ``size`` pixels become, at least one."""
    return max(1, round(size * scale))


@dataclass(frozen=True)
class Resampler:
    """Resizes one axis of ``size`` pixels to ``round(size * scale)``.

    Output pixel i is centred on input position (i + ½) · size / out - ½, so both ends are aligned.
    """

    size: int
    scale: float

    @property
    def out(self) -> int:
        """Number of output pixels."""
        return resampled_size(self.size, self.scale)

    @property
    def step(self) -> float:
        """Input pixels per output pixel."""
        return self.size / self.out

    def needed(self, start: int, stop: int) -> slice:
        """Return the input pixels on which the output pixels ``start`` to ``stop`` depend."""
        support = max(1.0, self.step)
        first = math.floor((start + 0.5) * self.step - 0.5 - support)
        last = math.ceil((stop - 0.5) * self.step - 0.5 + support)
        return slice(max(0, first), min(self.size, last + 1))

    def matrix(self, start: int, stop: int) -> sparse.csr_array:
        """Return the weights of the needed inputs for outputs ``start`` to ``stop``; each row sums to 1."""
        need = self.needed(start, stop)
        support = max(1.0, self.step)
        centre = (np.arange(start, stop) + 0.5) * self.step - 0.5
        offsets = np.arange(-math.ceil(support), math.ceil(support) + 1)
        columns = np.floor(centre).astype(np.int64)[:, None] + offsets
        weights = np.clip(1 - np.abs(columns - centre[:, None]) / support, 0, None)
        weights[(columns < 0) | (columns >= self.size)] = 0
        weights /= weights.sum(1, keepdims=True)
        rows = np.broadcast_to(np.arange(stop - start)[:, None], columns.shape)
        keep = weights > 0
        shape = (stop - start, need.stop - need.start)
        return sparse.csr_array(
            (weights[keep].astype(np.float32), (rows[keep], columns[keep] - need.start)), shape=shape
        )

    def to_input(self, coordinates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return input coordinates for output coordinates."""
        return (coordinates + 0.5) * self.step - 0.5

    def to_output(self, coordinates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return output coordinates for input coordinates."""
        return (coordinates + 0.5) / self.step - 0.5


def resample(
    window: npt.NDArray[np.float32], rows: sparse.csr_array, columns: sparse.csr_array
) -> npt.NDArray[np.float32]:
    """Return ``rows @ window @ columns.T`` for each channel of ``window`` (Y, X, C), shape (y, x, C)."""
    height, width, channels = window.shape
    tall = rows @ window.reshape(height, width * channels)
    wide = np.ascontiguousarray(tall.reshape(-1, width, channels).transpose(1, 0, 2)).reshape(width, -1)
    out = (columns @ wide).reshape(columns.shape[0], rows.shape[0], channels)
    result: npt.NDArray[np.float32] = out.transpose(1, 0, 2)
    return result
