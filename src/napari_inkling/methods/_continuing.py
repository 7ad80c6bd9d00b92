"""What a training begins with: the classes that are marked, and whether the last model fits what is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from napari_inkling.core import TrainingImage
from napari_inkling.methods._protocol import MethodSettings
from napari_inkling.training.intensity import Intensity

__all__ = ["changed_settings", "in_order", "unlike_channels"]


def in_order(marked: Iterable[str], project: Sequence[str]) -> tuple[str, ...]:
    """Return the classes that are marked, the project's first and in its order."""
    present = {str(name) for name in marked}
    return (*(name for name in project if name in present), *sorted(present - set(project)))


def changed_settings(before: MethodSettings, now: MethodSettings) -> list[str]:
    """Return in words which settings changed that hold for the life of a model."""
    fixed = (name for name in now.fixed_fields if getattr(before, name) != getattr(now, name))
    return [name.replace("_", " ") for name in fixed]


def unlike_channels(intensity: Intensity, planes: Iterable[TrainingImage]) -> list[str]:
    """Return in words that none of the planes has the channels that a model has learnt from."""
    return [] if any(intensity.fits(plane.image) for plane in planes) else ["the channels of the images"]
