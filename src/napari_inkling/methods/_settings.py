"""From words to settings: presets, ``--set key=value``, and errors that say what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from napari_inkling.core import SettingsError

__all__ = ["make_settings"]

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
        raise SettingsError(f"unknown preset {preset!r}: expected one of {', '.join(presets)}")
    for key in overrides:
        if key not in cls.model_fields:
            raise SettingsError(f"unknown setting {key!r}: expected one of {', '.join(cls.model_fields)}")
    try:
        return cls(**{**presets[preset], **overrides})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or cls.__name__
        raise SettingsError(f"setting {name} = {first['input']!r}: {first['msg']}") from None
