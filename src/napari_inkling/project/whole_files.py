"""Files that are there whole or not at all, under names that every file system takes."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

__all__ = ["safe_name", "write_whole", "write_whole_folder"]


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a file beside ``path``, then put it in place.

    A reader, or a crash, finds the old content or the new, never a part. Raises ``OSError``; what was at
    ``path`` is then as it was.
    """
    # One name, so that what a killed process left is written over; its suffix tells writers the format.
    partial = path.with_name(f".{path.name}.partial{path.suffix}")
    try:
        write(partial)
        with partial.open("r+b") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        with suppress(OSError):  # of a folder that is not there
            partial.unlink(missing_ok=True)


def safe_name(name: str) -> str:
    """Return a file name as much like ``name`` as every file system takes; it may be empty."""
    return re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", name).rstrip(". ")


def write_whole_folder(folder: Path, write: Callable[[Path], object]) -> None:
    """Do the same as :func:`write_whole` for a folder; what was there before is gone afterwards."""
    partial, old = (folder.with_name(f".{folder.name}.{what}") for what in ("partial", "old"))
    shutil.rmtree(partial, ignore_errors=True)
    try:
        write(partial)
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
            folder.replace(old)
        try:
            partial.replace(folder)
        except OSError:
            if old.exists():
                old.replace(folder)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
