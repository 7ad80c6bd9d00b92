"""How keys are shown on buttons: looked up in the one table of keys, so that no tooltip goes stale."""

from __future__ import annotations

from napari_inkling.widgets.keys import CLASS_KEYS, KEYS
from napari_inkling.widgets.keys import key_of as _keys_of

__all__ = ["cheat_sheet_groups", "key_of", "shown"]

#: What the mouse does over the image; napari and the tools decide that, this only says it.
MOUSE = [
    ("Click", "mark, with a tool in hand"),
    ("Drag", "draw a box, or move the view"),
    ("Wheel", "zoom"),
    ("Shift+Click", "accept a suggestion, with no tool in hand"),
    ("Ctrl+Click", "reject it as Q does, with no tool in hand"),
]


def shown(keys: str) -> str:
    """Return a key as this computer writes it: ``⌘Z`` on a Mac, ``Ctrl+Z`` elsewhere."""
    from qtpy.QtGui import QKeySequence

    keys = keys.replace("PageDown", "PgDown").replace("PageUp", "PgUp")
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText) if keys else ""


def key_of(action: str) -> str:
    """Return the key of an action as a person reads it, ``""`` if it has none."""
    return shown(_keys_of(action))


def cheat_sheet_groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return everything the cheat sheet says: groups of (keys, what they do)."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for key in KEYS:
        groups.setdefault(key.group, []).append((shown(key.keys), key.description))
    digits = f"{shown(CLASS_KEYS[0])} … {CLASS_KEYS[-1][-1]}"
    judge = f"{key_of('accept')} or {key_of('reject')}"
    groups["Train"].append((judge, "accept, or strike, the pseudo-label under the mouse while it trains"))
    groups["Annotate"].append((digits, "choose a class"))
    groups["Mouse"] = MOUSE
    return list(groups.items())
