"""The layer of suggestions: hollow rings, never the look of a hint, replaced as previews stream in."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Points
from napari_inkling.widgets._quiet import quietly
from napari_inkling.widgets.canvas_colors import Palette, make_palette, paint

__all__ = ["MANY", "SUGGESTIONS_NAME", "Look", "SuggestionLayer", "opacity_of"]

SUGGESTIONS_NAME = "Inkling suggestions"


class Look(NamedTuple):
    """How suggestions are drawn.

    ``diameter`` is in cell radii, ``border`` in diameters, ``smoothing`` of the edges in screen pixels;
    ``fill`` is how dark they are inside, in [0, 1].
    """

    diameter: float
    symbol: str
    border: float
    smoothing: float
    fill: float = 0.0


#: From here on rings are small and plain, which takes half of the time without a GPU: a border or smoothing
#: makes what is drawn for each wider than the ring.
MANY = 1000


def opacity_of(scores: npt.NDArray[np.float64], threshold: float) -> npt.NDArray[np.float64]:
    """Return how strongly to draw suggestions: 0.6 if only just shown, 1 where the model is sure."""
    span = max(1.0 - threshold, 1e-6)
    return 0.6 + 0.4 * np.clip((np.nan_to_num(scores, nan=threshold) - threshold) / span, 0.0, 1.0)


class SuggestionLayer:
    """Shows the suggested points of one plane; holds what it shows so that a place can be looked up."""

    name, mark = SUGGESTIONS_NAME, "suggestions"
    few = Look(2.0, "o", 0.14, 1.0)
    many = Look(1.0, "ring", 0.0, 0.0)
    #: They are lighter than hints by this share of the way to white: thin lines need more contrast.
    lighter = 0.3

    def __init__(self) -> None:
        self.layer: Any = None
        self.palette: Palette = make_palette(())
        self.ids: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self.coordinates: npt.NDArray[np.float64] = np.empty((0, 2))
        self.radius = 8.0

    def make(self, placement: dict[str, Any]) -> Any:
        """Return a new, empty layer of the kind."""
        from napari.layers import Points as PointsLayer

        self.ids, self.coordinates = np.empty(0, np.int64), np.empty((0, 2))
        layer = PointsLayer(
            np.empty((0, 2)),
            ndim=2,
            name=self.name,
            face_color="transparent",
            border_color="white",
            border_width=self.few.border,
            size=2 * self.radius,
            canvas_size_limits=(3, 400),
            metadata={"inkling": self.mark},
            **placement,
        )
        layer.editable = False
        self.layer = layer
        return layer

    def show(self, points: Points, radius: float, threshold: float) -> None:
        """Hold these instead of what was held (5,000 in 6 ms).

        They are on screen after :meth:`draw`.
        """
        self.ids, self.coordinates = points.ids, points.coordinates
        self.radius = radius
        colours = self._colours(points.classes)
        colours[:, 3] = opacity_of(points.scores, threshold)
        if self.layer is not None and (len(self.ids) or len(self.layer.data)):
            self._fill(colours)

    def _colours(self, classes: npt.NDArray[np.object_]) -> npt.NDArray[np.float32]:
        colours = paint(classes, self.palette)
        colours[:, :3] += (1 - colours[:, :3]) * self.lighter
        return colours

    def draw(self) -> None:
        """Put what is held on screen: in a turn of the event loop of its own, as 5,000 take some 40 ms.

        The layer list hears nothing of it: it would paint itself, and with it the window, once more. So the
        layer's thumbnail stays empty, too.
        """
        if self.layer is not None:
            with self.layer.events.blocker():
                self.layer.refresh(thumbnail=False)

    def _fill(self, colours: npt.NDArray[np.float32]) -> None:
        layer, look = self.layer, self.many if len(self.ids) > MANY else self.few
        with quietly(layer):
            layer.antialiasing = look.smoothing
            layer.current_size = size = look.diameter * self.radius
            layer.data = self.coordinates.copy()
            if len(colours):  # napari takes no empty array of colours
                layer.symbol = look.symbol
                layer.size = size
                layer.border_width = look.border
                layer.border_color = colours
                layer.face_color = colours if look.border == 0 else np.array([0, 0, 0, look.fill], np.float32)
            layer.editable = False  # new data make it editable
            layer.set_view_slice()  # it must not look for rows that are gone

    def nearest(self, place: npt.ArrayLike, within: float) -> int | None:
        """Return the id of the suggestion nearest to (y, x) that lies within so many pixels of it."""
        if not len(self.ids):
            return None
        distance = np.hypot(*(self.coordinates - np.asarray(place, dtype=np.float64)).T)
        at = int(distance.argmin())
        return int(self.ids[at]) if distance[at] <= within else None
