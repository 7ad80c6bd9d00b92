"""A training of *pu-ranking* under way; how it begins, from images and hints or with the last model."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from dataclasses import dataclass

import numpy as np
import torch

from napari_inkling.core import (
    Event,
    Image,
    Notice,
    Started,
    Step,
    TooFewHintsError,
    TrainingData,
    TrainingImage,
)
from napari_inkling.evaluation import cell_centres
from napari_inkling.methods._continuing import changed_settings, in_order, unlike_channels
from napari_inkling.methods._showing import windows_to_show
from napari_inkling.methods.pu_ranking.peak_model import Description, PeakModel, build_network
from napari_inkling.methods.pu_ranking.settings import FEWEST_CELLS, PuRankingSettings
from napari_inkling.networks.pretrained import load_pretrained
from napari_inkling.supervision.click_threshold import FIRST_THRESHOLD
from napari_inkling.training.channels import without_other_channels
from napari_inkling.training.devices import Device, resolve_device
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.loop import Learner, Plan
from napari_inkling.training.one_cycle import one_cycle
from napari_inkling.training.pieces import told
from napari_inkling.training.point_fields import TrainingField, fields_of, marked_cells, radius_of
from napari_inkling.training.working_image import Window

__all__ = ["Task", "prepare"]

#: Cell radius in pixels if neither the person nor the image tells one.
FALLBACK_RADIUS = 10.0
#: Training that goes on from a model takes this share of the steps and of the learning rate.
CONTINUED = 0.4


@dataclass(eq=False)
class Task:
    """A training under way.

    ``started`` is when it began, in seconds of the steady clock; ``goes_on`` says that it began with a model.
    """

    data: TrainingData
    settings: PuRankingSettings
    device: Device
    random: np.random.Generator
    about: Description
    fields: list[TrainingField]
    learner: Learner
    plan: Plan
    started: float
    goes_on: bool
    round: int = 0

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that it learns."""
        return self.about.classes

    @property
    def is_out_of_time(self) -> bool:
        """Whether the minutes are over, if there is such a limit."""
        minutes = self.settings.minutes
        return minutes is not None and time.monotonic() - self.started > 60 * minutes

    def at_work(self, stage: str) -> Step:
        """Return what to tell while something other than a training step takes its time."""
        return Step(stage, self.round, self.plan.done, self.plan.steps)

    def windows(self, image: Image) -> list[Window] | None:
        """Return where to look on a plane: ``None`` for all of it, of a large one where its hints are."""
        return windows_to_show(image, self.about.scale, self.about.intensity, self.fields)

    def model(self) -> PeakModel:
        """Return the model reached so far, on a copy that further training leaves alone."""
        about = self.about.model_copy(update={"trained_steps": self.about.trained_steps + self.plan.done})
        net = build_network(about)
        net.load_state_dict(self.learner.averaged.state_dict())
        return PeakModel(about, net, self.device)


def prepare(
    data: TrainingData, settings: PuRankingSettings, device: str, seed: int, start: PeakModel | None
) -> Generator[Event, None, Task]:
    """Estimate the radius, choose the scale, cut the fields, build the network; or take those of a model.

    Raises
    ------
    TooFewHintsError
        With fewer than :data:`FEWEST_CELLS` marked cells.
    ImageError
        If the images have different channels, or one cannot be read.
    DeviceError
        If the device is not there.
    """
    outside = _check_enough(data)
    found = resolve_device(device)
    yield Started(str(found))
    hinted = [plane for plane in data.train if len(plane.hints)]
    classes = in_order((name for plane in hinted for name in marked_cells(plane).classes), data.classes)
    if start is not None and (changed := _changed(start, classes, settings, hinted)):
        yield Notice(f"{' and '.join(changed)} changed since the last training: it starts anew")
        start = None
    if outside:
        yield Notice(f"cells marked outside of their image are left out: {outside}")
    reading = Step("reading the images", 0, 0, settings.steps)
    yield reading
    about = yield from _description(hinted, settings, classes, start, reading)
    data, notices = without_other_channels(data, about.intensity)
    yield from map(Notice, notices)
    fields = []
    for plane in hinted:
        about.intensity.check(plane.image)
        for part in fields_of(plane, about.intensity, about.scale, about.radius, classes):
            fields.append(part)
            yield reading
    seed += about.trained_steps  # the same hints again give a second opinion, not the same one
    torch.manual_seed(seed)
    net = build_network(about)
    if start is not None:
        net.load_state_dict(start.net.state_dict())
    elif settings.pretrained:
        load_pretrained(net)
    share = 1.0 if start is None else CONTINUED
    plan = Plan(max(1, round(settings.steps * share)))
    net = net.to(found.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Task(
        data=data,
        settings=settings,
        device=found,
        random=np.random.default_rng(seed),
        about=about,
        fields=fields,
        learner=_learner(net, found, settings, plan, settings.learning_rate * share),
        plan=plan,
        started=time.monotonic(),
        goes_on=start is not None,
    )


def _check_enough(data: TrainingData) -> int:
    """Return how many cells are marked outside of their image."""
    cells = sum(len(marked_cells(plane)) for plane in data.train)
    outside = sum(len(cell_centres(plane.hints)) for plane in data.train) - cells
    if cells < FEWEST_CELLS:
        beside = f" ({outside} more lie outside of their image)" if outside else ""
        raise TooFewHintsError(
            f"{cells} cell{'s are' if cells != 1 else ' is'} marked{beside}, but pu-ranking needs "
            f"at least {FEWEST_CELLS}: click the middle of some cells"
        )
    return outside


def _changed(
    start: PeakModel,
    classes: tuple[str, ...],
    settings: PuRankingSettings,
    hinted: Iterable[TrainingImage],
) -> list[str]:
    """Return what keeps training from going on with a model, in words."""
    about = start.description
    return [
        *["the classes"] * (start.classes != classes),
        *unlike_channels(about.intensity, hinted),
        *changed_settings(about.settings, settings),
    ]


def _description(
    hinted: list[TrainingImage],
    settings: PuRankingSettings,
    classes: tuple[str, ...],
    start: PeakModel | None,
    reading: Step,
) -> Generator[Event, None, Description]:
    """Return how the images are seen: as the last model does, else as they and their hints suggest."""
    if start is not None:
        about = start.description
        own = {"radius": settings.radius or about.radius, "threshold": settings.threshold or about.threshold}
        return about.model_copy(update={"settings": settings, **own})
    work = Intensity.estimating((plane.image for plane in hinted), settings.own_range)
    intensity = yield from told(work, reading)
    radius = settings.radius or radius_of(hinted) or FALLBACK_RADIUS
    diameter = settings.working_diameter
    return Description(
        classes=classes,
        settings=settings,
        intensity=intensity,
        radius=radius,
        scale=1.0 if diameter is None else diameter / (2 * radius),
        threshold=settings.threshold or FIRST_THRESHOLD,
        trained_steps=0,
    )


def _learner(
    net: torch.nn.Module, device: Device, settings: PuRankingSettings, plan: Plan, rate: float
) -> Learner:
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=settings.weight_decay)
    schedule = (
        one_cycle(optimizer, lambda: min(1.0, (plan.done + 1) / max(1, plan.steps)))
        if settings.schedule == "one-cycle"
        else None
    )
    return Learner(net, device, optimizer, schedule, settings.averaging)
