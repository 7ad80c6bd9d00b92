"""What methods show while they train, and how they measure themselves, whatever they learn."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from typing import Protocol

from napari_inkling.core import Image, Predictions, Step, TrainingImage
from napari_inkling.evaluation import score_images
from napari_inkling.methods._protocol import StepwiseModel
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.pieces import told
from napari_inkling.training.working_image import Window, WorkingImage, is_one_field

__all__ = ["centre_scores", "windows_to_show"]


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
