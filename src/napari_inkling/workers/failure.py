"""Ends that were not planned, in words for a person."""

from __future__ import annotations

import signal
import traceback

from napari_inkling.core import InklingError
from napari_inkling.workers._protocol import Outcome

__all__ = ["describe_death", "describe_error"]

#: What Windows calls a crash, an aborted process, and one that was ended by the task manager.
WINDOWS_ENDS = {0xC0000005: "crashed (access violation)", 0xC0000409: "aborted", 1: "was ended"}


def describe_error(noun: str, error: BaseException) -> Outcome:
    """Return the outcome of a job that raised ``error``; ``noun`` names the job ("training")."""
    details = "".join(traceback.format_exception(error))
    if isinstance(error, InklingError):
        return Outcome("failed", str(error), details)
    if is_out_of_memory(error):
        return Outcome(
            "failed",
            f"The {noun} ran out of memory: use fewer or smaller images, a smaller crop or batch in the "
            "settings, or another device.",
            details,
            "Your hints are safe.",
        )
    text = str(error).strip() or "no message"
    return Outcome(
        "failed", f"The {noun} stopped with an unexpected error: {type(error).__name__}: {text}", details
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, on the host or on a device (torch's error too, without importing torch)."""
    names = {cls.__name__ for cls in type(error).__mro__}
    if names & {"MemoryError", "OutOfMemoryError"}:
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in text or "not enough memory" in text or "out of memory" in text
    )


def describe_death(noun: str, exitcode: int | None) -> Outcome:
    """Return the outcome of a job whose process ended with ``exitcode`` (negative: a signal) under it."""
    return Outcome(
        "died",
        f"The {noun} process {_end(exitcode)}.",
        f"exit code {exitcode}",
        "Your hints are safe; press Train to start again." if noun == "training" else "Your hints are safe.",
    )


def _end(exitcode: int | None) -> str:
    if exitcode is None:
        return "was lost"
    if exitcode >= 0:
        return WINDOWS_ENDS.get(exitcode, "ended unexpectedly") + f" (exit code {exitcode})"
    number = -exitcode
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = "unknown"
    if name == "SIGKILL":
        return f"was killed (signal {number}), probably because memory ran out"
    ended = "was ended" if name in ("SIGTERM", "SIGINT", "SIGHUP") else "crashed"
    return f"{ended} (signal {number}, {name})"
