"""The top of the dock: which project is open, and how to open another."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QMenu

from napari_inkling.widgets.panels._keys import key_of
from napari_inkling.widgets.panels._memory import Memory
from napari_inkling.widgets.panels._panel import Panel, button, entry, label, row

if TYPE_CHECKING:
    from napari_inkling.session import Session
    from napari_inkling.widgets.layers import LayerBridge

__all__ = ["ProjectBar"]

SUFFIX = ".inkling"


class ProjectBar(Panel):
    """Name of the project with a menu, a badge when it is read-only, the cheat sheet's button."""

    title = "Project"
    help_asked = Signal()

    def __init__(self, session: Session, bridge: LayerBridge, memory: Memory | None = None) -> None:
        super().__init__(session, bridge)
        self.memory = memory or Memory()
        self.header.hide()
        self.next_step.hide()
        self.name = button("", "The project: make a new one, or open another", role="flat")
        self.menu = QMenu(self.name)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.name.setMenu(self.menu)
        self.badge = label("read only", role="badge")
        self.badge.setToolTip(
            "Another napari has this project open, or the folder cannot be written: you can look, not change."
        )
        self.help = button(
            "?", "Keys and mouse on one sheet", self.help_asked.emit, key=key_of("cheat_sheet"), role="flat"
        )
        self.body.setContentsMargins(0, 0, 0, 0)
        self.header_row.removeWidget(self.fold_button)
        self.add(row(self.name, self.badge, None, self.help))
        self.listen(self.refresh, session.project_changed)
        self.refresh()

    def refresh(self) -> None:
        """Show the project that is open."""
        project = self.session.project
        self.name.setText(f"{'No project yet' if project.is_scratch else project.name}  ▾")
        kept = "Every edit is saved at once."
        if project.is_scratch:
            kept = "What you mark is kept all the same; “Keep as a project…” gives it a name and a place."
        self.name.setToolTip(f"{kept}\n{project.folder}")
        self.badge.setVisible(project.read_only)

    def new(self) -> None:
        """Ask for a place and make a project there."""
        if (folder := self._ask_new("New project")) is not None:
            self._change_to(self.session.new_project, folder)

    def keep(self) -> None:
        """Ask for a place, and carry on there with everything that was marked so far."""
        if (folder := self._ask_new("Keep this work as a project")) is not None:
            self._change_to(self.session.save_as, folder)

    def open(self) -> None:
        """Ask for a project folder and open it."""
        chosen = QFileDialog.getExistingDirectory(self, f"Open a project folder (NAME{SUFFIX})")
        if chosen:
            self.open_folder(Path(chosen))

    def open_folder(self, folder: Path) -> None:
        """Open a project; a refusal goes to the message bar."""
        self._change_to(self.session.open_project, folder)

    def _ask_new(self, title: str) -> Path | None:
        start = str(Path.home() / f"cells{SUFFIX}")
        chosen, _ = QFileDialog.getSaveFileName(self, title, start, f"Inkling project (*{SUFFIX})")
        if not chosen:
            return None
        return Path(chosen if chosen.endswith(SUFFIX) else chosen + SUFFIX)  # a name may have dots

    def _change_to(self, how: Callable[[Path], Any], folder: Path) -> None:
        with self.telling():
            how(folder)
            project = self.session.project
            self.memory.opened(project.folder, scratch=project.is_scratch)

    def _fill_menu(self) -> None:
        self.menu.clear()
        project = self.session.project
        if project.is_scratch and project.images:
            entry(self.menu, "Keep as a project…", self.keep)
            self.menu.addSeparator()
        entry(self.menu, "New project…", self.new)
        entry(self.menu, "Open project…", self.open)
        others = [folder for folder in self.memory.recent if folder != project.folder]
        if others:
            self.menu.addSection("Recent")
        for folder in others:
            entry(self.menu, folder.stem, partial(self.open_folder, folder)).setToolTip(str(folder))
