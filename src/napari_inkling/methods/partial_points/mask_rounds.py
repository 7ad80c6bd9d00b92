"""Learning outlines from the labels of points, and then once more from what the network is sure of."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from napari_inkling.core import Event, Notice
from napari_inkling.methods.partial_points.mask_stage import Nuclei, nuclei_of
from napari_inkling.methods.partial_points.pixel_labels import PixelLabels, instances_of, with_drawn
from napari_inkling.methods.partial_points.rounds import batches_of, known_masks, take_steps, updated_masks
from napari_inkling.methods.partial_points.schedule import mask_steps_for
from napari_inkling.methods.partial_points.task import Task
from napari_inkling.supervision import BACKGROUND, IGNORE, NUCLEUS, voronoi_cells
from napari_inkling.supervision.boundary_distance import boundary_distance
from napari_inkling.supervision.crf import crf_loss
from napari_inkling.supervision.losses import partial_cross_entropy, weak_label_losses, weighted_mse
from napari_inkling.training.instances import seeded_instances
from napari_inkling.training.loop import Loss
from napari_inkling.training.pieces import aside, told

__all__ = ["first_targets", "parts", "refined_targets", "too_short", "train_part"]

T = TypeVar("T")
FloatImage = npt.NDArray[np.float32]
Label = npt.NDArray[np.int8]

#: Refining takes a pixel for background below the first probability, for nucleus above the second.
SURE = (0.35, 0.65)
#: Values of a map below this are no sign of a centre.
FAINT = 0.05
#: Centres' errors are small beside the other losses: with a weight of 1, they are forgotten over outlines.
CENTRE_WEIGHT = 4.0
#: With fewer steps outlines are hardly learnt.
FEWEST_FOR_OUTLINES = 100
#: Fine-tuning of two classes has this share of the learning rate (section V.C of the paper).
FINE_RATE = 0.1


def parts(task: Task) -> tuple[bool, ...]:
    """Return for each part of the stage whether it refines."""
    return (False, True) if task.settings.refine_share > 0 else (False,)


def first_targets(
    task: Task, nuclei: Sequence[Nuclei], labels: Sequence[PixelLabels]
) -> Generator[Event, None, list[FloatImage]]:
    """Return the targets that the points give, (T, Y, X) for each field.

    With joint heads: centres, pixel label, and distance from the boundary; with two classes: the Voronoi
    label and the label by colour (Eq. 6), which is the Voronoi label again where colour tells nothing. Then
    the image's colours in units of its range, for the CRF term.
    """
    if task.heads == "two-class":
        return [
            _stacked(task, number, [own.voronoi, own.voronoi if own.colour is None else own.colour])
            for number, own in enumerate(labels)
        ]
    centres = yield from _centre_targets(task, nuclei)
    targets = []
    for number, own in enumerate(labels):
        what = (centres[number], own.agreed, instances_of(own), nuclei[number].r1)
        targets.append((yield from _without_a_stall(task, partial(_joint, task, number, *what))))
    return targets


def _without_a_stall(task: Task, work: Callable[[], T]) -> Generator[Event, None, T]:
    """Do a second or so of work, during which the training can be stopped."""
    return (yield from told(aside(work), task.at_work("labelling pixels")))


def refined_targets(
    task: Task, targets: Sequence[FloatImage], labels: Sequence[PixelLabels], maps: Sequence[FloatImage]
) -> Generator[Event, None, list[FloatImage]]:
    """Return targets from what the network is sure of, within the masks of the nuclei it finds.

    Only joint heads refine like this. What a person drew stays the truth, and the centres' targets stay.
    """
    if task.heads == "two-class":
        return list(targets)
    refined = []
    for number, own in enumerate(zip(targets, labels, maps, strict=True)):
        refined.append((yield from _without_a_stall(task, partial(_refined, task, number, *own))))
    return refined


def _refined(
    task: Task, number: int, target: FloatImage, labels: PixelLabels, maps: FloatImage
) -> FloatImage:
    part, classes = task.fields[number], len(task.classes)
    known = nuclei_of(task, part, maps[:classes])
    foreground, height = maps[classes], maps[classes + 1]
    instances = seeded_instances(foreground, height, known.places, background=part.background)
    label = np.full(part.shape, IGNORE, dtype=np.int8)
    label[foreground < SURE[0]] = BACKGROUND
    label[(foreground > SURE[1]) & (instances > 0)] = NUCLEUS
    label = with_drawn(part.left_open(label), voronoi_cells(known.places, part.shape), labels.drawn, known.r1)
    first = int(instances.max(initial=0))
    instances = np.where(labels.drawn > 0, labels.drawn + first, instances)
    return _joint(
        task, number, target[:classes], label, np.where(label == BACKGROUND, 0, instances), known.r1
    )


def _centre_targets(task: Task, nuclei: Sequence[Nuclei]) -> Generator[Event, None, list[FloatImage]]:
    """Return what is known of centres, and elsewhere what the last network said: nothing found is lost."""
    maps = [own.centres for own in nuclei]
    known = yield from known_masks(task)
    masks = yield from updated_masks(task, known, maps)
    filled = [
        np.where(mask == IGNORE, np.where(before < FAINT, 0, before), mask).astype(np.float32)
        for mask, before in zip(masks, maps, strict=True)
    ]
    return [part.left_open(mask) for part, mask in zip(task.fields, filled, strict=True)]


def _joint(
    task: Task,
    number: int,
    centres: FloatImage,
    label: Label,
    instances: npt.NDArray[np.integer],
    r1: float,
) -> FloatImage:
    distance = np.where(label == IGNORE, IGNORE, boundary_distance(instances, r1))
    return _stacked(task, number, [*centres, label, distance])


def _stacked(task: Task, number: int, planes: Sequence[npt.NDArray[np.generic]]) -> FloatImage:
    colours = _colours(task.fields[number].field.pixels) if task.settings.crf else ()
    return np.stack([*planes, *colours]).astype(np.float32)


def _colours(pixels: FloatImage) -> FloatImage:
    """Return pixels (C, Y, X) in units of their range over all channels."""
    low, high = np.percentile(pixels, [0.1, 99.9])
    colours: FloatImage = ((pixels - low) / max(float(high - low), 1e-6)).astype(np.float32)
    return colours


def train_part(task: Task, targets: Sequence[FloatImage], refining: bool) -> Generator[Event, None, None]:
    """Take the steps of a part: Eq. 6 of the paper, with the pairwise term of Eqs. 8-10 while refining."""
    settings = task.settings
    if refining and task.heads == "two-class":
        task.learner.slow_down(FINE_RATE)
    batches = batches_of(task, targets, settings.mask_jitter, settings.mask_zoom)
    end = 1.0 if refining else 1 - settings.refine_share
    stage = "refining outlines" if refining else "learning outlines"
    yield from take_steps(task, batches, _loss(task, refining), stage, lambda: task.span.at(end))


def too_short(task: Task) -> Iterator[Notice]:
    """Say so if a limit of time left too few steps for outlines to be learnt."""
    steps, wanted = task.span.at(1) - task.span.at(0), mask_steps_for(task.settings, task.outset.clicks)
    if task.settings.minutes is not None and steps < min(wanted, FEWEST_FOR_OUTLINES):
        yield Notice(
            f"{task.settings.minutes:g} minutes left {steps} steps for outlines, which take "
            f"{wanted}: many masks will be missing or wrong. Give it more time."
        )


def _loss(task: Task, refining: bool) -> Loss:
    settings, classes, two = task.settings, len(task.classes), task.heads == "two-class"

    def loss(logits: Tensor, targets: Tensor) -> Mapping[str, Tensor]:
        if two:
            losses = weak_label_losses(logits, targets[:, 0], targets[:, 1], settings.alpha)
            nucleus, colours = logits.softmax(1)[:, 1:], targets[:, 2:]
        else:
            losses = _joint_losses(logits, targets, classes, settings.foreground_weight)
            nucleus, colours = logits[:, classes : classes + 1].sigmoid(), targets[:, classes + 2 :]
        if refining and settings.crf:
            losses["crf"] = settings.crf * crf_loss(nucleus, colours, sigma_colour=settings.crf_colour)
        return losses

    return loss


def _joint_losses(
    logits: Tensor, targets: Tensor, classes: int, foreground_weight: float
) -> dict[str, Tensor]:
    """Return the losses of (B, K + 2, Y, X) logits: centres, foreground, distance from the boundary."""
    known = targets[:, classes + 1] >= 0
    squared = (logits[:, classes + 1].sigmoid() - targets[:, classes + 1]) ** 2
    return {
        "centre": CENTRE_WEIGHT * weighted_mse(logits[:, :classes], targets[:, :classes], foreground_weight),
        "foreground": partial_cross_entropy(logits[:, classes : classes + 1], targets[:, classes]),
        "distance": (squared * known).sum() / known.sum().clamp(min=1),
    }
