"""A training of *stochastic-boxes* under way; how it begins, from images and hints or with the last model."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from napari_inkling.core import (
    Event,
    Image,
    Notice,
    PlaneRef,
    Started,
    Step,
    TooFewHintsError,
    TrainingData,
    TrainingImage,
)
from napari_inkling.guidance import FEWEST_ENOUGH
from napari_inkling.methods._continuing import changed_settings, in_order, unlike_channels
from napari_inkling.methods._showing import windows_to_show
from napari_inkling.methods.stochastic_boxes.box_model import BoxModel, Description, build_network
from napari_inkling.methods.stochastic_boxes.fields import (
    PlaneField,
    fields_of,
    numbers,
    on_plane,
    pointed_cells,
)
from napari_inkling.methods.stochastic_boxes.loss import BoxLoss
from napari_inkling.methods.stochastic_boxes.settings import FEWEST_BOXES, StochasticBoxesSettings
from napari_inkling.methods.stochastic_boxes.sizes import (
    ClassSizes,
    anchor_sizes,
    class_sizes,
    pyramid_levels,
    still_fit,
    with_sizes_from_images,
    working_scale,
)
from napari_inkling.networks.box_network import BoxNetwork
from napari_inkling.supervision.box_losses import class_balanced_weights
from napari_inkling.training.box_crops import BOX, POINT
from napari_inkling.training.channels import without_other_channels
from napari_inkling.training.devices import Device, resolve_device
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.loop import Learner, Plan
from napari_inkling.training.one_cycle import one_cycle
from napari_inkling.training.pieces import told
from napari_inkling.training.working_image import Window

__all__ = ["Task", "prepare"]

FloatArray = npt.NDArray[np.float64]

#: Training that goes on from a model takes this share of the steps and of the learning rate.
CONTINUED = 0.4
#: The threshold until one has been chosen on what is marked.
FIRST_THRESHOLD = 0.4


@dataclass(eq=False)
class Task:
    """A training under way.

    ``started`` is when it began, in seconds of the steady clock; ``of_points`` has the height and width of
    the box that stands in for each point of a plane, (N, 2) in pixels, in the order of ``pointed_cells``.
    """

    data: TrainingData
    settings: StochasticBoxesSettings
    device: Device
    random: np.random.Generator
    about: Description
    fields: list[PlaneField]
    sizes: ClassSizes
    of_points: Mapping[PlaneRef, FloatArray]
    learner: Learner
    plan: Plan
    started: float

    @property
    def goes_on(self) -> bool:
        """Whether it goes on from a model."""
        return self.about.trained_steps > 0

    def at_work(self, stage: str) -> Step:
        """Return what to tell while something other than a training step takes its time."""
        return Step(stage, 0, self.plan.done, self.plan.steps)

    def windows(self, image: Image) -> list[Window] | None:
        """Return where to look on a plane: ``None`` for all of it, of a large one where its hints are."""
        return windows_to_show(image, self.about.scale, self.about.intensity, self.fields)

    def loss(self) -> BoxLoss:
        """Return what a step minimises; the classes weigh by how often they are marked."""
        every = [part.field.rows for part in self.fields]
        marked = [rows.classes[(rows.kinds == BOX) | (rows.kinds == POINT)] for rows in every]
        counts = np.bincount(np.concatenate(marked), minlength=len(self.about.classes))
        net: BoxNetwork = self.learner.net  # type: ignore[assignment]
        device = self.device.torch_device
        doubt = self.settings.point_doubt / np.sqrt(self.sizes.areas)
        return BoxLoss(
            net.anchors(self.settings.crop, self.settings.crop),
            class_balanced_weights(counts.tolist(), self.settings.balance).to(device),
            torch.tensor(doubt, dtype=torch.float32, device=device),
            self.settings,
        )

    def model(self) -> BoxModel:
        """Return the model reached so far, on a copy that further training leaves alone."""
        about = self.about.model_copy(update={"trained_steps": self.about.trained_steps + self.plan.done})
        net = build_network(about)
        net.load_state_dict(self.learner.averaged.state_dict())
        return BoxModel(about, net, self.device)


def prepare(
    data: TrainingData, settings: StochasticBoxesSettings, device: str, seed: int, start: BoxModel | None
) -> Generator[Event, None, Task]:
    """Measure the boxes, choose the scale and the anchors, cut the fields, build the network.

    Raises
    ------
    TooFewHintsError
        With fewer than three boxes.
    ImageError
        If the images have different channels, or one cannot be read.
    DeviceError
        If the device is not there.
    """
    planes, given = tuple(map(on_plane, data.train)), _cells(data.train)
    hinted = [plane for plane in planes if plane.hints.teach]
    outside = given - _cells(planes)
    classes = in_order((name for plane in hinted for name in _marked(plane)), data.classes)
    _check_enough(hinted, classes, outside)
    found = resolve_device(device)
    yield Started(str(found))
    sizes = class_sizes(hinted, classes, settings)
    if start is not None and (changed := _changed(start, classes, settings, hinted, sizes)):
        yield Notice(f"{' and '.join(changed)} changed since the last training: it starts anew")
        start = None
    if start is not None and start.classes != classes:  # the same ones in another order
        classes = start.classes
        sizes = class_sizes(hinted, classes, settings)
    if outside:
        yield Notice(f"cells marked outside of their image are left out: {outside}")
    reading = Step("reading the images", 0, 0, settings.steps)
    yield reading
    if settings.box_of_a_point == "image":
        work = with_sizes_from_images(sizes, hinted, classes, np.random.default_rng(seed))
        sizes = yield from told(work, reading)
    about = yield from _description(hinted, settings, classes, sizes, start, reading)
    yield from map(Notice, _without_boxes(hinted, classes))
    data, notices = without_other_channels(replace(data, train=planes), about.intensity)
    fields, of_points = [], {}
    for plane in hinted:
        about.intensity.check(plane.image)
        points = pointed_cells(plane)
        looking = sizes.of_points(plane.image, points.coordinates, numbers(points, classes))
        of_points[plane.image.ref] = own = yield from told(looking, reading)
        for part in fields_of(plane, about.intensity, about.scale, sizes, classes, own):
            fields.append(part)
            yield reading
    torch.manual_seed(seed + about.trained_steps)
    net = build_network(about, notices.append if start is None else None)
    yield from map(Notice, notices)
    if start is not None:
        net.load_state_dict(start.net.state_dict())
    share = 1.0 if start is None else CONTINUED
    plan = Plan(max(1, round(settings.steps * share)))
    return Task(
        data=data,
        settings=settings,
        device=found,
        random=np.random.default_rng(seed + about.trained_steps),
        about=about,
        fields=fields,
        sizes=sizes,
        of_points=of_points,
        learner=_learner(net, found, settings, plan, settings.learning_rate * share),
        plan=plan,
        started=time.monotonic(),
    )


def _cells(planes: Iterable[TrainingImage]) -> int:
    return sum(len(plane.hints.boxes.cells) + len(pointed_cells(plane)) for plane in planes)


def _check_enough(hinted: list[TrainingImage], classes: tuple[str, ...], outside: int) -> None:
    boxes = sum(len(plane.hints.boxes.cells) for plane in hinted)
    if boxes < FEWEST_BOXES:
        points = sum(len(pointed_cells(plane)) for plane in hinted)
        raise TooFewHintsError(
            f"there {'is 1 box' if boxes == 1 else f'are {boxes} boxes'}"
            + (f" ({outside} more cells lie outside of their image)" if outside else "")
            + f", but stochastic-boxes needs at least {FEWEST_BOXES}: draw some {FEWEST_ENOUGH} of each class"
            + (f" ({', '.join(classes)})" if classes else "")
            + (", or take partial-points, which learns from points alone" if points else "")
        )


def _marked(plane: TrainingImage) -> list[str]:
    """Return the class of each cell that is marked on a plane."""
    return [*plane.hints.boxes.cells.classes, *pointed_cells(plane).classes]


def _changed(
    start: BoxModel,
    classes: tuple[str, ...],
    settings: StochasticBoxesSettings,
    hinted: list[TrainingImage],
    sizes: ClassSizes,
) -> list[str]:
    """Return what keeps training from going on with a model, in words."""
    about = start.description
    return [
        *["the classes"] * (set(start.classes) != set(classes)),
        *["the sizes of the boxes"] * (not still_fit(about.boxes, sizes.stochastic)),
        *unlike_channels(about.intensity, hinted),
        *changed_settings(about.settings, settings),
    ]


def _description(
    hinted: list[TrainingImage],
    settings: StochasticBoxesSettings,
    classes: tuple[str, ...],
    sizes: ClassSizes,
    start: BoxModel | None,
    reading: Step,
) -> Generator[Event, None, Description]:
    """Return how the images are seen: as the last model does, else as they and their boxes suggest."""
    boxes = tuple((float(h), float(w)) for h, w in sizes.stochastic.round(2))
    if start is not None:
        return start.description.model_copy(update={"settings": settings, "boxes": boxes})
    work = Intensity.estimating((plane.image for plane in hinted), settings.own_range)
    intensity = yield from told(work, reading)
    scale = working_scale(sizes, settings.smallest_side)
    sides = sizes.sides * scale
    return Description(
        classes=classes,
        settings=settings,
        intensity=intensity,
        scale=scale,
        anchors=(
            anchor_sizes(sides, 5, least=8)
            if settings.network == "resnet50"
            else anchor_sizes(sides, pyramid_levels(sides), least=4)
        ),
        boxes=boxes,
        threshold=FIRST_THRESHOLD,
        trained_steps=0,
    )


def _without_boxes(hinted: list[TrainingImage], classes: tuple[str, ...]) -> list[str]:
    """Return what to tell of classes that have points and no box, if there are any."""
    boxed = {str(name) for plane in hinted for name in plane.hints.boxes.cells.classes}
    bare = [name for name in classes if name not in boxed]
    if not bare:
        return []
    has, it_is = ("has", "it is") if len(bare) == 1 else ("have", "they are")
    size = "as large as the boxes of the others"
    return [f"{', '.join(bare)} {has} no box: {it_is} taken to be {size}. Draw a few."]


def _learner(
    net: nn.Module, device: Device, settings: StochasticBoxesSettings, plan: Plan, rate: float
) -> Learner:
    net = net.to(device.torch_device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer: torch.optim.Optimizer
    if settings.optimizer == "sgd":
        optimizer = torch.optim.SGD(net.parameters(), rate, momentum=0.9, weight_decay=settings.weight_decay)
    else:
        optimizer = torch.optim.AdamW(net.parameters(), rate, weight_decay=settings.weight_decay)
    schedule = None
    if settings.schedule == "one-cycle":
        schedule = one_cycle(optimizer, lambda: min(1.0, (plan.done + 1) / max(1, plan.steps)))
    return Learner(net, device, optimizer, schedule, settings.averaging)
