"""What the dock remembers between two runs: folded parts, recent projects, which one was open last."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from platformdirs import user_config_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import from_json

from napari_inkling.project.home import home

__all__ = ["Memory"]

RECENT = 8


class Kept(BaseModel):
    """What is in the file; what a newer program keeps beside it is left alone."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    recent: list[str] = Field([], description="Folders of projects, the latest first")
    last: str = Field("", description="Folder of the project that was open last")
    closed_by: int | None = Field(None, description="Process that closed that one")
    folded: dict[str, bool] = Field({}, description="Which parts are folded, by title")


class Memory:
    """A small JSON file. What cannot be read in it, or makes no sense, is as good as not there.

    Parameters
    ----------
    path : Path, optional
        By default ``dock.json`` in the user's configuration folder, or in ``INKLING_HOME``.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or home(user_config_path("napari-inkling")) / "dock.json"

    def read(self) -> Kept:
        """Return everything that is remembered."""
        try:
            found = from_json(self.path.read_bytes())
        except (OSError, ValueError):
            return Kept()
        items = found.items() if isinstance(found, dict) else ()
        return Kept(**{name: value for name, value in items if _makes_sense(name, value)})

    def write(self, **changes: Any) -> None:
        """Remember these; a read-only home is no reason to trouble anyone."""
        text = json.dumps({**self.read().model_dump(exclude_unset=True), **changes}, indent=1)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            fresh = self.path.with_suffix(f".{os.getpid()}.tmp")
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(self.path)
        except OSError:
            return

    @property
    def recent(self) -> list[Path]:
        """Project folders that still exist, the latest first."""
        return [Path(folder) for folder in self.read().recent if _is_project(Path(folder))]

    def opened(self, folder: Path, *, scratch: bool) -> None:
        """Remember that a project was opened."""
        others = [str(p) for p in self.recent if p != folder]
        recent = others if scratch else [str(folder), *others]
        self.write(recent=recent[:RECENT], last=str(folder))

    def closed(self, folder: Path) -> None:
        """Remember what this viewer showed when the dock was closed, to find it when it opens again."""
        self.write(last=str(folder), closed_by=os.getpid())

    @property
    def last(self) -> Path | None:
        """The project that was open last, if it still exists."""
        folder = self.read().last
        return Path(folder) if folder and _is_project(Path(folder)) else None

    @property
    def closed_here(self) -> bool:
        """Whether the last project was closed in this very process: reopening the dock means that one."""
        return self.read().closed_by == os.getpid()

    @property
    def folded(self) -> dict[str, bool]:
        """Which parts are folded, by title."""
        return self.read().folded

    def fold(self, title: str, folded: bool) -> None:
        """Remember that a part is folded, or not."""
        self.write(folded={**self.folded, title: folded})


def _makes_sense(name: str, value: Any) -> bool:
    try:
        Kept(**{name: value})
    except ValidationError:
        return False
    return True


def _is_project(folder: Path) -> bool:
    try:
        return (folder / "project.json").is_file()
    except (OSError, ValueError):  # a folder that may not be entered, or no path at all
        return False
