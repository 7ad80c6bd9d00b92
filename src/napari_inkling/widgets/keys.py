"""The one table of keys: what the canvas binds, tooltips show and the cheat sheet lists.

napari itself uses, over all kinds of layers, the bare digits 1-7, the bare letters A B C D E F I L M O P R
S T V X Y Z, Shift+A, L, P and V, Space, Enter, Escape, Delete and Backspace. Ours are free in all of them
(a test compares them with the installed napari), so they mean the same whichever layer is selected. They
lie under the left hand while the right one holds the mouse; the bare letters are for what is done most,
judging suggestions. Only Ctrl+Z and Ctrl+Shift+Z stay napari's own while a Labels layer is selected that
is not one of ours.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CLASS_KEYS", "KEYS", "Key", "class_key", "key_of"]


@dataclass(frozen=True)
class Key:
    """What a key does. ``keys`` is in napari's notation, ``"Ctrl+Shift+Z"`` (Ctrl is ⌘ on a Mac)."""

    action: str
    keys: str
    description: str
    group: str


KEYS = (
    Key("tool_cell", "Shift+C", "mark cells with a click", "Annotate"),
    Key("tool_background", "Shift+X", "mark what is not a cell", "Annotate"),
    Key("tool_box", "Shift+B", "draw boxes", "Annotate"),
    Key("tool_ignore", "Shift+I", "draw boxes around what the training shall leave out", "Annotate"),
    Key("tool_select", "Shift+S", "select, move and delete hints", "Annotate"),
    Key("tool_pan", "Shift+Z", "only move the view", "Annotate"),
    Key("undo", "Ctrl+Z", "undo", "Annotate"),
    Key("redo", "Ctrl+Shift+Z", "redo", "Annotate"),
    Key("tool_brush", "Shift+D", "draw masks, or paint more onto one", "Masks"),
    Key("tool_erase", "Shift+R", "rub out parts of masks", "Masks"),
    Key("tool_split", "Shift+F", "split a mask by a line across it", "Masks"),
    Key("tool_merge", "Shift+M", "make one mask of two, by a click on each", "Masks"),
    Key("tool_delete", "Shift+K", "delete masks with a click", "Masks"),
    Key("train", "Shift+T", "train, or stop training", "Train"),
    Key("compare", "Shift+Y", "compare the methods, or stop comparing", "Train"),
    Key("accept", "W", "accept the suggestion under the mouse, else the one in focus", "Review"),
    Key("reject", "Q", "reject it; the tick in Review says whether that marks “not a cell”", "Review"),
    Key("reject_background", "Shift+Q", "reject it and mark “not a cell” in any case", "Review"),
    Key("next_suggestion", "G", "go to the next doubtful suggestion", "Review"),
    Key("previous_suggestion", "Shift+G", "go to the previous one", "Review"),
    Key("next_anywhere", "N", "go to what is worth looking at most, in any image", "Review"),
    Key("accept_in_view", "Shift+W", "accept all that is in view", "Review"),
    Key("accept_above", "Shift+E", "accept all above the threshold", "Review"),
    Key("toggle_suggestions", "H", "hide or show the suggestions", "Review"),
    Key("next_unusual", "U", "go to the next box of unusual size", "How many more?"),
    Key("next_image", "PageDown", "next image", "Images"),
    Key("previous_image", "PageUp", "previous image", "Images"),
    Key("export", "Shift+O", "export", "Export"),
    Key("cheat_sheet", "?", "show these keys", "Help"),
)
#: Keys of the first nine classes, in their order.
CLASS_KEYS = tuple(f"Ctrl+{n}" for n in range(1, 10))

_BY_ACTION = {key.action: key.keys for key in KEYS}


def key_of(action: str) -> str:
    """Return the key of an action, ``""`` if it has none."""
    return _BY_ACTION.get(action, "")


def class_key(index: int, wanted: str = "") -> str:
    """Return the key of a class: Ctrl with the digit that its project names, else with its place in the list.

    Parameters
    ----------
    index : int
        Place among the project's classes, from 0.
    wanted : str
        ``ClassInfo.key``: a digit from 1 to 9, or ``""``.
    """
    if len(wanted) == 1 and wanted in "123456789":
        return f"Ctrl+{wanted}"
    return CLASS_KEYS[index] if index < len(CLASS_KEYS) else ""
