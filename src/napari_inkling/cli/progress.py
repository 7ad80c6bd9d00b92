"""How far a command is, on stderr: a bar on a terminal, elsewhere a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from napari_inkling.cli.console import note
from napari_inkling.core.durations import spent

__all__ = ["Progress", "progress_on"]

#: Where there is no terminal, a line comes at most so often (seconds) …
LINE_SECONDS = 20.0
#: … but for a new stage, and for the first one: what takes less time than this says nothing.
STAGE_SECONDS = 3.0


Numbers = Mapping[str, float]
Clock = Callable[[], float]


class Progress(Protocol):
    """What shows how far a command is."""

    def show(self, done: int, total: int, stage: str, item: str = "", values: Numbers | None = None) -> None:
        """Say how far it is: ``done`` of ``total`` (0 where nobody knows), and ``values`` beside.

        ``stage`` is what goes on in words, ``item`` what it is done to just now.
        """


class _Bar:
    """A progress bar of tqdm's."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def show(self, done: int, total: int, stage: str, item: str = "", values: Numbers | None = None) -> None:
        self._bar.total = total or None
        self._bar.n = done
        self._bar.set_description_str(f"{stage} {item}".rstrip(), refresh=False)
        self._bar.set_postfix(values, refresh=False)
        self._bar.refresh()


class _Lines:
    """Plain lines, for logs: few, and none for what is quick."""

    def __init__(self, unit: str, clock: Clock) -> None:
        self._clock = clock
        self._unit, self._stage, self._told_at = unit, "", clock()
        self._first: tuple[int, float] | None = None

    def show(self, done: int, total: int, stage: str, item: str = "", values: Numbers | None = None) -> None:
        now = self._clock()
        first, began = self._first = self._first or (done, now)
        if now - self._told_at < (STAGE_SECONDS if stage != self._stage else LINE_SECONDS):
            return
        self._told_at, self._stage = now, stage
        far = f"{self._unit} {done:,} of {total:,}" if total else ""
        pace = (now - began) / (done - first) if done > first else 0
        left = f"about {spent(pace * (total - done))} left" if pace and total > done else ""
        note(f"{stage}: " + ", ".join(filter(None, (far, item, left))) if far or item else stage)


class _Nothing:
    """For those who want no progress."""

    def show(self, *_: object, **__: object) -> None:
        pass


@contextmanager
def progress_on(show: bool | None, unit: str = "step", clock: Clock = time.monotonic) -> Iterator[Progress]:
    """Give what shows progress: a bar, or with ``show`` None and no terminal, lines; with False nothing.

    ``unit`` is what is counted, one of them ("image"); ``clock`` tells the seconds by which lines come.
    """
    if show is False:
        yield _Nothing()
    elif show is None and not sys.stderr.isatty():
        yield _Lines(unit, clock)
    else:
        from tqdm import tqdm

        with tqdm(desc="starting", unit=unit, leave=False, dynamic_ncols=True) as bar:
            yield _Bar(bar)
