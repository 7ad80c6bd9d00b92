"""A label image whose numbers say which mask a pixel is of, and which colour it has. No napari."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Masks
from napari_inkling.core.mask_places import paint, places_among
from napari_inkling.widgets.canvas_colors import GREY, Palette

__all__ = ["SHADES", "Box", "LabelPlane", "rim", "shaded"]

#: y0, x0, y1, x1 as slices.
Box = tuple[int, int, int, int]
BoolImage = npt.NDArray[np.bool_]

#: How far each shade of a class's colour is on the way to white, or (below 0) to black. Masks that touch get
#: different ones, so that one sees where one ends.
SHADES = (0.0, 0.45, -0.35, 0.75)
#: A mask looks at what is so near for its shade, in pixels.
_NEAR = 2
#: A rim is so much of the shorter side of a mask wide.
_RIM = 0.1


def shaded(names: Sequence[str], palette: Palette, shades: Sequence[float]) -> npt.NDArray[np.float32]:
    """Return the colours (1 + N · S, 4) of the numbers modulo N · S: clear, then each class in all shades."""
    colours = [np.zeros(4, np.float32)]
    for name in (*names, ""):
        colour = palette.get(name, GREY)
        for shade in shades:
            mixed = colour.copy()
            mixed[:3] += abs(shade) * (float(shade > 0) - mixed[:3])
            colours.append(mixed)
    return np.array(colours)


def rim(crop: BoolImage) -> BoolImage:
    """Return the outermost pixels of a mask: its outline, hollow inside."""
    width = max(1, round(_RIM * min(crop.shape)))
    inner = np.pad(crop, 1)
    for _ in range(width):
        shrunk = inner.copy()
        shrunk[1:] &= inner[:-1]
        shrunk[:-1] &= inner[1:]
        shrunk[:, 1:] &= inner[:, :-1]
        shrunk[:, :-1] &= inner[:, 1:]
        inner = shrunk
    outline: BoolImage = crop & ~inner[1:-1, 1:-1]
    return outline


class LabelPlane:
    """Paints masks into an image of numbers and remembers which number is which.

    A number n shows the colour (n - 1) modulo the number of colours, so that neither a table of 20,000
    colours nor a pass over all pixels is needed when masks come and go.

    Parameters
    ----------
    names : sequence of str
        The classes, in their order; others share a last, grey one.
    shades : int
        So many colours has each class.
    hollow : bool
        Whether only the rims of masks are painted.
    """

    def __init__(self, names: Sequence[str] = (), shades: int = len(SHADES), hollow: bool = False) -> None:
        self._index = {name: i for i, name in enumerate(names)}
        self._names = (*names, "")
        self._shades, self._hollow = shades, hollow
        self.colours = shades * len(self._names)
        self.image: npt.NDArray[Any] = np.zeros((1, 1), np.uint16)
        self.rows = Masks()
        self.values: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._next = [0] * self.colours

    def class_of(self, value: int) -> str:
        """Return the class whose colour a number shows, ``""`` for the last one."""
        return self._names[(value - 1) % self.colours // self._shades]

    def id_of(self, value: int) -> int | None:
        """Return the id of the mask with a number, ``None`` if it has none yet."""
        at = np.flatnonzero(self.values == value)
        return int(self.rows.ids[at[0]]) if len(at) else None

    def value_at(self, y: int, x: int) -> int:
        """Return the number of a pixel, 0 outside the image."""
        inside = 0 <= y < self.image.shape[0] and 0 <= x < self.image.shape[1]
        return int(self.image[y, x]) if inside else 0

    def new_value(self, name: str, near: Box) -> int:
        """Return a number that is not used yet, in a shade that nothing near a box has."""
        y0, x0, y1, x1 = near
        part = self.image[max(0, y0 - _NEAR) : y1 + _NEAR, max(0, x0 - _NEAR) : x1 + _NEAR]
        around = np.bincount(((part[part > 0].astype(np.int64) - 1) % self.colours) % self._shades,
                             minlength=self._shades)  # fmt: skip
        colour = self._index.get(name, len(self._index)) * self._shades + int(around.argmin())
        value = self._next[colour] * self.colours + colour + 1
        self._next[colour] += 1
        if value > np.iinfo(self.image.dtype).max:
            self.image = self.image.astype(np.uint32)
        return value

    def resize(self, shape: tuple[int, int]) -> None:
        """Take an empty image of another shape."""
        self.image = np.zeros(shape, np.uint16)
        self.rows, self.values, self._next = Masks(), np.empty(0, np.int64), [0] * self.colours

    def show(self, rows: Masks, stale: Box | None = None) -> list[Box]:
        """Show these masks instead; returns the boxes that were painted anew.

        Parameters
        ----------
        rows : Masks
            A later one paints over an earlier one.
        stale : Box or None
            Where the image may hold something else than it was given.
        """
        at = places_among(rows, self.rows)
        gone = np.ones(len(self.rows), dtype=bool)
        gone[at[at >= 0]] = False
        boxes = [*self.rows.coordinates[gone], *rows.coordinates[at < 0], *([stale] if stale else [])]
        before = set(self.values.tolist())
        self.values = np.where(at >= 0, self.values[at] if len(self.values) else 0, 0)
        self.rows = rows
        for i in np.flatnonzero(at < 0).tolist():
            self._number(i, before)
        if len(boxes) > len(rows) // 2 + 8:
            boxes = [(0, 0, *self.image.shape)]
        return self._render([self._inside(box) for box in boxes])

    def expected(self, box: Box) -> npt.NDArray[Any]:
        """Return what the image shows in a box, without what a person has painted since."""
        image = np.zeros((box[2] - box[0], box[3] - box[1]), self.image.dtype)
        y0, x0, y1, x1 = self.rows.coordinates.T
        meets = (y0 < box[2]) & (y1 > box[0]) & (x0 < box[3]) & (x1 > box[1])
        for i in np.flatnonzero(meets).tolist():
            self._paint(image, box[:2], i)
        return image

    def _number(self, i: int, taken: set[int]) -> None:
        """Give a number to a new row; if it is painted already with an unused one, it keeps that."""
        y, x = self.rows.coordinates[i, :2].astype(int).tolist()
        there = self.value_at(y, x + int(self.rows.crop(i)[0].argmax()))
        name = str(self.rows.classes[i])
        if there == 0 or there in taken or self.class_of(there) != (name if name in self._index else ""):
            there = self.new_value(name, _as_box(self.rows.coordinates[i]))
        taken.add(there)
        self.values[i] = there
        self._paint(self.image, (0, 0), i)  # the next one looks at what is near

    def _render(self, boxes: list[Box]) -> list[Box]:
        """Paint boxes as they should be."""
        for y0, x0, y1, x1 in boxes:
            self.image[y0:y1, x0:x1] = self.expected((y0, x0, y1, x1))
        return boxes

    def _paint(self, image: npt.NDArray[Any], corner: tuple[int, int], i: int) -> None:
        paint(image, corner, self.rows, i, int(self.values[i]), rim if self._hollow else None)

    def _inside(self, box: Any) -> Box:
        """Return the part of a box within the image."""
        y0, x0, y1, x1 = _as_box(box)
        height, width = self.image.shape
        return min(y0, height), min(x0, width), min(y1, height), min(x1, width)


def _as_box(box: Any) -> Box:
    y0, x0, y1, x1 = (int(edge) for edge in box)
    return y0, x0, y1, x1
