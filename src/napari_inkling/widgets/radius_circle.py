"""What guides the eye: the size of a cell, to be dragged, the suggestion in focus, and a box of some size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["GUIDES_NAME", "REACH", "Guides", "drag_ring", "radius_around"]

GUIDES_NAME = "Inkling cell size"
#: A ring can be taken within so many screen pixels of its line; a drag is a drag after as many.
REACH = 5.0
#: The ring of the focus is so many radii of its cell wide.
_FOCUS = 3.2
#: The dots at the corners of a box in focus are so wide, as a share of its shorter side.
_HANDLE = 0.14
#: What is drawn: where (y, x), diameter in pixels, width of the line in diameters, colour.
Ring = tuple[npt.NDArray[np.float64], float, float, tuple[float, ...]]


def radius_around(box: npt.ArrayLike) -> float:
    """Return the radius of a cell at which the ring of the focus goes through the corners of a box."""
    y0, x0, y1, x1 = np.asarray(box, dtype=np.float64)
    return float(np.hypot(y1 - y0, x1 - x0)) / _FOCUS


class Guides:
    """A layer of rings, boxes and a line. Each is dark under light, so that it shows on any image."""

    def __init__(self) -> None:
        self.layer: Any = None
        self.centre: npt.NDArray[np.float64] | None = None
        self.radius = 8.0
        self.focus: npt.NDArray[np.float64] | None = None
        self.focus_radius = 8.0
        self.focus_box: npt.NDArray[np.float64] | None = None
        self.hovered = False
        self.shows_size = True
        self.line: list[npt.NDArray[np.float64]] = []
        self.boxes: dict[str, tuple[npt.NDArray[np.float64], float]] = {}

    def make(self, placement: dict[str, Any]) -> Any:
        """Return a new, empty layer."""
        from napari.layers import Points as PointsLayer

        self.layer = PointsLayer(
            np.empty((0, 2)),
            ndim=2,
            name=GUIDES_NAME,
            face_color="transparent",
            metadata={"inkling": "guides"},
            **placement,
        )
        self.layer.editable = False
        return self.layer

    def around(self, centre: npt.ArrayLike | None, radius: float) -> None:
        """Draw the cell size around (y, x), or nowhere."""
        self.centre = None if centre is None else np.asarray(centre, dtype=np.float64)
        self.radius = float(radius)
        self.draw()

    def focus_on(self, place: npt.ArrayLike | None, radius: float, box: npt.ArrayLike | None = None) -> None:
        """Draw the focus around (y, x), with handles at the corners of a box, or nowhere."""
        self.focus = None if place is None else np.asarray(place, dtype=np.float64)
        self.focus_radius = float(radius)
        self.focus_box = None if box is None else np.asarray(box, dtype=np.float64)
        self.draw()

    def draw_line(self, places: Sequence[npt.ArrayLike]) -> None:
        """Draw a dotted line through places (y, x), or none."""
        self.line = [np.asarray(place, dtype=np.float64) for place in places]
        self.draw()

    def show_box(self, name: str, centre: npt.ArrayLike, size: npt.ArrayLike, thickness: float) -> None:
        """Draw the outline of a box, (height, width), around (y, x), all in pixels; one for each name."""
        self.boxes[name] = (outline(centre, size, thickness / 2), thickness)
        self.draw()

    def hide_boxes(self, *names: str) -> None:
        """Draw the boxes of these names no more."""
        if gone := set(names) & set(self.boxes):
            self.boxes = {name: box for name, box in self.boxes.items() if name not in gone}
            self.draw()

    def hover(self, over: bool) -> None:
        """Make the cell size thicker while the mouse could take it."""
        if over != self.hovered:
            self.hovered = over
            self.draw()

    @property
    def size_is_shown(self) -> bool:
        """Whether the ring of the cell size is on screen."""
        return self.centre is not None and self.shows_size and self.layer is not None and self.layer.visible

    def draw(self) -> None:
        """Put the rings on screen."""
        if self.layer is None:
            return
        rings: list[Ring] = []
        if self.focus is not None:
            wide = _FOCUS * self.focus_radius
            rings += [
                (self.focus, wide, 0.12, (0, 0, 0, 0.8)),
                (self.focus, wide * 0.97, 0.06, (1, 1, 1, 1)),
            ]
            rings += self._handles()
        if self.centre is not None and self.shows_size:
            thick = 2.0 if self.hovered else 1.0
            wide = 2 * self.radius
            rings += [(self.centre, wide, 0.09 * thick, (0, 0, 0, 0.7)),
                      (self.centre, wide * 0.98, 0.045 * thick, (1, 1, 1, 1))]  # fmt: skip
        for start, stop in pairwise(self.line):
            steps = 2 + int(np.hypot(*(stop - start)))
            rings += [(place, 1.0, 0.4, (1, 1, 1, 1)) for place in np.linspace(start, stop, steps)]
        for wide, colour in ((2.0, (0, 0, 0, 0.8)), (1.0, (1, 1, 1, 1))):
            rings += [(at, wide * thick, 0.5, colour) for box, thick in self.boxes.values() for at in box]
        layer = self.layer
        with layer.events.blocker_all():
            layer.data = np.array([ring[0] for ring in rings]).reshape(-1, 2)
            if rings:
                layer.face_color = np.zeros(4)
                layer.size = np.array([ring[1] for ring in rings])
                layer.border_width = np.array([ring[2] for ring in rings])
                layer.border_color = np.array([ring[3] for ring in rings])
            layer.editable = False  # new data make it editable
        layer.refresh()

    def _handles(self) -> list[Ring]:
        """Return a dot at each corner of the box in focus: it can be dragged."""
        if self.focus_box is None:
            return []
        y0, x0, y1, x1 = self.focus_box.tolist()
        wide = _HANDLE * min(y1 - y0, x1 - x0)
        corners = [np.array(corner) for corner in ((y0, x0), (y0, x1), (y1, x1), (y1, x0))]
        return [(at, size, 1.0, shade) for at in corners
                for size, shade in ((wide, (0, 0, 0, 0.8)), (0.7 * wide, (1, 1, 1, 1)))]  # fmt: skip

    def is_near(self, place: npt.ArrayLike, reach: float) -> bool:
        """Whether (y, x) lies on the line of the cell size, within ``reach`` image pixels."""
        return self.size_is_shown and abs(self._distance(place) - self.radius) <= reach

    def drag_to(self, place: npt.ArrayLike) -> float:
        """Make the ring go through (y, x); returns the radius."""
        self.around(self.centre, max(1.0, self._distance(place)))
        return self.radius

    def _distance(self, place: npt.ArrayLike) -> float:
        assert self.centre is not None
        return float(np.hypot(*(np.asarray(place, dtype=np.float64) - self.centre)))


def outline(centre: npt.ArrayLike, size: npt.ArrayLike, step: float) -> npt.NDArray[np.float64]:
    """Return places (P, 2) along the outline of a box, (height, width), around (y, x), a step apart.

    They are a thousand at most.
    """
    height, width = half = np.asarray(size, dtype=np.float64) / 2
    step = max(step, float(half.sum()) / 250)
    down, across = (np.linspace(-side, side, max(2, int(2 * side / step) + 1)) for side in half)
    ends = ((-height, across), (height, across), (down, -width), (down, width))
    places = [np.stack(np.broadcast_arrays(y, x), axis=1) for y, x in ends]
    result: npt.NDArray[np.float64] = np.concatenate(places) + np.asarray(centre, dtype=np.float64)
    return result


def drag_ring(
    guides: Guides, event: Any, pixel_at: Callable[[Any], npt.ArrayLike], done: Callable[[float], object]
) -> Iterator[None]:
    """Follow the mouse from a press on the ring; a drag sets the radius, a click is left to the tool in hand.

    A generator for napari's ``mouse_drag_callbacks``. napari's own tools take a press for a click up to the
    same distance (``REACH``), so that one press is never both.
    """
    start, dragged = np.asarray(event.pos), False

    def follow() -> bool:
        far = dragged or float(np.linalg.norm(np.asarray(event.pos) - start)) >= REACH
        if far:
            guides.drag_to(pixel_at(event.position))
        return far

    yield
    while event.type == "mouse_move":
        dragged = follow()
        event.handled = True  # the view stays
        yield
    if follow():  # moves come less often than the mouse moves; the release is where it is
        done(guides.radius)
