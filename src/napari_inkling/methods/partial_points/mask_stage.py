"""How the stage of *partial-points* begins that learns outlines: another scale, more heads, more points."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from napari_inkling.core import Event, Notice
from napari_inkling.methods.partial_points.detection_model import find_centres
from napari_inkling.methods.partial_points.heads import Heads, build_part, with_outputs
from napari_inkling.methods.partial_points.pixel_labels import PixelLabels, drawn_labels, label_pixels
from napari_inkling.methods.partial_points.previews import find
from napari_inkling.methods.partial_points.schedule import CONTINUED, Span
from napari_inkling.methods.partial_points.task import Task, make_learner
from napari_inkling.methods.partial_points.task_threshold import count_found
from napari_inkling.networks.pretrained import load_pretrained
from napari_inkling.networks.resnet34_unet import ResNet34UNet
from napari_inkling.networks.small_unet import SmallUNet
from napari_inkling.networks.two_stages import TwoStages
from napari_inkling.supervision.radius import radii_at
from napari_inkling.training.crops import Field
from napari_inkling.training.peaks import distances
from napari_inkling.training.pieces import aside, told
from napari_inkling.training.point_fields import TrainingField
from napari_inkling.training.resampling import Resampler, resample
from napari_inkling.training.working_image import Window, WorkingImage

__all__ = ["Nuclei", "begin", "label_fields", "nuclei_of"]

FloatArray = npt.NDArray[np.float64]
FloatImage = npt.NDArray[np.float32]

#: A field's own radius counts with so many nuclei at least, and is at most this many times the mean or 1/it.
FEWEST_RADII, WIDEST = 10, 2.0


@dataclass(frozen=True, eq=False)
class Nuclei:
    """The nuclei of a field as far as known: ``places`` (N, 2) in its pixels, the person's first, and r1.

    ``centres`` (K, Y, X) is how the last network mapped them.
    """

    places: FloatArray
    r1: float
    centres: FloatImage


def begin(task: Task, maps: Sequence[FloatImage]) -> Generator[Event, None, tuple[Task, list[Nuclei]]]:
    """Return the stage that learns outlines, and the nuclei on its fields.

    Parameters
    ----------
    task : Task
        The stage that learnt centres, or the whole training if it goes on from joint heads.
    maps : sequence of arrays, (K or more, Y, X)
        What its network says of each field.
    """
    settings = task.settings
    heads: Heads = settings.heads
    scale = task.scale
    found, step = None, task.at_work("looking at the image on screen")
    if task.heads == "centres" and heads == "joint":
        found = yield from find(task.outset, task.fields, task.model(), step)
    if task.heads == "centres" and heads == "joint" and settings.mask_diameter is not None:
        scale = settings.mask_diameter / (2 * task.radius)
    fields, nuclei = [], []
    for part, probability in zip(task.fields, maps, strict=True):
        centres = probability[: len(task.classes)]
        finer = _at_scale(task, part, scale)
        fields.append(finer)
        yield task.at_work("preparing outlines")
        nuclei.append(nuclei_of(task, finer, _resized(centres, finer.shape)))
        yield task.at_work("preparing outlines")
    notices: list[str] = []
    torch.manual_seed(int(task.random.integers(2**31)))  # previews draw too, and as many as there is time for
    net = _network(task, heads, notices.append)
    yield from map(Notice, notices)
    span = Span(task.plan, task.span.end)
    weights = task.outset.weights
    rate = settings.mask_rate * (1 if weights is None or weights.description.heads != heads else CONTINUED)
    learner = make_learner(net, task.outset.device, settings, span, rate)
    stage = replace(
        task,
        scale=scale,
        fields=fields,
        learner=learner,
        span=span,
        heads=heads,
        found_before=count_found(task, maps),
        found=found,
    )
    return stage, nuclei


def nuclei_of(task: Task, part: TrainingField, centres: FloatImage) -> Nuclei:
    """Return the nuclei that are marked on a field, and those that a map (K, Y, X) of its shape shows."""
    given = part.field.marked
    places = given
    if task.settings.label_points == "found":
        found = find_centres(centres, part.r1, task.settings, task.threshold).places
        apart = distances(found, np.concatenate([part.cells, part.background])) >= part.r1
        places = np.concatenate([given, found[apart]])
    return Nuclei(places, _own_radius(task, part, places), centres)


def _own_radius(task: Task, part: TrainingField, places: FloatArray) -> float:
    """Return the radius of a field's own nuclei, in its pixels: not all tissue is alike."""
    working = WorkingImage(part.image, part.r1 / task.radius, task.intensity)
    corner = np.array([part.window.top, part.window.left])
    radii = radii_at(part.image, working.to_image(places + corner))
    if task.settings.radius is not None or len(radii) < FEWEST_RADII:
        return part.r1
    ratio = np.clip(np.median(radii) / task.radius, 1 / WIDEST, WIDEST)
    return float(part.r1 * ratio)


def _at_scale(task: Task, part: TrainingField, scale: float) -> TrainingField:
    """Return the same part of the image at another scale."""
    if scale == task.scale:
        return part
    before = WorkingImage(part.image, task.scale, task.intensity)
    after = WorkingImage(part.image, scale, task.intensity)
    top, left, bottom, right = (
        round(edge * there.out / here.out)
        for edge, here, there in (
            (part.window.top, before.rows, after.rows),
            (part.window.left, before.columns, after.columns),
            (part.window.bottom, before.rows, after.rows),
            (part.window.right, before.columns, after.columns),
        )
    )
    window = Window(top, bottom, left, right)
    last = np.array(after.shape) - 1

    def moved(places: FloatArray) -> FloatArray:
        image = before.to_image(places + np.array([part.window.top, part.window.left]))
        working: FloatArray = after.to_working(image).clip(0, last) - np.array([top, left])
        return working

    return replace(
        part,
        window=window,
        field=Field(after.read(window), moved(part.field.marked)),
        cells=moved(part.cells),
        background=moved(part.background),
        judged=replace(part.judged, places=moved(part.judged.places)),
        ignored=np.hstack([moved(part.ignored[:, :2]), moved(part.ignored[:, 2:])]),
        r1=task.radius * scale,
    )


def _resized(maps: FloatImage, shape: tuple[int, int]) -> FloatImage:
    """Return maps (K, Y, X) at another size."""
    if maps.shape[1:] == shape:
        return maps
    axes = [Resampler(before, after / before) for before, after in zip(maps.shape[1:], shape, strict=True)]
    rows, columns = (axis.matrix(0, size) for axis, size in zip(axes, shape, strict=True))
    changed = resample(np.ascontiguousarray(maps.transpose(1, 2, 0)), rows, columns)
    return np.ascontiguousarray(changed.transpose(2, 0, 1))


def _network(task: Task, heads: Heads, notify: Callable[[str], None]) -> nn.Module:
    """Return the network that learns outlines, with what is known already."""
    net, settings = task.learner.averaged, task.settings
    channels, classes = task.intensity.channels, len(task.classes)
    if heads == "joint":
        return with_outputs(net, settings, channels, classes + 2)
    return TwoStages(with_outputs(net, settings, channels, classes), _segmenter(task, notify))


def _segmenter(task: Task, notify: Callable[[str], None]) -> nn.Module:
    """Return the network of two classes with the last model's weights, else with pretrained ones."""
    settings, channels, weights = task.settings, task.intensity.channels, task.outset.weights
    if weights is not None and isinstance(weights.net, TwoStages):
        return with_outputs(weights.net.segmenter, settings, channels, 2)
    if settings.pretrained and settings.network == "resnet34":
        return ResNet34UNet(channels, 2, pretrained=True, notify=notify)
    net = build_part(settings, channels, 2)
    if settings.pretrained and isinstance(net, SmallUNet):
        load_pretrained(net)
    return net


def label_fields(task: Task, nuclei: Sequence[Nuclei]) -> Generator[Event, None, list[PixelLabels]]:
    """Return what the points say of the pixels of each field; say where colours say nothing."""
    drawn = {plane.image.ref: plane.hints.masks for plane in task.outset.data.train}
    labels, alike = [], []
    for number, (part, known) in enumerate(zip(task.fields, nuclei, strict=True)):
        working = WorkingImage(part.image, task.scale, task.intensity)
        outlined = drawn_labels(drawn[part.image.ref], working, part)
        work = partial(
            label_pixels, part, known.places, known.r1, outlined, task.settings, task.outset.seed + number
        )
        labels.append((yield from told(aside(work), task.at_work("labelling pixels"))))
        if labels[-1].colour is None and task.settings.labels != "voronoi":
            alike.append(str(part.image.ref))
    if alike:
        names = ", ".join(dict.fromkeys(alike))
        yield Notice(
            f"colours do not tell nuclei from background on {names}: outlines there rest on the points alone"
        )
    return labels
