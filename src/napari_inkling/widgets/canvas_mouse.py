"""The mouse on the canvas: holds edits back while pressed, drags the cell size, points at suggestions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from napari_inkling.widgets.canvas_boxes import BoxMouse
from napari_inkling.widgets.canvas_cells import CellPicker
from napari_inkling.widgets.canvas_hints import HintEditor, telling
from napari_inkling.widgets.canvas_masks import MaskMouse
from napari_inkling.widgets.canvas_pseudo_labels import ShownPseudoLabels
from napari_inkling.widgets.canvas_review import Reviewer
from napari_inkling.widgets.canvas_tools import Toolbox
from napari_inkling.widgets.canvas_view import CanvasView
from napari_inkling.widgets.radius_circle import REACH, Guides, drag_ring

if TYPE_CHECKING:
    from napari_inkling.session import Session

__all__ = ["CanvasMouse"]

Pixel = npt.NDArray[np.float64]


class CanvasMouse:
    """Callbacks for ``viewer.mouse_drag_callbacks`` and ``mouse_move_callbacks``."""

    def __init__(
        self,
        session: Session,
        view: CanvasView,
        hints: HintEditor,
        guides: Guides,
        review: Reviewer,
        pseudo_labels: ShownPseudoLabels,
        masks: MaskMouse,
        boxes: BoxMouse,
        cells: CellPicker,
        tools: Toolbox,
    ) -> None:
        self._session, self._view, self._hints, self._tools = session, view, hints, tools
        self._guides, self._review, self._cells = guides, review, cells
        self._pseudo_labels = pseudo_labels
        self._masks, self._boxes = masks, boxes
        #: Whether a click judges suggestions, because it marks nothing.
        self.judges = False
        #: Whether a click on a mask tells of it.
        self.picks = False

    def on_press(self, _viewer: Any, event: Any) -> Iterator[None]:
        """Hold edits back until the button is released, so that a drag is one edit."""
        self._hints.hold()
        try:
            at = self._pixel(event)
            if self._is_near_ring(at):
                yield from drag_ring(self._guides, event, self._view.pixel_at, self._set_radius)
            elif self._boxes.press(at, event.button):
                yield from self._drag_box(event)
            else:
                self._masks.press(at, event.button)
                self._choose_layer(at)
                yield
                while event.type == "mouse_move":
                    event.handled |= self._masks.drag(self._pixel(event))  # the view stays
                    yield
        finally:
            self._hints.release()
        released = self._pixel(event)
        if self._boxes.release(released):
            return
        self._masks.release(at, released)
        if at is None or released is None or np.hypot(*(released - at)) > self._view.pixels_across(REACH):
            return  # the view was moved
        if self.judges:
            self._judge(released, event.modifiers)
        elif self._tools.tool == "select":
            self._review.focus(
                None if self._hints.kind_at(released) else self._review.at(released), move=False
            )
        if self.picks:
            self._cells.pick(*released)

    def _drag_box(self, event: Any) -> Iterator[None]:
        """Drag the suggested box in focus; the layer's own tool does nothing meanwhile."""
        with self._tools.aside():
            yield
            while event.type == "mouse_move":
                self._boxes.drag(self._pixel(event))
                event.handled = True  # the view stays
                yield

    def _choose_layer(self, at: Pixel | None) -> None:
        """Let "select" take what is under the mouse, be it a point or a box."""
        if at is not None and self._tools.tool == "select" and (kind := self._hints.kind_at(at)) is not None:
            self._tools.turn_to(kind)

    def on_move(self, _viewer: Any, event: Any) -> None:
        """Notice what the mouse points at."""
        self._view.pointed()
        self._review.mouse_moved()
        self._guides.hover(self._is_near_ring(self._pixel(event)))

    def _judge(self, at: Pixel, modifiers: Any) -> None:
        """Go to the suggestion that was clicked; with Shift accept it, with Ctrl reject it.

        A pseudo-label can only be accepted or struck so.
        """
        one, labels = self._review.at(at), self._pseudo_labels
        with telling(self._session):
            if ("Shift" in modifiers and labels.accept(at)) or ("Control" in modifiers and labels.strike(at)):
                return
            if one is not None and "Shift" in modifiers:
                self._session.review.accept([one])
            elif one is not None and "Control" in modifiers:
                self._session.review.reject([one], as_background=self._review.marks_background)
            else:
                self._review.focus(one, move=False)

    def _is_near_ring(self, at: Pixel | None) -> bool:
        return at is not None and self._guides.is_near(at, self._view.pixels_across(REACH))

    def _pixel(self, event: Any) -> Pixel | None:
        return self._view.pixel_at(event.position) if self._view.has_image else None

    def _set_radius(self, radius: float) -> None:
        with telling(self._session):
            self._session.radius.chosen = round(radius, 1)
