"""What a training would go on from, told from a model's ``model.json`` alone: without torch, at once."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from napari_inkling.methods import MethodSettings

__all__ = ["lacks_outlines", "why_anew"]


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


def lacks_outlines(model: Path) -> bool:
    """Whether a training ended before it learnt the outlines that its settings ask for."""
    about = _read(model)
    return about is not None and about.heads == "centres" and about.settings.get("masks") is True


class _About(BaseModel):
    """What a label of a button needs of ``model.json``; a method may write more."""

    method: str
    classes: list[str] | None = None
    settings: dict[str, Any] = {}
    #: How far partial-points came: "centres" until it has learnt outlines, too.
    heads: str = ""


def _read(model: Path) -> _About | None:
    """Return what a model says of itself, ``None`` if that cannot be read."""
    try:
        return _About.model_validate_json((model / "model.json").read_bytes())
    except (OSError, ValidationError):
        return None
