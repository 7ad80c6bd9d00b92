"""One piece of work at a time in a thread of this process: too small for a worker, too long for a click."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Generic, TypeVar

from napari_inkling.core import InklingError
from napari_inkling.session.desk import Dispatch

__all__ = ["Background", "Listener"]

R = TypeVar("R")
#: A step that takes longer than this, such as a file on a slow drive, is not waited for in the end; seconds.
PATIENCE = 1.0


@dataclass(frozen=True)
class Listener(Generic[R]):
    """What to call with each step, with the result, or with the reason why there is none."""

    on_step: Callable[[int], None]
    on_done: Callable[[R], None]
    on_error: Callable[[str], None]


class Background:
    """Goes through a generator in a thread; another one takes its place, and then nobody hears of the first.

    Parameters
    ----------
    dispatch : callable or None
        Hands calls to the owner's thread; ``None``: there is no event loop, and everything is done at once.
    """

    def __init__(self, dispatch: Dispatch | None) -> None:
        self._dispatch = dispatch
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self, work: Generator[int, None, R], listener: Listener[R]) -> None:
        """Stop what runs, and begin something else."""
        self._stopped.set()
        self._stopped = stopped = threading.Event()
        dispatch = self._dispatch
        if dispatch is None:
            _run(work, listener, lambda call: call(), stopped)
            return

        def tell(call: Callable[[], None]) -> None:
            dispatch(lambda: None if stopped.is_set() else call())

        self._threads = [thread for thread in self._threads if thread.is_alive()]
        self._threads.append(
            threading.Thread(
                target=_run, args=(work, listener, tell, stopped), name="inkling-background", daemon=True
            )
        )
        self._threads[-1].start()

    def stop(self) -> None:
        """Give up what runs, after the step that it is at."""
        self._stopped.set()

    def close(self) -> None:
        """Stop, and wait until it has."""
        self.stop()
        for thread in self._threads:
            thread.join(PATIENCE)
        self._threads = []


def _run(
    work: Generator[int, None, R],
    listener: Listener[R],
    tell: Callable[[Callable[[], None]], None],
    stopped: threading.Event,
) -> None:
    try:
        while not stopped.is_set():
            step = next(work)
            tell(lambda step=step: listener.on_step(step))  # type: ignore[misc]
    except StopIteration as end:
        found: R = end.value
        tell(lambda: listener.on_done(found))
    except InklingError as error:
        reason = str(error)
        tell(lambda: listener.on_error(reason))
