"""One background job at a time: a new one takes the place of the old, whose late events reach nobody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from napari_inkling.core import Event, HintSet, PlaneRef, WorkerError
from napari_inkling.workers import Job, LocalRunner, OnDone, OnEvent, Outcome, Runner

__all__ = ["Desk", "Dispatch"]

#: Hands a call to the owner's thread.
Dispatch = Callable[[Callable[[], None]], None]


@dataclass
class _Task:
    job: Job
    on_event: OnEvent
    on_done: OnDone
    #: Cleared by Stop: events that still come change nothing, only the outcome counts.
    listening: bool = True


class Desk:
    """Holds the job that runs and the one that waits for it to stop.

    Parameters
    ----------
    runner : Runner or None
        Where jobs run; a process of this machine by default.
    dispatch : callable or None
        Hands what the runner tells to the owner's thread; ``None``: it is done in the runner's thread.
    """

    def __init__(self, runner: Runner | None, dispatch: Dispatch | None) -> None:
        self.dispatch = dispatch
        self._runner = runner
        self._running: _Task | None = None
        self._waiting: _Task | None = None
        self._lock = threading.RLock()
        self._idle = threading.Event()
        self._idle.set()
        self._closed = False

    @property
    def runner(self) -> Runner:
        """The runner; this machine's is made when first needed."""
        if self._runner is None:
            self._runner = LocalRunner()
        return self._runner

    @property
    def job(self) -> Job | None:
        """The job that waits or runs."""
        task = self._waiting or self._running
        return task.job if task else None

    def start(self, job: Job, on_event: OnEvent, on_done: OnDone) -> None:
        """Run a job as soon as the present one, if any, is cancelled. Callbacks come through dispatch."""
        if self._closed:
            raise WorkerError("the session is closed")
        with self._lock:
            self._idle.clear()
            self._waiting, dropped = _Task(job, on_event, on_done), self._waiting
            busy = self._running is not None
        if dropped is not None:
            dropped.on_done(Outcome("cancelled", f"The {dropped.job.noun} was replaced before it began."))
        if busy:
            self.cancel_running()
        else:
            self._next()

    def stop(self) -> None:
        """Ask the job to stop; of what it still sends only the outcome counts."""
        with self._lock:
            dropped, self._waiting = self._waiting, None
        if dropped is not None:
            dropped.on_done(Outcome("cancelled", f"The {dropped.job.noun} was stopped before it began."))
        if self._running is not None:
            self.cancel_running()
        else:
            self._idle.set()

    def cancel_running(self) -> None:
        """Cancel the job that runs, not the one that waits."""
        if (task := self._running) is not None and task.listening:
            task.listening = False
            self.runner.cancel()

    def tell_hints(self, ref: PlaneRef, hints: HintSet) -> None:
        """Tell the job that runs what the hints of a plane are now, unless it is to stop."""
        if (task := self._running) is not None and task.listening:
            self.runner.tell_hints(ref, hints)

    def wait(self, timeout: float | None = None) -> bool:
        """Block until nothing runs or waits; returns whether that is so. Only where dispatch is immediate."""
        until = time.monotonic() + (float("inf") if timeout is None else timeout)
        while not self._idle.is_set() and (left := until - time.monotonic()) > 0:
            self._idle.wait(min(left, 0.2))  # in pieces, so that Ctrl-C gets through on every system
        return self._idle.is_set()

    def close(self) -> None:
        """Drop everything; no callback comes any more."""
        self._closed = True
        self._waiting = self._running = None
        self._idle.set()
        if self._runner is not None:
            self._runner.close()

    def _next(self) -> None:
        with self._lock:
            if self._running or self._closed:
                return
            self._running, self._waiting = self._waiting, None
            task = self._running
        if task is None:
            self._idle.set()
            return
        try:
            self.runner.submit(
                task.job,
                lambda event: self._hand_over(lambda: self._event(task, event)),
                lambda outcome: self._hand_over(lambda: self._done(task, outcome)),
            )
        except WorkerError as error:
            self._done(task, Outcome("failed", str(error)))

    def _hand_over(self, call: Callable[[], None]) -> None:
        if self.dispatch is None:
            call()
        else:
            self.dispatch(call)

    def _event(self, task: _Task, event: Event) -> None:
        if task is self._running and task.listening:
            task.on_event(event)

    def _done(self, task: _Task, outcome: Outcome) -> None:
        if task is not self._running:
            return
        self._running = None
        try:
            task.on_done(outcome)
        finally:
            self._next()
