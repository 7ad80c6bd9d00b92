"""Thins out what a job tells: a viewer cannot show a hundred previews a second, and decoding takes time."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

from napari_inkling.core import Event, Preview, PseudoLabels, Step

__all__ = ["PREVIEW_SECONDS", "STEP_SECONDS", "Throttle"]

#: At most one step, and one preview of the same plane (or its pseudo-labels), in this time.
STEP_SECONDS = 0.05
PREVIEW_SECONDS = 0.25


class Throttle:
    """Holds back steps, previews and pseudo-labels that come too soon.

    The newest replaces the unseen, the last one stays. Everything else passes at once, after what was held
    back, so that the order is kept.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sent: dict[Hashable, float] = {}
        self._held: dict[Hashable, Event] = {}

    def push(self, event: Event) -> list[Event]:
        """Return what is to be sent now that ``event`` has come."""
        match event:
            case Step():
                key: Hashable = Step
            case Preview() | PseudoLabels():
                key = (type(event), event.image)
            case _:
                return [*self.flush(), event]
        self._held.pop(key, None)  # the newest goes to the end of the line
        self._held[key] = event
        now = self._clock()
        due = [k for k in self._held if now - self._sent.get(k, -1e9) >= _gap(k)]
        self._sent.update(dict.fromkeys(due, now))
        return [self._held.pop(k) for k in due]

    def flush(self) -> list[Event]:
        """Return what is held back: call at the end."""
        events = list(self._held.values())
        self._sent.update(dict.fromkeys(self._held, self._clock()))
        self._held.clear()
        return events


def _gap(key: Hashable) -> float:
    return STEP_SECONDS if key is Step else PREVIEW_SECONDS
