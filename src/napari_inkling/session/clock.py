"""How long a person annotates: the time between edits, without the coffee breaks."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["IDLE_SECONDS", "AnnotationClock"]

#: A longer pause between two edits counts as this much; nobody looks longer for the next cell.
IDLE_SECONDS = 10.0


class AnnotationClock:
    """Measures the seconds that each edit took."""

    def __init__(self, idle: float = IDLE_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._idle = idle
        self._clock = clock
        self._last: float | None = None

    def start(self) -> None:
        """Begin to count: a plane came on screen."""
        self._last = self._clock()

    def lap(self) -> float:
        """Return the seconds since the last lap or start, at most the idle limit; 0 if never started."""
        now, last = self._clock(), self._last
        self._last = now
        return 0.0 if last is None else min(now - last, self._idle)
