"""A person's changes in the hint layers become edits of the session, and what the session holds is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from napari_inkling.core import Boxes, HintSet, InklingError, PlaneRef, Points
from napari_inkling.widgets._timers import single_shot
from napari_inkling.widgets.canvas_edits import Change, compare_boxes, compare_points
from napari_inkling.widgets.canvas_mask_edits import MaskChange, compare_masks
from napari_inkling.widgets.canvas_view import CanvasView
from napari_inkling.widgets.hint_layers import HintBoxes, HintPoints
from napari_inkling.widgets.mask_layers import MOST_PIXELS, HintMasks

if TYPE_CHECKING:
    from napari_inkling.session import Session

__all__ = ["HintEditor", "telling"]

#: A click without a drag draws a box 2.5 screen pixels wide.
_LEAST_BOX = 3.0


class HintEditor:
    """Keeps the hint layers and the hints of one plane in step.

    An edit is made one turn of the event loop after a change, or when the mouse is released; what changed
    until then is one edit. Whatever the session makes of it, the layers then show what the session holds.
    """

    #: A person's edit was made; gives the rows that came (HintSet).
    edited = Signal(HintSet)

    def __init__(self, session: Session, view: CanvasView) -> None:
        self._session, self._view = session, view
        self.points, self.boxes, self.masks = HintPoints(), HintBoxes(), HintMasks()
        self.ref: PlaneRef | None = None
        self._held = self._telling = self._closed = False
        self._soon = single_shot(self.flush)
        for kind in self.kinds:
            kind.touched.connect(self._on_touched)

    @property
    def kinds(self) -> tuple[HintMasks, HintBoxes, HintPoints]:
        """All layers, from below."""
        return self.masks, self.boxes, self.points

    def show(self) -> None:
        """Show the hints of the plane."""
        if self._telling:
            return
        hints = self._hints
        if self.points.layer is not None:
            self.points.show(hints.points, hints.masks.ids)
        if self.boxes.layer is not None:
            self.boxes.show(hints.boxes)
        self.masks.show(hints.masks, self._view.image_shape)
        self._soon.stop()  # what was put in is no edit

    def flush(self) -> None:
        """Turn what a person changed into one edit, now."""
        self._soon.stop()
        if self._held or self._telling or self.boxes.is_drawing or not self._session.has_project:
            return
        self._flush_masks()
        points, boxes = self._changed_points(), self._changed_boxes()
        changes = [change for change in (points, boxes) if change]
        refusals = (*points.refusals, *boxes.refusals)
        if changes:
            before, after = HintSet(points.before, boxes.before), HintSet(points.after, boxes.after)
            self._edit(before, after, ", ".join(change.label for change in changes))
        if changes or refusals:
            self.show()
        if changes:
            self.edited.emit(after)
        for text in refusals:
            self._session.message.emit("warning", text)

    def _flush_masks(self) -> None:
        if self.masks.dirty is None or self.ref is None:
            return
        change = compare_masks(
            self.masks.plane, self.masks.dirty, self.masks.taken_up, self._session.masks.point_of
        )
        before = self._hints
        if change:
            self._edit_masks(change)
        self._show_masks(before)
        if change.refusal:
            self._session.message.emit("warning", change.refusal)

    def _show_masks(self, before: HintSet) -> None:
        """Show the masks; points and boxes, too, unless they look as they did before."""
        now = self._hints
        had, has = (np.isin(now.points.ids, hints.masks.ids) for hints in (before, now))
        if now.points is before.points and now.boxes is before.boxes and np.array_equal(had, has):
            self.masks.show(now.masks, self._view.image_shape)
        else:
            self.show()

    def _edit_masks(self, change: MaskChange) -> None:
        self._telling = True
        try:
            with telling(self._session):
                self._session.masks.correct(change.before, change.after, change.label, change.of, self.ref)
        finally:
            self._telling = False

    def _changed_points(self) -> Change[Points]:
        if self.points.layer is None:
            return Change(Points(), Points())
        return compare_points(self.points.rows, self.points.seen(), self._view.image_shape, self._classes)

    def _changed_boxes(self) -> Change[Boxes]:
        if self.boxes.layer is None or not self.boxes.is_touched:  # to look at thousands of shapes is slow
            return Change(Boxes(), Boxes())
        least = self._view.pixels_across(_LEAST_BOX)
        return compare_boxes(self.boxes.rows, self.boxes.seen(), self._view.image_shape, self._classes, least)

    @property
    def _hints(self) -> HintSet:
        return HintSet() if self.ref is None else self._session.annotations.hints_of(self.ref)

    @property
    def _classes(self) -> list[str]:
        return [c.name for c in self._session.project.classes]

    def want_masks(self) -> None:
        """Have a label image ready to paint in, as large as the plane; a plane too large for one is told."""
        if (pixels := int(np.prod(self._view.image_shape))) > MOST_PIXELS:
            self._session.message.emit(
                "warning",
                f"This image has {pixels:,} pixels: on more than {MOST_PIXELS:,} masks are kept, not drawn.",
            )
        if not self.masks.wanted:
            self.masks.wanted = True
            if self.masks.layer is not None:
                self.masks.layer.brush_size = max(3, round(self.masks.radius))
            self.show()

    def select(self, one: int) -> None:
        """Select the point, the box and the mask of a cell, by id."""
        for kind in self.kinds:
            kind.select(one)

    def kind_at(self, place: npt.NDArray[np.float64]) -> HintPoints | HintBoxes | None:
        """Return which layer has a hint at (y, x): a point, else a box around it."""
        for kind in (self.points, self.boxes):
            if kind.layer is not None and kind.has(place):
                return kind
        return None

    @property
    def any_selected(self) -> bool:
        """Whether a point or a box is selected."""
        return len(self.points.selected_ids) + len(self.boxes.selected_ids) > 0

    def hold(self) -> None:
        """Make no edit until :meth:`release`: the mouse is pressed, a drag is one edit."""
        self._held = True

    def release(self) -> None:
        """Make edits again."""
        self._held = False
        if not self._closed:
            self._soon.start(0)

    def reclass_selected(self, name: str) -> None:
        """Give a class to everything that is selected."""
        self.flush()
        if self.ref is None:
            return
        hints = self._session.annotations.hints_of(self.ref)
        points = hints.points.with_ids(self.points.selected_ids)
        boxes = hints.boxes.with_ids(self.boxes.selected_ids)
        points, boxes = points.take(points.classes != name), boxes.take(boxes.classes != name)
        masks = hints.masks.with_ids([*points.ids, *boxes.ids])  # of the same cells
        if count := len({*points.ids.tolist(), *boxes.ids.tolist()}):
            before = HintSet(points, boxes, masks)
            after = before.mapped(lambda rows: rows.changed(classes=name))
            self._edit(before, after, f"change class of {count} hint{'s' * (count > 1)}")
            self.show()

    def rest(self) -> None:
        """Let a click mark nothing: no image is shown."""
        for kind in self.kinds:
            if kind.layer is not None:
                kind.layer.mode = "pan_zoom"

    def detach(self) -> None:
        """Let go of the layers: they stay, but what is done to them is no longer an edit."""
        for kind in self.kinds:
            if (layer := kind.layer) is not None:
                kind.detach()
                layer.mode = "pan_zoom"
                layer.editable = False

    def close(self) -> None:
        """Make the last edit, even while the mouse is pressed, and let go of the layers for good."""
        self._held, self._closed = False, True
        self.flush()
        self.detach()
        self._soon.stop()
        self._soon.deleteLater()
        for kind in self.kinds:
            kind.touched.disconnect(self._on_touched)

    def _on_touched(self) -> None:
        if not self._held and not self._telling:
            self._soon.start(0)

    def _edit(self, before: HintSet, after: HintSet, label: str) -> None:
        self._telling = True  # the layers show this edit already
        try:
            with telling(self._session):
                self._session.boxes.edit(before, after, label, self.ref)
        finally:
            self._telling = False


@contextmanager
def telling(session: Session) -> Iterator[None]:
    """Turn a refusal inside the block into a message for the person."""
    try:
        yield
    except InklingError as error:
        session.message.emit("error", str(error))
