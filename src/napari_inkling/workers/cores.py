"""How many cores a process may use, and how many it does."""

from __future__ import annotations

import os
import sys

__all__ = ["usable_cores", "use_threads"]


def usable_cores() -> int:
    """Return how many cores this process may run on, which on a cluster are fewer than there are.

    A person who sets ``OMP_NUM_THREADS`` wants no more than that.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(wanted)) if wanted.isdecimal() and int(wanted) else cores


def use_threads(count: int) -> None:
    """Let torch compute with ``count`` threads in this process, whether it is imported already or later."""
    os.environ["OMP_NUM_THREADS"] = str(count)  # read when torch is imported
    os.environ["MKL_DYNAMIC"] = "FALSE"  # else no more than there are physical cores
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(count)
