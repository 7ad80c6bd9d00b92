"""Hands calls from a worker's thread to the thread of the interface."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, Qt, Signal

__all__ = ["QtDispatcher"]


class QtDispatcher(QObject):
    """Call it with a callable from any thread: it runs later, in order, in the dispatcher's own thread.

    Given to ``Session(dispatch=…)``. After :meth:`close` nothing runs any more, not even what is queued.
    """

    _queued = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._open = True
        self._queued.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def __call__(self, call: Callable[[], None]) -> None:
        """Queue a call; returns at once."""
        if self._open:
            self._queued.emit(call)

    def close(self) -> None:
        """Drop what is queued and take no more."""
        if self._open:
            self._open = False
            self._queued.disconnect(self._run)

    def _run(self, call: Callable[[], None]) -> None:
        if self._open:
            call()
