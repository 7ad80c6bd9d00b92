"""What a training of *partial-points* sets out with, and how it sees the planes that have hints."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from napari_inkling.core import (
    Event,
    Notice,
    Started,
    Step,
    TooFewHintsError,
    TrainingData,
    TrainingImage,
)
from napari_inkling.evaluation import cell_centres
from napari_inkling.methods._continuing import changed_settings, in_order, unlike_channels
from napari_inkling.methods.partial_points.detection_model import DetectionModel
from napari_inkling.methods.partial_points.heads import is_pretrained
from napari_inkling.methods.partial_points.schedule import Span, plan_of
from napari_inkling.methods.partial_points.settings import FEWEST_CELLS, PartialPointsSettings
from napari_inkling.training.devices import Device, resolve_device
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.loop import Plan
from napari_inkling.training.pieces import Pieces
from napari_inkling.training.point_fields import (
    TrainingField,
    fields_of,
    marked_cells,
    radius_of,
)

__all__ = ["Outset", "Survey", "look_over", "set_out"]

#: Cell radius in pixels if neither the person nor the image tells one.
FALLBACK_RADIUS = 10.0


@dataclass(frozen=True)
class Outset:
    """What a training is to learn from and how.

    ``classes`` are those that are marked; ``start`` is the last model, from what it knows training goes on,
    ``None`` if it starts anew.
    """

    data: TrainingData
    settings: PartialPointsSettings
    device: Device
    seed: int
    classes: tuple[str, ...]
    start: DetectionModel | None

    @property
    def hinted(self) -> list[TrainingImage]:
        """The planes that have hints."""
        return [plane for plane in self.data.train if len(plane.hints)]

    @property
    def watched(self) -> list[TrainingImage]:
        """The plane on screen, if it has hints."""
        return [plane for plane in self.hinted if plane.image.ref == self.data.watch]

    @property
    def clicks(self) -> int:
        """How many cells are marked."""
        return sum(len(marked_cells(plane)) for plane in self.hinted)

    @property
    def weights(self) -> DetectionModel | None:
        """The last model, if the network begins with its weights.

        The small network begins anew each time: one that has learnt a few clicks by heart, and taken cells
        that it did not find for background, hardly comes back from there, however many corrections it gets
        (compare Ash & Adams, "On warm-starting neural network training", 2020).
        """
        return self.start if self.settings.network != "small" else None

    @property
    def trained_before(self) -> int:
        """Steps of all trainings that have led to the last model; 0 without one."""
        return self.start.description.trained_steps if self.start is not None else 0

    def plan(self, fields: Sequence[TrainingField] = ()) -> tuple[Plan, Span]:
        """Return the plan of all stages, and the part of it that is for centres alone.

        Before ``fields`` are read it is as for a small one in colour.
        """
        pixels = sum(math.prod(part.shape) for part in fields)
        had = self.weights.description.heads if self.weights is not None else None
        from_random = bool(fields) and not is_pretrained(self.settings, len(fields[0].field.pixels))
        return plan_of(self.settings, self.clicks, pixels, had, from_random)

    def at_work(self, stage: str) -> Step:
        """Return what to tell before the first step."""
        return Step(stage, 0, 0, self.plan()[0].steps)


def set_out(
    data: TrainingData, settings: PartialPointsSettings, device: str, seed: int, start: DetectionModel | None
) -> Generator[Event, None, Outset]:
    """Find the device and the classes; say so if training cannot go on from ``start``.

    Raises
    ------
    TooFewHintsError
        With fewer than :data:`FEWEST_CELLS` marked cells.
    DeviceError
        If the device is not there.
    """
    cells = sum(len(marked_cells(plane)) for plane in data.train)
    outside = sum(len(cell_centres(plane.hints)) for plane in data.train) - cells
    if cells < FEWEST_CELLS:
        beside = f" ({outside} more lie outside of their image)" if outside else ""
        raise TooFewHintsError(
            f"{cells} cell{'s are' if cells != 1 else ' is'} marked{beside}, but partial-points needs "
            f"at least {FEWEST_CELLS}: click the middle of some cells"
        )
    found = resolve_device(device)
    yield Started(str(found))
    names = (name for plane in data.train for name in marked_cells(plane).classes)
    classes = in_order(names, data.classes)
    if start is not None and (changed := _changed(start, classes, settings, data)):
        yield Notice(f"{' and '.join(changed)} changed since the last training: it starts anew")
        start = None
    if outside:
        yield Notice(f"cells marked outside of their image are left out: {outside}")
    return Outset(data, settings, found, seed, classes, start)


def _changed(
    start: DetectionModel, classes: tuple[str, ...], settings: PartialPointsSettings, data: TrainingData
) -> list[str]:
    """Return what keeps training from going on with a model, in words."""
    about = start.description
    return [
        *["the classes"] * (start.classes != classes),
        *unlike_channels(about.intensity, (plane for plane in data.train if len(plane.hints))),
        *changed_settings(about.settings, settings),
    ]


@dataclass(frozen=True, eq=False)
class Survey:
    """How planes are seen: intensities, cell ``radius`` in pixels, the working scale, and their fields."""

    intensity: Intensity
    radius: float
    scale: float
    fields: list[TrainingField]


def look_over(
    outset: Outset, planes: Sequence[TrainingImage], model: DetectionModel | None
) -> Pieces[Survey]:
    """Read planes with hints as a model sees them; without one, as they themselves suggest."""
    settings = outset.settings
    if model is None:
        intensity, radius, scale = yield from _estimates(planes, settings)
    else:
        intensity, radius, scale = _as_before(model, planes, settings)
    fields = []
    for plane in planes:
        for part in fields_of(plane, intensity, scale, radius, outset.classes):
            fields.append(part)
            yield
    return Survey(intensity, radius, scale, fields)


def _estimates(
    hinted: Sequence[TrainingImage], settings: PartialPointsSettings
) -> Pieces[tuple[Intensity, float, float]]:
    """Return the intensities, the cell radius in pixels and the scale that the images and hints suggest."""
    intensity = yield from Intensity.estimating((plane.image for plane in hinted), settings.own_range)
    radius = settings.radius or radius_of(hinted) or FALLBACK_RADIUS
    scale = 1.0 if settings.working_diameter is None else settings.working_diameter / (2 * radius)
    return intensity, radius, scale


def _as_before(
    model: DetectionModel, hinted: Sequence[TrainingImage], settings: PartialPointsSettings
) -> tuple[Intensity, float, float]:
    """Return the intensities, the cell radius in pixels and the scale of a model."""
    about = model.description
    for plane in hinted:
        about.intensity.check(plane.image)
    return about.intensity, settings.radius or about.radius, about.scale
