"""Tiny drawn images that a method can learn from within a few steps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Boxes, HintSet, Image, PlaneRef, Points, TrainingData, TrainingImage

RADIUS = 6.0
CENTRES = np.array([(y, x) for y in (12.0, 36.0, 60.0, 84.0) for x in (14.0, 40.0, 66.0, 90.0)])


def tissue(channels: int = 1, dtype: type = np.uint8, seed: int = 0, side: int = 104) -> np.ndarray:
    """Bright disks at ``CENTRES`` on a darker ground; (Y, X), or (Y, X, C) for more than one channel."""
    rows, columns = np.indices((side, side))
    nearest = np.min([np.hypot(rows - y, columns - x) for y, x in CENTRES], axis=0)
    clean = 60 + 140 * np.clip(RADIUS - nearest + 0.5, 0, 1)
    noisy = clean[..., None] + np.random.default_rng(seed).normal(0, 6, (side, side, channels))
    array = np.clip(noisy, 0, 255).astype(dtype)
    return array[..., 0] if channels == 1 else array


def image(array: np.ndarray | None = None, name: str = "drawn") -> Image:
    return Image(PlaneRef(name), tissue() if array is None else array)


def clicks(count: int = 6, classes: object = "cell") -> HintSet:
    return HintSet(Points(CENTRES[:count], classes=classes))


def boxes(count: int = 6, classes: object = "cell") -> HintSet:
    return boxed(CENTRES[:count], classes)


def pointed(places: npt.ArrayLike, classes: object = "cell") -> HintSet:
    """A point at each place."""
    return HintSet(Points(places, classes=classes))


def boxed(places: npt.ArrayLike, classes: object = "cell") -> HintSet:
    """A box of a cell's size around each place."""
    middles = np.reshape(places, (-1, 2))
    return HintSet(boxes=Boxes(np.hstack([middles - RADIUS, middles + RADIUS]), classes=classes))


def data(array: np.ndarray | None = None, hints: HintSet | None = None, **more) -> TrainingData:
    """One plane with six clicks, watched; ``more`` goes to :class:`TrainingData`."""
    plane = TrainingImage(image(array), clicks() if hints is None else hints)
    return TrainingData(**{"train": (plane,), "watch": plane.image.ref, **more})
