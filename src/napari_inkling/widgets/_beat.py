"""One moment for all that a training changes in the dock."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from qtpy.QtCore import QObject

from napari_inkling.widgets._timers import single_shot

__all__ = ["BEAT_MS", "Beat"]

#: A training is shown so often in words and numbers; its steps come twenty times as fast.
BEAT_MS = 1000
#: What comes after a rest is shown so soon; what belongs together comes within that time.
FIRST_MS = 50


class Beat(QObject):
    """Calls what waits, all in one turn of the event loop and at most once in an interval.

    Qt puts a window with a canvas together anew, however little of it has changed. Without a GPU that takes
    some 15 ms, so that parts which each repaint when they please would leave little time for anything else.

    Parameters
    ----------
    milliseconds : int
        The interval.
    """

    def __init__(self, milliseconds: int = BEAT_MS, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._seconds = milliseconds / 1000
        self._waiting: dict[Callable[[], object], None] = {}
        self._struck = -math.inf
        self._timer = single_shot(self._strike, parent=self)

    def ask(self, slot: Callable[[], object]) -> None:
        """Let a slot be called at the next beat, once however often it is asked for."""
        self._waiting[slot] = None
        if not self._timer.isActive():
            left = self._struck + self._seconds - time.monotonic()
            self._timer.start(max(FIRST_MS, round(1000 * max(0.0, left))))

    def forget(self, slot: Callable[[], object]) -> None:
        """Do not call a slot any more."""
        self._waiting.pop(slot, None)

    def close(self) -> None:
        """Call nothing any more."""
        self._timer.stop()
        self._waiting.clear()

    def _strike(self) -> None:
        self._struck = time.monotonic()
        waiting, self._waiting = self._waiting, {}
        for slot in waiting:
            slot()
