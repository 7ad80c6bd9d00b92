"""The steps of *partial-points*, in the order in which its ``fit`` takes them."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from napari_inkling.core import (
    Boxes,
    Checkpoint,
    Event,
    HintSet,
    Image,
    PlaneRef,
    Points,
    Predictions,
    Preview,
    Step,
    TrainingData,
    TrainingImage,
)
from napari_inkling.evaluation import cell_centres, score_images
from napari_inkling.methods._detection_model import (
    Description,
    DetectionModel,
    build_network,
    calibrated,
    find_centres,
)
from napari_inkling.methods._threshold import threshold_at_clicks
from napari_inkling.methods._warm_start import PixelClassifier
from napari_inkling.methods.partial_points import PartialPointsSettings
from napari_inkling.networks.pretrained import load_pretrained
from napari_inkling.networks.resnet34_unet import ResNet34UNet
from napari_inkling.networks.small_unet import SmallUNet
from napari_inkling.supervision import (
    IGNORE,
    add_detected_nuclei,
    estimate_radius,
    extended_gaussian_mask,
    gaussian_mask,
    nearest_point,
    propagate_background,
)
from napari_inkling.supervision.losses import weighted_mse
from napari_inkling.training.crops import Field, random_crops
from napari_inkling.training.devices import Device, resolve_device
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.loop import Learner, Plan, train
from napari_inkling.training.tiling import probabilities
from napari_inkling.training.working_image import Window, WorkingImage, windows

__all__ = ["Task", "classical_answer", "marked_cells", "predict_fields", "prepare", "show", "train_round", "validate"]

FloatImage = npt.NDArray[np.float32]

#: Planes of at most this many working pixels along an edge are one field; larger ones are cut where hints are.
LARGEST_FIELD = 1536
FIELD = 1024
#: Seconds between two previews within a round.
PREVIEW_EVERY = 4.0
#: At most this share of the time goes into previews.
PREVIEW_SHARE = 0.05
#: The first answer learns from so many fields, that on screen first.
FIELDS_AT_FIRST = 4
#: Cell radius in pixels if neither the person nor the image tells one.
FALLBACK_RADIUS = 10.0
#: Training on after a correction takes this share of the steps, and this share of the learning rate.
CONTINUED = 0.35


def marked_cells(hints: HintSet) -> Points:
    """Return the cells of a plane as points: those clicked, and the centres of boxes."""
    return cell_centres(hints)


@dataclass(eq=False)
class TrainingField:
    """A field, its hints, and what they say of each of its pixels; all at the working scale."""

    image: Image
    window: Window
    field: Field
    cells: npt.NDArray[np.float64]  # (N, 2), from the field's corner
    classes: npt.NDArray[np.int64]  # (N,)
    background: npt.NDArray[np.float64]  # (M, 2)
    r1: float

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.window.shape

    def known_mask(self, settings: PartialPointsSettings, classes: int) -> FloatImage:
        """Return what the hints alone say, (K, Y, X): Eq. 1 for each class, and the clicks on background.

        A cell of another class, and its ring, are background to a class.
        """
        near = nearest_point(self.cells, self.shape)
        make = gaussian_mask if settings.mask == "plain" else extended_gaussian_mask
        mask = make(near.distance, self.r1, sigma=settings.sigma * self.r1)
        clicked = nearest_point(self.background, self.shape).distance
        mask[(clicked < self.r1) & (clicked < near.distance) & (mask <= 0)] = 0
        owner = np.append(self.classes, -1)[near.index]
        return np.stack([np.where((mask > 0) & (owner != k), 0, mask) for k in range(classes)])


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
    notices: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)

    @property
    def rounds(self) -> int:
        """Rounds of self-training after the initial one."""
        return self.settings.rounds if self.settings.self_training != "none" else 0

    def known_masks(self) -> list[FloatImage]:
        """Return the first round's targets, Eq. 1 of the paper, (K, Y, X) for each field."""
        return [f.known_mask(self.settings, len(self.classes)) for f in self.fields]

    def updated_masks(self, known: Sequence[FloatImage], maps: Sequence[FloatImage]) -> list[FloatImage]:
        """Return the next round's targets: the hints' masks with what the model tells added, Eq. 3."""
        return [self._updated(*parts) for parts in zip(self.fields, known, maps, strict=True)]

    def _updated(self, part: TrainingField, known: FloatImage, probability: FloatImage) -> FloatImage:
        settings = self.settings
        if settings.self_training == "background":
            rows = [
                propagate_background(mask, p, part.r1, settings.low, settings.high)
                for mask, p in zip(known, probability, strict=True)
            ]
            return np.stack(rows)
        places, _, channels = find_centres(probability, part.r1, settings, lowest=0.5)
        rows = [
            add_detected_nuclei(mask, places[channels == k], part.r1, settings.sigma * part.r1)
            for k, mask in enumerate(known)
        ]
        return np.stack(rows)

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
        return DetectionModel(about, net.to(memory_format=torch.channels_last), self.device)  # type: ignore[call-overload]


def prepare(
    data: TrainingData, settings: PartialPointsSettings, device: str, seed: int, start: DetectionModel | None
) -> Task:
    """Estimate the radius, choose the scale, cut the fields and build the network."""
    torch.manual_seed(seed)
    found = resolve_device(device)
    hinted = [image for image in data.train if len(image.hints)]
    present = {str(name) for image in hinted for name in marked_cells(image.hints).classes}
    classes = tuple(name for name in data.classes if name in present) or tuple(sorted(present))
    notices: list[str] = []
    if start is not None and (start.classes != classes or start.description.settings.network != settings.network
                              or start.description.settings.width != settings.width):  # fmt: skip
        notices.append("the classes or the network changed since the last training: it starts anew")
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
    fields = [part for image in hinted for part in fields_of(image, intensity, scale, radius, classes)]
    net = build_network(settings, intensity.channels, len(classes))
    if start is not None:
        net.load_state_dict(start.net.state_dict())
    elif settings.pretrained and isinstance(net, SmallUNet):
        load_pretrained(net)
    elif settings.pretrained:
        net = ResNet34UNet(intensity.channels, len(classes), pretrained=True, notify=notices.append)
    net = net.to(found.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    plan = Plan(max(1, round(settings.steps * (CONTINUED if start is not None else 1))))
    rate = settings.learning_rate * (CONTINUED if start is not None else 1)
    optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=1e-4)
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
        threshold=start.description.threshold if start is not None else settings.threshold or 0.25,
        trained_before=start.description.trained_steps if start is not None else 0,
        notices=notices,
    )


def one_cycle(optimizer: torch.optim.Optimizer, plan: Plan) -> torch.optim.lr_scheduler.LambdaLR:
    """Warm up over a tenth of the plan, then follow a cosine down; follows the plan when its length changes."""

    def share(_: int) -> float:
        progress = min(1.0, (plan.done + 1) / plan.steps)
        if progress < 0.1:
            return 0.04 + 0.96 * progress / 0.1
        return float(0.5 * (1 + np.cos(np.pi * (progress - 0.1) / 0.9))) + 1e-4

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)


def radius_of(hinted: Sequence[TrainingImage]) -> float | None:
    """Return the mean cell radius in pixels: half of the boxes' mean edge, else what the image shows at the clicks."""
    boxes = Boxes.concatenate([image.hints.boxes for image in hinted])
    if len(boxes):
        return float(np.median(boxes.coordinates[:, 2:] - boxes.coordinates[:, :2]) / 2)
    return estimate_radius([(image.image, image.hints.points.cells.coordinates) for image in hinted])


def fields_of(
    plane: TrainingImage, intensity: Intensity, scale: float, radius: float, classes: tuple[str, ...]
) -> list[TrainingField]:
    """Return a plane as one field, or the parts of a large plane that hold hints."""
    working = WorkingImage(plane.image, scale, intensity)
    cells = marked_cells(plane.hints)
    places = working.to_working(cells.coordinates)
    background = working.to_working(plane.hints.points.background.coordinates)
    whole = max(working.shape) <= LARGEST_FIELD
    fields = []
    for window in [working.whole] if whole else windows(working.shape, FIELD):
        inside, beside = window.holds(places), window.holds(background)
        if not (inside.any() or beside.any()):
            continue
        corner = (window.top, window.left)
        names = cells.classes[inside]
        fields.append(
            TrainingField(
                image=plane.image,
                window=window,
                field=Field(working.read(window), places[inside] - corner),
                cells=places[inside] - corner,
                classes=np.array([classes.index(name) for name in names], dtype=np.int64),
                background=background[beside] - corner,
                r1=radius * scale,
            )
        )
    return fields


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
        there = working.to_image(places + (part.window.top, part.window.left))
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


def train_round(
    task: Task, masks: Sequence[FloatImage], number: int
) -> Generator[Event, None, None]:
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
    """Yield what the model would suggest for the plane on screen; of a large plane, for where its hints are."""
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
