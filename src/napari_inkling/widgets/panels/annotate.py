"""Annotate: classes, tools, what was marked so far and how long it took, undo and redo."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QButtonGroup

from napari_inkling.core import BACKGROUND
from napari_inkling.widgets.panels._class_chips import ClassChips, tool_icon
from napari_inkling.widgets.panels._keys import key_of
from napari_inkling.widgets.panels._panel import Panel, button, label, row

__all__ = ["AnnotatePanel", "spent"]

TOOLS = {
    "cell": ("cell", "Click cells: one point on each"),
    "background": ("not a cell", "Click what is not a cell: it counts as certain"),
    "box": ("box", "Draw a box around a cell"),
    "select": ("select", "Select points to move or delete them"),
}
#: So many cells are a good start; the least is the method's business.
GOOD_START = 20


def spent(seconds: float) -> str:
    """Return a duration as people write it: ``0:45 min``, ``1:02 h``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02} h"


class AnnotatePanel(Panel):
    """What a person marks with, and what is marked."""

    title = "Annotate"

    def __init__(self, session: Any, bridge: Any) -> None:
        super().__init__(session, bridge)
        self.chips: ClassChips = self.add(ClassChips())
        self.chips.chosen.connect(self._choose)
        self.chips.added.connect(self._add_class)
        self.chips.renamed.connect(self._rename_class)
        self.chips.recoloured.connect(self._recolour_class)
        self.chips.removed.connect(self._remove_class)
        self.tools = {name: self._tool(name) for name in TOOLS}
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)
        for made in self.tools.values():
            self._group.addButton(made)
        self.add(row(*self.tools.values(), spacing=4))
        self.counts = label(role="muted")
        self.undo = button("↶", "Undo", lambda: bridge.keys.run("undo"), key=key_of("undo"), role="flat")
        self.redo = button("↷", "Redo", lambda: bridge.keys.run("redo"), key=key_of("redo"), role="flat")
        self.add(row(self.counts, None, self.undo, self.redo, spacing=2))

        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(30)
        self._soon.timeout.connect(self.refresh)
        for name in (
            "project_changed",
            "plane_changed",
            "hints_changed",
            "classes_changed",
            "history_changed",
        ):
            self.listen(self._later, getattr(session, name))
        for signal in (bridge.tool_changed, bridge.class_changed):
            self.listen(self._later, signal)
        self.refresh()

    def _tool(self, name: str) -> Any:
        text, tip = TOOLS[name]
        made = button(text, tip, lambda: self._pick(name), key=key_of(f"tool_{name}"), role="tool")
        made.setCheckable(True)
        made.setIcon(tool_icon(name))
        return made

    # -- what shows

    def _later(self, *_: Any) -> None:
        self._soon.start()

    def refresh(self, *_: Any) -> None:
        """Show classes with counts, the tool in hand, and what undo would undo."""
        project, plane = self.session.project, self.session.plane
        every = [project.hints(ref) for ref in project.planes_with_hints()]
        counts = Counter(c for hints in every for rows in (hints.points, hints.boxes) for c in rows.classes)
        self.chips.show_classes(project.classes, counts, self.bridge.current_class)
        usable = plane is not None and not project.read_only
        for name, made in self.tools.items():
            made.setChecked(usable and self.bridge.tool == name)
            made.setEnabled(usable)
        total, background = sum(counts.values()), counts[BACKGROUND]
        self.summary.setText(f"{total:,}" if total else "")
        hints = f"{total:,} hint{'s' * (total != 1)}"
        if project.seconds_spent >= 1:
            hints += f" in {spent(project.seconds_spent)}"
        self.counts.setText(hints if total else "Nothing marked yet")
        self.counts.setToolTip(f"{total - background:,} cells, {background:,} not a cell, over all images")
        for made, what, words in (
            (self.undo, project.can_undo, "Undo"),
            (self.redo, project.can_redo, "Redo"),
        ):
            made.setEnabled(bool(what) and not project.read_only)
            made.setToolTip(f"{words}{f': {what}' if what else ''}  [{key_of(words.lower())}]")
        learnt = self.session.hint_counts()
        self._advise(learnt.points + learnt.boxes, usable=usable, read_only=project.read_only)

    def _advise(self, cells: int, *, usable: bool, read_only: bool) -> None:
        if read_only:
            self.say_next("This project is read-only: you can look at the hints, not change them.")
        elif not usable:
            self.say_next("Open an image, then click cells in it.")
        elif cells == 0:
            self.say_next("Click the middle of some cells, all over the image.", now=True)
        elif cells < GOOD_START:
            self.say_next(
                f"{GOOD_START - cells} more make a good start. Pick easy ones and hard ones.", now=True
            )
        else:
            self.say_next("Enough to train. Click also what is easily mistaken: “not a cell”.")

    # -- what it does

    def _pick(self, tool: str) -> None:
        self.bridge.tool = tool
        self.refresh()

    def _choose(self, name: str) -> None:
        self.bridge.current_class = name
        if self.bridge.tool not in ("cell", "box"):
            self.bridge.tool = "cell"
        self.refresh()

    def _add_class(self, name: str) -> None:
        with self.telling():
            self.session.set_classes([*self.session.project.classes, name])
            self._choose(name)

    def _rename_class(self, old: str, new: str) -> None:
        with self.telling():
            current = self.bridge.current_class
            self.session.rename_class(old, new)
            if current == old:
                self.bridge.current_class = new

    def _recolour_class(self, name: str, colour: str) -> None:
        classes = self.session.project.classes
        with self.telling():
            self.session.set_classes([replace(c, color=colour) if c.name == name else c for c in classes])

    def _remove_class(self, name: str) -> None:
        """Remove a class; the project refuses as long as it marks anything."""
        with self.telling():
            self.session.set_classes([c for c in self.session.project.classes if c.name != name])
            if self.bridge.current_class == name:
                self._choose(self.session.project.classes[0].name)
