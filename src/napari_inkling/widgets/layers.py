"""Keeps napari's layers and the session in step: what is shown, what is changed, which tool is in hand."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_inkling.core import HintSet, InklingError, PlaneRef, SettingsError
from napari_inkling.widgets.canvas_colors import make_palette
from napari_inkling.widgets.canvas_connections import Connections
from napari_inkling.widgets.canvas_edits import compare_boxes, compare_points
from napari_inkling.widgets.canvas_image import ImageLayers, axes_of
from napari_inkling.widgets.canvas_keys import CanvasKeys
from napari_inkling.widgets.canvas_placement import PLACE_EVENTS, place_like, placement
from napari_inkling.widgets.canvas_review import Reviewer
from napari_inkling.widgets.canvas_tools import Tool, Toolbox
from napari_inkling.widgets.canvas_view import CanvasView
from napari_inkling.widgets.hint_layers import HintBoxes, HintPoints
from napari_inkling.widgets.radius_circle import REACH, Guides, drag_ring
from napari_inkling.widgets.suggestion_layers import SuggestionLayer

__all__ = ["LayerBridge"]

#: While training, more than so many suggestions are replaced twice a second at most: it costs a repaint.
MANY = 1000
PAUSE_SECONDS = 0.5


class LayerBridge:
    """The canvas side of the dock.

    Signals: ``tool_changed`` (str), ``class_changed`` (str), ``focus_changed`` (id of a suggestion or None).

    Parameters
    ----------
    viewer : napari.Viewer
        Where layers are shown.
    session : Session
        What they show; a person's changes in them become its edits, within one turn of the event loop.
    """

    class_changed = Signal(str)

    def __init__(self, viewer: Any, session: Any) -> None:
        self.viewer, self.session = viewer, session
        self.points, self.boxes = HintPoints(), HintBoxes()
        self.suggestions, self.guides = SuggestionLayer(), Guides()
        self.images = ImageLayers(viewer, lambda text: session.message.emit("error", text))
        self.view = CanvasView(viewer, self.images)
        self.tools = Toolbox(viewer, self.points, self.boxes, lambda: self.current_class)
        self.review = Reviewer(session, self.suggestions, self._look)
        self.review.pointed = self._suggestion_under_mouse
        self._ref: PlaneRef | None = None
        self._class = ""
        self._pressed = self._editing = False
        self._shown_at = 0.0
        self._own, self._placed = Connections(), Connections()
        self._flush_soon = _single_shot(self.flush)
        self._show_soon = _single_shot(self._show_suggestions)
        self._remove_leftovers()
        self._connect()
        self.keys = CanvasKeys(viewer, self._actions())
        self._on_project()

    # -- what the dock uses

    @property
    def tool_changed(self) -> Any:
        """Another tool is in hand: "cell", "background", "box", "select" or "pan"."""
        return self.tools.tool_changed

    @property
    def focus_changed(self) -> Any:
        """Another suggestion is in focus (its id, or None)."""
        return self.review.focus_changed

    @property
    def tool(self) -> Tool:
        """The tool in hand."""
        return self.tools.tool

    @tool.setter
    def tool(self, tool: Tool) -> None:
        self._ensure_layers()
        self.tools.choose(tool)
        self._draw_guides()

    @property
    def current_class(self) -> str:
        """The class that is marked next. With the tool "select", setting it reclasses what is selected."""
        names = [c.name for c in self.session.project.classes]
        return self._class if self._class in names else names[0]

    @current_class.setter
    def current_class(self, name: str) -> None:
        if name not in (names := [c.name for c in self.session.project.classes]):
            raise SettingsError(f"there is no class {name!r}, expected one of {', '.join(names)}")
        if self.tool == "select":
            self._reclass_selected(name)
        changed, self._class = name != self._class, name
        self.tools.set_default_class()
        if changed:
            self.class_changed.emit(name)

    def focus(self, suggestion: int | None) -> None:
        """Centre the view on a suggestion and mark it by a ring; ``None`` takes the ring away."""
        self.review.focus(suggestion)

    def view_box(self) -> tuple[float, float, float, float]:
        """Return the part of the image that is on screen: y0, x0, y1, x1 in pixels."""
        return self.view.box()

    def layer_to_add(self) -> str | None:
        """Return the name of the selected image layer that is not of the project yet, if there is one."""
        layer = self.images.candidate()
        return None if layer is None else str(layer.name)

    def add_current_layer(self) -> None:
        """Add the selected image layer to the project; it goes on showing the image. Raises ImageError."""
        if (layer := self.images.candidate()) is None:
            return
        record = self._record_of(layer)
        self.images.use(record.name, layer)
        if self.session.plane is not None and self.session.plane.image == record.name:
            self._show(self.session.plane)
        else:
            self.session.go_to(record.planes()[0])

    def flush(self) -> None:
        """Turn what a person changed in the hint layers into one edit, now."""
        self._flush_soon.stop()
        if self._ref is None or self._pressed or self._editing or self.boxes.is_drawing:
            return
        shape, names = self.images.plane_shape, [c.name for c in self.session.project.classes]
        points = compare_points(self.points.rows, self.points.seen(), shape, names)
        least = self.view.pixels_across(3.0)  # a click without a drag draws a box of 2.5 screen pixels
        boxes = compare_boxes(self.boxes.rows, self.boxes.seen(), shape, names, least)
        refusals = (*points.refusals, *boxes.refusals)
        if points or boxes:
            label = ", ".join(change.label for change in (points, boxes) if change)
            with self._telling(), self._own_edit():
                self.session.edit(
                    HintSet(points.before, boxes.before), HintSet(points.after, boxes.after), label, self._ref
                )
        if points or boxes or refusals:
            self._show_hints()
            self._move_circle(points.after.coordinates)
        for text in refusals:
            self.session.message.emit("warning", text)

    def close(self) -> None:
        """Disconnect everything. The layers stay, but what is done to them is no longer an edit."""
        if not hasattr(self, "keys"):
            return
        self.flush()
        self.keys.close()
        for closing in (self._own, self._placed, self.tools):
            closing.close()
        for timer in (self._flush_soon, self._show_soon):
            timer.stop()
            timer.deleteLater()
        for kind in (self.points, self.boxes):
            if (layer := kind.layer) is not None:
                kind.touched.disconnect()
                kind.detach()
                layer.mode = "pan_zoom"
                layer.editable = False
        if self.guides.layer in self.viewer.layers:
            self.viewer.layers.remove(self.guides.layer)
        self.guides.layer = None
        del self.keys

    # -- layers

    def _actions(self) -> dict[str, Any]:
        def choose(tool: Tool) -> Any:
            return lambda: setattr(self, "tool", tool)

        session, review = self.session, self.review
        calls = {
            **{f"tool_{tool}": choose(tool) for tool in ("cell", "background", "box", "select", "pan")},
            **{f"class_{n}": (lambda n=n: self._choose_class(n)) for n in range(1, 10)},
            "undo": session.undo,
            "redo": session.redo,
            "accept": review.accept,
            "reject": review.reject,
            "reject_background": lambda: review.reject(as_background=True),
            "next_suggestion": lambda: review.step(1),
            "previous_suggestion": lambda: review.step(-1),
            "accept_in_view": lambda: session.accept_in(*self.view_box()),
            "accept_above": session.accept_above,
            "toggle_suggestions": self._toggle_suggestions,
            "next_image": session.next_image,
            "previous_image": session.previous_image,
        }
        return {name: self._safely(call) for name, call in calls.items()}

    def _safely(self, call: Any) -> Any:
        def run() -> None:
            self.flush()  # what was just clicked comes first
            with self._telling():
                call()

        return run

    def _connect(self) -> None:
        session, viewer, own = self.session, self.viewer, self._own
        own.connect(session.project_changed, self._on_project)
        own.connect(session.plane_changed, self._show)
        own.connect(session.images_changed, self._on_images)
        own.connect(session.hints_changed, self._on_hints)
        own.connect(session.classes_changed, self._on_classes)
        own.connect(session.suggestions_changed, self._on_suggestions)
        own.connect(session.radius_changed, self._on_radius)
        own.connect(self.points.touched, self._on_touched)
        own.connect(self.boxes.touched, self._on_touched)
        own.connect(viewer.dims.events.current_step, self._on_dims)
        own.connect(viewer.layers.events.removed, self._on_layer_removed)
        own.append(viewer.mouse_drag_callbacks, self._on_press)
        own.append(viewer.mouse_move_callbacks, self._on_move)

    def _remove_leftovers(self) -> None:
        """Take away layers that an earlier dock left in the viewer."""
        for layer in [layer for layer in self.viewer.layers if "inkling" in layer.metadata]:
            self.viewer.layers.remove(layer)

    def _ensure_layers(self) -> None:
        """Make the layers that are missing, and bring ours to the top in their order."""
        if self.images.record is None:
            return
        place = {} if self.images.primary is None else placement(self.images.primary)
        layers, missing = self.viewer.layers, False
        for kind in (self.suggestions, self.guides, self.boxes, self.points):
            if kind.layer is not None and kind.layer in layers:
                continue
            missing = True
            if isinstance(kind, HintPoints | HintBoxes):
                kind.detach()
                made = kind.make(place)
                kind.rows = type(kind)().rows
                layers.append(made)
                kind.attach(made)
            else:
                layers.append(kind.make(place))
        ours = [kind.layer for kind in (self.suggestions, self.guides, self.boxes, self.points)]
        if list(layers)[-len(ours) :] != ours:
            for layer in ours:
                layers.move(layers.index(layer), len(layers))
        if missing:
            self._paint()
            self._show_hints()
            self.tools.follow()
            self._draw_guides()

    def _show(self, ref: PlaneRef | None) -> None:
        """Show a plane of the project."""
        with self._telling():
            self._show_plane(ref)

    def _show_plane(self, ref: PlaneRef | None) -> None:
        self.flush()
        project = self.session.project
        record = None if ref is None else project.image(ref.image)
        self._ref, other = None, False
        try:
            other = self.images.show(project, record)
        finally:  # an image that cannot be read still has hints
            self._ref = ref
            self._ensure_layers()
            if record is not None:
                if other:
                    self._place_anew()
                    self.view.fit()
                self.images.turn_to(ref.plane if ref else ())
            self._radius_anew()
            self.guides.around(None, self.guides.radius)
            self._show_hints()
            self._show_suggestions()
            self.review.focus(None)
            self.tools.follow() if record is not None else None

    def _place_anew(self) -> None:
        """Lay our layers over the image, and keep them there."""
        self._placed.close()
        if self.images.primary is not None:
            for name in PLACE_EVENTS:
                if name in self.images.primary.events.emitters:
                    self._placed.connect(self.images.primary.events[name], self._place)
        self._place()

    def _place(self) -> None:
        for kind in (self.suggestions, self.guides, self.boxes, self.points):
            if kind.layer is not None and self.images.primary is not None:
                place_like(kind.layer, self.images.primary)

    def _show_hints(self) -> None:
        if self.points.layer is None:
            return
        hints = HintSet() if self._ref is None else self.session.project.hints(self._ref)
        self.points.show(hints.points)
        self.boxes.show(hints.boxes)
        self._flush_soon.stop()  # what was put in is no edit

    def _show_suggestions(self) -> None:
        self._show_soon.stop()
        if self.suggestions.layer is None or self._ref is None:
            return
        self._shown_at = time.monotonic()
        session = self.session
        self.suggestions.show(session.suggestions(self._ref), session.radius_at(self._ref), session.threshold)
        self.review.refreshed()

    def _paint(self) -> None:
        palette = make_palette(self.session.project.classes)
        for kind in (self.points, self.boxes, self.suggestions):
            kind.palette = palette

    def _radius_anew(self) -> None:
        if self._ref is not None:
            radius = self.session.radius_at(self._ref)
            self.points.radius = self.boxes.radius = self.guides.radius = radius

    def _draw_guides(self) -> None:
        self.guides.shows_size = self.tool in ("cell", "background", "pan")
        self.guides.draw()

    def _move_circle(self, places: Any) -> None:
        """Draw the cell size around what was marked last."""
        if len(places) and self._ref is not None:
            self.guides.around(places[-1], self.session.radius_at(self._ref))

    # -- what the session says

    def _on_project(self) -> None:
        self._class = ""
        self.images.clear()
        self._ref = None
        if self.session.has_project:  # asking for the project would make one
            self._paint()
            self._show(self.session.plane)

    def _on_images(self) -> None:
        """Show the image anew if it was found again."""
        record = self.images.record
        names = [r.name for r in self.session.project.images]
        if self._ref is not None and self._ref.image in names and record is not None:
            now = self.session.project.image(self._ref.image)
            if (now.path, now.fingerprint) != (record.path, record.fingerprint) or not self.images.layers:
                self.images.clear()
                self._show(self._ref)

    def _on_hints(self, ref: PlaneRef) -> None:
        if ref == self._ref and not self._editing:
            self._show_hints()

    def _on_classes(self) -> None:
        self._paint()
        if self.points.layer is not None:
            self._show_hints()
            self.boxes.repaint()
            self._show_suggestions()
            self.tools.set_default_class()
        self.class_changed.emit(self.current_class)

    def _on_suggestions(self, ref: PlaneRef) -> None:
        if ref != self._ref or self.suggestions.layer is None:
            return
        session = self.session
        shown = session.suggestions(ref)
        fresh = not np.isin(shown.points.ids, self.suggestions.ids).all()
        many = len(shown.points) > MANY
        wait = PAUSE_SECONDS - (time.monotonic() - self._shown_at) if fresh and many else 0.0
        if session.is_training and wait > 0:
            if not self._show_soon.isActive():
                self._show_soon.start(int(1000 * wait) + 1)
        else:
            self._show_soon.start(0)

    def _on_radius(self) -> None:
        self._radius_anew()
        self._draw_guides()
        self._show_hints()
        self._show_soon.start(0)

    # -- what the person does

    def _on_touched(self) -> None:
        if not self._pressed and not self._editing:
            self._flush_soon.start(0)

    def _on_dims(self) -> None:
        if self._ref is None or self.images.busy or self.images.primary is None:
            return
        plane = self.images.plane_on_screen()
        if plane != self._ref.plane:
            with self._telling():
                self.session.go_to(PlaneRef(self._ref.image, plane))

    def _on_layer_removed(self, event: Any) -> None:
        ours = {self.points.layer: "points", self.boxes.layer: "boxes"}
        if self.images.busy or event.value not in ours or event.value is None:
            return
        kind = self.points if event.value is self.points.layer else self.boxes
        kind.detach()
        self.session.message.emit(
            "info",
            f"The layer {event.value.name!r} was removed; its hints are safe in the project and come back "
            "with the next image or tool.",
        )

    def _on_press(self, _viewer: Any, event: Any) -> Iterator[None]:
        """Hold edits back until the button is released: a drag is one edit."""
        self._pressed = True
        at = self._pixel(event)
        dragging = None
        if at is not None and self.guides.is_near(at, self.view.pixels_across(REACH)):
            dragging = drag_ring(self.guides, event, self.images.pixel_at, self._set_radius)
            next(dragging)
        try:
            yield
            while event.type == "mouse_move":
                if dragging is not None:
                    next(dragging)
                yield
            if dragging is not None:
                next(dragging, None)
        finally:
            self._pressed = False
            self._flush_soon.start(0)
        self._click_on_suggestion(event, at)

    def _on_move(self, _viewer: Any, event: Any) -> None:
        self.view.pointed()
        at = self._pixel(event)
        if at is not None:
            self.guides.hover(self.guides.is_near(at, self.view.pixels_across(REACH)))

    def _click_on_suggestion(self, event: Any, pressed_at: Any) -> None:
        """With the tool "pan": a click goes to a suggestion, with Shift accepts it, with Ctrl rejects it."""
        at = self._pixel(event)
        if self.tool != "pan" or at is None or np.hypot(*(at - pressed_at)) > self.view.pixels_across(REACH):
            return
        one = self.suggestions.nearest(at, self.suggestions.radius)
        with self._telling():
            if one is not None and "Shift" in event.modifiers:
                self.session.accept([one])
            elif one is not None and "Control" in event.modifiers:
                self.session.reject([one])
            else:
                self.review.focus(one, move=False)

    def _suggestion_under_mouse(self) -> int | None:
        if self.images.primary is None or not self.view.points_at_canvas:
            return None
        return self.suggestions.nearest(
            self.images.pixel_at(self.viewer.cursor.position), self.suggestions.radius
        )

    def _pixel(self, event: Any) -> Any:
        return None if self.images.primary is None else self.images.pixel_at(event.position)

    def _look(self, place: Any, move: bool) -> None:
        if place is not None and move:
            self.view.look_at(place, self.suggestions.radius)
        self.guides.focus_on(place, self.suggestions.radius)

    def _set_radius(self, radius: float) -> None:
        with self._telling():
            self.session.radius = round(radius, 1)

    def _choose_class(self, number: int) -> None:
        from napari_inkling.widgets.keys import CLASS_KEYS, class_key

        for index, info in enumerate(self.session.project.classes):
            if class_key(index, info.key) == CLASS_KEYS[number - 1]:
                self.current_class = info.name
                return

    def _reclass_selected(self, name: str) -> None:
        self.flush()
        if self._ref is None:
            return
        hints = self.session.project.hints(self._ref)
        points = hints.points.with_ids(self.points.selected_ids)
        boxes = hints.boxes.with_ids(self.boxes.selected_ids)
        points, boxes = points.take(points.classes != name), boxes.take(boxes.classes != name)
        if count := len(points) + len(boxes):
            after = HintSet(points.changed(classes=name), boxes.changed(classes=name))
            with self._telling():
                label = f"change class of {count} hint{'s' * (count > 1)}"
                self.session.edit(HintSet(points, boxes), after, label, self._ref)

    def _toggle_suggestions(self) -> None:
        if self.suggestions.layer is not None:
            self.suggestions.layer.visible = not self.suggestions.layer.visible

    def _record_of(self, layer: Any) -> Any:
        """Return the image of the project that a layer shows: its file, or else a copy of its pixels."""
        from napari_inkling.project.images import open_array

        data = layer.data[0] if layer.multiscale else layer.data
        path = getattr(layer.source, "path", None)
        with self._alone():
            if path is not None and Path(path).exists():
                try:
                    same = open_array(path)[1].shape == tuple(data.shape)
                except InklingError:
                    same = False
                if same:
                    return self.session.add_images([Path(path)])[0]
            size = float(layer.scale[-1]) if str(getattr(layer, "units", ("",))[-1]) == "micrometer" else None
            return self.session.add_array(layer.name, data, axes_of(layer), size)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Turn a refusal inside the block into a message."""
        try:
            yield
        except InklingError as error:
            self.session.message.emit("error", str(error))

    @contextmanager
    def _own_edit(self) -> Iterator[None]:
        """Tell the session an edit that the layers show already."""
        self._editing = True
        try:
            yield
        finally:
            self._editing = False

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self.images._alone():
            yield


def _single_shot(slot: Any) -> QTimer:
    timer = QTimer()
    timer.setSingleShot(True)
    timer.timeout.connect(slot)
    return timer
