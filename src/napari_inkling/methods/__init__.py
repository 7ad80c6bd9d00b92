"""One file per method. A method is found by its name among the entry points ``napari_inkling.methods``."""

from __future__ import annotations

from importlib.metadata import entry_points

from napari_inkling.core import SettingsError
from napari_inkling.methods._protocol import Method, MethodSettings, Model, Needs, Preset

__all__ = ["GROUP", "Method", "MethodSettings", "Model", "Needs", "Preset", "get_method", "method_names"]

#: The entry point group; another package adds a method by naming a class there.
GROUP = "napari_inkling.methods"


def method_names() -> tuple[str, ...]:
    """Return the names of all installed methods, sorted."""
    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))


def get_method(name: str) -> Method:
    """Return the method of this name.

    Raises
    ------
    SettingsError
        If there is none; the message lists those there are.
    """
    for point in entry_points(group=GROUP):
        if point.name == name:
            method: Method = point.load()()
            return method
    raise SettingsError(f"unknown method {name!r}: expected one of {', '.join(method_names())}")
