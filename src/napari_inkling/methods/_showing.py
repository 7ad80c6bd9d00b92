"""What methods show while they train, and how they measure themselves, whatever they learn."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from napari_inkling.core import Image, Predictions, Step, TrainingImage
from napari_inkling.evaluation import score_images
from napari_inkling.methods._protocol import StepwiseModel
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.pieces import told
from napari_inkling.training.working_image import Window, WorkingImage, is_one_field

__all__ = ["Pacing", "centre_scores", "windows_to_show"]

#: Seconds between two previews of a training, and the share of its time that goes into them at most.
PREVIEW_EVERY, PREVIEW_SHARE = 4.0, 0.05


class Pacing:
    """When the next preview is due: every few seconds, later where one takes long."""

    def __init__(self) -> None:
        self._pause, self._shown = PREVIEW_EVERY, time.monotonic()

    @property
    def due(self) -> bool:
        """Whether the pause after the last one is over."""
        return time.monotonic() - self._shown > self._pause

    @contextmanager
    def showing(self) -> Iterator[None]:
        """Show one within this; the pause begins after it, and grows with the time it took."""
        begun = time.monotonic()
        yield
        self._shown = time.monotonic()
        self._pause = max(PREVIEW_EVERY, (self._shown - begun) / PREVIEW_SHARE)


class Part(Protocol):
    """A field of any method: its plane, and its window of the working image."""

    @property
    def image(self) -> Image: ...

    @property
    def window(self) -> Window: ...


def windows_to_show(
    image: Image, scale: float, intensity: Intensity, fields: Iterable[Part]
) -> list[Window] | None:
    """Return where to look on a plane: ``None`` for all of it, of a large one where its fields are."""
    if is_one_field(WorkingImage(image, scale, intensity)):
        return None
    return [part.window for part in fields if part.image.ref == image.ref]


def centre_scores(
    model: StepwiseModel, radius: float, planes: Sequence[TrainingImage], step: Step
) -> Generator[Step, None, dict[str, float]]:
    """Return precision, recall and F1 of the centres on completely annotated planes; empty without any.

    ``radius`` is how near is near enough, in pixels; ``step`` is told meanwhile.
    """
    found: dict[str, Predictions] = {}
    truth = {str(plane.image.ref): plane.hints for plane in planes}
    for plane in planes:
        found[str(plane.image.ref)] = (yield from told(model.predicting(plane.image), step)).above(0.5)
    if not found:
        return {}
    scores = score_images(found, truth, radius)
    return {name: float(scores[name]) for name in ("precision", "recall", "f1")}
