"""The layer of suggested boxes: thin, open sides, never the look of a box that a person drew."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Boxes
from napari_inkling.core.box_places import boxes_at
from napari_inkling.widgets._quiet import quietly
from napari_inkling.widgets.canvas_colors import Palette, make_palette, paint
from napari_inkling.widgets.suggestion_layers import MANY, opacity_of

__all__ = ["SUGGESTED_BOXES_NAME", "SuggestedBoxes", "lines_of", "look_of"]

SUGGESTED_BOXES_NAME = "Inkling suggested boxes"
#: Width of a line in screen pixels, however far one zooms; it is set anew where it is off by this factor.
LINE, OFF = 2.0, 1.05


class Look(NamedTuple):
    """Which corners of a box are drawn, clockwise from the first, and by which share of its sides.

    The gaps tell it from a person's box.
    """

    corners: tuple[int, ...]
    share: float

    @property
    def lines(self) -> int:
        """Lines for each box."""
        return 2 * len(self.corners)


FEW = Look((0, 1, 2, 3), 0.32)
#: Of more than :data:`MANY` boxes two opposite corners are drawn: a repaint takes two thirds of the time.
PLAIN = Look((0, 2), 0.45)


def look_of(count: int) -> Look:
    """Return how so many boxes are drawn."""
    return PLAIN if count > MANY else FEW


def lines_of(boxes: npt.NDArray[np.float64], look: Look) -> npt.NDArray[np.float64]:
    """Return the lines of boxes (N, 4), box by box, as starts and lengths (y, x); shape (N · lines, 2, 2)."""
    y0, x0, y1, x1 = boxes.T
    corners = np.stack([(y0, x0), (y0, x1), (y1, x1), (y1, x0)]).transpose(2, 0, 1)  # (N, 4, 2), clockwise
    along = (np.roll(corners, -1, axis=1) - corners) * look.share
    back = (np.roll(corners, 1, axis=1) - corners) * look.share
    lines = np.stack([np.stack([corners, step], axis=2) for step in (along, back)], axis=2)
    result: npt.NDArray[np.float64] = lines[:, look.corners].reshape(-1, 2, 2)
    return result


class SuggestedBoxes:
    """Shows the suggested boxes of one plane.

    It is a Vectors layer: napari draws all its lines as one mesh. Without a GPU, 3,000 boxes (12,000 lines)
    are replaced in some 20 ms, the repaint that follows takes some 25 ms more than one without them, and the
    others next to nothing. As 3,000 shapes they took 1.8 s; in a label image boxes that lie over one another
    would cut each other.
    """

    def __init__(self) -> None:
        self.layer: Any = None
        self.palette: Palette = make_palette(())
        self.rows: Boxes = Boxes()
        self.width = 1.0

    def make(self, placement: dict[str, Any]) -> Any:
        """Return a new, empty layer of the kind."""
        from napari.layers import Vectors

        self.rows = Boxes()
        self.layer = Vectors(
            np.empty((0, 2, 2)),
            ndim=2,
            name=SUGGESTED_BOXES_NAME,
            vector_style="line",
            edge_width=self.width,
            edge_color="white",
            opacity=1,
            metadata={"inkling": "suggested boxes"},
            **placement,
        )
        self.layer.editable = False
        return self.layer

    def show(self, rows: Boxes, threshold: float) -> None:
        """Hold these instead of what was held; they are on screen after :meth:`draw`.

        The features of each line are id, class and score of its box.
        """
        before, self.rows = self.rows, rows
        if (layer := self.layer) is None or not (len(rows) or len(before)):
            return
        colours = paint(rows.classes, self.palette)
        colours[:, 3] = opacity_of(rows.scores, threshold)
        look = look_of(len(rows))
        columns = {"id": rows.ids, "class": rows.classes, "score": rows.scores}
        with quietly(layer):
            layer.data = lines_of(rows.coordinates, look)
            layer.features = {name: np.repeat(column, look.lines) for name, column in columns.items()}
            if len(rows):  # napari takes no empty array of colours
                layer.edge_color = np.repeat(colours, look.lines, axis=0)
            layer.editable = False  # new data make it editable
            layer.set_view_slice()  # it must not look for rows that are gone

    def draw(self) -> None:
        """Put what is held on screen, without the thumbnail: napari draws that line by line, in 50 ms."""
        if self.layer is not None:
            with self.layer.events.blocker():
                self.layer.refresh(thumbnail=False)

    def fit(self, pixel: float) -> None:
        """Keep the lines as wide on the screen, one of whose pixels is so many pixels of the image."""
        wanted = LINE * pixel
        if self.layer is not None and not 1 / OFF < wanted / self.width < OFF:
            self.width = wanted
            with quietly(self.layer):
                self.layer.edge_width = wanted
            self.draw()

    def at(self, place: npt.ArrayLike, reach: float = 0.0) -> int | None:
        """Return the id of the smallest box around (y, x), or within so many pixels of it."""
        y, x = np.asarray(place, dtype=np.float64)
        rows = boxes_at(self.rows, y, x, reach)
        return int(self.rows.ids[rows[0]]) if len(rows) else None

    def row(self, one: int | None) -> Boxes:
        """Return the box with this id, one row, or none if it is not shown."""
        return self.rows.take(np.flatnonzero(self.rows.ids == one))
