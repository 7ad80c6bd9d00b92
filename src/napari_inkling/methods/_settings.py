"""From words to settings: presets, ``--set key=value``, and errors that say what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from napari_inkling.core import SettingsError

__all__ = ["make_settings", "unknown_name"]

S = TypeVar("S", bound=BaseModel)


def make_settings(cls: type[S], preset: str, overrides: Mapping[str, Any]) -> S:
    """Return ``cls`` with a preset's values and then ``overrides`` (numbers may come as text).

    Raises
    ------
    SettingsError
        For an unknown preset or setting, or a value out of bounds; names it and what was expected.
    """
    presets: Mapping[str, dict[str, Any]] = getattr(cls, "presets", {})
    if preset not in presets:
        raise unknown_name("preset", preset, presets)
    for key in overrides:
        if key not in cls.model_fields:
            raise unknown_name("setting", key, cls.model_fields)
    try:
        return cls(**{**presets[preset], **overrides})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or cls.__name__
        raise SettingsError(f"setting {name} = {first['input']!r}: {first['msg']}") from None


def unknown_name(kind: str, given: str, known: Iterable[str]) -> SettingsError:
    """Return the error that names what was given, what was probably meant, and what there is."""
    names = list(known)
    close = get_close_matches(given, names, n=1, cutoff=0.7)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    return SettingsError(f"unknown {kind} {given!r}{meant}: expected one of {', '.join(names)}")
