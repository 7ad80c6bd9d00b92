"""What a training would go on from, told from a model's ``model.json`` alone: without torch, at once."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

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
    try:
        about: dict[str, Any] = json.loads((model / "model.json").read_text(encoding="utf-8"))
        before: dict[str, Any] = about.get("settings", {})
        known = [str(name) for name in about.get("classes", classes)]
        made_by = about["method"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "the last model cannot be read"
    if made_by != method:
        return "the last model is of another method"
    for field in settings.fixed_fields:
        if field in before and before[field] != getattr(settings, field):
            return f"the last model has another {field.replace('_', ' ')}"
    return "the last model has other classes" if set(known) != set(classes) else ""


def lacks_outlines(model: Path) -> bool:
    """Whether a training ended before it learnt the outlines that its settings ask for."""
    try:
        about: dict[str, Any] = json.loads((model / "model.json").read_text(encoding="utf-8"))
        return about.get("heads") == "centres" and about["settings"]["masks"] is True
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False
