"""A training of *partial-points*: how it begins, from images and hints or with the last model."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import nn

from napari_inkling.core import Event, Notice, Started, Step, TrainingData, TrainingImage
from napari_inkling.methods.partial_points.detection_model import Description, DetectionModel
from napari_inkling.methods.partial_points.heads import Heads, build_network
from napari_inkling.methods.partial_points.settings import PartialPointsSettings
from napari_inkling.methods.partial_points.training_fields import (
    TrainingField,
    fields_of,
    marked_cells,
    radius_of,
)
from napari_inkling.networks.pretrained import load_pretrained
from napari_inkling.networks.resnet34_unet import ResNet34UNet
from napari_inkling.networks.small_unet import SmallUNet
from napari_inkling.networks.two_stages import TwoStages
from napari_inkling.training.devices import Device, resolve_device
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.loop import Learner, Plan
from napari_inkling.training.pieces import Pieces, told

__all__ = ["Span", "Task", "make_learner", "mask_steps_for", "prepare", "steps_for"]

#: Cell radius in pixels if neither the person nor the image tells one.
FALLBACK_RADIUS = 10.0
#: Height of a peak from which on it counts as a cell, until the clicks have told.
FIRST_THRESHOLD = 0.25
#: Training on after a correction takes this share of the steps, if it is not less than the fewest, and this
#: share of the learning rate.
CONTINUED = 0.35
#: With fewer clicks than enough, steps fall with this power of their share, but not below the fewest.
POWER, FEWEST_STEPS = 1.3, 60
#: Outlines are learnt from all cells that were found, few clicks or not.
FEWEST_MASK_STEPS = 150


@dataclass(frozen=True)
class Span:
    """The part of a plan's steps that a stage takes, whatever the length of the plan becomes."""

    plan: Plan
    begin: float = 0.0
    end: float = 1.0

    def at(self, share: float) -> int:
        """Return the step at which a share of the stage is over."""
        return round(self.plan.steps * (self.begin + (self.end - self.begin) * share))

    @property
    def progress(self) -> float:
        """How much of the stage is over after the step that is being taken, above 0 and at most 1."""
        first, last = self.at(0), self.at(1)
        return min(1.0, (self.plan.done + 1 - first) / max(1, last - first))


@dataclass(eq=False)
class Task:
    """A training under way, or a stage of it.

    ``start`` is the model that it goes on from, and ``span`` the stage's part of the steps.
    """

    data: TrainingData
    settings: PartialPointsSettings
    device: Device
    seed: int
    random: np.random.Generator
    classes: tuple[str, ...]
    intensity: Intensity
    radius: float
    scale: float
    fields: list[TrainingField]
    learner: Learner
    plan: Plan
    span: Span
    threshold: float
    start: DetectionModel | None = None
    heads: Heads = "centres"
    round: int = 0
    started: float = field(default_factory=time.monotonic)

    @property
    def rounds(self) -> int:
        """Rounds of self-training after the initial one."""
        return self.settings.rounds if self.settings.self_training != "none" else 0

    @property
    def trained_before(self) -> int:
        """Steps of the model that this training goes on from; 0 without one."""
        return self.start.description.trained_steps if self.start is not None else 0

    def at_work(self, stage: str) -> Step:
        """Return what to tell while something other than a training step takes its time."""
        return Step(stage, self.round, self.plan.done, self.plan.steps)

    def model(self) -> DetectionModel:
        """Return the model reached so far, on copies that further training leaves alone."""
        about = Description(
            classes=self.classes,
            settings=self.settings,
            intensity=self.intensity,
            radius=self.radius,
            scale=self.scale,
            threshold=self.threshold,
            trained_steps=self.trained_before + self.plan.done,
            heads=self.heads,
        )
        net = build_network(self.settings, self.intensity.channels, len(self.classes), self.heads)
        net.load_state_dict(self.learner.averaged.state_dict())
        return DetectionModel(about, net.to(memory_format=torch.channels_last), self.device)


def prepare(
    data: TrainingData, settings: PartialPointsSettings, device: str, seed: int, start: DetectionModel | None
) -> Generator[Event, None, Task]:
    """Estimate the radius, choose the scale, cut the fields, build the network; or continue with a model."""
    found = resolve_device(device)
    yield Started(str(found))
    torch.manual_seed(seed)
    hinted = [plane for plane in data.train if len(plane.hints)]
    classes = _classes(data, hinted)
    if start is not None and (changed := _changed(start, classes, settings)):
        yield Notice(f"{' and '.join(changed)} changed since the last training: it starts anew")
        start = None
    clicks = sum(len(marked_cells(plane)) for plane in hinted)
    heads: Heads = "joint" if start is not None and start.description.heads == "joint" else "centres"
    plan, share = _plan(settings, clicks, start, heads)
    span = Span(plan, 0, share)
    reading = Step("reading the images", 0, 0, plan.steps)
    yield reading
    if start is None:
        intensity, radius, scale = yield from told(_estimates(hinted, settings), reading)
    else:
        intensity, radius, scale = _of(start, hinted, settings)
    data, notices = _without_other_channels(data, intensity)
    yield reading
    fields = []
    for plane in hinted:
        for part in fields_of(plane, intensity, scale, radius, classes):
            fields.append(part)
            yield reading
    net = _network(settings, intensity.channels, len(classes), start, heads, notices.append)
    yield from map(Notice, notices)
    return Task(
        data=data,
        settings=settings,
        device=found,
        seed=seed,
        random=np.random.default_rng(seed),
        classes=classes,
        intensity=intensity,
        radius=radius,
        scale=scale,
        fields=fields,
        learner=make_learner(net, found, settings, span, settings.learning_rate * _rate_share(start)),
        plan=plan,
        span=span,
        threshold=_first_threshold(settings, start),
        start=start,
        heads=heads,
    )


def steps_for(settings: PartialPointsSettings, clicks: int, *, continued: bool = False) -> int:
    """Return how many steps to take for so many marked cells, before outlines; fewer if training goes on.

    A network that sees few clicks often learns them by heart: it becomes sure of them, takes the other cells
    for background, and the threshold, set by what the clicks get, rises beyond what other cells reach.
    """
    return _fewer(settings.steps, FEWEST_STEPS, settings.enough, clicks, continued)


def mask_steps_for(settings: PartialPointsSettings, clicks: int, *, continued: bool = False) -> int:
    """Return how many steps to take for outlines, likewise; 0 if none are wanted."""
    if not settings.masks:
        return 0
    return _fewer(settings.mask_steps, FEWEST_MASK_STEPS, settings.enough, clicks, continued)


def _fewer(steps: int, fewest: int, enough: int | None, clicks: int, continued: bool) -> int:
    share = CONTINUED if continued else 1.0
    if enough is not None and clicks < enough:
        share *= math.pow(clicks / enough, POWER)
    return min(steps, max(fewest, round(steps * share)))


def _plan(
    settings: PartialPointsSettings, clicks: int, start: DetectionModel | None, heads: Heads
) -> tuple[Plan, float]:
    """Return the plan of all stages, and the part of its steps that is for centres alone.

    A model with joint heads goes on with both at once, for as many steps as the longer stage.
    """
    had_outlines = start is not None and start.description.heads != "centres"
    centres = steps_for(settings, clicks, continued=start is not None)
    outlines = mask_steps_for(settings, clicks, continued=had_outlines)
    if heads == "joint":
        return Plan(max(centres, outlines)), 0.0
    return Plan(centres + outlines), centres / (centres + outlines)


def _rate_share(start: DetectionModel | None) -> float:
    return 1.0 if start is None else CONTINUED


def _classes(data: TrainingData, hinted: Sequence[TrainingImage]) -> tuple[str, ...]:
    """Return the classes that are marked, the project's first and in its order."""
    present = {str(name) for plane in hinted for name in marked_cells(plane).classes}
    return (*(name for name in data.classes if name in present), *sorted(present - set(data.classes)))


def _changed(start: DetectionModel, classes: tuple[str, ...], settings: PartialPointsSettings) -> list[str]:
    """Return what keeps training from going on with a model, in words."""
    before = start.description.settings
    fixed = [name for name in settings.fixed_fields if getattr(before, name) != getattr(settings, name)]
    return ["the classes"] * (start.classes != classes) + [name.replace("_", " ") for name in fixed]


def _estimates(
    hinted: Sequence[TrainingImage], settings: PartialPointsSettings
) -> Pieces[tuple[Intensity, float, float]]:
    """Return the intensities, the cell radius in pixels and the scale that the images and hints suggest."""
    intensity = yield from Intensity.estimating((plane.image for plane in hinted), settings.own_range)
    radius = settings.radius or radius_of(hinted) or FALLBACK_RADIUS
    scale = 1.0 if settings.working_diameter is None else settings.working_diameter / (2 * radius)
    return intensity, radius, scale


def _of(
    start: DetectionModel, hinted: Sequence[TrainingImage], settings: PartialPointsSettings
) -> tuple[Intensity, float, float]:
    """Return the intensities, the cell radius in pixels and the scale of the last model."""
    about = start.description
    for plane in hinted:
        about.intensity.check(plane.image)
    return about.intensity, settings.radius or about.radius, about.scale


def _without_other_channels(data: TrainingData, intensity: Intensity) -> tuple[TrainingData, list[str]]:
    """Leave out what is only looked at and cannot be; also returns what to tell of it."""
    notices = [
        f"{plane.image.ref} has other channels than the images with hints: {consequence}"
        for planes, consequence in (
            ([plane for plane in data.train if plane.image.ref == data.watch], "no suggestions for it"),
            (data.validation, "it is not measured on"),
        )
        for plane in planes
        if not intensity.fits(plane.image)
    ]
    train, validation = (
        tuple(plane for plane in planes if intensity.fits(plane.image))
        for planes in (data.train, data.validation)
    )
    return replace(data, train=train, validation=validation), notices


def _network(
    settings: PartialPointsSettings,
    channels: int,
    outputs: int,
    start: DetectionModel | None,
    heads: Heads,
    notify: Callable[[str], None],
) -> nn.Module:
    """Return the network with the last model's weights, else with pretrained ones where there are any."""
    if start is None and settings.pretrained and settings.network == "resnet34":
        return ResNet34UNet(channels, outputs, pretrained=True, notify=notify)
    net = build_network(settings, channels, outputs, heads)
    if start is not None:
        last = start.net.detector if isinstance(start.net, TwoStages) else start.net
        net.load_state_dict(last.state_dict())
    elif settings.pretrained and isinstance(net, SmallUNet):
        load_pretrained(net)
    return net


def make_learner(
    net: nn.Module, device: Device, settings: PartialPointsSettings, span: Span, rate: float
) -> Learner:
    """Return what trains a network over a stage, with ``rate`` as the highest learning rate."""
    net = net.to(device.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=settings.weight_decay)
    schedule = _one_cycle(optimizer, span) if settings.schedule == "one-cycle" else None
    return Learner(net, device, optimizer, schedule, settings.averaging)


def _one_cycle(optimizer: torch.optim.Optimizer, span: Span) -> torch.optim.lr_scheduler.LambdaLR:
    """Warm up over a tenth of the stage, then follow a cosine down, also when the plan's length changes."""

    def share(_: int) -> float:
        progress = span.progress
        if progress < 0.1:
            return 0.04 + 0.96 * progress / 0.1
        return float(0.5 * (1 + np.cos(np.pi * (progress - 0.1) / 0.9))) + 1e-4

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def _first_threshold(settings: PartialPointsSettings, start: DetectionModel | None) -> float:
    """Return the person's threshold, else the last model's, else what peaks of a fresh network are like."""
    if settings.threshold is not None:
        return settings.threshold
    return FIRST_THRESHOLD if start is None else start.description.threshold
