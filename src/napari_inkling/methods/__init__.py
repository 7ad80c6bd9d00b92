"""A file or package per method. It is found by its name among the entry points ``napari_inkling.methods``."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points

from napari_inkling.core import SettingsError
from napari_inkling.methods._protocol import (
    HintedModel,
    Method,
    MethodSettings,
    Model,
    Needs,
    Preset,
    StagedMethod,
    StepwiseModel,
)

__all__ = [
    "GROUP",
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


@cache
def _installed() -> tuple[EntryPoint, ...]:
    """Return the entry points; looked up once, as that reads a file of every installed package."""
    return tuple(entry_points(group=GROUP))


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
        raise SettingsError(f"unknown method {name!r}: expected one of {', '.join(method_names())}")
    try:
        found = points[0].load()
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"method {name!r} cannot be loaded: {error}") from error
    if not all(hasattr(found, part) for part in ("name", "title", "needs", "Settings", "Model", "fit")):
        raise SettingsError(f"{name!r} is {found!r}, expected a class that speaks the method protocol")
    method: Method = found()
    return method
