"""A file or package per method. It is found by its name among the entry points ``napari_inkling.methods``."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from napari_inkling.core import SettingsError
from napari_inkling.methods._protocol import (
    HeedfulMethod,
    HintedModel,
    Method,
    MethodSettings,
    Model,
    Needs,
    Preset,
    StagedMethod,
    StepwiseModel,
)
from napari_inkling.methods._settings import unknown_name

__all__ = [
    "GROUP",
    "HeedfulMethod",
    "HintedModel",
    "Method",
    "MethodSettings",
    "Model",
    "Needs",
    "Preset",
    "StagedMethod",
    "StepwiseModel",
    "get_method",
    "method_names",
]

#: The entry point group; another package adds a method by naming a class there.
GROUP = "napari_inkling.methods"


def method_names() -> tuple[str, ...]:
    """Return the names of all installed methods, sorted."""
    return tuple(sorted({point.name for point in _installed()}))


def _installed() -> tuple[EntryPoint, ...]:
    """Return the entry points; looked up anew only when a package came or went.

    A look-up reads a file of every installed package, some 100 ms, and the dock asks often. Whatever is
    installed changes the folder that it is put into.
    """
    return _found_in(tuple((place, _time_of(place)) for place in sys.path))


@lru_cache(maxsize=1)
def _found_in(_places: tuple[tuple[str, int], ...]) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=GROUP))


def _time_of(place: str) -> int:
    try:
        return Path(place).stat().st_mtime_ns
    except OSError:
        return 0


def get_method(name: str) -> Method:
    """Return the method of this name.

    Parameters
    ----------
    name : str
        The name of an installed method, or ``"module:Class"`` to try one that is not installed.

    Raises
    ------
    SettingsError
        If there is none, or if it cannot be imported; the message lists those there are.
    """
    points = [point for point in _installed() if point.name == name]
    if not points and ":" in name:
        points = [EntryPoint(name, name, GROUP)]
    if not points:
        raise unknown_name("method", name, method_names())
    try:
        found = points[0].load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"method {name!r} cannot be loaded: {error}") from error
    if not all(hasattr(found, part) for part in ("name", "title", "needs", "Settings", "Model", "fit")):
        raise SettingsError(f"{name!r} is {found!r}, expected a class that speaks the method protocol")
    method: Method = found()
    return method
