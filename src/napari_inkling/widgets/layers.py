"""Keeps napari's layers and the session in step: what is shown, what is changed, which tool is in hand."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from napari_inkling.core import HintSet, PlaneRef
from napari_inkling.widgets._beat import Beat
from napari_inkling.widgets.box_layers import SuggestedBoxes
from napari_inkling.widgets.canvas_actions import canvas_actions
from napari_inkling.widgets.canvas_boxes import BoxMouse
from napari_inkling.widgets.canvas_cells import CellPicker
from napari_inkling.widgets.canvas_classes import ClassInHand
from napari_inkling.widgets.canvas_colors import make_palette
from napari_inkling.widgets.canvas_connections import Connections
from napari_inkling.widgets.canvas_hints import HintEditor, telling
from napari_inkling.widgets.canvas_image import ImageLayers
from napari_inkling.widgets.canvas_keys import CanvasKeys
from napari_inkling.widgets.canvas_masks import MaskMouse
from napari_inkling.widgets.canvas_mouse import CanvasMouse
from napari_inkling.widgets.canvas_pseudo_labels import ShownPseudoLabels
from napari_inkling.widgets.canvas_radius import DrawnRadius
from napari_inkling.widgets.canvas_review import Reviewer
from napari_inkling.widgets.canvas_stack import LayerStack
from napari_inkling.widgets.canvas_suggestions import ShownSuggestions
from napari_inkling.widgets.canvas_tools import MASK_TOOLS, Tool, Toolbox
from napari_inkling.widgets.canvas_view import CanvasView, camera_of
from napari_inkling.widgets.keys import key_of
from napari_inkling.widgets.layer_records import record_of
from napari_inkling.widgets.mask_layers import SuggestedMasks
from napari_inkling.widgets.radius_circle import Guides, radius_around
from napari_inkling.widgets.suggestion_layers import SuggestionLayer

if TYPE_CHECKING:
    from napari_inkling.session import Session, TrainingState

__all__ = ["LayerBridge"]


class LayerBridge:
    """The canvas side of the dock.

    Parameters
    ----------
    viewer : napari.Viewer
        Where layers are shown.
    session : Session
        What they show; a person's changes in them become its edits, within one turn of the event loop.
    """

    def __init__(self, viewer: Any, session: Session) -> None:
        self.viewer, self.session = viewer, session
        self.images = ImageLayers(viewer, lambda text: session.message.emit("error", text))
        self.view = CanvasView(viewer, self.images)
        self.hints = HintEditor(session, self.view)
        self.suggestions, self.guides = SuggestionLayer(), Guides()
        self.suggested_boxes, self.suggested_masks = SuggestedBoxes(), SuggestedMasks()
        #: What is suggested, from above.
        self.suggested = (self.suggestions, self.suggested_boxes, self.suggested_masks)
        self.tools = Toolbox(
            viewer, self.hints.points, self.hints.boxes, self.hints.masks, lambda: self.current_class
        )
        self.classes = ClassInHand(session, self.hints, self.tools)
        self.radius = DrawnRadius(session, self.hints.kinds, self.guides)
        self.review = Reviewer(
            session, self.suggestions, self.suggested_boxes, self._look, lambda: self.view.pointed_at
        )
        self.pseudo_labels = ShownPseudoLabels(
            session, self.review, lambda: self.view.pointed_at, lambda: self.current_class
        )
        self.cells = CellPicker(session, self.hints, self.review, self._look)
        self.masks = MaskMouse(
            session,
            self.tools,
            self.view,
            self.hints.masks,
            self.guides,
            self.review,
            lambda: self.current_class,
        )
        boxes = BoxMouse(session, self.tools, self.view, self.hints, self.guides, self.review)
        self.mouse = CanvasMouse(
            session,
            self.view,
            self.hints,
            self.guides,
            self.review,
            self.pseudo_labels,
            self.masks,
            boxes,
            self.cells,
            self.tools,
        )
        found = (*self.pseudo_labels.parts, *self.suggested)
        self.stack = LayerStack(viewer, self.images, (*reversed(found), self.guides, *self.hints.kinds))
        self._ref: PlaneRef | None = None
        self._closed = False
        self._own = Connections()
        #: When the panels show what a training changes.
        self.beat = Beat()
        self.shown = ShownSuggestions(session, self.beat, *self.suggested, lambda: self.view.image_shape)
        self._connect()
        self.keys = CanvasKeys(viewer, canvas_actions(self))
        for action in ("undo", "redo"):
            self.hints.masks.keys[key_of(action)] = partial(self.keys.run, action)
        self._on_project()

    # -- what the dock uses

    @property
    def tool_changed(self) -> Any:
        """Another tool is in hand, one of :data:`~.canvas_tools.TOOLS` (str)."""
        return self.tools.tool_changed

    @property
    def class_changed(self) -> Any:
        """Another class is marked next (str)."""
        return self.classes.changed

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
        if tool in MASK_TOOLS:
            self.hints.want_masks()
        self.tools.choose(tool)

    @property
    def current_class(self) -> str:
        """The class that is marked next; see :meth:`~.canvas_classes.ClassInHand.choose`."""
        return self.classes.name

    @current_class.setter
    def current_class(self, name: str) -> None:
        self.classes.choose(name)

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
        record = record_of(self.session, layer)
        self.images.use(record.name, layer)
        if self._ref is not None and self._ref.image == record.name:
            self._show(self._ref)
        else:
            self.session.go_to(record.planes()[0])

    def flush(self) -> None:
        """Turn what a person changed in the hint layers into an edit now, not in the loop's next turn."""
        self.hints.flush()

    def close(self) -> None:
        """Disconnect everything. Hints and suggestions stay; what is done to them is no longer an edit."""
        if self._closed:
            return
        self._closed = True
        shown = self.shown, self.pseudo_labels, self.review
        for part in (self.hints, self.keys, self._own, self.stack, self.tools, *shown, self.beat):
            part.close()
        self.stack.clear((self.guides, *self.pseudo_labels.parts))

    def _connect(self) -> None:
        session, viewer, own = self.session, self.viewer, self._own
        own.connect(session.project_changed, self._on_project)
        own.connect(session.workspace.plane_changed, self._show)
        own.connect(session.workspace.pixels_changed, self.images.forget)
        own.connect(session.images.changed, self._on_images)
        own.connect(session.annotations.hints_changed, self._on_hints)
        own.connect(session.annotations.classes_changed, self._on_classes)
        own.connect(session.suggestions.changed, self.shown.changed)
        own.connect(session.pseudo_labels.changed, self.pseudo_labels.changed)
        own.connect(session.training.changed, self._on_training)
        own.connect(session.radius.changed, self._on_radius)
        own.connect(self.shown.radius_found, self._on_radius)
        own.connect(self.shown.shown, self.review.refreshed)
        own.connect(self.hints.edited, self._on_edited)
        own.connect(self.tools.tool_changed, self._on_tool)
        own.connect(viewer.dims.events.current_step, self._on_dims)
        own.connect(viewer.events.mouse_over_canvas, self.review.mouse_moved)
        own.connect(camera_of(viewer).events.zoom, self._on_zoom)
        own.connect(viewer.layers.events.removed, self._on_layer_removed)
        own.append(viewer.mouse_drag_callbacks, self.mouse.on_press)
        own.append(viewer.mouse_move_callbacks, self.mouse.on_move)

    # -- layers

    def _show(self, ref: PlaneRef | None) -> None:
        """Show a plane of the project; one that cannot be read still shows its hints."""
        self.flush()
        self.tools.close()  # layers that come and go are no choice of a tool
        self._point_parts_to(None)
        other, record = False, None
        with telling(self.session):
            record = None if ref is None else self.session.project.image(ref.image)
            other = self.images.show(self.session.project, record)
        self._point_parts_to(ref)
        self._ensure_layers()
        if other:
            self.stack.follow_image()
            self.view.fit()
        if record is not None and ref is not None:
            self.images.turn_to(ref.plane)
            self.tools.follow()
        else:
            self.hints.rest()
        self.radius.take(self._ref)
        self.guides.around(None, self.guides.radius)
        self.hints.show()
        self.shown.show()
        self.pseudo_labels.show()
        self.review.start_over()

    def _point_parts_to(self, ref: PlaneRef | None) -> None:
        self._ref = self.hints.ref = self.shown.ref = self.pseudo_labels.ref = ref

    def _ensure_layers(self) -> None:
        """Make the layers that are missing, and show in them what there is."""
        if self.images.record is None:
            return
        missing = bool(self.stack.missing)
        if missing:
            self.tools.close()
        self.stack.complete()
        if missing:
            self._paint()
            self._on_zoom()
            self.hints.show()
            self.tools.follow()

    def _paint(self) -> None:
        palette = make_palette(self.session.project.classes)
        for part in (*self.hints.kinds, *self.suggested, *self.pseudo_labels.parts):
            part.palette = palette

    def _look(self, place: Any, move: bool, box: Any = None) -> None:
        radius = self.suggestions.radius if box is None else radius_around(box)
        if place is not None and move:
            self.view.look_at(place, radius)
        self.guides.focus_on(place, radius, box)

    # -- what happens

    def _on_project(self) -> None:
        self.classes.forget()
        self.images.clear()
        self._point_parts_to(None)
        if self.session.has_project:  # asking for the project would make one
            self._paint()
            self._show(self.session.plane)

    def _on_images(self) -> None:
        """Show the image anew if it was found again."""
        shown, ref = self.images.record, self._ref
        known = {record.name: record for record in self.session.project.images}
        self.images.keep_only(known)
        if ref is None or shown is None or (record := known.get(ref.image)) is None:
            return
        if (record.path, record.fingerprint) != (shown.path, shown.fingerprint) or not self.images.layers:
            self.images.clear()
            self._show(ref)

    def _on_hints(self, ref: PlaneRef) -> None:
        if ref == self._ref:
            self.hints.show()

    def _on_classes(self) -> None:
        self._paint()
        if self.hints.boxes.layer is not None:
            self.hints.show()
            self.hints.boxes.repaint()
            self.shown.show()
            self.tools.set_default_class()
        self.class_changed.emit(self.current_class)

    def _on_radius(self) -> None:
        self.radius.take(self._ref)
        self.guides.draw()
        self.hints.show()
        self.shown.show_soon()
        self.pseudo_labels.show_soon()

    def _on_training(self, _state: TrainingState) -> None:
        self.pseudo_labels.follow(self.stack, self.tools)

    def _on_edited(self, after: HintSet) -> None:
        """Draw the cell size around what was marked last."""
        self.review.awaits_class = False
        if len(after.points) and self._ref is not None:
            self.guides.around(after.points.coordinates[-1], self.radius.at(self._ref))

    def _on_tool(self) -> None:
        self.masks.forget()
        self.review.awaits_class &= self.tool in ("select", "pan")  # else one is about to mark
        self.mouse.judges = self.tool == "pan"
        self.mouse.picks = self.tool in ("pan", "select")
        self.guides.shows_size = self.tool in ("cell", "background", "pan")
        self.guides.draw()

    def _on_zoom(self) -> None:
        for boxes in (self.suggested_boxes, self.hints.boxes):
            boxes.fit(self.view.pixels_across(1.0))

    def _on_dims(self) -> None:
        if self._ref is None or self.images.busy or self.images.primary is None:
            return
        plane = self.images.plane_on_screen()
        if plane != self._ref.plane:
            with telling(self.session):
                self.session.go_to(PlaneRef(self._ref.image, plane))

    def _on_layer_removed(self, event: Any) -> None:
        self.pseudo_labels.lost(event.value)
        for kind in self.hints.kinds:
            if not self.images.busy and event.value is kind.layer is not None:
                self.flush()
                kind.detach()
                self.session.message.emit(
                    "info",
                    f"The layer {event.value.name!r} was removed; its hints are safe in the project and come "
                    "back with the next image or tool.",
                )
