"""The mouse on the suggested box in focus: its edges and corners are dragged, and it is the person's then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Boxes
from napari_inkling.widgets.canvas_hints import HintEditor, telling
from napari_inkling.widgets.canvas_review import Reviewer
from napari_inkling.widgets.canvas_tools import Toolbox
from napari_inkling.widgets.canvas_view import CanvasView
from napari_inkling.widgets.hint_layers import corners_of
from napari_inkling.widgets.radius_circle import REACH, Guides

if TYPE_CHECKING:
    from napari_inkling.session import Session

__all__ = ["BoxMouse", "grip_of"]

Pixel = npt.NDArray[np.float64]
Grip = npt.NDArray[np.bool_]

#: With these tools in hand the box in focus can be taken by an edge; with "select" in the middle, too.
_TOOLS = ("select", "box", "pan")


def grip_of(box: npt.NDArray[np.float64], at: Pixel, reach: float) -> Grip | None:
    """Return which edges (y0, x0, y1, x1) of a box are taken at a place, all in its middle, none outside.

    Edges within ``reach`` pixels are taken, but of a box smaller than that on either side its middle third
    stays its middle.
    """
    reach_in = np.minimum(reach, (box[2:] - box[:2]) / 3)
    if not ((at >= box[:2] - reach) & (at <= box[2:] + reach)).all():
        return None
    near = np.concatenate([at <= box[:2] + reach_in, at >= box[2:] - reach_in])
    return near if near.any() else np.ones(4, dtype=bool)


class BoxMouse:
    """What press, drag and release mean on the suggested box in focus.

    Parameters
    ----------
    session : Session
        Corrects the box.
    tools : Toolbox
        Says which tool is in hand.
    view : CanvasView
        Says how far a drag is.
    hints : HintEditor
        Selects the box that the person has then.
    guides : Guides
        Shows the box while it is dragged.
    review : Reviewer
        Says which one is in focus.
    """

    def __init__(
        self,
        session: Session,
        tools: Toolbox,
        view: CanvasView,
        hints: HintEditor,
        guides: Guides,
        review: Reviewer,
    ) -> None:
        self._session, self._tools, self._view = session, tools, view
        self._hints, self._guides, self._review = hints, guides, review
        self._grip: Grip | None = None
        self._box = Boxes()
        self._pressed = np.zeros(2)
        self._dragged = False

    def press(self, at: Pixel | None, button: int) -> bool:
        """Take the box in focus, if it is there; returns whether it was taken."""
        self._grip, box = None, self._review.box
        if at is None or button != 1 or not len(box) or self._tools.tool not in _TOOLS:
            return False
        grip = grip_of(box.coordinates[0], at, self._view.pixels_across(REACH))
        if grip is None or (grip.all() and self._tools.tool != "select"):
            return False
        self._grip, self._pressed, self._box, self._dragged = grip, at, box, False
        return True

    def drag(self, at: Pixel | None) -> None:
        """Draw the box as it would be."""
        if self._grip is None or at is None:
            return
        self._dragged |= bool(np.hypot(*(at - self._pressed)) > self._view.pixels_across(REACH))
        if self._dragged:
            corners = corners_of(self._moved(at))
            self._guides.draw_line([*corners, corners[0]])

    def release(self, at: Pixel | None) -> bool:
        """Make the person's box of it if it was dragged; returns whether it was."""
        self.drag(at)  # moves come less often than the mouse moves
        if self._grip is None or at is None or not self._dragged:
            self._grip = None
            return False
        edges, self._grip = self._moved(at), None
        self._guides.draw_line([])
        self._review.focus(None)
        with telling(self._session):
            corrected = self._session.boxes.correct(self._box, edges)
            if self._tools.tool == "select":
                self._tools.turn_to(self._hints.boxes)
                self._hints.boxes.select(corrected)
        return True

    def _moved(self, at: Pixel) -> npt.NDArray[np.float64]:
        """Return the edges as they are with the mouse there; one that passes its opposite changes places."""
        assert self._grip is not None
        edges = self._box.coordinates[0] + np.tile(at - self._pressed, 2) * self._grip
        return np.concatenate([np.minimum(edges[:2], edges[2:]), np.maximum(edges[:2], edges[2:])])
