"""Where projects lie that nobody named: hints made without a project are kept like all others."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import platformdirs

from napari_inkling.project.home import home

__all__ = ["is_scratch", "new_scratch_folder", "scratch_folders"]


def _home() -> Path:
    return home(Path(platformdirs.user_data_dir("napari-inkling", appauthor=False)))


def new_scratch_folder() -> Path:
    """Return a folder that does not exist yet, in ``INKLING_HOME`` or the user's data folder."""
    name = f"{time.strftime('%Y-%m-%d %H.%M.%S')} {secrets.token_hex(2)}.inkling"
    return _home() / "scratch" / name


def scratch_folders() -> list[Path]:
    """Return the scratch projects there are, newest last."""
    return sorted(p for p in (_home() / "scratch").glob("*.inkling") if (p / "project.json").is_file())


def is_scratch(folder: Path) -> bool:
    """Whether a project's folder is a scratch project's."""
    return folder.resolve().parent == (_home() / "scratch").resolve()
