"""One-to-one, optimal matching of found points to true ones within a radius.

Points further apart than the radius cannot meet, so only near pairs are looked at (a k-d tree finds them),
and each cluster of points that can meet is a small assignment problem of its own: tens of thousands of points
take seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, min_weight_full_bipartite_matching
from scipy.spatial import cKDTree

from napari_inkling.core import HintError

__all__ = ["Matches", "NearPairs", "match_points", "near_pairs"]

# Above this many cells of the cost matrix a cluster is solved as a sparse problem.
_DENSE_CELLS = 40_000


@dataclass(frozen=True)
class Matches:
    """Pairs of a found and a true point, sorted by ``found_index``.

    ``found_index`` and ``truth_index`` have shape (K,) and no repeats; ``distances`` shape (K,), in pixels.
    """

    found_index: npt.NDArray[np.int64]
    truth_index: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.distances)


class NearPairs(NamedTuple):
    """Every pair within the radius, as three aligned columns of shape (E,)."""

    found: npt.NDArray[np.int64]
    truth: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]

    def of(self, rows: npt.NDArray[np.int64]) -> NearPairs:
        """Return the pairs that an index selects."""
        return NearPairs(self.found[rows], self.truth[rows], self.distances[rows])


def near_pairs(found: npt.ArrayLike, truth: npt.ArrayLike, radius: float) -> NearPairs:
    """Return all pairs whose Euclidean distance is at most ``radius`` pixels.

    Raises
    ------
    HintError
        If the coordinates have not the shape (N, 2) or the radius is not a positive number.
    """
    a, b = _coordinates(found, "found"), _coordinates(truth, "truth")
    if not (np.isfinite(radius) and radius > 0):
        raise HintError(f"the matching radius is {radius!r}, expected a positive number of pixels")
    if not len(a) or not len(b):
        return NearPairs(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    # The tree compares squares; a hair more than the radius, then the exact comparison, keeps the rim
    # inclusive.
    close = cKDTree(a).sparse_distance_matrix(cKDTree(b), radius * (1 + 1e-9), output_type="ndarray")
    i, j = close["i"].astype(np.int64), close["j"].astype(np.int64)
    distances = np.hypot(*(a[i] - b[j]).T)
    inside = distances <= radius
    return NearPairs(i[inside], j[inside], distances[inside])


def match_points(found: npt.ArrayLike, truth: npt.ArrayLike, radius: float) -> Matches:
    """Match as many points as possible, one to one; among such matchings take the least total distance.

    Parameters
    ----------
    found, truth : array-like
        Points (y, x) in pixels, shapes (N, 2) and (M, 2).
    radius : float
        Greatest distance of a pair in pixels, inclusive.

    Returns
    -------
    Matches
        At most min(N, M) pairs.
    """
    pairs = near_pairs(found, truth, radius)
    if not len(pairs.found):
        return Matches(*pairs)
    chosen = np.concatenate([_solve(cluster, radius) for cluster in _clusters(pairs)])
    matched = pairs.of(chosen[np.argsort(pairs.found[chosen])])
    return Matches(*matched)


def _coordinates(points: npt.ArrayLike, name: str) -> npt.NDArray[np.float64]:
    rows = np.asarray(points, dtype=np.float64)
    if rows.size == 0:
        return np.empty((0, 2))
    if rows.ndim != 2 or rows.shape[1] != 2:
        raise HintError(f"{name} points have shape {rows.shape}, expected (N, 2)")
    return rows


class _Cluster(NamedTuple):
    """Points that can meet: ``edge`` says which of all pairs these are, rows and columns count from 0."""

    edge: npt.NDArray[np.int64]
    row: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]
    distances: npt.NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.row.max()) + 1, int(self.column.max()) + 1


def _clusters(pairs: NearPairs) -> Iterator[_Cluster]:
    """Yield the connected components of the graph of near pairs."""
    nodes_found, row = np.unique(pairs.found, return_inverse=True)
    nodes_truth, column = np.unique(pairs.truth, return_inverse=True)
    size = len(nodes_found) + len(nodes_truth)
    graph = coo_array((np.ones(len(row), np.int8), (row, column + len(nodes_found))), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    of_edge = label[row]
    order = np.argsort(of_edge, kind="stable")
    for edge in np.split(order, np.flatnonzero(np.diff(of_edge[order])) + 1):
        yield _Cluster(edge, _ranks(row[edge]), _ranks(column[edge]), pairs.distances[edge])


def _ranks(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    if len(values) == 1:
        return np.zeros(1, np.int64)
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _solve(cluster: _Cluster, radius: float) -> npt.NDArray[np.int64]:
    """Return the pairs of the best matching of one cluster, as positions among all pairs."""
    if len(cluster.edge) == 1:
        return cluster.edge
    rows, columns = cluster.shape
    if min(rows, columns) == 1:
        return cluster.edge[[np.argmin(cluster.distances)]]
    if rows * columns <= _DENSE_CELLS:
        return _solve_dense(cluster, radius)
    return _solve_sparse(cluster, radius)


def _alone(cluster: _Cluster, radius: float) -> float:
    """Return a cost for staying alone that outweighs every saving of distance, so that most pairs win."""
    return float(radius) * (min(cluster.shape) + 1)


def _solve_dense(cluster: _Cluster, radius: float) -> npt.NDArray[np.int64]:
    cost = np.full(cluster.shape, _alone(cluster, radius))
    cost[cluster.row, cluster.column] = cluster.distances
    edge = np.full(cluster.shape, -1)
    edge[cluster.row, cluster.column] = cluster.edge
    chosen: npt.NDArray[np.int64] = edge[linear_sum_assignment(cost)]
    return chosen[chosen >= 0]


def _solve_sparse(cluster: _Cluster, radius: float) -> npt.NDArray[np.int64]:
    rows, columns = cluster.shape
    # Every row gets a column of its own that means "alone", so that a full matching exists. The sparse solver
    # reads a zero as "no edge": one radius is added to every cost, which changes no comparison.
    own = np.arange(rows)
    cost = csr_array(
        (
            np.concatenate([cluster.distances, np.full(rows, _alone(cluster, radius))]) + radius,
            (np.concatenate([cluster.row, own]), np.concatenate([cluster.column, columns + own])),
        ),
        shape=(rows, columns + rows),
    )
    row, column = min_weight_full_bipartite_matching(cost)
    met = column < columns
    order = np.lexsort((cluster.column, cluster.row))
    flat = cluster.row[order] * columns + cluster.column[order]
    met_edges: npt.NDArray[np.int64] = order[np.searchsorted(flat, row[met] * columns + column[met])]
    return cluster.edge[met_edges]
