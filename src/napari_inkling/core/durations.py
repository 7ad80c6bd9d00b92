"""Durations as people write them."""

from __future__ import annotations

__all__ = ["clock", "spent"]


def clock(seconds: float | None) -> str:
    """Return seconds as ``m:ss``, or hours as ``h:mm h``; nothing if they are not known."""
    if seconds is None:
        return ""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02} h"


def spent(seconds: float) -> str:
    """Return seconds with a unit: ``0:45 min``, ``1:02 h``."""
    words = clock(seconds)
    return words if words.endswith("h") else f"{words} min"
