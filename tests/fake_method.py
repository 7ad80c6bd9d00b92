"""A method that learns nothing, quickly: it speaks the protocol, so that interface tests take a second.

Name it ``FAKE`` where a method's name is expected. Its suggestions are a grid, so what comes out is known.
Those of ``FAKE_BOXES`` are boxes, of all classes in turn. ``FAKE_ROUNDS`` chooses pseudo-labels, and begins a
round whenever it is told of other hints.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Generator
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from napari_inkling.core import (
    BACKGROUND,
    Boxes,
    Checkpoint,
    DeviceError,
    Event,
    HintSet,
    Image,
    ModelFileError,
    Notice,
    PlaneRef,
    Points,
    Predictions,
    Preview,
    PseudoLabels,
    Round,
    Started,
    Step,
    TrainingData,
)
from napari_inkling.methods import MethodSettings, Needs

SPACING = 10.0  # between suggested points, in pixels
RADIUS = 4.0

Crash = Literal["none", "exception", "refusal", "sigkill", "memory", "hang", "exit"]


class FakeSettings(MethodSettings):
    """Settings of :class:`FakeMethod`."""

    presets: ClassVar = {
        "quick": {},
        "standard": {"steps": 200},
        "as-published": {"steps": 400, "network": "large"},
    }
    fixed_fields: ClassVar = ("network",)

    steps: int = Field(20, ge=1, description="Steps")
    seconds_per_step: float = Field(0.005, ge=0, description="Duration of a step in seconds")
    crash: Crash = Field("none", description="How to end half-way")
    previews: int = Field(4, ge=0, description="Previews, spread evenly over the steps")
    minutes: float | None = Field(None, description="Time limit in minutes")
    radius: float | None = Field(None, gt=0, description="Cell radius in pixels")
    network: Literal["small", "large"] = Field("small", description="Which network, if there were any")


class FakeModel:
    """Suggests a grid of points on every image."""

    of: ClassVar[str] = f"{__name__}:FakeMethod"

    def __init__(
        self,
        classes: tuple[str, ...] = ("cell",),
        rounds: int = 0,
        radius: float = RADIUS,
        network: str = "small",
    ) -> None:
        self.method = self.of
        self.network = network
        self.classes = classes
        self.rounds = rounds
        self.radius = radius

    def predict(self, image: Image) -> Predictions:
        """Points every ``SPACING`` pixels from (5, 5); scores fall evenly from 1 to 0 in reading order."""
        return self.grid(image.height, image.width)

    def grid(self, height: int, width: int) -> Predictions:
        places, scores = self._places(height, width)
        return Predictions(
            Points(places, classes=self.classes[0], sources="model", scores=scores), radius=self.radius
        )

    @staticmethod
    def _places(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        ys, xs = np.arange(5, height, SPACING), np.arange(5, width, SPACING)
        places = np.stack(np.meshgrid(ys, xs, indexing="ij"), -1).reshape(-1, 2)
        return places, np.linspace(1, 0, len(places))

    def save(self, folder: Path) -> None:
        content = {
            "method": self.method,
            "classes": self.classes,
            "rounds": self.rounds,
            "settings": {"network": self.network},
        }
        (folder / "model.json").write_text(json.dumps(content))

    @classmethod
    def load(cls, folder: Path, device: str = "auto") -> FakeModel:
        try:
            content = json.loads((folder / "model.json").read_text())
        except (OSError, ValueError) as error:
            raise ModelFileError(f"{folder} is not a model") from error
        network = content.get("settings", {}).get("network", "small")
        return cls(tuple(content["classes"]), content["rounds"], network=network)


class FakeBoxModel(FakeModel):
    """Suggests a grid of boxes of 8 by 6 pixels on every image."""

    of: ClassVar[str] = f"{__name__}:FakeBoxMethod"

    def grid(self, height: int, width: int) -> Predictions:
        places, scores = self._places(height, width)
        classes = [self.classes[n % len(self.classes)] for n in range(len(places))]
        half = np.array([4, 3])
        corners = np.concatenate([places - half, places + half], axis=1)
        return Predictions(boxes=Boxes(corners, classes=classes, sources="model", scores=scores))


class FakeMethod:
    """Counts to ``steps``; ends half-way in the manner that the settings ask for."""

    name = "fake"
    title = "Fake"
    needs = Needs(points=2, sentence="Learns nothing, quickly.")
    Settings = FakeSettings
    Model = FakeModel

    def fit(
        self,
        data: TrainingData,
        settings: FakeSettings,
        *,
        device: str = "auto",
        seed: int = 0,
        start: FakeModel | None = None,
    ) -> Generator[Event, None, FakeModel]:
        if device == "cuda":
            raise DeviceError("device 'cuda' was asked for and is not there: expected auto or cpu")
        rounds = start.rounds if start and start.network == settings.network else 0
        model = self.Model(data.classes, rounds, settings.radius or RADIUS, settings.network)
        yield Started("CPU, no threads")
        every = max(1, settings.steps // settings.previews) if settings.previews else settings.steps + 1
        for step in range(1, settings.steps + 1):
            time.sleep(settings.seconds_per_step)
            yield Step("counting", 1, step, settings.steps, {"loss": 1 / step})
            if step == (settings.steps + 1) // 2:
                crash(settings.crash)
            if step % every == 0:
                if (shown := self._watched(data)) is not None:
                    yield Preview(shown.ref, model.predict(shown))
                model = self.Model(data.classes, model.rounds + 1, model.radius, model.network)
                yield Checkpoint(model)
        yield Round(1, {"f1": 0.5, "precision": 0.5, "recall": 0.5} if data.validation else {})
        return model

    @staticmethod
    def _watched(data: TrainingData) -> Image | None:
        planes = [part.image for part in (*data.train, *data.validation)]
        return next((image for image in planes if image.ref == data.watch), None)


def crash(manner: Crash) -> None:
    """End as asked."""
    match manner:
        case "exception":
            raise ValueError("this was asked for")
        case "refusal":
            raise ModelFileError("weights were asked for that are not there")
        case "memory":
            raise MemoryError("so much is not there")
        case "sigkill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(3)
        case "hang":
            time.sleep(3600)


class FakeBoxMethod(FakeMethod):
    """Does the same with boxes."""

    name = "fake-boxes"
    title = "Fake boxes"
    Model = FakeBoxModel


class FakeRoundSettings(FakeSettings):
    """Settings of :class:`FakeRounds`."""

    rounds: int = Field(2, ge=1, description="Rounds; each but the first begins when hints have changed")


class FakeRoundModel(FakeModel):
    """Suggests the grid of its base class."""

    of: ClassVar[str] = f"{__name__}:FakeRounds"


class FakeRounds(FakeMethod):
    """Chooses every other place of a wide grid as a pseudo-cell, the rest as background, but none by a hint.

    It tells what hints it was told; those of the snapshot are round 1's.
    """

    name = "fake-rounds"
    title = "Fake rounds"
    heeds_corrections = True
    Settings = FakeRoundSettings
    Model = FakeRoundModel

    def fit(
        self,
        data: TrainingData,
        settings: FakeRoundSettings,
        *,
        device: str = "auto",
        seed: int = 0,
        start: FakeModel | None = None,
    ) -> Generator[Event, None, FakeModel]:
        yield Started("CPU, no threads")
        hints = {part.image.ref: part.hints for part in data.train}
        for number in range(1, settings.rounds + 1):
            for part in data.train:
                yield chosen(part.image, number, hints[part.image.ref])
            yield Round(number)
            if number < settings.rounds:
                yield from self._until_told(data, hints, Step("counting", number, number, settings.rounds))
        return self.Model(data.classes)

    @staticmethod
    def _until_told(
        data: TrainingData, hints: dict[PlaneRef, HintSet], step: Step
    ) -> Generator[Event, None, None]:
        while all(hints.get(ref) is told for ref, told in data.newest_hints().items()):
            time.sleep(0.005)
            yield step
        hints.update(data.newest_hints())
        for ref, told in sorted(hints.items()):
            cells, background = len(told.points.cells), len(told.points.background)
            yield Notice(f"told of {ref}: {cells} cells, {background} not a cell")


def chosen(image: Image, number: int, hints: HintSet) -> PseudoLabels:
    """Return what :class:`FakeRounds` chooses: places 20 pixels apart from (10, 10) on, by ranks."""
    ys, xs = np.mgrid[10 : image.height : 20, 10 : image.width : 20].reshape(2, -1)
    places = np.stack([ys, xs], axis=1).astype(float)
    away = np.hypot(*(places[:, None] - hints.points.coordinates).T).T if len(hints.points) else None
    free = np.ones(len(places), bool) if away is None else (away > 2 * RADIUS).all(axis=1)
    is_cell = (ys + xs) // 20 % 2 == 1
    ranks = np.linspace(1, 0.2, len(places))
    cells, ground = (free & mask for mask in (is_cell, ~is_cell))
    return PseudoLabels(
        image.ref,
        number,
        Points(places[cells], sources="model", scores=ranks[cells]),
        Points(places[ground], classes=BACKGROUND, sources="model", scores=ranks[ground]),
    )


FAKE = FakeModel.of
FAKE_ROUNDS = FakeRoundModel.of
FAKE_BOXES = FakeBoxModel.of
