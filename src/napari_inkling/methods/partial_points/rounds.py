"""The rounds of *partial-points*, in the order in which ``fit`` takes them: targets, training, prediction."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import torch

from napari_inkling.core import Checkpoint, Event, Round, Step
from napari_inkling.methods._showing import Pacing
from napari_inkling.methods.partial_points.detection_model import DetectionModel, find_centres
from napari_inkling.methods.partial_points.previews import find, show, show_outlined, validate
from napari_inkling.methods.partial_points.survey import look_over
from napari_inkling.methods.partial_points.task import Task
from napari_inkling.methods.partial_points.task_threshold import set_threshold
from napari_inkling.supervision import IGNORE, add_detected_nuclei, propagate_background
from napari_inkling.supervision.losses import weighted_mse
from napari_inkling.training.crops import random_crops
from napari_inkling.training.loop import Batch, Loss, train
from napari_inkling.training.pieces import told
from napari_inkling.training.point_fields import TrainingField
from napari_inkling.training.tiling import view_by_view

__all__ = [
    "batches_of",
    "end_round",
    "known_masks",
    "out_of_time",
    "predict_fields",
    "take_steps",
    "train_round",
    "updated_masks",
]

FloatImage = npt.NDArray[np.float32]

#: None before this share of a stage, or so many steps: while its rate warms up, a network says less than the
#: first answer does.
FIRST_PREVIEW, FIRST_PREVIEW_STEP = 0.15, 100
#: None before this share of a stage where what the last model found is on screen, and this one began anew.
#: Nor is a network kept before that which adds outlines to its centres: at first that spoils the centres.
REPLACES_AFTER = 0.6


def known_masks(task: Task) -> Generator[Step, None, list[FloatImage]]:
    """Return what the hints alone say, Eq. 1 of the paper, (K, Y, X) for each field."""
    known = []
    for part in task.fields:
        yield task.at_work("reading the images")
        known.append(part.known_mask(len(task.classes), task.settings.mask, task.settings.sigma))
    return known


def updated_masks(
    task: Task, known: Sequence[FloatImage], maps: Sequence[FloatImage]
) -> Generator[Step, None, list[FloatImage]]:
    """Return the targets of a round: the hints' masks with what the model's maps tell added, Eq. 3."""
    updated = list(known)
    for number, (part, before, probability) in enumerate(zip(task.fields, known, maps, strict=True)):
        yield task.at_work("looking at the unmarked cells")
        match task.settings.self_training:
            case "background":
                updated[number] = part.left_open(_with_background(task, part, before, probability))
            case "nuclei":
                updated[number] = part.left_open(_with_nuclei(task, part, before, probability))
    return updated


def _with_background(
    task: Task, part: TrainingField, known: FloatImage, probability: FloatImage
) -> FloatImage:
    low, high = task.settings.low, task.settings.high
    rows = [
        propagate_background(mask, p, part.r1, low, high) for mask, p in zip(known, probability, strict=True)
    ]
    return np.stack(rows)


def _with_nuclei(task: Task, part: TrainingField, known: FloatImage, probability: FloatImage) -> FloatImage:
    """Take what is found for cells: the arm "ST-nu" of the paper."""
    found = find_centres(probability, part.r1, task.settings, lowest=task.threshold)
    sigma = task.settings.sigma * part.r1
    rows = [
        add_detected_nuclei(mask, found.places[found.channels == k], part.r1, sigma)
        for k, mask in enumerate(known)
    ]
    return np.stack(rows)


def train_round(task: Task, masks: Sequence[FloatImage], number: int) -> Generator[Event, None, None]:
    """Take the round's share of the steps, Eq. 2 of the paper; show the plane on screen every few seconds."""
    settings = task.settings
    task.round = number
    batches = batches_of(task, masks, settings.jitter, settings.zoom)

    def loss(logits: torch.Tensor, targets: torch.Tensor) -> Mapping[str, torch.Tensor]:
        return {"centre": weighted_mse(logits, targets, settings.foreground_weight)}

    yield from take_steps(task, batches, loss, _stage(task, number), partial(_round_end, task, number))


def batches_of(task: Task, targets: Sequence[FloatImage], jitter: float, zoom: float) -> Iterator[Batch]:
    """Return crops of the fields and their targets, without end."""
    settings = task.settings
    return random_crops(
        [part.field for part in task.fields],
        targets,
        side=settings.crop,
        count=settings.batch,
        random=task.random,
        near_marked=settings.near_marked,
        jitter=jitter,
        zoom=zoom,
        ignore=IGNORE,
    )


def take_steps(
    task: Task, batches: Iterator[Batch], loss: Loss, stage: str, end: Callable[[], int]
) -> Generator[Event, None, None]:
    """Take steps up to ``end``, which moves if there is a time to keep; show how it goes now and then."""
    plan = task.plan
    pacing = Pacing()
    while plan.done < end():
        yield from train(task.learner, batches, loss, 1, plan, stage=stage, round=task.round)
        if task.settings.minutes is not None:
            plan.last(task.settings.minutes, task.started)
        if pacing.due and _is_worth_showing(task) and plan.done < end():
            with pacing.showing():
                yield from _offer(task, task.model())


def _is_worth_showing(task: Task) -> bool:
    """Whether the network has learnt enough in this stage to take the place of what is on screen."""
    last, taken, progress = task.outset.start, task.plan.done - task.span.at(0), task.span.progress
    if last is not None and task.outset.weights is None:  # it began anew
        brings_outlines = task.adds_outlines and not last.draws_outlines
        if not brings_outlines:
            return progress > REPLACES_AFTER
    return taken >= FIRST_PREVIEW_STEP or progress > FIRST_PREVIEW


def _offer(task: Task, model: DetectionModel) -> Generator[Event, None, None]:
    """Keep a model and show what it finds, as soon as it can do what the one before it can.

    Until then that one is kept, and what is shown is the work of both: centres that are learnt anew with the
    last model's outlines, and outlines that are learnt with the centres of the stage before.
    """
    outset, step = task.outset, task.at_work("looking at the image on screen")
    last, settled = outset.start, task.span.progress > REPLACES_AFTER
    if task.heads == "centres" and last is not None and last.draws_outlines:
        found = yield from find(outset, task.fields, model, step)
        if found is not None:
            seen = yield from told(look_over(outset, outset.watched, last), step)
            yield from show_outlined(outset, found, seen.fields, last, step)
    elif not task.adds_outlines or settled:
        yield Checkpoint(model)
        yield from show(outset, task.fields, model, step)
    elif task.found is not None:
        yield from show_outlined(outset, task.found, task.fields, model, step)


def _stage(task: Task, number: int) -> str:
    return "learning from the hints" if not number else f"round {number} of {task.settings.rounds}"


def _round_end(task: Task, number: int) -> int:
    """Return the step at which a round ends."""
    if number >= task.rounds:
        return task.span.at(1)
    first = task.settings.first_share
    return task.span.at(first + (1 - first) * number / task.rounds)


def out_of_time(task: Task) -> bool:
    """Whether the minutes are over, however many rounds are left."""
    return task.settings.minutes is not None and task.plan.done >= task.span.at(1)


def predict_fields(task: Task) -> Generator[Step, None, list[FloatImage]]:
    """Predict all fields with the averaged network."""
    maps = []
    for part in task.fields:
        work = view_by_view(task.learner.averaged, part.field.pixels, task.outset.device, task.settings.views)
        maps.append((yield from told(work, task.at_work("looking at the unmarked cells"))).mean)
        yield task.at_work("looking at the unmarked cells")
    return maps


def end_round(task: Task, number: int) -> Generator[Event, None, tuple[DetectionModel, list[FloatImage]]]:
    """Predict all fields, keep and show the model that a round has led to, and measure it."""
    maps = yield from predict_fields(task)
    set_threshold(task, maps)
    model = task.model()
    if task.outset.start is None or _is_worth_showing(task):
        yield from _offer(task, model)
    yield Round(number, (yield from validate(task, model)))
    return model, maps
