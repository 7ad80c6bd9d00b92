"""A job that does one thing that tests ask for, and what listens to it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np

from napari_inkling.core import (
    Event,
    Finished,
    Image,
    ImageError,
    NewestHints,
    Notice,
    PlaneRef,
    Step,
    TrainingData,
    TrainingImage,
    nothing_new,
)
from napari_inkling.workers import Outcome, Runner

#: What a busy machine may need to start a process, say: only a test that fails waits so long.
PATIENCE = 60.0


@dataclass(frozen=True)
class ProbeJob:
    """Says ``notices`` times where it is, every ``seconds``, then ends in the manner asked for."""

    notices: int = 3
    seconds: float = 0.0
    end: str = "finish"
    left_behind: str = ""
    noun: ClassVar[str] = "training"

    def run(self, newest_hints: NewestHints = nothing_new) -> Iterator[Event]:
        try:
            for number in range(self.notices):
                yield Notice(f"{number}")
                time.sleep(self.seconds)
        finally:
            if self.left_behind:
                Path(self.left_behind).write_text("closed")
        match self.end:
            case "finish":
                yield Finished()
            case "exception":
                raise ValueError("a probe was asked to fail")
            case "refusal":
                raise ImageError("image tile_03 is missing")
            case "memory":
                raise MemoryError
            case "torch memory":
                raise type("OutOfMemoryError", (RuntimeError,), {})("CUDA out of memory")
            case "cpu memory":
                raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: tried 9 bytes")
            case "sigkill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "sigsegv":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "exit":
                os._exit(3)
            case "sys exit":
                sys.exit(4)
            case "hang":
                time.sleep(3600)
            case "deaf":
                while True:
                    pass
            case "threads":
                import torch

                yield Notice(f"{torch.get_num_threads()} threads")
            case "hints":
                yield from said_of_hints(newest_hints)
            case "unpicklable":
                yield Notice(lambda: 0)  # type: ignore[arg-type]


def said_of_hints(newest_hints: NewestHints) -> Iterator[Event]:
    """Say what the newest hints are each time they change, until a plane has none: "a 1 2, b 3"."""
    said, told = "", False
    while not told:
        newest = newest_hints()
        told = any(not len(hints) for hints in newest.values())
        words = ", ".join(f"{ref} {' '.join(map(str, hints.ids))}" for ref, hints in sorted(newest.items()))
        yield Notice(said := words) if words != said else Step("listening", 0, 0, 1)
        time.sleep(0.001)
    yield Finished()


class Unreadable(ProbeJob):
    """Can be sent, not received."""

    def __reduce__(self) -> tuple[object, ...]:
        return (int, ("not a number",))


@dataclass
class Listener:
    """Collects what a runner tells; :meth:`wait` waits for the end."""

    events: list[Event] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    began: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)

    def on_event(self, event: Event) -> None:
        self.events.append(event)
        self.began.set()

    def on_done(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.done.set()

    def wait(self, seconds: float = PATIENCE) -> Outcome:
        assert self.done.wait(seconds), f"the job did not end within {seconds} s; it told {self.events}"
        return self.outcomes[0]

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Notice)]


def run(runner: Runner, job: ProbeJob) -> Listener:
    """Submit a job; returns what listens to it."""
    listener = Listener()
    runner.submit(job, listener.on_event, listener.on_done)
    return listener


def begin(runner: Runner, job: ProbeJob) -> Listener:
    """Submit a job and wait for its first event."""
    listener = run(runner, job)
    assert listener.began.wait(PATIENCE), listener.outcomes
    return listener


@dataclass(frozen=True)
class FakeSnapshot:
    """Two blank planes of 40 × 60 pixels, "a" on screen; ``fails`` raises on loading."""

    fails: bool = False

    def load(self) -> TrainingData:
        if self.fails:
            raise ImageError("image a is missing: a.tif")
        planes = [TrainingImage(Image(PlaneRef(name), np.zeros((40, 60), np.uint8))) for name in "ab"]
        return TrainingData(tuple(planes), watch=PlaneRef("a"))


def take_a_while() -> None:
    """Do what a job that comes meanwhile has to wait for."""
    time.sleep(1)


def leave_a_trace() -> None:
    """Write the file that the environment names."""
    Path(os.environ["PROBE_TRACE"]).touch()
