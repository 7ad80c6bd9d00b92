"""The other end of the pipe: what the worker process does.

The first thread runs jobs; a second one listens, so that even a job that hangs is left when the viewer goes.
Messages to here: ``("run", number, pickled job)``, and for the job of the last ``run`` ``("cancel", number)``
and ``("hints", plane, hints)``.
From here: ``("event", number, event)`` and ``("done", number, outcome)``.
"""

from __future__ import annotations

import importlib
import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, cast

from napari_inkling.core import Event, Failed, HintSet, PlaneRef
from napari_inkling.workers._protocol import Job, Outcome
from napari_inkling.workers.cores import usable_cores, use_threads
from napari_inkling.workers.failure import describe_error
from napari_inkling.workers.throttle import Throttle

__all__ = ["GROUP_SIGNALS", "main"]

#: Ctrl-C, and what a cluster sends when time is up.
GROUP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

#: How often the child looks whether its parent is still there, should the pipe not tell.
PARENT_SECONDS = 1.0


def main(pipe: Connection, parent: int, threads: int | None, ahead: Sequence[str], nice: int = 10) -> None:
    """Serve jobs until the pipe breaks.

    Parameters
    ----------
    pipe : Connection
        To the viewer.
    parent : int
        The viewer's process id.
    threads : int or None
        For torch; all cores that this process may use by default.
    ahead : sequence of str
        What to do before the first job comes: ``"module"`` to import, ``"module:function"`` to call.
    nice : int
        How much to give way to other processes, from 0 to 19 as on the command line.
    """
    _leave_signals_to_the_parent()
    if nice:
        _be_nice(nice)
    inbox = _Inbox(pipe, parent)
    threading.Thread(target=inbox.listen, name="inkling-listen", daemon=True).start()
    use_threads(threads or usable_cores())
    _get_ready(inbox, ahead)
    while True:
        number, packed = inbox.jobs.get()
        outcome = _run(inbox, number, packed)
        inbox.send("done", number, outcome)


def _leave_signals_to_the_parent() -> None:
    """Ignore what a terminal or a scheduler sends to all processes of a group: the parent cancels the job.

    The parent blocks these signals while it starts us, so that none comes before this.
    """
    for number in GROUP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, GROUP_SIGNALS)


def _be_nice(nice: int) -> None:
    """Give way to the viewer."""
    if sys.platform == "win32":
        import ctypes

        below_normal = 0x4000
        ctypes.windll.kernel32.SetPriorityClass(ctypes.windll.kernel32.GetCurrentProcess(), below_normal)
    else:
        os.nice(max(0, nice - os.nice(0)))  # the viewer may be nice itself


def _get_ready(inbox: _Inbox, ahead: Sequence[str]) -> None:
    """Import modules and call functions until a job comes, which then needs no more of it than it needs."""
    with suppress(Exception):  # the job that needs it says so in its own words
        for name in ahead:
            if not inbox.jobs.empty():
                return
            module, _, function = name.partition(":")
            found = importlib.import_module(module)
            if function:
                getattr(found, function)()


class _Inbox:
    """Sorts what comes through the pipe: jobs into a queue, a cancellation into a flag, hints by plane."""

    def __init__(self, pipe: Connection, parent: int) -> None:
        self.pipe = pipe
        self.parent = parent
        self.jobs: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        self.cancelled = -1
        self._hints: Mapping[PlaneRef, HintSet] = {}  # never changed, but replaced: two threads use it

    def listen(self) -> None:
        """Read until the pipe breaks or the parent is gone, then leave at once, whatever runs."""
        try:
            while True:
                while not self.pipe.poll(PARENT_SECONDS):
                    # A process forked off the viewer may hold the pipe open after the viewer's end.
                    if sys.platform != "win32" and os.getppid() != self.parent:
                        os._exit(0)
                match self.pipe.recv():
                    case ("run", number, packed):  # the job before has ended
                        self._hints = {}
                        self.jobs.put((number, packed))
                    case ("cancel", number):
                        self.cancelled = number
                    case ("hints", ref, hints):
                        self._hints = {**self._hints, ref: hints}
        except (EOFError, OSError):
            os._exit(0)

    def newest_hints(self) -> Mapping[PlaneRef, HintSet]:
        """Return the newest hints of each plane whose hints changed since the job was made."""
        return self._hints

    def send(self, *message: Any) -> None:
        """Tell the viewer; without one, leave."""
        try:
            self.pipe.send(message)
        except OSError:
            os._exit(0)


def _run(inbox: _Inbox, number: int, packed: bytes) -> Outcome:
    """Run one job and relay its events."""
    noun = "job"
    try:
        job: Job = pickle.loads(packed)  # noqa: S301  from our own parent
        noun = job.noun
        if inbox.cancelled != number and not _relay(inbox, number, job):
            return Outcome("finished")
        return Outcome("cancelled", f"The {noun} was stopped.")
    except BaseException as error:  # whatever it is, the person hears of it
        outcome = describe_error(noun, error)
        inbox.send("event", number, Failed(outcome.message, outcome.details))
        return outcome


def _relay(inbox: _Inbox, number: int, job: Job) -> bool:
    """Send the events of a job; returns whether it was cancelled."""
    throttle = Throttle()
    events = cast("Generator[Event, None, None]", job.run(inbox.newest_hints))
    for event in events:
        for due in throttle.push(event):
            inbox.send("event", number, due)
        if inbox.cancelled == number:
            events.close()
            return True
    for due in throttle.flush():
        inbox.send("event", number, due)
    return False
