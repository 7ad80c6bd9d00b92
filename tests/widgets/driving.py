"""Drive a real napari viewer the way a person does: mouse and keys on its canvas.

Positions are world coordinates ``(y, x)`` in the two displayed dimensions, as the status bar shows them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from qtpy.QtGui import QCursor, QGuiApplication, QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

_MODIFIERS = {
    "Ctrl": Qt.KeyboardModifier.ControlModifier,
    "Shift": Qt.KeyboardModifier.ShiftModifier,
    "Alt": Qt.KeyboardModifier.AltModifier,
    "Meta": Qt.KeyboardModifier.MetaModifier,
}
#: Qt takes two presses at nearly one place within its interval (1 ms in tests) for a double click.
_BETWEEN_CLICKS = 0.005
#: Vispy drops a move that comes within 10 ms of the last one.
_BETWEEN_MOVES = 0.02
_NAMED_KEYS = {"Esc": "Escape", "Del": "Delete", "?": "Question", "PageDown": "PageDown", "PageUp": "PageUp"}


def canvas(viewer: Any) -> QWidget:
    """Return the widget that receives the mouse and the keys."""
    return viewer.window._qt_viewer.canvas.native


def settle(seconds: float = 0.0) -> None:
    """Let Qt work off its events (for at least ``seconds``), so that what was pressed has taken effect."""
    end = time.monotonic() + seconds
    QGuiApplication.sync()  # the X server may still have to tell of a new size
    for _ in range(5):
        QApplication.processEvents()
    while time.monotonic() < end:
        QTest.qWait(5)


def wait_until(condition: Callable[[], Any], seconds: float = 60.0) -> None:
    """Let Qt work until ``condition`` holds; fail after ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{condition} did not come true within {seconds} s"
        QTest.qWait(5)


def canvas_position(viewer: Any, y: float, x: float) -> QPoint:
    """Return the pixel of the canvas widget that shows world position (y, x)."""
    view = viewer.window._qt_viewer.canvas.view
    pixel = (view.transform * view.scene.transform).map([x, y, 0, 1])
    column, row = pixel[:2] / pixel[3]
    return QPoint(round(column), round(row))


def world_position(viewer: Any, pixel: QPoint) -> np.ndarray:
    """Return the world position (y, x) of a pixel of the canvas."""
    view = viewer.window._qt_viewer.canvas.view
    x, y = (view.transform * view.scene.transform).imap([pixel.x(), pixel.y()])[:2]
    return np.array([y, x])


def _buttons(modifiers: Sequence[str]) -> Qt.KeyboardModifier:
    held = Qt.KeyboardModifier.NoModifier
    for name in modifiers:
        held |= _MODIFIERS[name]
    return held


def move_to(viewer: Any, y: float, x: float) -> None:
    """Move the mouse to a place without a button, and wait until the canvas knows of it.

    Of two moves the X server may tell the second alone, and Qt says nothing if that leads back.
    """
    widget, pixel = canvas(viewer), canvas_position(viewer, y, x)
    told = _Moves(widget)
    is_there = QCursor.pos() == widget.mapToGlobal(pixel)
    for place in [pixel + QPoint(1, 0), pixel] if is_there else [pixel]:
        settle(_BETWEEN_MOVES)
        QTest.mouseMove(widget, place)
        wait_until(lambda place=place: told.pixels and told.pixels[-1] == place)
    widget.removeEventFilter(told)
    settle()


class _Moves(QObject):
    """Keeps the pixels to which the mouse has moved over a widget."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__()
        self.pixels: list[QPoint] = []
        widget.installEventFilter(self)

    def eventFilter(self, _: Any, event: Any) -> bool:
        if event.type() == QEvent.Type.MouseMove:
            self.pixels.append(event.position().toPoint())
        return False


def click_at(viewer: Any, y: float, x: float, modifiers: Sequence[str] = ()) -> np.ndarray:
    """Click with the left button; return the world position that the pixel clicked stands for."""
    pixel, widget, held = canvas_position(viewer, y, x), canvas(viewer), _buttons(modifiers)
    assert widget.rect().contains(pixel), f"({y}, {x}) is outside the canvas"
    QTest.mouseMove(widget, pixel)
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, held, pixel)
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, held, pixel)
    settle(_BETWEEN_CLICKS)
    return world_position(viewer, pixel)


def drag(
    viewer: Any,
    start: Sequence[float],
    stop: Sequence[float],
    modifiers: Sequence[str] = (),
    steps: int = 5,
    between: Callable[[], None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Press at ``start``, move in ``steps``, release at ``stop``; return both as world positions.

    ``between`` is called just before the release.
    """
    widget, held = canvas(viewer), _buttons(modifiers)
    pixels = [canvas_position(viewer, *(np.asarray(start) + t * np.subtract(stop, start)))
              for t in np.linspace(0, 1, steps + 1)]  # fmt: skip
    places = world_position(viewer, pixels[0]), world_position(viewer, pixels[-1])
    QTest.mouseMove(widget, pixels[0])
    QTest.mousePress(widget, Qt.MouseButton.LeftButton, held, pixels[0])
    settle()
    for pixel in pixels[1:]:
        _drag_move(widget, pixel, held)
        settle()
    if between is not None:
        between()
    QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, held, pixels[-1])
    settle(_BETWEEN_CLICKS)
    return places


def press_key(viewer: Any, keys: str, widget: QWidget | None = None) -> None:
    """Press and release a key with its modifiers, such as ``"Ctrl+Shift+Z"``, on the canvas."""
    *modifiers, name = keys.split("+") if keys != "+" else ["Plus"]
    key = getattr(Qt.Key, f"Key_{_NAMED_KEYS.get(name, name)}")
    QTest.keyClick(widget or canvas(viewer), key, _buttons(modifiers))
    settle()


def _drag_move(widget: QWidget, pixel: QPoint, held: Qt.KeyboardModifier) -> None:
    # QTest.mouseMove never says that a button is down.
    event = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(pixel),
        QPointF(widget.mapToGlobal(pixel)),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        held,
    )
    QApplication.sendEvent(widget, event)


def suggest(session: Any, places: Any, scores: Any = 0.9, ref: Any = None, radius: float = 6.0) -> Any:
    """Let a model suggest cells on a plane (the one on screen) of a session; return their ids."""
    from napari_inkling.core import Points, Predictions

    points = Points(places, sources="model", scores=scores)
    session.suggestions.put(ref or session.plane, Predictions(points, radius=radius))
    settle()
    return points.ids


def listeners(session: Any) -> dict[tuple[str, str], int]:
    """Return how many listen to each signal of a session and of its parts; the parts do to each other."""
    return {
        (type(part).__name__, name): len(getattr(part, name))
        for part in (session, *vars(session).values())
        for name, value in vars(type(part)).items()
        if isinstance(value, Signal)
    }
