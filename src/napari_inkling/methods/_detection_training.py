"""The steps of *partial-points*, in the order in which its ``fit`` takes them."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from napari_inkling.core import (
    Checkpoint,
    Event,
    Notice,
    PlaneRef,
    Points,
    Predictions,
    Preview,
    Started,
    Step,
    TrainingData,
)
from napari_inkling.evaluation import score_images
from napari_inkling.methods._detection_model import (
    Description,
    DetectionModel,
    build_network,
    calibrated,
    find_centres,
)
from napari_inkling.methods._threshold import threshold_at_clicks
from napari_inkling.methods._training_fields import (
    LARGEST_FIELD,
    TrainingField,
    fields_of,
    marked_cells,
    radius_of,
)
from napari_inkling.methods._warm_start import PixelClassifier
from napari_inkling.methods.partial_points import PartialPointsSettings
from napari_inkling.networks.pretrained import load_pretrained
from napari_inkling.networks.resnet34_unet import ResNet34UNet
from napari_inkling.networks.small_unet import SmallUNet
from napari_inkling.supervision import (
    IGNORE,
    add_detected_nuclei,
    nearest_point,
    propagate_background,
)
from napari_inkling.supervision.losses import weighted_mse
from napari_inkling.training.crops import random_crops
from napari_inkling.training.devices import Device, resolve_device
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.loop import Learner, Plan, train
from napari_inkling.training.tiling import probabilities
from napari_inkling.training.working_image import WorkingImage

__all__ = ["Task", "classical_answer", "predict_fields", "prepare", "show", "train_round", "validate"]

FloatImage = npt.NDArray[np.float32]

#: Seconds between two previews within a round.
PREVIEW_EVERY = 4.0
#: At most this share of the time goes into previews.
PREVIEW_SHARE = 0.05
#: The first answer learns from so many fields, that on screen first.
FIELDS_AT_FIRST = 4
#: Cell radius in pixels if neither the person nor the image tells one.
FALLBACK_RADIUS = 10.0
#: Height of a peak from which on it counts as a cell, until the clicks have told.
FIRST_THRESHOLD = 0.25
#: Training on after a correction takes this share of the steps, and this share of the learning rate.
CONTINUED = 0.35


@dataclass(eq=False)
class Task:
    """A training under way."""

    data: TrainingData
    settings: PartialPointsSettings
    device: Device
    random: np.random.Generator
    classes: tuple[str, ...]
    intensity: Intensity
    radius: float
    scale: float
    fields: list[TrainingField]
    learner: Learner
    plan: Plan
    threshold: float
    trained_before: int
    started: float = field(default_factory=time.monotonic)

    @property
    def rounds(self) -> int:
        """Rounds of self-training after the initial one."""
        return self.settings.rounds if self.settings.self_training != "none" else 0

    def known_masks(self) -> list[FloatImage]:
        """Return the first round's targets, Eq. 1 of the paper, (K, Y, X) for each field."""
        return [f.known_mask(self.settings, len(self.classes)) for f in self.fields]

    def updated_masks(
        self, known: Sequence[FloatImage], maps: Sequence[FloatImage], number: int
    ) -> list[FloatImage]:
        """Return the targets of a round: the hints' masks with what the model tells added, Eq. 3."""
        settings = self.settings
        updated = list(known)
        if settings.self_training == "background":
            updated = [self._with_background(*parts) for parts in zip(self.fields, known, maps, strict=True)]
        lowest = 0.5 if settings.self_training == "nuclei" else None
        if settings.confident is not None and number == self.rounds:
            lowest = float(np.interp(settings.confident, [0, 0.5, 1], [0, self.threshold, 1]))
        if lowest is None:
            return updated
        parts = zip(self.fields, known, updated, maps, strict=True)
        return [self._with_nuclei(*part, lowest=lowest) for part in parts]

    def _with_background(self, part: TrainingField, known: FloatImage, probability: FloatImage) -> FloatImage:
        settings = self.settings
        rows = [
            propagate_background(mask, p, part.r1, settings.low, settings.high)
            for mask, p in zip(known, probability, strict=True)
        ]
        return np.stack(rows)

    def _with_nuclei(
        self,
        part: TrainingField,
        known: FloatImage,
        updated: FloatImage,
        probability: FloatImage,
        lowest: float,
    ) -> FloatImage:
        places, _, channels = find_centres(probability, part.r1, self.settings, lowest)
        sigma = self.settings.sigma * part.r1
        rows = []
        for k, (mask, later) in enumerate(zip(known, updated, strict=True)):
            added = add_detected_nuclei(mask, places[channels == k], part.r1, sigma)
            rows.append(np.where(added > 0, added, np.where(added == 0, 0, later)))
        return np.stack(rows).astype(np.float32)

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
        )
        net = build_network(self.settings, self.intensity.channels, len(self.classes))
        net.load_state_dict(self.learner.averaged.state_dict())
        return DetectionModel(about, net.to(memory_format=torch.channels_last), self.device)


def prepare(
    data: TrainingData, settings: PartialPointsSettings, device: str, seed: int, start: DetectionModel | None
) -> Generator[Event, None, Task]:
    """Estimate the radius, choose the scale, cut the fields, build the network; or continue with a model."""
    found = resolve_device(device)
    yield Started(str(found))
    plan = Plan(max(1, round(settings.steps * (CONTINUED if start is not None else 1))))
    reading = Step("reading the images", 0, 0, plan.steps)
    yield reading
    torch.manual_seed(seed)
    hinted = [image for image in data.train if len(image.hints)]
    present = {str(name) for image in hinted for name in marked_cells(image).classes}
    classes = (*(c for c in data.classes if c in present), *sorted(present - set(data.classes)))
    if start is not None and not _fits(start, classes, settings):
        yield Notice("the classes or the network changed since the last training: it starts anew")
        start = None
    if start is not None:
        about = start.description
        intensity, radius, scale = about.intensity, settings.radius or about.radius, about.scale
        for image in hinted:
            intensity.check(image.image)
    else:
        intensity = Intensity.of(image.image for image in hinted)
        radius = settings.radius or radius_of(hinted) or FALLBACK_RADIUS
        scale = 1.0 if settings.working_diameter is None else settings.working_diameter / (2 * radius)
    yield reading
    fields = []
    for image in hinted:
        for part in fields_of(image, intensity, scale, radius, classes):
            fields.append(part)
            yield reading
    notices: list[str] = []
    net = _network(settings, intensity.channels, len(classes), start, notices.append)
    for text in notices:
        yield Notice(text)
    net = net.to(found.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    rate = settings.learning_rate * (CONTINUED if start is not None else 1)
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=settings.weight_decay)
    schedule = one_cycle(optimizer, plan) if settings.schedule == "one-cycle" else None
    return Task(
        data=data,
        settings=settings,
        device=found,
        random=np.random.default_rng(seed),
        classes=classes,
        intensity=intensity,
        radius=radius,
        scale=scale,
        fields=fields,
        learner=Learner(net, found, optimizer, schedule, settings.averaging),
        plan=plan,
        threshold=_first_threshold(settings, start),
        trained_before=start.description.trained_steps if start is not None else 0,
    )


def _first_threshold(settings: PartialPointsSettings, start: DetectionModel | None) -> float:
    """Return the person's threshold, else the last model's, else what peaks of a fresh network are like."""
    if settings.threshold is not None:
        return settings.threshold
    return FIRST_THRESHOLD if start is None else start.description.threshold


def _fits(start: DetectionModel, classes: tuple[str, ...], settings: PartialPointsSettings) -> bool:
    """Whether training can go on from a model."""
    before = start.description.settings
    same_network = (before.network, before.width) == (settings.network, settings.width)
    return start.classes == classes and same_network


def _network(
    settings: PartialPointsSettings,
    channels: int,
    outputs: int,
    start: DetectionModel | None,
    notify: Callable[[str], None],
) -> nn.Module:
    """Return the network with the last model's weights, else with pretrained ones where there are any."""
    if start is None and settings.pretrained and settings.network == "resnet34":
        return ResNet34UNet(channels, outputs, pretrained=True, notify=notify)
    net = build_network(settings, channels, outputs)
    if start is not None:
        net.load_state_dict(start.net.state_dict())
    elif settings.pretrained and isinstance(net, SmallUNet):
        load_pretrained(net)
    return net


def one_cycle(optimizer: torch.optim.Optimizer, plan: Plan) -> torch.optim.lr_scheduler.LambdaLR:
    """Warm up over a tenth of the plan, then follow a cosine down, also when the plan's length changes."""

    def share(_: int) -> float:
        progress = min(1.0, (plan.done + 1) / plan.steps)
        if progress < 0.1:
            return 0.04 + 0.96 * progress / 0.1
        return float(0.5 * (1 + np.cos(np.pi * (progress - 0.1) / 0.9))) + 1e-4

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def classical_answer(task: Task) -> tuple[PlaneRef, Predictions] | None:
    """Return a first answer for the plane on screen, from a classifier that learns in a second."""
    refs = [part.image.ref for part in task.fields]
    ref = task.data.watch if task.data.watch in refs else refs[0]
    chosen = sorted(task.fields, key=lambda part: part.image.ref != ref)[:FIELDS_AT_FIRST]
    known = [part.known_mask(task.settings, len(task.classes)).max(0) for part in chosen]
    random = np.random.default_rng(len(refs))  # its own, so that the training's draws do not depend on it
    classifier = PixelClassifier.fit([part.field.pixels for part in chosen], known, random)
    if classifier is None:
        return None
    parts = []
    for part in (f for f in task.fields if f.image.ref == ref):
        probability = classifier.probability(part.field.pixels)[np.newaxis]
        places, heights, _ = find_centres(probability, part.r1, task.settings, lowest=0.3)
        working = WorkingImage(part.image, task.scale, task.intensity)
        there = working.to_image(places + np.array([part.window.top, part.window.left]))
        parts.append(Points(there, task.classes[0], "model", np.clip(calibrated(heights, 0.6), 0, 1)))
    return ref, Predictions(Points.concatenate(parts), radius=task.radius)


def predict_fields(task: Task) -> Generator[Step, None, list[FloatImage]]:
    """Predict all fields with the averaged network, and set the threshold by what the clicks got."""
    maps = []
    for part in task.fields:
        net = task.learner.averaged
        maps.append(probabilities(net, part.field.pixels, task.device, task.settings.views))
        yield Step("looking at the unmarked cells", 0, task.plan.done, task.plan.steps)
    if task.settings.threshold is None:
        task.threshold = _threshold(task, maps)
    return maps


def _threshold(task: Task, maps: Sequence[FloatImage]) -> float:
    clicked, peaks = [], []
    for part, probability in zip(task.fields, maps, strict=True):
        places, heights, _ = find_centres(probability, part.r1, task.settings, lowest=0.03)
        peaks.append(heights)
        near = nearest_point(places, part.shape)
        y, x = np.clip(np.round(part.cells).astype(int), 0, np.array(part.shape) - 1).T.reshape(2, -1)
        found = near.distance[y, x] < part.r1
        clicked.append(np.where(found, np.append(heights, 0)[near.index[y, x]], 0))
    return threshold_at_clicks(np.concatenate(clicked), np.concatenate(peaks))


def train_round(task: Task, masks: Sequence[FloatImage], number: int) -> Generator[Event, None, None]:
    """Take the round's share of the steps, Eq. 2 of the paper; show the plane on screen every few seconds."""
    settings, plan = task.settings, task.plan
    batches = random_crops(
        [part.field for part in task.fields],
        masks,
        side=settings.crop,
        count=settings.batch,
        random=task.random,
        near_marked=settings.near_marked,
        jitter=settings.jitter,
        ignore=IGNORE,
    )

    def loss(logits: torch.Tensor, targets: torch.Tensor) -> Mapping[str, torch.Tensor]:
        return {"centre": weighted_mse(logits, targets, settings.foreground_weight)}

    pause, shown = PREVIEW_EVERY, time.monotonic()
    while plan.done < round_end(task, number):
        yield from train(task.learner, batches, loss, 1, plan, stage=_stage(task, number), round=number)
        if settings.minutes is not None:
            keep_to_time(task)
        if time.monotonic() - shown > pause and plan.done < round_end(task, number):
            begun = time.monotonic()
            model = task.model()
            yield Checkpoint(model)
            yield from show(task, model)
            shown = time.monotonic()
            pause = max(PREVIEW_EVERY, (shown - begun) / PREVIEW_SHARE)


def _stage(task: Task, number: int) -> str:
    return "learning from the hints" if not number else f"round {number} of {task.settings.rounds}"


def round_end(task: Task, number: int) -> int:
    """Return the step at which a round ends."""
    settings, steps = task.settings, task.plan.steps
    if number >= task.rounds:
        return steps
    return round(steps * (settings.first_share + (1 - settings.first_share) * number / task.rounds))


def keep_to_time(task: Task) -> None:
    """Set the number of steps so that training ends when its minutes are over, at the pace so far."""
    assert task.settings.minutes is not None
    used = time.monotonic() - task.started
    pace = used / task.plan.done
    task.plan.steps = max(task.plan.done + 1, round(task.settings.minutes * 60 / pace))


def show(task: Task, model: DetectionModel) -> Generator[Event, None, None]:
    """Yield suggestions for the plane on screen; of a large plane, for the parts where its hints are."""
    ref = task.data.watch or task.fields[0].image.ref
    plane = next((image for image in task.data.train if image.image.ref == ref), None)
    if plane is None:
        return
    working = WorkingImage(plane.image, task.scale, task.intensity)
    large = max(working.shape) > LARGEST_FIELD
    only = [part.window for part in task.fields if part.image.ref == ref] if large else None
    if only is None or only:
        yield Preview(ref, model.predict(plane.image, only))


def validate(data: TrainingData, model: DetectionModel) -> dict[str, float]:
    """Return precision, recall and F1 on the completely annotated planes, empty if there are none."""
    truth = {str(plane.image.ref): plane.hints for plane in data.validation}
    if not truth:
        return {}
    found = {str(plane.image.ref): model.predict(plane.image).above(0.5) for plane in data.validation}
    scores = score_images(found, truth, model.description.radius)
    return {name: float(scores[name]) for name in ("precision", "recall", "f1")}
