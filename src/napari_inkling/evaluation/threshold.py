"""The score above which suggestions are worth keeping: exact for every possible threshold, in one sweep."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_inkling.evaluation.centres import Cells, cell_centres, in_ignored
from napari_inkling.evaluation.matching import near_pairs

__all__ = ["ThresholdCurve", "best_threshold", "threshold_curve"]


@dataclass(frozen=True, eq=False)
class ThresholdCurve:
    """Detection at every threshold that makes a difference; columns of shape (T,), highest first."""

    scores: npt.NDArray[np.float64]
    precision: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]
    f1: npt.NDArray[np.float64]


def threshold_curve(found: Mapping[str, Cells], truth: Mapping[str, Cells], radius: float) -> ThresholdCurve:
    """Return precision, recall and F1 when all detections with at least a score are kept, pooled over images.

    Parameters
    ----------
    found : mapping of str to Points, HintSet or Predictions
        Detections with their scores, by image. Images without truth are left out.
    truth : mapping of str to cells
        All cells, by image. What is found in a box of them around what nobody labelled, and matches no cell,
        does not count.
    radius : float
        Matching radius in pixels, inclusive.
    """
    scores, hit = np.empty(0), np.empty(0, bool)
    for name in truth:
        if name in found:
            own = cell_centres(found[name])
            right = _hits_in_order(own.coordinates, own.scores, cell_centres(truth[name]).coordinates, radius)
            counts = right | ~in_ignored(own.coordinates, truth[name])
            scores, hit = np.append(scores, own.scores[counts]), np.append(hit, right[counts])
    cells = sum(len(cell_centres(t)) for t in truth.values())
    order = np.argsort(-scores, kind="stable")
    hits, kept = np.cumsum(hit[order]), np.arange(1, len(order) + 1)
    # Equal scores are kept or dropped together.
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1) if len(order) else order
    hits, kept = hits[last], kept[last]
    return ThresholdCurve(scores[order][last], hits / kept, hits / max(cells, 1), 2 * hits / (kept + cells))


def best_threshold(
    found: Mapping[str, Cells], truth: Mapping[str, Cells], radius: float, default: float = 0.5
) -> float:
    """Return the threshold in [0, 1] that maximises the pooled F1 of what scores at least as much.

    It lies halfway between the last score to keep and the first one to drop (0 if none is dropped); of
    equally good ones the highest is taken. ``default`` is returned if nothing was found or nothing is right
    at any threshold.
    """
    curve = threshold_curve(found, truth, radius)
    if not len(curve.f1) or not curve.f1.max() > 0:
        return default
    best = int(np.argmax(curve.f1))
    below = float(curve.scores[best + 1]) if best + 1 < len(curve.scores) else 0.0
    return (float(curve.scores[best]) + below) / 2


def _hits_in_order(
    found: npt.NDArray[np.float64],
    scores: npt.NDArray[np.float64],
    truth: npt.NDArray[np.float64],
    radius: float,
) -> npt.NDArray[np.bool_]:
    """Return for each detection whether it adds a match to those with higher scores.

    A greatest matching grows by at most one per detection added, along an augmenting path, and a detection
    that finds no such path never will later: so one sweep from the highest score down gives the true
    positives at every threshold.
    """
    pairs = near_pairs(found, truth, radius)
    near: list[list[int]] = [[] for _ in range(len(found))]
    for i, j in zip(pairs.found.tolist(), pairs.truth.tolist(), strict=True):
        near[i].append(j)
    partner: dict[int, int] = {}
    closed: set[int] = set()
    hit = np.zeros(len(found), bool)
    for i in np.argsort(-scores, kind="stable").tolist():
        hit[i] = _augment(i, near, partner, closed)
    return hit


def _augment(start: int, near: list[list[int]], partner: dict[int, int], closed: set[int]) -> bool:
    """Search an augmenting path, breadth first, and flip it in ``partner`` (truth → detection).

    The truths that a vain search reached lead nowhere for ever: they are ``closed`` to later searches.
    """
    came_from: dict[int, int] = {}
    queue = deque([start])
    while queue:
        i = queue.popleft()
        for j in near[i]:
            if j in came_from or j in closed:
                continue
            came_from[j] = i
            if j not in partner:
                _flip(j, start, came_from, partner)
                return True
            queue.append(partner[j])
    closed.update(came_from)
    return False


def _flip(end: int, start: int, came_from: dict[int, int], partner: dict[int, int]) -> None:
    """Give every truth on the path to the detection that the search came from."""
    had = {partner[j]: j for j in came_from if j in partner}
    j, i = end, came_from[end]
    partner[j] = i
    while i != start:
        j = had[i]
        i = came_from[j]
        partner[j] = i
