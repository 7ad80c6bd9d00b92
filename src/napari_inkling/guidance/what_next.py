"""What to annotate next: where many cells are doubtful together, spread over the images.

The value of a cell is doubt × density, as a share of the mean density in its image: otherwise images where
cells crowd have more than their share of the picks. Cells are picked one after the other, and each pick makes
those that it tells about less worth: its neighbours (they look alike), and all others of its image (one
microscope, one stain). So the list goes on in other places before it comes back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from napari_inkling.core import HintSet, Predictions
from napari_inkling.guidance.doubt import REASONS, doubts, reasons, unsure

__all__ = [
    "IMAGE_DISCOUNT",
    "NO_REASON",
    "REACH",
    "STRONG",
    "Candidates",
    "Pick",
    "candidates_of",
    "density",
    "what_next",
]

FloatArray = npt.NDArray[np.float64]
#: Names a plane: any value that can be a key.
Plane = TypeVar("Plane")

#: Cells so many radii away count as neighbours.
REACH = 6.0
#: A reason to doubt that is as strong, in [0, 1], is worth telling.
STRONG = 0.5
#: In place of the number of a reason: none is worth telling.
NO_REASON = -1
#: Each pick in an image multiplies the value of the others there by this.
IMAGE_DISCOUNT = 0.8


@dataclass(frozen=True, eq=False)
class Candidates:
    """The suggested cells of one plane that nobody has looked at.

    ``places`` (N, 2) and the cell's ``radius`` are in pixels, ``doubts`` (N,) in [0, 1], ``ids`` (N,) are
    those of the suggestions, and ``why`` (N,) is the strongest reason to doubt each, one of
    :data:`~napari_inkling.guidance.REASONS` by number, or :data:`NO_REASON`.
    """

    places: FloatArray
    doubts: FloatArray
    radius: float
    ids: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    why: npt.NDArray[np.intp] = field(default_factory=lambda: np.empty(0, np.intp))

    @property
    def order(self) -> npt.NDArray[np.intp]:
        """The rows (N,), those that are worth a look first, and the most doubtful first among either."""
        return np.lexsort([-self.doubts, self.why == NO_REASON])

    @property
    def need(self) -> float:
        """How much there is to gain in the plane: the sum of doubt × density."""
        return float((self.doubts * density(self)).sum())


def candidates_of(
    suggestions: Predictions,
    threshold: float,
    radius: float,
    others: HintSet | None = None,
    scores: FloatArray | None = None,
    shape: tuple[int, int] | None = None,
) -> Candidates:
    """Return the cells of suggestions; rows of several kinds with one id are one cell, as doubtful as any.

    A cell is worth a look, for a reason, if its score is :func:`~napari_inkling.guidance.unsure`, or if
    another reason is as strong as :data:`STRONG`.

    Parameters
    ----------
    suggestions, threshold, others, shape
        As :func:`~napari_inkling.guidance.reasons` takes them.
    radius : float
        That of a cell, in pixels.
    scores : array, optional
        (M,) of all that was found in the plane, also of what is judged by now; by default of the suggestions.
    """
    ids = suggestions.ids
    places = np.concatenate(
        [suggestions.points.coordinates, suggestions.boxes.centres, suggestions.masks.centres]
    )
    every = reasons(suggestions, threshold, others, shape)
    worth = np.where(every >= STRONG, every, 0)
    worth[:, 0] = np.where(unsure(suggestions.scores, threshold, scores), every[:, 0], 0)
    known, first, cell = np.unique(ids, return_index=True, return_inverse=True)
    highest, strongest = np.zeros(len(known)), np.zeros((len(known), len(REASONS)))
    np.maximum.at(highest, cell, doubts(every))
    np.maximum.at(strongest, cell, worth)
    order = np.argsort(first)
    why = np.where(strongest.any(axis=1), strongest.argmax(axis=1), NO_REASON)[order]
    return Candidates(places[first[order]], highest[order], radius, known[order], why)


@dataclass(frozen=True)
class Pick(Generic[Plane]):
    """One cell to annotate next: number ``index`` among the candidates of ``plane``.

    ``value`` is doubt × relative density, with what earlier picks have taken off.
    """

    plane: Plane
    index: int
    value: float


def density(candidates: Candidates) -> npt.NDArray[np.int64]:
    """Return how many candidates lie within :data:`REACH` radii of each, itself counted; shape (N,)."""
    if not len(candidates.places):
        return np.zeros(0, np.int64)
    near = KDTree(candidates.places).query_ball_point(
        candidates.places, REACH * candidates.radius, return_length=True
    )
    return np.asarray(near, dtype=np.int64)


def what_next(planes: Mapping[Plane, Candidates], count: int) -> list[Pick[Plane]]:
    """Return the cells whose annotation helps most, the best first.

    The value of cell i is v_i = u_i · n_i / n̄ with its doubt u_i, its density n_i, and the mean density n̄ in
    its plane. The cell of the highest value is picked; then, in its plane, v_j is multiplied by
    ``IMAGE_DISCOUNT`` · (1 - exp(-d² / 2h²)) with the distance d to the pick and h = ``REACH`` · radius / 2;
    and so on. Of equal values the first counts, so that the same suggestions give the same list.

    Parameters
    ----------
    planes : mapping
        The candidates of each plane.
    count : int
        How many to pick, at most.
    """
    values = {plane: found.doubts * _relative(density(found)) for plane, found in planes.items()}
    highest = {plane: float(own.max(initial=0)) for plane, own in values.items()}
    picks: list[Pick[Plane]] = []
    while len(picks) < count and max(highest.values(), default=0) > 0:
        plane = max(highest, key=highest.__getitem__)
        index = int(values[plane].argmax())
        picks.append(Pick(plane, index, highest[plane]))
        values[plane] = values[plane] * _left(planes[plane], index)
        highest[plane] = float(values[plane].max())
    return picks


def _relative(counts: npt.NDArray[np.int64]) -> FloatArray:
    """Return counts (N,), each at least 1, as shares of their mean."""
    return counts / counts.mean() if len(counts) else np.zeros(0)


def _left(candidates: Candidates, picked: int) -> FloatArray:
    """Return the share of each candidate's value that is left after a pick in its plane; shape (N,)."""
    squared = ((candidates.places - candidates.places[picked]) ** 2).sum(axis=1)
    width = REACH * candidates.radius / 2
    left: FloatArray = IMAGE_DISCOUNT * (1 - np.exp(-squared / (2 * width**2)))
    return left
