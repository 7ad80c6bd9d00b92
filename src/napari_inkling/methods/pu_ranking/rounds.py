"""The rounds of *pu-ranking*: corrections, targets, training, the threshold, and what is shown of it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch

from napari_inkling.core import (
    Checkpoint,
    Event,
    Notice,
    Points,
    Predictions,
    Preview,
    PseudoLabels,
    Round,
    Step,
)
from napari_inkling.methods._showing import Pacing, centre_scores
from napari_inkling.methods.pu_ranking.candidates import LOWEST_PEAK, Candidates, Chosen, fair_sample
from napari_inkling.methods.pu_ranking.settings import FEWEST_CELLS
from napari_inkling.methods.pu_ranking.task import Task
from napari_inkling.supervision import IGNORE, UNMARKED
from napari_inkling.supervision.click_threshold import (
    FEWEST_CLICKS,
    steadied,
    threshold_at_clicks,
    threshold_for_count,
)
from napari_inkling.supervision.losses import weighted_mse
from napari_inkling.training.crops import random_crops
from napari_inkling.training.loop import train
from napari_inkling.training.peaks import class_peaks
from napari_inkling.training.pieces import told
from napari_inkling.training.pixel_classifier import PixelClassifier, first_fields
from napari_inkling.training.point_fields import TrainingField, fields_of, in_classes
from napari_inkling.training.tiling import view_by_view
from napari_inkling.training.working_image import WorkingImage

__all__ = ["begin", "end_round", "heed_corrections", "targets", "tell", "train_round"]

FloatArray = npt.NDArray[np.float64]
FloatImage = npt.NDArray[np.float32]

#: None before so many steps: while its rate warms up, a network finds nothing.
FIRST_PREVIEW_STEP = 40
#: At most so many pseudo-cells, and so many places of pseudo-background, are shown of a plane.
MOST_TOLD = 200
#: So many marked cells make what is unmarked weigh half as much as known background. Fewer are learnt by
#: heart, against the unmarked cells; with more of them a network that takes all that is unmarked for
#: background still answers highest at cells.
HALF_TRUSTED = 100
#: The threshold is never higher.
HIGHEST_THRESHOLD = 0.9


def begin(task: Task) -> Generator[Event, None, None]:
    """Show what the last model knows already; without one, what a classifier learns in a second."""
    if task.goes_on:
        yield from _offer(task)
        return
    step = task.at_work("a first look")
    watched = [part for part in task.fields if part.image.ref == task.data.watch]
    others = (part for part in task.fields if part.image.ref != task.data.watch)
    if not watched:
        return
    parts, known = first_fields(watched, others), []
    for part in parts:
        yield step
        known.append(part.known_mask(len(task.classes), "extended", task.settings.sigma))
    work = PixelClassifier.fitting([part.field.pixels for part in parts], known, task.random)
    if (classifier := (yield from told(work, step))) is None:
        return
    points = []
    for part in watched:
        yield step
        working = WorkingImage(part.image, task.about.scale, task.about.intensity)
        points.append(classifier.points(part, working, task.classes))
    found = Predictions(Points.concatenate(points), radius=task.about.radius)
    yield Preview(watched[0].image.ref, found, whole=False)


def heed_corrections(task: Task, number: int) -> Generator[Event, None, None]:
    """Begin a round with the hints as they are now: what was accepted, struck or marked meanwhile counts."""
    task.round = number
    newest, about = task.data.newest_hints(), task.about
    changed = [plane for plane in task.data.train if plane.image.ref in newest]
    if not changed:
        return
    fields = [part for part in task.fields if part.image.ref not in newest]
    for plane in changed:
        if not about.intensity.fits(plane.image):
            continue
        now = replace(plane, hints=in_classes(newest[plane.image.ref], task.classes))
        read = {part.window: part.field.pixels for part in task.fields if part.image.ref == plane.image.ref}
        for part in fields_of(now, about.intensity, about.scale, about.radius, task.classes, read):
            fields.append(part)
            yield task.at_work("reading the images")
    if sum(len(part.field.marked) for part in fields) < FEWEST_CELLS:
        yield Notice("Hardly a cell is marked any more: it goes on with those that were marked before.")
        return
    task.fields = fields


def targets(
    task: Task, found: Candidates | None = None, chosen: Chosen | None = None
) -> Generator[Step, None, list[FloatImage]]:
    """Return the heat map of each field, (K, Y, X), with pseudo-labels as if a person had marked them.

    Where nothing is known it is :data:`~.supervision.UNMARKED`, or *ignore* where nobody has looked.
    """
    result = []
    for number, part in enumerate(task.fields):
        yield task.at_work("drawing the targets")
        taught = part if found is None or chosen is None else _with_pseudo_labels(part, number, found, chosen)
        mask = taught.known_mask(len(task.classes), task.settings.mask, task.settings.sigma)
        result.append(np.where((mask == IGNORE) & ~part.unlabelled, np.float32(UNMARKED), mask))
    return result


def _with_pseudo_labels(part: TrainingField, number: int, found: Candidates, chosen: Chosen) -> TrainingField:
    cells, background = (found.of(number, those) for those in (chosen.labels.cells, chosen.labels.background))
    return replace(
        part,
        cells=np.concatenate([part.cells, found.places[cells]]),
        classes=np.append(part.classes, found.channels[cells]),
        background=np.concatenate([part.background, found.places[background]]),
    )


def tell(task: Task, found: Candidates, chosen: Chosen) -> Generator[PseudoLabels, None, None]:
    """Yield what was chosen on each plane, for a person to judge.

    Of each kind the :data:`MOST_TOLD` that are least sure, and of the background only what has a peak: what
    nobody would take for a cell there is no need to look at.
    """
    labels = chosen.labels
    peaks = labels.background[found.is_peak[labels.background]]
    for ref in dict.fromkeys(part.image.ref for part in task.fields):
        parts = [number for number, part in enumerate(task.fields) if part.image.ref == ref]
        cells = [_points(task, n, found, found.of(n, labels.cells), labels.cell_ranks) for n in parts]
        background = [_points(task, n, found, found.of(n, peaks), labels.background_ranks) for n in parts]
        yield PseudoLabels(ref, task.round, _least_sure(cells), _least_sure(background))


def _points(
    task: Task, number: int, found: Candidates, chosen: npt.NDArray[np.int64], ranks: FloatArray
) -> Points:
    """Return chosen peaks of a field in pixels of the image, with the class that each has as a cell."""
    part = task.fields[number]
    working = WorkingImage(part.image, task.about.scale, task.about.intensity)
    return Points(
        working.to_image(found.places[chosen] + np.array([part.window.top, part.window.left])),
        classes=np.array(task.classes, dtype=object)[found.channels[chosen]],
        sources="model",
        scores=ranks[chosen],
    )


def _least_sure(parts: Sequence[Points]) -> Points:
    every = Points.concatenate(parts)
    return every.take(np.sort(np.argsort(every.scores, kind="stable")[:MOST_TOLD]))


def train_round(task: Task, heat_maps: Sequence[FloatImage]) -> Generator[Event, None, None]:
    """Take the round's share of the steps; show the plane on screen every few seconds."""
    settings, plan = task.settings, task.plan
    unmarked = _unmarked_weight(task)
    batches = random_crops(
        [part.field for part in task.fields],
        heat_maps,
        side=settings.crop,
        count=settings.batch,
        random=task.random,
        near_marked=settings.near_marked,
        jitter=settings.jitter,
        zoom=settings.zoom,
        ignore=IGNORE,
    )

    def loss(logits: torch.Tensor, wanted: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"heat map": weighted_mse(logits, wanted, settings.foreground_weight, unmarked)}

    stage = f"round {task.round} of {settings.rounds}" if task.round else "learning from the hints"
    pacing = Pacing()
    while plan.done < _round_end(task):
        yield from train(task.learner, batches, loss, 1, plan, stage=stage, round=task.round)
        if settings.minutes is not None:
            plan.last(settings.minutes, task.started)
        if pacing.due and FIRST_PREVIEW_STEP <= plan.done < plan.steps:
            with pacing.showing():
                yield from _offer(task)


def _unmarked_weight(task: Task) -> float:
    """Return how much what is unmarked weighs as background; where no setting says so, the clicks do."""
    if task.settings.unmarked_weight is not None:
        return task.settings.unmarked_weight
    marked = sum(len(part.field.marked) for part in task.fields)
    return marked / (marked + HALF_TRUSTED)


def _round_end(task: Task) -> int:
    """Return the step at which the round ends."""
    rounds = task.settings.rounds
    first = 0.0 if task.goes_on else task.settings.first_share
    return round(task.plan.steps * (first + (1 - first) * task.round / rounds if rounds else 1))


def end_round(task: Task, chosen: Chosen | None = None) -> Generator[Event, None, None]:
    """Set the threshold, keep and show the model that a round has led to, and measure it.

    What was ``chosen`` for the round says how many cells there are on the fields.
    """
    if task.settings.threshold is None:
        threshold = yield from _threshold(task, chosen)
        task.about = task.about.model_copy(update={"threshold": threshold})
    yield from _offer(task)
    measuring = task.at_work("measuring on complete images")
    work = centre_scores(task.model(), task.about.radius, task.data.validation, measuring)
    yield Round(task.round, (yield from work))


def _threshold(task: Task, chosen: Chosen | None) -> Generator[Step, None, float]:
    """Return the threshold that the clicks tell, drawn towards the one that finds as many cells as there are.

    The clicks say less of the other cells the fewer they are: the network has seen them, and answers higher
    there. So the count only lowers what they tell, unless they are too few to tell anything. The result lies
    half way, in the logarithm, between what the middle of the interval of the count tells and its upper end.
    """
    step = task.at_work("looking at the marked cells")
    clicked, peaks = [], []
    for part in task.fields:
        work = view_by_view(task.learner.averaged, part.field.pixels, task.device, task.settings.views)
        maps = (yield from told(work, step)).mean
        found = class_peaks(maps, part.r1, LOWEST_PEAK)
        peaks.append(found.heights[~part.is_unlabelled(found.places)])
        clicked.append(part.heights_at(part.field.marked, found.places, found.heights))
    heights = np.concatenate(peaks)
    at_clicks = np.concatenate(clicked)
    fair = fair_sample(np.concatenate([part.unprompted for part in task.fields]))
    threshold = threshold_at_clicks(at_clicks[fair], heights)
    if chosen is not None and chosen.prior is not None:
        as_many, at_most = (
            steadied(threshold, threshold_for_count(heights, count, LOWEST_PEAK), len(at_clicks))
            for count in (chosen.cells, chosen.at_most)
        )
        highest = min(threshold, as_many) if fair.sum() >= FEWEST_CLICKS else as_many
        threshold = float(np.sqrt(highest * min(highest, at_most)))
    return min(threshold, HIGHEST_THRESHOLD)


def _offer(task: Task) -> Generator[Event, None, None]:
    """Keep the model reached so far, and show what it finds on the plane on screen."""
    model = task.model()
    yield Checkpoint(model)
    for plane in task.data.train:
        if plane.image.ref == task.data.watch and model.description.intensity.fits(plane.image):
            only = task.windows(plane.image)
            if only == []:  # a large one without hints would take long
                continue
            work = model.predicting(plane.image, only)
            found = yield from told(work, task.at_work("looking at the image on screen"))
            yield Preview(plane.image.ref, found, whole=only is None)
