"""A training of *partial-points* under way; how it begins, from images and hints or with the last model."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from napari_inkling.core import Event, Notice, Predictions, Step
from napari_inkling.methods.partial_points.detection_model import Description, DetectionModel
from napari_inkling.methods.partial_points.heads import Heads, build_network
from napari_inkling.methods.partial_points.schedule import CONTINUED, Span
from napari_inkling.methods.partial_points.settings import PartialPointsSettings
from napari_inkling.methods.partial_points.survey import Outset, look_over
from napari_inkling.networks.pretrained import load_pretrained
from napari_inkling.networks.resnet34_unet import ResNet34UNet
from napari_inkling.networks.small_unet import SmallUNet
from napari_inkling.networks.two_stages import TwoStages
from napari_inkling.supervision.click_threshold import FIRST_THRESHOLD
from napari_inkling.training.channels import without_other_channels
from napari_inkling.training.devices import Device
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.loop import Learner, Plan
from napari_inkling.training.one_cycle import one_cycle
from napari_inkling.training.pieces import told
from napari_inkling.training.point_fields import TrainingField

__all__ = ["Task", "make_learner", "prepare"]


@dataclass(eq=False)
class Task:
    """A training under way, or a stage of it.

    ``outset`` is what it learns from, and ``span`` the stage's part of the steps. ``radius`` is that of a
    cell in pixels of the image, ``scale`` the working pixels per image pixel. ``threshold`` is the height
    from which on a peak counts as a cell. Verdicts up to those of the round ``judged_until`` have raised it
    by the factor ``strictness``. ``cells`` is how many there are on the fields, ``None`` if nobody knows;
    ``found_before`` how many the stage before found there, ``None`` in the first.
    ``found`` is what the stage before, which learnt centres, found on the plane on screen; ``None`` in that
    stage, and if there is no such plane. ``started`` is when it began, in seconds of the steady clock.
    """

    outset: Outset
    random: np.random.Generator
    intensity: Intensity
    radius: float
    scale: float
    fields: list[TrainingField]
    learner: Learner
    plan: Plan
    span: Span
    threshold: float
    started: float
    heads: Heads = "centres"
    round: int = 0
    strictness: float = 1.0
    judged_until: int = 0
    cells: int | None = None
    found_before: int | None = None
    found: Predictions | None = None

    @property
    def settings(self) -> PartialPointsSettings:
        """How it learns."""
        return self.outset.settings

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that it learns."""
        return self.outset.classes

    @property
    def rounds(self) -> int:
        """Rounds of self-training after the initial one."""
        return self.settings.rounds if self.settings.self_training != "none" else 0

    @property
    def adds_outlines(self) -> bool:
        """Whether this stage goes on with a network that has just learnt centres, and learns both."""
        return self.heads == "joint" and self.span.begin > 0

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
            trained_steps=self.outset.trained_before + self.plan.done,
            heads=self.heads,
            strictness=self.strictness,
            judged_until=self.judged_until,
        )
        net = build_network(self.settings, self.intensity.channels, len(self.classes), self.heads)
        net.load_state_dict(self.learner.averaged.state_dict())
        return DetectionModel(about, net, self.outset.device)


def prepare(outset: Outset) -> Generator[Event, None, Task]:
    """Estimate the radius, choose the scale, cut the fields, build the network; or take those of a model."""
    settings, start, weights = outset.settings, outset.start, outset.weights
    seed = outset.seed + outset.trained_before  # the same hints again give a second opinion, not the same one
    torch.manual_seed(seed)
    heads: Heads = "joint" if weights is not None and weights.description.heads == "joint" else "centres"
    reading = outset.at_work("reading the images")
    yield reading
    seen = yield from told(look_over(outset, outset.hinted, weights), reading)
    plan, span = outset.plan(seen.fields)
    data, notices = without_other_channels(outset.data, seen.intensity)
    rate = settings.learning_rate * (1 if weights is None else CONTINUED)
    net = _network(settings, seen.intensity.channels, len(outset.classes), weights, heads, notices.append)
    yield from map(Notice, notices)
    return Task(
        outset=replace(outset, data=data),
        random=np.random.default_rng(seed),
        intensity=seen.intensity,
        radius=seen.radius,
        scale=seen.scale,
        fields=seen.fields,
        learner=make_learner(net, outset.device, settings, span, rate),
        plan=plan,
        span=span,
        threshold=_first_threshold(settings, weights),
        heads=heads,
        started=time.monotonic(),
        strictness=start.description.strictness if start is not None else 1.0,
        judged_until=(
            start.description.judged_until
            if start is not None
            else max((part.judged.latest for part in seen.fields), default=0)  # it learns from them now
        ),
    )


def _network(
    settings: PartialPointsSettings,
    channels: int,
    outputs: int,
    weights: DetectionModel | None,
    heads: Heads,
    notify: Callable[[str], None],
) -> nn.Module:
    """Return the network with a model's weights, else with pretrained ones where there are any."""
    if weights is None and settings.pretrained and settings.network == "resnet34":
        return ResNet34UNet(channels, outputs, pretrained=True, notify=notify)
    net = build_network(settings, channels, outputs, heads)
    if weights is not None:
        last = weights.net.detector if isinstance(weights.net, TwoStages) else weights.net
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
    schedule = one_cycle(optimizer, lambda: span.progress) if settings.schedule == "one-cycle" else None
    return Learner(net, device, optimizer, schedule, settings.averaging)


def _first_threshold(settings: PartialPointsSettings, weights: DetectionModel | None) -> float:
    """Return the person's threshold, else that of the weights, else what suits peaks of a fresh network."""
    if settings.threshold is not None:
        return settings.threshold
    return FIRST_THRESHOLD if weights is None else weights.description.threshold
