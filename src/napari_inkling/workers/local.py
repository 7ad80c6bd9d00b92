"""The runner of this machine: one process and a pipe."""

from __future__ import annotations

import atexit
import multiprocessing
import multiprocessing.util  # registers its own exit handler now, so that ours runs before it
import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import ModuleType

from napari_inkling.core import HintSet, PlaneRef, WorkerError
from napari_inkling.workers import child
from napari_inkling.workers._protocol import Job, OnDone, OnEvent, Outcome
from napari_inkling.workers.failure import describe_death, describe_error

__all__ = ["AHEAD", "CANCEL_SECONDS", "LocalRunner"]

#: What the process does before its first job: a training's imports and first calls take seconds.
AHEAD = ("torch", "napari_inkling.methods._rehearsal:rehearse")
#: What a person at a window waits for a job to stop.
CANCEL_SECONDS = 0.7


@dataclass
class _Current:
    number: int
    noun: str
    process: SpawnProcess
    on_event: OnEvent
    on_done: OnDone
    unwanted: bool = False


class LocalRunner:
    """Runs jobs in one spawned process of this machine, kept warm between them.

    The process gives way to the viewer and leaves at once when the pipe breaks, so nothing
    outlives the viewer, however it ends. No port is opened.

    Parameters
    ----------
    threads : int or None
        Threads for torch; all cores by default.
    ahead : sequence of str
        What the process does before its first job: modules to import, ``"module:function"`` to call.
    nice : int
        How much the process gives way to others: 0, not at all, to 19.
    cancel_seconds : float
        A job that has not stopped so long after it was asked to is killed.
    """

    def __init__(
        self,
        threads: int | None = None,
        ahead: Sequence[str] = AHEAD,
        *,
        nice: int = 10,
        cancel_seconds: float = CANCEL_SECONDS,
    ) -> None:
        self._threads = threads
        self._ahead = tuple(ahead)
        self._nice = nice
        self._cancel_seconds = cancel_seconds
        self._lock = threading.RLock()
        self._process: SpawnProcess | None = None
        self._outbox: queue.SimpleQueue[object] | None = None
        self._threads_alive: list[threading.Thread] = []
        self._current: _Current | None = None
        self._count = 0
        self._closed = False
        self._owner = os.getpid()
        atexit.register(self.close)

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        return self._current is not None

    @property
    def pid(self) -> int | None:
        """The process id of the worker, ``None`` while there is none."""
        process = self._process
        return process.pid if process else None

    def warm_up(self) -> None:
        """Start the process, which then gets ready, ahead of the first job."""
        with self._lock:
            if self._closed:
                raise WorkerError("the runner is closed")
            if self._process is None or wait([self._process.sentinel], 0):  # it may have died while idle
                self._start()

    def submit(self, job: Job, on_event: OnEvent, on_done: OnDone) -> None:
        """Start a job.

        Raises
        ------
        WorkerError
            While another job runs, after :meth:`close`, or if no process can be started.
        """
        packed = pickle.dumps(job)
        with self._lock:
            if self._current is not None:
                raise WorkerError(f"the worker is busy with a {self._current.noun}: stop it first")
            self.warm_up()
            assert self._process is not None
            self._count += 1
            self._current = _Current(self._count, job.noun, self._process, on_event, on_done)
            self._tell(("run", self._count, packed))

    def cancel(self) -> None:
        """Ask the job to stop between two events; if it has not after ``cancel_seconds``, it is killed."""
        with self._lock:
            if (current := self._current) is None or current.unwanted:
                return
            current.unwanted = True
            self._tell(("cancel", current.number))
        timer = threading.Timer(self._cancel_seconds, self._kill, (current.number,))
        timer.daemon = True
        timer.start()

    def tell_hints(self, ref: PlaneRef, hints: HintSet) -> None:
        """Tell the running job what the hints of a plane are now; without one nothing happens."""
        with self._lock:
            if self._current is not None and not self._current.unwanted:
                self._tell(("hints", ref, hints))

    def kill(self) -> None:
        """End the process, and with it the job; the next submit starts a new one."""
        with self._lock:
            if self._current is not None:
                self._current.unwanted = True
                self._kill(self._current.number)

    def close(self) -> None:
        """End the process and the threads; called at exit too."""
        if os.getpid() != self._owner:  # a fork of the viewer ends: the worker is not its own
            return
        with self._lock:
            self._closed = True
            if self._current is not None:
                self._current.unwanted = True
            if self._process is not None:
                self._process.kill()
                self._tell(None)
            threads = list(self._threads_alive)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join()
        atexit.unregister(self.close)

    def _kill(self, number: int) -> None:
        with self._lock:
            if self._current is not None and self._current.number == number and self._process is not None:
                self._process.kill()

    def _tell(self, message: object) -> None:
        if self._outbox is not None:  # else the process is gone, and the reader is about to say so
            self._outbox.put(message)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=child.main,
            args=(theirs, os.getpid(), self._threads, self._ahead, self._nice),
            name="inkling-worker",
            daemon=False,
        )
        try:
            with _without_main(), _signals_blocked():
                process.start()
        except OSError as error:
            ours.close()
            raise WorkerError(f"the worker process cannot be started: {error}") from error
        finally:
            theirs.close()  # else the pipe would not break when the child dies
        self._process, self._outbox = process, queue.SimpleQueue()
        threads = [
            threading.Thread(target=target, args=(process, ours, self._outbox), name=name, daemon=True)
            for target, name in ((self._read, "inkling-reader"), (self._write, "inkling-writer"))
        ]
        self._threads_alive = [thread for thread in self._threads_alive if thread.is_alive()] + threads
        for thread in threads:
            thread.start()

    def _write(self, process: SpawnProcess, pipe: Connection, outbox: queue.SimpleQueue[object]) -> None:
        """Send from a thread of its own: a large job fills the pipe while the child is still starting."""
        with suppress(OSError):  # the child is gone, which the reader tells
            while (message := outbox.get()) is not None:
                pipe.send(message)

    def _read(self, process: SpawnProcess, pipe: Connection, outbox: queue.SimpleQueue[object]) -> None:
        """Relay what the child tells until it is gone; then say how the job ended, if one was running."""
        error: Exception | None = None
        try:
            self._relay(process, pipe)
        except Exception as unexpected:  # of a callback, or of an event that cannot be decoded: told below
            error = unexpected
        process.kill()  # a child that closed the pipe and lives on is of no use
        process.join()
        outbox.put(None)
        with self._lock:
            if self._process is process:
                self._process = self._outbox = None
            current = self._current
        if current is not None and current.process is process:
            if error is not None:
                outcome = describe_error(current.noun, error)
            elif current.unwanted:
                outcome = Outcome("cancelled", f"The {current.noun} was stopped.")
            else:
                outcome = describe_death(current.noun, process.exitcode)
            self._finish(current, outcome)
        elif error is not None:  # on_done itself failed: nobody else would hear of it
            raise error

    def _relay(self, process: SpawnProcess, pipe: Connection) -> None:
        while wait([pipe, process.sentinel]) != [process.sentinel] or pipe.poll():
            try:
                kind, number, content = pipe.recv()
            except (EOFError, OSError):  # the child is gone
                return
            current = self._current
            if current is None or current.number != number:
                continue
            if kind == "event":
                current.on_event(content)
            else:
                self._finish(current, content)

    def _finish(self, current: _Current, outcome: Outcome) -> None:
        with self._lock:
            if self._current is not current:
                return
            self._current = None
        current.on_done(outcome)


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Hold back Ctrl-C and SIGTERM: a process that starts inherits that, and then learns to ignore them."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, child.GROUP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the person's script while the process starts.

    Spawning runs ``__main__`` once more in the child; a script that opens a viewer is rarely written for
    that, and napari's own start-up would load Qt there.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
