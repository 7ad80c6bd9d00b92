"""How the parts of a session tell something: to the person, and by signals to each other."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["FIRST", "LAST", "Tell"]

#: Tells the person something: "info", "warning" or "error", and the text.
Tell = Callable[[str, str], None]

#: The priority by which a part hears a signal of another one before the views do, and after all of them.
FIRST, LAST = 1, -1
