"""The folder for what belongs to no project."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["home"]


def home(otherwise: Path) -> Path:
    """Return the folder that ``INKLING_HOME`` names, else the one that the system has for this purpose."""
    given = os.environ.get("INKLING_HOME")
    return Path(given) if given else otherwise
