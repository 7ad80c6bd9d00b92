"""Reading and writing annotation files: errors in words, and a file is there whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from napari_inkling.core import FormatError
from napari_inkling.project.whole_files import safe_name, write_whole

__all__ = ["find_files", "read_json", "read_text", "safe_stems", "write_file", "write_text"]


def read_text(path: Path) -> str:
    """Return a file's UTF-8 text, without byte order mark."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise FormatError(f"{path}, line {line}: not UTF-8 text, expected a text file in UTF-8") from error


def read_json(path: Path, expected: str) -> Any:
    """Return what a JSON file holds; ``expected`` ends the message of the FormatError if it is none."""
    try:
        return json.loads(read_text(path))
    except json.JSONDecodeError as error:
        raise FormatError(f"{path}, line {error.lineno}: not JSON ({error.msg}), {expected}") from error
    except RecursionError as error:
        raise FormatError(f"{path}: nested too deeply, {expected}") from error


def find_files(path: Path, suffixes: Collection[str], subfolders: Collection[str], what: str) -> list[Path]:
    """Return ``path`` if it is a file, else the files with such suffixes in the folder, sorted.

    A folder without any is searched in its ``subfolders`` (as a data set's root has them).
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise FormatError(f"{path} does not exist, expected {what} or a folder of them")
    for folder in (path, *(path / name for name in subfolders)):
        if folder.is_dir() and (found := _with_suffix(folder, suffixes)):
            return found
    raise FormatError(f"the folder {path} holds no {' or '.join(suffixes)} file, expected {what}")


def _with_suffix(folder: Path, suffixes: Collection[str]) -> list[Path]:
    return sorted(
        p for p in folder.iterdir()
        if p.suffix.lower() in suffixes and not p.name.startswith(".") and p.is_file()
    )  # fmt: skip


def write_file(path: Path, write: Callable[[Path], object]) -> Path:
    """Let ``write`` fill a file beside ``path``, then put it in place; the folder is made if need be.

    Raises
    ------
    FormatError
        If the disk is full or the folder is not writable; what was at ``path`` is as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, write)
    except OSError as error:
        raise FormatError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def write_text(path: Path, text: str) -> Path:
    """Write UTF-8 text with plain line ends, all or nothing."""
    return write_file(path, lambda partial: partial.write_bytes(text.encode("utf-8")))


def safe_stems(names: Collection[str]) -> dict[str, str]:
    """Return for each name a stem that every file system takes, different for all, whatever their case."""
    stems: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        base = safe_name(name) or "_"
        free, number = base, 1
        while free.lower() in taken:
            number += 1
            free = f"{base}-{number}"
        taken.add(free.lower())
        stems[name] = free
    return stems
