"""What a job is, and what a runner does with it. Widgets and session know workers only through this page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, runtime_checkable

from napari_inkling.core import Event, HintSet, NewestHints, PlaneRef, nothing_new

__all__ = ["Job", "OnDone", "OnEvent", "Outcome", "Runner", "State"]

State = Literal["finished", "cancelled", "failed", "died"]


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Parameters
    ----------
    state : str
        One of :data:`State`.
    message : str
        What happened, for a person.
    details : str
        A traceback, for a bug report.
    advice : str
        What to do now in a window with a Train button; a command line leaves it out.
    """

    state: State
    message: str = ""
    details: str = ""
    advice: str = ""


OnEvent = Callable[[Event], None]
OnDone = Callable[[Outcome], None]


@runtime_checkable
class Job(Protocol):
    """Something to run elsewhere. Picklable, with plain values in its fields."""

    #: What it is in words, for messages: "training".
    noun: ClassVar[str]

    def run(self, newest_hints: NewestHints = nothing_new) -> Iterator[Event]:
        """Do it, and tell how it goes; the last event is ``Finished``.

        A generator: closing it stops the job, which keeps on disk what it has reached. ``newest_hints``
        returns what :meth:`Runner.tell_hints` was told until then.
        Raises :class:`~napari_inkling.core.InklingError` for bad input.
        """
        ...


@runtime_checkable
class Runner(Protocol):
    """Runs one job at a time outside this process.

    Callbacks come on a thread of the runner; the caller hands them on to its own thread. ``on_done`` comes
    exactly once for each job, after its last event; from within it the next job can be submitted.
    """

    @property
    def busy(self) -> bool:
        """Whether a job is running."""
        ...

    def warm_up(self) -> None:
        """Get ready ahead of the first job; returns at once."""
        ...

    def submit(self, job: Job, on_event: OnEvent, on_done: OnDone) -> None:
        """Start a job; raises :class:`~napari_inkling.core.WorkerError` while busy or after :meth:`close`."""
        ...

    def cancel(self) -> None:
        """Ask the job to stop between two events; within a second it is stopped or killed."""
        ...

    def tell_hints(self, ref: PlaneRef, hints: HintSet) -> None:
        """Tell the running job what the hints of a plane are now; returns at once.

        The newest of each plane are kept until the job ends. Without a job, or once it is to stop, nothing
        happens.
        """
        ...

    def kill(self) -> None:
        """Stop the job at once; nothing more is saved."""
        ...

    def close(self) -> None:
        """Leave no process and no thread behind; the runner cannot be used any more."""
        ...
