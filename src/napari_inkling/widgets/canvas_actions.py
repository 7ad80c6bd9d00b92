"""What the keys do on the canvas."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from napari_inkling.widgets.canvas_hints import telling
from napari_inkling.widgets.canvas_tools import TOOLS
from napari_inkling.widgets.keys import CLASS_KEYS, class_key

if TYPE_CHECKING:
    from napari_inkling.project import Edit
    from napari_inkling.widgets.layers import LayerBridge

__all__ = ["canvas_actions"]


def canvas_actions(bridge: LayerBridge) -> dict[str, Callable[[], None]]:
    """Return what each key does, by the names in :data:`~napari_inkling.widgets.keys.KEYS`.

    Refusals become messages. What was changed on the canvas just before becomes an edit first, so that undo
    takes back what the person sees last.
    """
    session, review, labels = bridge.session, bridge.review, bridge.pseudo_labels

    def use(tool: str) -> Callable[[], None]:
        return lambda: setattr(bridge, "tool", tool)

    def mark(keys: str) -> Callable[[], None]:
        return lambda: choose_class(bridge, keys)

    calls: dict[str, Callable[[], Any]] = {
        **{f"tool_{tool}": use(tool) for tool in TOOLS},
        **{f"class_{n}": mark(keys) for n, keys in enumerate(CLASS_KEYS, 1)},
        "undo": lambda: undo(bridge),
        "redo": lambda: travel(bridge, session.annotations.redo),
        "accept": lambda: labels.accept() or review.accept(),
        "reject": lambda: labels.strike() or review.reject(),
        "reject_background": lambda: labels.strike() or review.reject(as_background=True),
        "next_suggestion": lambda: review.step(1),
        "previous_suggestion": lambda: review.step(-1),
        "next_anywhere": review.go_on,
        "accept_in_view": lambda: review.accept_in(*bridge.view_box()),
        "accept_above": review.accept_above,
        "toggle_suggestions": lambda: toggle(*(part.layer for part in (*bridge.suggested, *labels.parts))),
        "next_image": session.workspace.next_image,
        "previous_image": session.workspace.previous_image,
    }

    def safely(call: Callable[[], Any]) -> Callable[[], None]:
        def run() -> None:
            bridge.flush()
            with telling(session):
                call()

        return run

    return {name: safely(call) for name, call in calls.items()}


def travel(bridge: LayerBridge, step: Callable[[], Edit | None]) -> None:
    """Undo or redo, and look where that changed something."""
    if (edit := step()) is not None:
        bridge.view.find(edit.places)


def undo(bridge: LayerBridge) -> None:
    """Undo, look where that changed something, and let the next verdict be for what was judged there."""
    travel(bridge, bridge.session.annotations.undo)
    bridge.review.return_to_undone()


def choose_class(bridge: LayerBridge, keys: str) -> None:
    """Accept the suggestion in focus as the class that these keys stand for, else mark cells of it."""
    for index, info in enumerate(bridge.session.project.classes):
        if class_key(index, info.key) == keys:
            selected = bridge.tool == "select" and bridge.hints.any_selected
            if selected or not bridge.review.accept_as(info.name):
                bridge.current_class = info.name
            return


def toggle(first: Any, *others: Any) -> None:
    """Hide layers, or show them again: all as the first one is then."""
    if first is not None:
        first.visible = not first.visible
    for layer in others:
        if layer is not None:
            layer.visible = first.visible
