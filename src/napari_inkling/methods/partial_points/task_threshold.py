"""The threshold of a training: told by the clicks, and by verdicts on the last model's suggestions."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Step
from napari_inkling.methods.partial_points.detection_model import Peaks, find_centres
from napari_inkling.methods.partial_points.task import Task
from napari_inkling.methods.partial_points.threshold import (
    FEWEST_CLICKS,
    strictness_of_verdicts,
    threshold_at_clicks,
)
from napari_inkling.methods.partial_points.training_fields import TrainingField
from napari_inkling.supervision import nearest_point

__all__ = ["heed_verdicts", "set_threshold", "told_by_clicks"]

FloatImage = npt.NDArray[np.float32]

#: Lower peaks are not looked at.
LOWEST_PEAK = 0.03
#: The threshold is never higher.
HIGHEST_THRESHOLD = 0.9


def set_threshold(task: Task, maps: Sequence[FloatImage]) -> None:
    """Set the threshold by maps (K or more, Y, X) of each field, unless the person has set it."""
    if task.settings.threshold is None:
        task.threshold = min(told_by_clicks(task, maps) * task.strictness, HIGHEST_THRESHOLD)


def told_by_clicks(task: Task, maps: Sequence[FloatImage]) -> float:
    """Return the threshold that the clicks tell.

    Corrections are no sample of the cells: a person corrects where the model was in doubt or wrong. Only
    what was clicked before counts, as long as that is enough.
    """
    clicked, peaks, unprompted = [], [], np.concatenate([part.unprompted for part in task.fields])
    for part, probability in zip(task.fields, maps, strict=True):
        found = _peaks(task, part, probability)
        peaks.append(found.heights)
        clicked.append(_heights_at(found, part.field.marked, part))
    heights = np.concatenate(clicked)
    if np.count_nonzero(unprompted) >= FEWEST_CLICKS:
        heights = heights[unprompted]
    return threshold_at_clicks(heights, np.concatenate(peaks))


def heed_verdicts(task: Task, maps: Sequence[FloatImage]) -> Generator[Step, None, None]:
    """Raise or lower the threshold by what a person said of the last model's suggestions.

    ``maps`` (K, Y, X) are what that model says of each field. Verdicts that it has learnt from do not count:
    it knows them by heart.
    """
    before, until = task.strictness, task.judged_until
    task.judged_until = max([until, *(part.judged.latest for part in task.fields)])
    if task.settings.threshold is not None:
        return
    heights, right = [np.empty(0)], [np.empty(0, bool)]
    for part, probability in zip(task.fields, maps, strict=True):
        yield task.at_work("looking at the unmarked cells")
        fresh = part.judged.rounds > until
        found = _peaks(task, part, probability)
        there = _heights_at(found, part.judged.places[fresh], part)
        heights.append(there[there > 0])
        right.append(part.judged.right[fresh][there > 0])
    task.strictness = strictness_of_verdicts(
        np.concatenate(heights), np.concatenate(right), task.threshold, _clicks(task), before
    )
    task.threshold = min(task.threshold * task.strictness / before, HIGHEST_THRESHOLD)


def _clicks(task: Task) -> int:
    """Return how many clicks the threshold rests on."""
    return sum(int(np.count_nonzero(part.unprompted)) for part in task.fields)


def _peaks(task: Task, part: TrainingField, probability: FloatImage) -> Peaks:
    return find_centres(probability[: len(task.classes)], part.r1, task.settings, lowest=LOWEST_PEAK)


def _heights_at(
    found: Peaks, places: npt.NDArray[np.float64], part: TrainingField
) -> npt.NDArray[np.float64]:
    """Return the height of the peak at each place (N, 2), 0 where none is within a radius; (N,)."""
    near = nearest_point(found.places, part.shape)
    y, x = np.clip(np.round(places).astype(int), 0, np.array(part.shape) - 1).T.reshape(2, -1)
    hit = near.distance[y, x] < part.r1
    return np.where(hit, np.append(found.heights, 0)[near.index[y, x]], 0)
