"""What a training would go on from, told from a model's ``model.json`` alone: without torch, at once."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from napari_inkling.methods import MethodSettings, StagedMethod, get_method

__all__ = ["has_learnt", "method_of", "still_lacks", "why_anew"]


def method_of(model: Path) -> str:
    """Return the name of the method that made a model; ``""`` if it cannot be read."""
    about = _read(model)
    return "" if about is None else about.method


def has_learnt(model: Path, start: Path) -> bool:
    """Whether a training has taken the steps of a model itself, or stopped at the one it went on from."""
    now, before = _read(model), _read(start)
    steps = now.trained_steps if now is not None else None
    return steps is None or before is None or steps != before.trained_steps


def why_anew(model: Path, method: str, settings: MethodSettings, classes: Collection[str]) -> str:
    """Return what keeps a training from going on from a model, in words; ``""`` if nothing does.

    The method itself has the last word; this is for the label of a button.

    Parameters
    ----------
    model : Path
        The model's folder.
    method : str
        Name of the method that is to be trained.
    settings : MethodSettings
        Its settings. Only those that hold for the life of a model count (``settings.fixed_fields``).
    classes : collection of str
        The classes of the cells that are marked.
    """
    if (about := _read(model)) is None:
        return "the last model cannot be read"
    if about.method != method:
        return "the last model is of another method"
    for field in settings.fixed_fields:
        if field in about.settings and about.settings[field] != getattr(settings, field):
            return f"the last model has another {field.replace('_', ' ')}"
    known = classes if about.classes is None else about.classes
    return "the last model has other classes" if set(known) != set(classes) else ""


def still_lacks(model: Path, method: str) -> str:
    """Return what to tell of what a training left out that was stopped; ``""`` if nothing.

    Raises :class:`~napari_inkling.core.SettingsError` if the method cannot be loaded.
    """
    about, maker = _read(model), get_method(method)
    if about is None or about.method != method or not isinstance(maker, StagedMethod):
        return ""
    return maker.still_lacks(about.model_dump())


class _About(BaseModel):
    """What every method writes into ``model.json``, and whatever else this one does."""

    model_config = ConfigDict(extra="allow")

    method: str
    classes: list[str] | None = None
    settings: dict[str, Any] = {}
    trained_steps: int | None = None


def _read(model: Path) -> _About | None:
    """Return what a model says of itself, ``None`` if that cannot be read."""
    try:
        return _About.model_validate_json((model / "model.json").read_bytes())
    except (OSError, ValidationError):
        return None
