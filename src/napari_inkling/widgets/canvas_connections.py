"""Connections that are all undone at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Connections"]


class Connections:
    """Remembers what was connected: signals of psygnal and napari, and lists of mouse callbacks."""

    def __init__(self) -> None:
        self._signals: list[tuple[Any, Callable[..., Any]]] = []
        self._lists: list[tuple[list[Any], Callable[..., Any]]] = []

    def connect(self, signal: Any, slot: Callable[..., Any]) -> None:
        """Connect a slot to a signal."""
        signal.connect(slot)
        self._signals.append((signal, slot))

    def append(self, callbacks: list[Any], callback: Callable[..., Any]) -> None:
        """Append a callback to a list such as ``viewer.mouse_drag_callbacks``."""
        callbacks.append(callback)
        self._lists.append((callbacks, callback))

    def close(self) -> None:
        """Disconnect and remove everything."""
        for signal, slot in self._signals:
            signal.disconnect(slot)
        for callbacks, callback in self._lists:
            if callback in callbacks:
                callbacks.remove(callback)
        self._signals, self._lists = [], []
