"""The threshold of a training: told by the clicks, and by verdicts on the last model's suggestions."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Step
from napari_inkling.methods.partial_points.detection_model import DetectionModel, find_centres
from napari_inkling.methods.partial_points.survey import Outset, look_over
from napari_inkling.methods.partial_points.task import Task
from napari_inkling.supervision.click_threshold import (
    FEWEST_CLICKS,
    steadied,
    strictness_of_verdicts,
    threshold_at_clicks,
    threshold_for_count,
)
from napari_inkling.training.peaks import Peaks, distances
from napari_inkling.training.pieces import Pieces, told
from napari_inkling.training.point_fields import TrainingField, marked_cells
from napari_inkling.training.tiling import view_by_view

__all__ = ["count_cells", "count_found", "heed_verdicts", "set_threshold", "told_by_clicks"]

FloatImage = npt.NDArray[np.float32]

#: Lower peaks are not looked at.
LOWEST_PEAK = 0.03
#: The threshold is never higher.
HIGHEST_THRESHOLD = 0.9


def set_threshold(task: Task, maps: Sequence[FloatImage]) -> None:
    """Set the threshold by maps (K or more, Y, X) of each field, unless the person has set it.

    Where it is known how many cells there are, it is where so many are found: clicks that are learnt by heart
    say little of the other cells. How many the stage before found counts beside the clicks, the fewer they
    are the more.
    """
    if task.settings.threshold is not None:
        return
    heights = [_peaks(task, part, own).heights for part, own in zip(task.fields, maps, strict=True)]
    every = np.concatenate(heights)
    if task.cells is not None:
        threshold = threshold_for_count(every, task.cells, LOWEST_PEAK)
    else:
        threshold = told_by_clicks(task, maps)
        if task.found_before is not None:
            as_many = threshold_for_count(every, task.found_before, LOWEST_PEAK)
            threshold = steadied(threshold, as_many, clicks_of(task.fields))
    task.threshold = min(threshold, HIGHEST_THRESHOLD)


def count_cells(task: Task, model: DetectionModel) -> Generator[Step, None, int]:
    """Return how many cells are on the fields: those marked, and what the last model finds beside.

    What it finds at a click on background does not count. Of a large plane the model may have other fields,
    as it may work at another scale: then as many are beside on the same area.
    """
    step, beside, looked_at = task.at_work("looking at what was found"), 0, 0.0
    for plane in task.outset.hinted:
        seen = yield from told(look_over(task.outset, [plane], model), step)
        for part in seen.fields:
            found = yield from told(_found_by(model, part), step)
            high = found.places[found.heights >= model.description.threshold]
            high = high[~part.is_unlabelled(high)]
            known = np.concatenate([part.cells, part.background])
            beside += int(np.count_nonzero(distances(high, known) >= part.r1))
        looked_at += _area(seen.fields, seen.scale)
    return clicks_of(task.fields) + round(beside * _area(task.fields, task.scale) / looked_at)


def count_found(task: Task, maps: Sequence[FloatImage]) -> int:
    """Return how many cells maps (K or more, Y, X) of the fields show, those marked at least."""
    found = (_peaks(task, part, own).heights for part, own in zip(task.fields, maps, strict=True))
    count = sum(int(np.count_nonzero(heights >= task.threshold)) for heights in found)
    return max(count, clicks_of(task.fields))


def clicks_of(fields: Sequence[TrainingField]) -> int:
    """Return how many cells are marked on fields."""
    return sum(len(part.field.marked) for part in fields)


def _area(fields: Sequence[TrainingField], scale: float) -> float:
    """Return the area of fields in pixels of the image."""
    return sum(math.prod(part.shape) for part in fields) / scale**2


def told_by_clicks(task: Task, maps: Sequence[FloatImage]) -> float:
    """Return the threshold that the clicks tell.

    Corrections are no sample of the cells: a person corrects where the model was in doubt or wrong. Only
    what was clicked before counts, as long as that is enough.
    """
    clicked, peaks, unprompted = [], [], np.concatenate([part.unprompted for part in task.fields])
    for part, probability in zip(task.fields, maps, strict=True):
        found = _peaks(task, part, probability)
        peaks.append(found.heights)
        clicked.append(part.heights_at(part.field.marked, found.places, found.heights))
    heights = np.concatenate(clicked)
    if np.count_nonzero(unprompted) >= FEWEST_CLICKS:
        heights = heights[unprompted]
    return threshold_at_clicks(heights, np.concatenate(peaks))


def heed_verdicts(outset: Outset, start: DetectionModel) -> Generator[Step, None, DetectionModel]:
    """Raise or lower the last model's threshold by what a person said of its suggestions.

    Only planes with fresh verdicts are read, so that the change shows at once. Verdicts that the model has
    learnt from do not count: it knows them by heart.

    Returns
    -------
    DetectionModel
        The same network with the other threshold.
    """
    about, step = start.description, outset.at_work("looking at what was corrected")
    fresh = [p for p in outset.hinted if p.hints.points.rounds.max(initial=0) > about.judged_until]
    seen = yield from told(look_over(outset, fresh, start), step)
    strictness, threshold = about.strictness, outset.settings.threshold
    if threshold is None:
        heights, right = yield from told(_heights_of_verdicts(start, seen.fields), step)
        strictness = strictness_of_verdicts(heights, right, about.threshold, _clicks(outset), strictness)
        threshold = min(about.threshold * strictness / about.strictness, HIGHEST_THRESHOLD)
    until = max([about.judged_until, *(part.judged.latest for part in seen.fields)])
    moved = about.model_copy(update={"threshold": threshold, "strictness": strictness, "judged_until": until})
    return DetectionModel(moved, start.net, start.device)


def _clicks(outset: Outset) -> int:
    """Return how many clicks the threshold rests on."""
    return sum(int(np.count_nonzero(marked_cells(plane).rounds == 0)) for plane in outset.hinted)


def _heights_of_verdicts(
    model: DetectionModel, fields: Sequence[TrainingField]
) -> Pieces[tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]]:
    """Return how high the model's peaks are that were judged since it learnt, and which are cells; (N,)."""
    about = model.description
    heights, right = [np.empty(0)], [np.empty(0, bool)]
    for part in fields:
        found = yield from _found_by(model, part)
        fresh = part.judged.rounds > about.judged_until
        there = part.heights_at(part.judged.places[fresh], found.places, found.heights)
        heights.append(there[there > 0])
        right.append(part.judged.right[fresh][there > 0])
        yield
    return np.concatenate(heights), np.concatenate(right)


def _found_by(model: DetectionModel, part: TrainingField) -> Pieces[Peaks]:
    """Return the peaks that a model sees on a field."""
    about = model.description
    maps, _ = yield from view_by_view(model.net, part.field.pixels, model.device, about.settings.views)
    return find_centres(maps[: len(about.classes)], part.r1, about.settings, lowest=LOWEST_PEAK)


def _peaks(task: Task, part: TrainingField, probability: FloatImage) -> Peaks:
    """Return the peaks of a map where it is known, or could be, whether they are cells."""
    found = find_centres(probability[: len(task.classes)], part.r1, task.settings, lowest=LOWEST_PEAK)
    known = ~part.is_unlabelled(found.places)
    return Peaks(found.places[known], found.heights[known], found.channels[known])
