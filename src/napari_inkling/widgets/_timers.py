"""Timers that call something once, later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer

__all__ = ["single_shot"]


def single_shot(slot: Callable[[], Any], milliseconds: int = 0, parent: QObject | None = None) -> QTimer:
    """Return a timer that, each time it is started, calls the slot once after so many milliseconds."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(slot)
    return timer
