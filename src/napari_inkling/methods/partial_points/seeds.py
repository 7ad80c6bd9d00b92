"""What masks grow from: the cells that a person marked, and the centres that were found beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from napari_inkling.core import HintSet, Points
from napari_inkling.evaluation import cell_centres
from napari_inkling.training.peaks import distances

__all__ = ["Seeds", "seeds_beside"]

#: A centre nearer than this many radii to a click on background is no seed.
BESIDE_BACKGROUND = 0.5


@dataclass(frozen=True, eq=False)
class Seeds:
    """What masks grow from: ``points`` with their classes, scores and ids; ``marked`` (N,): by a person."""

    points: Points
    marked: npt.NDArray[np.bool_]

    @property
    def sure(self) -> npt.NDArray[np.bool_]:
        """Which are cells as far as known, (N,)."""
        return self.marked | (self.points.scores >= 0.5)

    def take(self, index: npt.NDArray[np.bool_]) -> Seeds:
        """Return some of them."""
        return Seeds(self.points.take(index), self.marked[index])


def seeds_beside(hints: HintSet, found: Points, classes: tuple[str, ...], radius: float) -> Seeds:
    """Return the person's cells, and what was found beside them and away from clicks on background.

    A cell that was marked and found, too, has the id of what was found there: it is one.

    Parameters
    ----------
    hints : HintSet
        What the person marked on the plane.
    found : Points
        Centres, in pixels of the image.
    classes : tuple of str
        Those that were learnt.
    radius : float
        Of a cell, in pixels of the image.
    """
    marked = _named_after(_marked(hints, classes), found, radius)
    beside = distances(found.coordinates, marked.coordinates) < radius
    clicks = hints.points.background.coordinates
    beside |= distances(found.coordinates, clicks) < BESIDE_BACKGROUND * radius
    kept = found.take(~beside)
    return Seeds(Points.concatenate([marked, kept]), np.arange(len(marked) + len(kept)) < len(marked))


def _marked(hints: HintSet, classes: tuple[str, ...]) -> Points:
    """Return the cells that a person marked and did not outline; one of an unknown class is of the first."""
    rows = cell_centres(hints).without_ids(hints.masks.ids)
    known = np.isin(rows.classes.astype(str), classes)
    return Points(rows.coordinates, classes=np.where(known, rows.classes, classes[0]), sources="model")


def _named_after(marked: Points, found: Points, radius: float) -> Points:
    """Return cells with the ids of the centres found within a radius of them; the nearer one has it."""
    if not len(marked) or not len(found):
        return marked
    away, nearest = KDTree(found.coordinates).query(marked.coordinates)
    order = np.argsort(away)
    first = order[np.sort(np.unique(nearest[order], return_index=True)[1])]
    of_one = first[away[first] < radius]
    ids = marked.ids.copy()
    ids[of_one] = found.ids[nearest[of_one]]
    return marked.changed(ids=ids)
