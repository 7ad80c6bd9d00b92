"""How long a person annotates: the time between edits, without the coffee breaks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_inkling.core import BACKGROUND, IGNORE, HintSet, Masks
from napari_inkling.core.mask_places import places_among

__all__ = ["IDLE_SECONDS", "AnnotationClock", "Source", "seconds_each", "timed"]

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
Source = Literal["human", "accepted"]

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


def timed(
    before: HintSet, after: HintSet, seconds: float, round: int = 0, source: Source = "human"
) -> HintSet:
    """Return ``after`` with times, an equal share of ``seconds``, and the round, on new rows of a source.

    A mask that was there and is corrected gets its share added to the seconds that it has.
    """
    new = [_new(*kinds, source) for kinds in zip(before.kinds, after.kinds, strict=True)]
    corrected = _corrected(before.masks, after.masks)
    share = seconds / max(1, sum(int(rows.sum()) for rows in (*new, corrected)))
    stamped = [_stamp(rows, which, share, round) for rows, which in zip(after.kinds, new, strict=True)]
    masks = stamped[-1]
    if corrected.any():
        stamped[-1] = masks.changed(seconds=masks.seconds + share * corrected)
    return HintSet(*stamped)


def _new(before: Any, after: Any, source: Source) -> BoolArray:
    made: BoolArray = np.asarray(after.sources == source, dtype=bool)
    made[np.isin(after.ids, before.ids)] = False
    return made


def _corrected(before: Masks, after: Masks) -> BoolArray:
    changed: BoolArray = np.isin(after.ids, before.ids) & (places_among(after, before) < 0)
    return changed


def _stamp(rows: Any, new: BoolArray, share: float, round: int) -> Any:
    if not new.any():
        return rows
    return rows.changed(
        times=np.where(new & (rows.times == 0), time.time(), rows.times),
        seconds=np.where(new & (rows.seconds == 0), share, rows.seconds),
        rounds=np.where(new & (rows.rounds == 0), round, rows.rounds),
    )


def seconds_each(hints: Iterable[HintSet]) -> dict[str, tuple[int, float]]:
    """Return for each kind of hint how many cells were timed, and how many seconds each took on average.

    The kinds are "point", "not a cell", "box", "mask" (drawn or corrected) and "accepted"; those that nobody
    was timed at are left out.
    """
    found: dict[str, list[tuple[IntArray, FloatArray]]] = {}
    for rows in hints:
        for noun, kind in (("point", rows.points), ("box", rows.boxes), ("mask", rows.masks)):
            for name, which in _kinds(noun, kind):
                if (which := which & (kind.seconds > 0)).any():
                    found.setdefault(name, []).append((kind.ids[which], kind.seconds[which]))
    cells = {name: len(np.unique(np.concatenate([ids for ids, _ in parts]))) for name, parts in found.items()}
    spent = {name: sum(float(seconds.sum()) for _, seconds in parts) for name, parts in found.items()}
    return {name: (cells[name], spent[name] / cells[name]) for name in found}


def _kinds(noun: str, rows: Any) -> Iterator[tuple[str, BoolArray]]:
    accepted, left = rows.sources == "accepted", rows.sources != "accepted"
    background, ignored = rows.classes == BACKGROUND, rows.classes == IGNORE
    yield "accepted", accepted
    yield "not a cell", left & background
    yield "ignore", left & ignored
    yield noun, left & ~background & ~ignored
