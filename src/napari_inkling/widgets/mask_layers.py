"""The layers of masks: a person's are filled, suggested ones are outlines; both are label images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from psygnal import Signal

from napari_inkling.core import Masks
from napari_inkling.widgets.canvas_colors import Palette, make_palette
from napari_inkling.widgets.label_plane import SHADES, Box, LabelPlane, shaded

__all__ = ["MASKS_NAME", "MOST_PIXELS", "SUGGESTED_MASKS_NAME", "HintMasks", "MaskLayer", "SuggestedMasks"]

MASKS_NAME = "Inkling masks"
SUGGESTED_MASKS_NAME = "Inkling suggested masks"
#: Masks of larger planes, in pixels, are kept but not drawn: their label image would fill the memory.
MOST_PIXELS = 200_000_000
#: From so many boxes on it is faster to hand the whole image to the canvas.
_MANY_BOXES = 40


class MaskLayer:
    """A Labels layer that shows the masks of one plane; it holds no image while there is nothing to show."""

    name, mark = "", ""
    shades: Sequence[float] = (0.0,)
    hollow = False
    opacity = 1.0

    def __init__(self) -> None:
        self.layer: Any = None
        self.wanted = False
        self.radius = 8.0
        self._palette: Palette = make_palette(())
        self._names: tuple[str, ...] = ()
        self.plane = LabelPlane((), len(self.shades), self.hollow)

    @property
    def palette(self) -> Palette:
        """The colours of the classes."""
        return self._palette

    @palette.setter
    def palette(self, palette: Palette) -> None:
        same = palette.keys() == self._palette.keys() and all(
            np.array_equal(colour, self._palette[name]) for name, colour in palette.items()
        )
        self._palette, self._names = palette, tuple(palette)
        if not same and self.layer is not None:
            rows, shape = self.plane.rows, self.plane.image.shape
            self._begin(shape)
            self.layer.colormap = self._colormap()
            self.show(rows, shape)

    def make(self, placement: dict[str, Any]) -> Any:
        """Return a new, empty layer of the kind."""
        from napari.layers import Labels

        self._begin((1, 1), put=False)
        self.layer = Labels(
            self.plane.image,
            name=self.name,
            colormap=self._colormap(),
            opacity=self.opacity,
            metadata={"inkling": self.mark},
            **placement,
        )
        return self.layer

    def show(self, rows: Masks, shape: tuple[int, int], stale: Box | None = None) -> None:
        """Show these masks of a plane of that shape instead."""
        if self.layer is None:
            return
        if not (len(rows) or self.wanted) or not 0 < shape[0] * shape[1] <= MOST_PIXELS:
            rows, shape = Masks(), (1, 1)
        if self.plane.image.shape != shape:
            self._begin(shape)
        before = self.plane.rows
        boxes = self.plane.show(rows, stale)
        if boxes:
            self._draw(boxes)
        if rows is not before:
            self.layer.features = {
                "index": self.plane.values,
                "class": rows.classes.copy(),
                "score": rows.scores.copy(),
                "source": rows.sources.copy(),
            }

    def _begin(self, shape: tuple[int, int], put: bool = True) -> None:
        self.plane = LabelPlane(self._names, len(self.shades), self.hollow)
        self.plane.resize(shape)
        if put:
            self._put()

    def _put(self) -> None:
        self.layer.data = self.plane.image

    def _draw(self, boxes: Sequence[Box]) -> None:
        """Let the canvas draw what has changed."""
        layer, image = self.layer, self.plane.image
        if layer.data is not image:
            self._put()
        elif len(boxes) > _MANY_BOXES or image.dtype.itemsize > 2:  # else pixels are drawn as they are
            layer.refresh(extent=False, thumbnail=False)
        else:
            for y0, x0, y1, x1 in boxes:
                if y1 > y0 and x1 > x0:
                    layer.events.labels_update(data=image[y0:y1, x0:x1], offset=[y0, x0])

    def _colormap(self) -> Any:
        from napari.utils.colormaps import CyclicLabelColormap

        return CyclicLabelColormap(colors=shaded(self._names, self._palette, self.shades))


class SuggestedMasks(MaskLayer):
    """Outlines in the class's colour, lighter than a person's."""

    name, mark = SUGGESTED_MASKS_NAME, "suggested masks"
    shades = (0.3,)
    hollow = True

    def make(self, placement: dict[str, Any]) -> Any:
        """Return a new, empty layer of the kind."""
        layer = super().make(placement)
        layer.editable = False
        return layer

    def show(self, rows: Masks, shape: tuple[int, int], stale: Box | None = None) -> None:
        """Show these masks of a plane of that shape instead."""
        super().show(rows, shape, stale)
        if self.layer is not None and self.layer.editable:  # new data make it editable
            self.layer.editable = False


class HintMasks(MaskLayer):
    """A person's masks, filled; tells by :attr:`touched` that something was painted."""

    touched = Signal()

    name, mark = MASKS_NAME, "masks"
    shades = SHADES
    opacity = 0.5

    def __init__(self) -> None:
        super().__init__()
        #: Keys that act in this layer, too, although napari has given them a meaning there.
        self.keys: dict[str, Callable[[], None]] = {}
        self.taken_up: dict[int, Masks] = {}
        self.dirty: Box | None = None
        self._drawing = False

    @property
    def rows(self) -> Masks:
        """What the layer was given last."""
        return self.plane.rows

    def make(self, placement: dict[str, Any]) -> Any:
        """Return a new, empty layer of the kind, and listen to it."""
        self.detach()
        layer = super().make(placement)
        layer.preserve_labels = True  # a brush takes no pixel from another mask
        for keys, call in self.keys.items():
            layer.bind_key(keys, lambda _layer, call=call: call(), overwrite=True)
        layer.events.labels_update.connect(self._on_painted)
        return layer

    def detach(self) -> None:
        """Stop listening; the layer stays as it is."""
        if self.layer is not None:
            self.layer.events.labels_update.disconnect(self._on_painted)
        self.layer = None

    def show(self, rows: Masks, shape: tuple[int, int], stale: Box | None = None) -> None:
        """Show these masks instead of what was shown, and of what was painted since."""
        stale, self.dirty, self.taken_up = self.dirty, None, {}
        super().show(rows, shape, stale)

    def select(self, one: int) -> None:
        """Make the mask with this id the one that napari's own tools would paint."""
        at = np.flatnonzero(self.plane.rows.ids == one)
        if self.layer is not None and len(at):
            self.layer.selected_label = int(self.plane.values[at[0]])

    def take_up(self, suggestion: Masks) -> int:
        """Paint a suggestion, one row, where nobody has painted yet; returns its number."""
        y0, x0, y1, x1 = suggestion.coordinates[0].astype(int).tolist()
        value = self.new_value(str(suggestion.classes[0]), (y0, x0, y1, x1))
        window = self.plane.image[y0:y1, x0:x1]
        crop = suggestion.crop(0)[: window.shape[0], : window.shape[1]]
        window[crop & (window == 0)] = value
        self.taken_up[value] = suggestion
        self._add_dirty((y0, x0, y1, x1))
        self._draw([(y0, x0, y0 + window.shape[0], x0 + window.shape[1])])
        return value

    def new_value(self, name: str, near: Box) -> int:
        """Return an unused number for a mask of this class."""
        value = self.plane.new_value(name, near)
        if self.layer.data is not self.plane.image:
            self._put()
        return value

    def _draw(self, boxes: Sequence[Box]) -> None:
        self._drawing = True
        try:
            super()._draw(boxes)
        finally:
            self._drawing = False

    def _on_painted(self, event: Any) -> None:
        if self._drawing:
            return
        (y0, x0), (height, width) = event.offset, event.data.shape[:2]
        self._add_dirty((y0, x0, y0 + height, x0 + width))
        self.touched.emit()

    def _add_dirty(self, box: Box) -> None:
        old = self.dirty or box
        height, width = self.plane.image.shape
        self.dirty = (min(old[0], box[0]), min(old[1], box[1]),
                      min(height, max(old[2], box[2])), min(width, max(old[3], box[3])))  # fmt: skip
