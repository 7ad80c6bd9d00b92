"""A training that teaches nothing: what is slow the first time then is done before it matters."""

from __future__ import annotations

import numpy as np

from napari_inkling.core import HintSet, Image, PlaneRef, Points, TrainingData, TrainingImage
from napari_inkling.methods.partial_points import PartialPoints, PartialPointsSettings

__all__ = ["rehearse"]


def rehearse() -> None:
    """Train on a drawn image for two steps, with all imports and first calls of a real training."""
    y, x = np.indices((64, 64)) % 16 - 8
    grey = np.where(y**2 + x**2 < 25, 200, 60).astype(np.uint8)
    image = Image(PlaneRef("drawn"), np.repeat(grey[..., np.newaxis], 3, axis=2))
    clicks = Points([(8, 8), (8, 24), (24, 8), (40, 40)])
    data = TrainingData((TrainingImage(image, HintSet(clicks)),), watch=image.ref)
    for _ in PartialPoints().fit(data, PartialPointsSettings(steps=2, rounds=1)):
        pass
