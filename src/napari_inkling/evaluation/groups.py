"""Instances that may match, in groups that can be judged apart from each other.

Two instances with an IoU of one half or more share at least half of the larger one, and their bounding boxes
no less. Few pairs do, so that thousands of instances fall into groups of about one found and one true one,
and what takes the square of their number takes next to nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["Groups", "Outlines", "groups"]

Indices = npt.NDArray[np.int64]
#: Found instances that are compared with the true ones near them at a time.
_CHUNK = 512


class Outlines(NamedTuple):
    """Bounding boxes y0, x0, y1, x1, shape (N, 4), and areas, shape (N,), both in pixels.

    ``ignored`` (N,) says which are around what nobody labelled, ``None``: none of them.
    """

    boxes: npt.NDArray[np.float64]
    areas: npt.NDArray[np.float64 | np.int64]
    ignored: npt.NDArray[np.bool_] | None = None


class Groups(NamedTuple):
    """The group of each found and each true instance, shapes (N,) and (M,), and the number of groups."""

    found: Indices
    truth: Indices
    total: int

    def packed(self, size: int) -> Groups:
        """Return fewer groups, of whole ones put together until they have about ``size`` instances."""
        sizes = np.bincount(np.concatenate([self.found, self.truth]), minlength=self.total)
        packs = np.unique((np.cumsum(sizes) - sizes) // size, return_inverse=True)[1]
        return Groups(packs[self.found], packs[self.truth], int(packs.max(initial=-1)) + 1)


def groups(found: Outlines, truth: Outlines) -> Groups:
    """Return groups such that no pair from two of them has an IoU of one half or more.

    Nor does half of a found instance, or more, lie in a true one of another group that is ignored.
    """
    row, column = _near(found, truth)
    first = len(found.areas)
    size = first + len(truth.areas)
    graph = coo_array((np.ones(len(row), np.int8), (row, column + first)), shape=(size, size))
    count, group = connected_components(graph, directed=False)
    numbers = group.astype(np.int64)
    return Groups(numbers[:first], numbers[first:], int(count))


def _near(found: Outlines, truth: Outlines) -> tuple[Indices, Indices]:
    """Return the pairs whose bounding boxes share at least half of the larger area."""
    order = np.argsort(found.boxes[:, 0])
    pairs = [np.empty((2, 0), np.int64)]
    for start in range(0, len(order), _CHUNK):
        mine = order[start : start + _CHUNK]
        top, bottom = found.boxes[mine, 0].min(), found.boxes[mine, 2].max()
        near = np.flatnonzero((truth.boxes[:, 2] > top) & (truth.boxes[:, 0] < bottom))
        shared = _shared(found.boxes[mine, None], truth.boxes[None, near])
        whole = np.maximum(found.areas[mine, None], truth.areas[None, near])
        if truth.ignored is not None:
            whole = np.where(truth.ignored[near], found.areas[mine, None], whole)
        i, j = np.nonzero((shared > 0) & (2 * shared >= whole * (1 - 1e-9)))
        pairs.append(np.stack([mine[i], near[j]]))
    row, column = np.concatenate(pairs, axis=1)
    return row, column


def _shared(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the area that boxes share, for shapes (…, 4) that broadcast."""
    edges = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    area: npt.NDArray[np.float64] = edges.clip(0).prod(-1)
    return area
