"""How long a person annotates: the time between edits, without the coffee breaks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import HintSet

__all__ = ["IDLE_SECONDS", "AnnotationClock", "timed"]

BoolArray = npt.NDArray[np.bool_]

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


def timed(before: HintSet, after: HintSet, seconds: float, round: int = 0) -> HintSet:
    """Return ``after`` with times, an equal share of ``seconds``, and the round, on a person's new rows."""
    new = [_new(*kinds) for kinds in zip(before.kinds, after.kinds, strict=True)]
    share = seconds / max(1, sum(int(rows.sum()) for rows in new))
    return HintSet(*(_stamp(rows, which, share, round) for rows, which in zip(after.kinds, new, strict=True)))


def _new(before: Any, after: Any) -> BoolArray:
    by_person: BoolArray = np.asarray(after.sources == "human", dtype=bool)
    by_person[np.isin(after.ids, before.ids)] = False
    return by_person


def _stamp(rows: Any, new: BoolArray, share: float, round: int) -> Any:
    if not new.any():
        return rows
    return rows.changed(
        times=np.where(new & (rows.times == 0), time.time(), rows.times),
        seconds=np.where(new & (rows.seconds == 0), share, rows.seconds),
        rounds=np.where(new & (rows.rounds == 0), round, rows.rounds),
    )
