"""Scores of images and classes as a table for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["Column", "table"]

#: Head of a column, the key of its values, and how these are written.
Column = tuple[str, str, str]


def table(groups: Sequence[tuple[str, Mapping[str, Any]]], columns: Sequence[Column]) -> str:
    """Return a line for each group (its name and its scores), without the columns that none has."""
    shown = [c for c in columns if any(own.get(c[1]) is not None for _, own in groups)]
    width = max(len(name) for name, _ in groups)
    lines = [f"{'':{width}}" + "".join(f"  {head:>5}" for head, _, _ in shown)]
    for name, own in groups:
        cells = (_cell(own.get(key), form, max(len(head), 5)) for head, key, form in shown)
        lines.append(f"{name:{width}}" + "".join(cells))
    return "\n".join(lines)


def _cell(value: float | None, form: str, width: int) -> str:
    return f"  {'–' if value is None else format(value, form):>{width}}"
