"""Planes that a training only looks at, and cannot: those of other channels than the ones it learns from."""

from __future__ import annotations

from dataclasses import replace

from napari_inkling.core import TrainingData
from napari_inkling.training.intensity import Intensity

__all__ = ["without_other_channels"]


def without_other_channels(data: TrainingData, intensity: Intensity) -> tuple[TrainingData, list[str]]:
    """Leave out what is only looked at and cannot be; also returns what to tell of it."""
    notices = [
        f"{plane.image.ref} has other channels than the images with hints: {consequence}"
        for planes, consequence in (
            ([plane for plane in data.train if plane.image.ref == data.watch], "no suggestions for it"),
            (data.validation, "it is not measured on"),
        )
        for plane in planes
        if not intensity.fits(plane.image)
    ]
    train, validation = (
        tuple(plane for plane in planes if intensity.fits(plane.image))
        for planes in (data.train, data.validation)
    )
    return replace(data, train=train, validation=validation), notices
