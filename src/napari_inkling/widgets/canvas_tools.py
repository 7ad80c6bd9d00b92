"""Which tool is in hand, in step with napari's own layer modes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

from psygnal import Signal

from napari_inkling.core import BACKGROUND, IGNORE, SettingsError
from napari_inkling.widgets.canvas_connections import Connections
from napari_inkling.widgets.hint_layers import HintBoxes, HintPoints
from napari_inkling.widgets.mask_layers import HintMasks

__all__ = ["MASK_TOOLS", "TOOLS", "Tool", "Toolbox"]

Tool = Literal[
    "cell", "background", "box", "ignore", "select", "pan", "brush", "erase", "split", "merge", "delete"
]
TOOLS: tuple[Tool, ...] = get_args(Tool)
MASK_TOOLS: tuple[Tool, ...] = ("brush", "erase", "split", "merge", "delete")
_MODES = {
    "cell": "add",
    "background": "add",
    "box": "add_rectangle",
    "ignore": "add_rectangle",
    "select": "select",
    "pan": "pan_zoom",
    "brush": "paint",
    "erase": "erase",
    "split": "pan_zoom",
    "merge": "pan_zoom",
    "delete": "pan_zoom",
}
_DRAWING_MODES = ("add_rectangle", "add_ellipse", "add_polygon", "add_path", "add_polygon_lasso")


class Toolbox:
    """The tool in hand. Choosing one sets a hint layer's mode; setting the mode in napari chooses the tool.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose layers are selected.
    points, boxes, masks : HintPoints, HintBoxes, HintMasks
        The layers that tools work on; they may have none yet.
    default_class : callable
        Returns the class that is marked next.
    """

    tool_changed = Signal(str)

    def __init__(
        self,
        viewer: Any,
        points: HintPoints,
        boxes: HintBoxes,
        masks: HintMasks,
        default_class: Callable[[], str],
    ) -> None:
        self._viewer = viewer
        self._points, self._boxes, self._masks = points, boxes, masks
        self._default_class = default_class
        self._tool: Tool = "cell"
        self._marking: Tool = "cell"
        self._drawing: Tool = "box"
        self._kind: Any = points
        self._setting = False
        self._own = Connections()

    @property
    def tool(self) -> Tool:
        """The tool in hand."""
        return self._tool

    def choose(self, tool: Tool) -> None:
        """Take a tool in hand; raises SettingsError if there is none of that name."""
        if tool not in TOOLS:
            raise SettingsError(f"there is no tool {tool!r}, expected one of {', '.join(TOOLS)}")
        if tool in ("cell", "background"):
            self._marking, self._kind = tool, self._points
        elif tool in ("box", "ignore"):
            self._drawing, self._kind = tool, self._boxes
        elif tool in MASK_TOOLS:
            self._kind = self._masks
        elif tool == "select" and self._kind is self._masks:
            self._kind = self._points
        self._apply(tool)
        self._set(tool)

    def turn_to(self, kind: Any) -> None:
        """Let the tool "select" work on the layer of points, or of boxes, from now on, and on that alone."""
        if self._tool == "select" and kind is not self._kind:
            if self._kind.layer is not None:
                self._kind.layer.selected_data = set()
            self._kind = kind
            self._apply("select")

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let the mouse do nothing in the layer of the tool for a while; the tool stays in hand."""
        layer, self._setting = self._kind.layer, True
        try:
            layer.mode = "pan_zoom"
            yield
        finally:
            self._setting = False
            self._apply(self._tool)

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Let layers come and go meanwhile: what is selected stays so, and the tool in hand."""
        selection = self._viewer.layers.selection
        active, self._setting = selection.active, True
        try:
            yield
        finally:
            selection.active = active if active in self._viewer.layers else None
            self._setting = False

    def follow(self) -> None:
        """Begin to follow the layers' modes, and put the tool in hand to work on them."""
        self._own.close()
        self._own.connect(self._viewer.layers.selection.events.active, self._on_napari)
        for kind in (self._points, self._boxes, self._masks):
            self._own.connect(kind.layer.events.mode, self._on_napari)
        self._apply(self._tool)

    def close(self) -> None:
        """Stop following; the tool stays in hand."""
        self._own.close()

    def set_default_class(self) -> None:
        """Let the next mark be of the class that is chosen."""
        name = BACKGROUND if self._marking == "background" else self._default_class()
        if self._points.layer is not None:
            self._points.set_default(name)
        if self._boxes.layer is not None:
            self._boxes.set_default(IGNORE if self._drawing == "ignore" else self._default_class())

    def _apply(self, tool: Tool) -> None:
        layer = self._kind.layer
        if layer is None or layer not in self._viewer.layers:
            return
        self._setting = True
        try:
            self._viewer.layers.selection.active = layer
            if layer.mode != _MODES[tool]:
                layer.mode = _MODES[tool]
            self.set_default_class()
        finally:
            self._setting = False

    def _on_napari(self) -> None:
        """Take the tool that fits the layer and mode chosen in napari's own controls."""
        if self._setting:
            return
        active = self._viewer.layers.selection.active
        if active is self._points.layer:
            self._kind = self._points
            named: dict[str, Tool] = {"add": self._marking, "select": "select"}
        elif active is self._boxes.layer:
            self._kind = self._boxes
            named = {**dict.fromkeys(_DRAWING_MODES, self._drawing), "select": "select", "direct": "select"}
        elif active is self._masks.layer:
            self._kind = self._masks
            named = {"paint": "brush", "fill": "brush", "polygon": "brush", "erase": "erase"}
            if self._tool in MASK_TOOLS and _MODES[self._tool] == "pan_zoom":
                named["pan_zoom"] = self._tool
        else:
            named = {}
        mode = str(active.mode) if active is not None and named else ""
        self._set(named.get(mode, "pan"))

    def _set(self, tool: Tool) -> None:
        if tool != self._tool:
            self._tool = tool
            self.tool_changed.emit(tool)
