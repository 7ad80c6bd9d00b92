"""The simulated annotator at work on suggestions: a verdict, and clicks on what was missed around it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_inkling.core import BACKGROUND, HintSet, Points
from napari_inkling.evaluation.annotator import SECONDS_PER_POINT
from napari_inkling.evaluation.centres import cell_centres, in_ignored
from napari_inkling.evaluation.matching import match_points

__all__ = ["Correction", "correct"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Correction:
    """What a person did at one suggestion: new hints, the seconds it took, and whether it was only hidden."""

    hints: HintSet
    seconds: float
    hidden: bool = False


def correct(
    truth: HintSet,
    hints: HintSet,
    shown: Points,
    index: int,
    *,
    radius: float,
    view: float = 0.0,
    seconds: float = math.inf,
) -> Correction:
    """Return what a person who knows the truth makes of suggestion ``index`` and of what is beside it.

    The suggestion is accepted as it is if it is the one that belongs to a cell nobody has marked; it becomes
    a background point if there is no cell at all, and is only hidden if its cell is marked or suggested
    already, or if it lies in a box around what nobody labelled. Then every cell within ``view`` that is
    neither marked nor suggested gets a point, nearest first. Each verdict and each click takes as long as a
    point.

    Parameters
    ----------
    truth : HintSet
        Every cell of the plane.
    hints : HintSet
        What is marked so far.
    shown : Points
        The suggestions on screen, none of them near a hint.
    index : int
        Which of them is looked at.
    radius : float
        Up to so many pixels away a suggestion, or a hint, belongs to a cell.
    view : float
        So many pixels around the suggestion are looked at.
    seconds : float
        The person stops when so many are over; the verdict is given in any case.
    """
    cells = cell_centres(truth).coordinates
    marked = cell_centres(hints).coordinates
    of_hints = match_points(marked, cells, radius).truth_index
    free = np.delete(np.arange(len(cells)), of_hints)
    matches = match_points(shown.coordinates, cells[free], radius)
    place = shown.coordinates[index]
    missed = cells[np.delete(free, matches.truth_index)]
    distance = np.hypot(*(missed - place).T)
    most = min((distance <= view).sum(), max(0.0, seconds / SECONDS_PER_POINT - 1 + 1e-9))
    clicked = missed[np.argsort(distance)][: int(most)]
    verdict = Points()
    if index in matches.found_index:
        verdict = shown.take([index]).changed(sources="accepted")
    elif not ((np.hypot(*(cells - place).T) <= radius).any() or in_ignored(place[None], truth)[0]):
        verdict = Points([place], classes=BACKGROUND)
    points = Points.concatenate([verdict, Points(clicked)]).changed(seconds=SECONDS_PER_POINT)
    return Correction(HintSet(points), SECONDS_PER_POINT * (1 + len(clicked)), hidden=not len(verdict))
