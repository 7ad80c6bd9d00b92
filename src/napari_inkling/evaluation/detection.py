"""How well cells were found: precision, recall, F1 and distances (section V.B of Qu et al., IEEE TMI 2020).

The paper counts a detection as right within a circle around a true centre, and only the closest one of
several. We match one to one and optimally instead, so that the result depends on no order, and a detection
that is the second best of one cell may still serve its neighbour.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Points
from napari_inkling.evaluation.centres import Cells, cell_centres, in_ignored
from napari_inkling.evaluation.matching import match_points

__all__ = ["DetectionScore", "pool", "score_detection", "score_images"]


def _share(part: int, whole: int, *, nothing_to_do: bool) -> float:
    return part / whole if whole else float(nothing_to_do)


@dataclass(frozen=True, eq=False)
class DetectionScore:
    """Counts of right, wrong and missed detections; ``+`` pools images.

    Where a ratio is 0/0: it is 1 if there was nothing to find and nothing was found, else 0.

    Parameters
    ----------
    true_positives, false_positives, false_negatives : int
        Matched detections, detections too many, and cells that were missed.
    distances : ndarray
        Distance in pixels of each matched pair, shape (true_positives,).
    """

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    distances: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def __add__(self, other: DetectionScore) -> DetectionScore:
        return DetectionScore(
            self.true_positives + other.true_positives,
            self.false_positives + other.false_positives,
            self.false_negatives + other.false_negatives,
            np.concatenate([self.distances, other.distances]),
        )

    @property
    def _empty(self) -> bool:
        return not (self.true_positives or self.false_positives or self.false_negatives)

    @property
    def precision(self) -> float:
        """TP / (TP + FP)."""
        found = self.true_positives + self.false_positives
        return _share(self.true_positives, found, nothing_to_do=self._empty)

    @property
    def recall(self) -> float:
        """TP / (TP + FN)."""
        true = self.true_positives + self.false_negatives
        return _share(self.true_positives, true, nothing_to_do=self._empty)

    @property
    def f1(self) -> float:
        """2 TP / (2 TP + FP + FN)."""
        both = 2 * self.true_positives + self.false_positives + self.false_negatives
        return _share(2 * self.true_positives, both, nothing_to_do=self._empty)

    @property
    def mean_distance(self) -> float:
        """Mean distance of the matched pairs in pixels (Eq. 11); NaN without any."""
        return float(self.distances.mean()) if len(self.distances) else float("nan")

    @property
    def sd_distance(self) -> float:
        """Population standard deviation of the distances in pixels (Eq. 11); NaN without any."""
        return float(self.distances.std()) if len(self.distances) else float("nan")

    def to_dict(self) -> dict[str, float | int | None]:
        """Return counts and ratios for JSON; a distance that is not defined is ``None``."""
        some = bool(len(self.distances))
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "mean_distance": self.mean_distance if some else None,
            "sd_distance": self.sd_distance if some else None,
            "true_positives": self.true_positives,
            "false_positives": self.false_positives,
            "false_negatives": self.false_negatives,
        }


def pool(scores: Mapping[str, DetectionScore]) -> DetectionScore:
    """Return the score over all images together."""
    return sum(scores.values(), DetectionScore())


def score_detection(found: Cells, truth: Cells, radius: float) -> DetectionScore:
    """Score the detections of one image, whatever their classes.

    Parameters
    ----------
    found, truth : Points, Boxes, HintSet, Predictions or array of shape (N, 2)
        Cells; boxes count by their centres, background points do not count. What is found in a box of the
        truth around what nobody labelled, and matches no cell, is neither right nor wrong.
    radius : float
        Greatest distance in pixels at which a detection is right, inclusive.
    """
    return _score(cell_centres(found), cell_centres(truth), radius, truth)


def score_images(found: Mapping[str, Cells], truth: Mapping[str, Cells], radius: float) -> dict[str, Any]:
    """Score all images that have truth; an image that is missing in ``found`` has all its cells missed.

    Parameters
    ----------
    found, truth : mapping of str to cells
        By image; see :func:`score_detection`.
    radius : float
        Greatest distance in pixels at which a detection is right, inclusive.

    Returns
    -------
    dict
        The keys of :meth:`DetectionScore.to_dict` pooled over all images and whatever the classes;
        ``radius``; ``images``: the same keys by image; ``classes``: the same keys by class, pooled, where
        only cells of the same class are matched; ``not_scored``: the images of ``found`` that have no truth.
    """
    centres = {
        name: (cell_centres(found.get(name, Points())), cell_centres(cells)) for name, cells in truth.items()
    }
    images = {name: _score(f, t, radius, truth[name]) for name, (f, t) in centres.items()}
    names = sorted({str(c) for pair in centres.values() for points in pair for c in points.classes})
    classes = {
        c: pool({n: _score(f.of_class(c), t.of_class(c), radius, truth[n]) for n, (f, t) in centres.items()})
        for c in names
    }
    return {
        **pool(images).to_dict(),
        "radius": radius,
        "images": {name: score.to_dict() for name, score in images.items()},
        "classes": {name: score.to_dict() for name, score in classes.items()},
        "not_scored": sorted(set(found) - set(truth)),
    }


def _score(found: Points, truth: Points, radius: float, ignored: Cells) -> DetectionScore:
    """Score one image; the boxes of ``ignored`` around what nobody labelled count for every class."""
    matches = match_points(found.coordinates, truth.coordinates, radius)
    hits = len(matches)
    extra = np.delete(found.coordinates, matches.found_index, axis=0)
    wrong = int((~in_ignored(extra, ignored)).sum())
    return DetectionScore(hits, wrong, len(truth) - hits, matches.distances)
