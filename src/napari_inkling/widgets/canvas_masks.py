"""The mouse on masks: what a brush begins on, a line that splits, two clicks that join, one that deletes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_inkling.core.mask_places import masks_at
from napari_inkling.widgets.canvas_hints import telling
from napari_inkling.widgets.canvas_review import Reviewer
from napari_inkling.widgets.canvas_tools import Toolbox
from napari_inkling.widgets.canvas_view import CanvasView
from napari_inkling.widgets.mask_layers import HintMasks
from napari_inkling.widgets.radius_circle import REACH, Guides

if TYPE_CHECKING:
    from napari_inkling.session import Session

__all__ = ["MaskMouse"]

Pixel = npt.NDArray[np.float64]


class MaskMouse:
    """What press, drag and release mean while a tool for masks is in hand.

    Parameters
    ----------
    session : Session
        Corrects the masks.
    tools : Toolbox
        Says which tool is in hand.
    view : CanvasView
        Says how far a drag is.
    masks : HintMasks
        The layer that brush and eraser paint in.
    guides : Guides
        Shows the line that is drawn, and the first of two masks.
    review : Reviewer
        Rejects a suggestion that is deleted.
    current_class : callable
        Returns the class of a mask that is begun.
    """

    def __init__(
        self,
        session: Session,
        tools: Toolbox,
        view: CanvasView,
        masks: HintMasks,
        guides: Guides,
        review: Reviewer,
        current_class: Callable[[], str],
    ) -> None:
        self._session, self._tools, self._view, self._masks = session, tools, view, masks
        self._guides, self._review, self._current_class = guides, review, current_class
        self._line: list[Pixel] = []
        self._first: int | None = None

    def forget(self) -> None:
        """Drop a line, or a first mask: another tool or plane was chosen."""
        self._line = []
        if self._first is not None:
            self._first = None
            self._guides.focus_on(None, self._guides.focus_radius)
        self._guides.draw_line(self._line)

    def press(self, at: Pixel | None, button: int) -> None:
        """Choose what a brush or an eraser works on, or begin a line."""
        if at is None or button != 1 or self._masks.layer is None:
            return
        if self._tools.tool in ("brush", "erase"):
            self._choose_mask(at)
        elif self._tools.tool == "split":
            self._line = [at]

    def drag(self, at: Pixel | None) -> bool:
        """Go on with a line; returns whether there is one, and the view should stay."""
        if not self._line or at is None:
            return False
        self._line.append(at)
        self._guides.draw_line(self._line)
        return True

    def release(self, pressed: Pixel | None, at: Pixel | None) -> None:
        """Split, join or delete."""
        line, self._line = self._line, []
        if len(line) > 1:
            self._guides.draw_line([])
            with telling(self._session):
                self._session.masks.split(np.array([*line, at] if at is not None else line))
        if at is None or pressed is None or np.hypot(*(at - pressed)) > self._view.pixels_across(REACH):
            return
        if self._tools.tool == "merge":
            self._merge(at)
        elif self._tools.tool == "delete":
            self._delete(at)

    def _choose_mask(self, at: Pixel) -> None:
        """Work on the mask under the mouse, which becomes the person's; else a brush begins a new one."""
        layer = self._masks.layer
        y, x = (int(np.floor(v + 0.5)) for v in at)
        value = self._masks.plane.value_at(y, x)
        if value == 0:
            suggested = self._session.suggestions.shown().masks
            if len(under := masks_at(suggested, *at)):
                value = self._masks.take_up(suggested.take([int(under[-1])]))
        if value == 0 and self._tools.tool == "brush":
            value = self._masks.new_value(self._current_class(), (y, x, y + 1, x + 1))
        # An eraser that begins beside all masks takes from every one that it passes.
        layer.preserve_labels = value != 0
        if value:
            layer.selected_label = value

    def _delete(self, at: Pixel) -> None:
        if (one := self._session.masks.at(*at)) is None:
            return
        suggested = one in self._session.suggestions.shown().masks.ids
        with telling(self._session):
            self._session.masks.delete(one, as_background=self._review.marks_background)
            if suggested:
                marked = " and marked “not a cell”" * self._review.marks_background
                self._session.message.emit("info", f"Rejected{marked}. Undo takes it back.")

    def _merge(self, at: Pixel) -> None:
        one, first = self._session.masks.at(*at), self._first
        self.forget()
        if one is None or one == first:
            return
        if first is None:
            self._first = one
            self._guides.focus_on(at, self._guides.radius)
            self._session.message.emit("info", "Now click the mask that belongs to it.")
            return
        with telling(self._session):
            self._session.masks.merge(first, one)
