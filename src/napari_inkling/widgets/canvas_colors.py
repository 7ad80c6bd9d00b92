"""Colours of classes as arrays, the way napari's layers take them fastest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_inkling.core import BACKGROUND, IGNORE

if TYPE_CHECKING:
    from napari_inkling.project import ClassInfo

__all__ = ["GREY", "Palette", "make_palette", "paint", "veil"]

#: RGBA in [0, 1] by class.
Palette = Mapping[str, npt.NDArray[np.float32]]
#: Colour of what is not a cell, and of classes that the project no longer has.
GREY = np.array([0.72, 0.72, 0.72, 1.0], dtype=np.float32)

#: Opacity of the grey over what is ignored.
_VEIL = 0.45


def make_palette(classes: Iterable[ClassInfo]) -> Palette:
    """Return the colours of background and of classes."""
    colours = {c.name: _rgba(c.color) for c in classes}
    return {**colours, BACKGROUND: GREY}


def _rgba(colour: str) -> npt.NDArray[np.float32]:
    return np.array([*bytes.fromhex(colour[1:]), 255], np.float32) / np.float32(255)


def paint(classes: npt.NDArray[np.object_], palette: Palette) -> npt.NDArray[np.float32]:
    """Return the colour of each row, shape (N, 4)."""
    if not len(classes):
        return np.empty((0, 4), np.float32)
    names, index = np.unique(classes.astype(str), return_inverse=True)
    return np.array([palette.get(name, GREY) for name in names], np.float32)[index]


def veil(classes: npt.NDArray[np.object_]) -> npt.NDArray[np.float32]:
    """Return the colour inside the box of each row, shape (N, 4): grey over what is ignored, else none."""
    colours = np.zeros((len(classes), 4), np.float32)
    colours[classes == IGNORE] = (*GREY[:3], _VEIL)
    return colours
