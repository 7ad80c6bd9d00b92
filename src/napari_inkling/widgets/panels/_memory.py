"""What the dock remembers between two runs: folded parts, recent projects, which one was open last."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from napari_inkling.project.home import home

__all__ = ["Memory"]

RECENT = 8


class Memory:
    """A small JSON file. One that cannot be read or written is as good as an empty one.

    Parameters
    ----------
    path : Path, optional
        By default ``dock.json`` in the user's configuration folder, or in ``INKLING_HOME``.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or home(user_config_path("napari-inkling")) / "dock.json"

    def read(self) -> dict[str, Any]:
        """Return everything that is remembered."""
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def write(self, **changes: Any) -> None:
        """Remember these; a read-only home is no reason to trouble anyone."""
        text = json.dumps({**self.read(), **changes}, indent=1)
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
        return [Path(p) for p in self.read().get("recent", []) if (Path(p) / "project.json").is_file()]

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
        folder = Path(self.read().get("last") or "/nowhere")
        return folder if (folder / "project.json").is_file() else None

    @property
    def closed_here(self) -> bool:
        """Whether the last project was closed in this very process: reopening the dock means that one."""
        return self.read().get("closed_by") == os.getpid()

    @property
    def folded(self) -> dict[str, bool]:
        """Which parts are folded, by title."""
        folded = self.read().get("folded", {})
        return folded if isinstance(folded, dict) else {}

    def fold(self, title: str, folded: bool) -> None:
        """Remember that a part is folded, or not."""
        self.write(folded={**self.folded, title: folded})
