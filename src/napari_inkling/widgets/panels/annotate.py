"""Annotate: classes, tools, what was marked so far and how long it took, undo and redo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QButtonGroup, QPushButton

from napari_inkling.core import BACKGROUND, IGNORE, HintSet
from napari_inkling.core.durations import spent
from napari_inkling.session import seconds_each
from napari_inkling.widgets.canvas_tools import Tool
from napari_inkling.widgets.panels._class_chips import ClassChips, tool_icon
from napari_inkling.widgets.panels._keys import key_of
from napari_inkling.widgets.panels._panel import Panel, button, label, row, shrinking

if TYPE_CHECKING:
    from napari_inkling.session import Session
    from napari_inkling.widgets.layers import LayerBridge

__all__ = ["AnnotatePanel"]

MARKING: dict[Tool, tuple[str, str]] = {
    "cell": ("cell", "Click cells: one point on each"),
    "background": ("not a cell", "Click what is not a cell: it counts as certain"),
    "box": ("box", "Draw a box around a cell"),
    "ignore": ("ignore", "Draw a box around what the training shall leave out: neither cell nor background"),
}
EDITING: dict[Tool, tuple[str, str]] = {
    "select": ("select", "Select points and boxes to move or delete them"),
    "brush": ("brush", "Draw the mask of a cell, or begin inside one to paint more; [ and ] size the brush"),
    "erase": ("erase", "Rub out parts of a mask; begin inside the one to take from"),
    "split": ("split", "Draw a line across a mask: it becomes two"),
    "merge": ("merge", "Click two masks: they become one"),
    "delete": ("delete", "Click a mask to delete it, or to reject it if it is a suggestion"),
}
#: So many cells are a good start; the least is the method's business.
GOOD_START = 20


class AnnotatePanel(Panel):
    """What a person marks with, and what is marked."""

    title = "Annotate"

    def __init__(self, session: Session, bridge: LayerBridge) -> None:
        super().__init__(session, bridge)
        self._make_chips()
        self._make_tools()
        self.counts = label(role="muted")
        self.undo = button("↶", "Undo", lambda: bridge.keys.run("undo"), key=key_of("undo"), role="flat")
        self.redo = button("↷", "Redo", lambda: bridge.keys.run("redo"), key=key_of("redo"), role="flat")
        self.add(row(shrinking(self.counts), None, self.undo, self.redo, spacing=2))
        self.listen(
            self.refresh_soon,
            session.project_changed,
            session.images.changed,
            session.workspace.plane_changed,
            session.annotations.hints_changed,
            session.annotations.classes_changed,
            session.annotations.history_changed,
            bridge.tool_changed,
            bridge.class_changed,
        )
        self.refresh()

    def _make_chips(self) -> None:
        self.chips: ClassChips = self.add(ClassChips())
        self.chips.chosen.connect(self._choose)
        self.chips.added.connect(self._add_class)
        self.chips.renamed.connect(self._rename_class)
        self.chips.recoloured.connect(self._recolour_class)
        self.chips.removed.connect(self._remove_class)

    def _make_tools(self) -> None:
        self.tools = {name: self._tool(name) for name in (*MARKING, *EDITING)}
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)
        for made in self.tools.values():
            self._group.addButton(made)
        for name in MARKING:
            self.tools[name].setIcon(tool_icon(name))
        self.add(row(*(self.tools[name] for name in MARKING), spacing=4))
        self.add(row(*(shrinking(self.tools[name], 30) for name in EDITING), spacing=2))

    def _tool(self, name: Tool) -> QPushButton:
        text, tip = (MARKING | EDITING)[name]
        made = button(text, tip, lambda: self._pick(name), key=key_of(f"tool_{name}"), role="tool")
        made.setCheckable(True)
        return made

    # -- what shows

    def refresh(self) -> None:
        """Show classes with counts, the tool in hand, and what undo would undo."""
        project, plane = self.session.project, self.session.plane
        usable = plane is not None and not project.read_only
        for name, made in self.tools.items():
            made.setChecked(usable and self.bridge.tool == name)
            made.setEnabled(usable)
        for made, what, words in (
            (self.undo, project.can_undo, "Undo"),
            (self.redo, project.can_redo, "Redo"),
        ):
            made.setEnabled(bool(what) and not project.read_only)
            made.setToolTip(f"{words}{f': {what}' if what else ''}  [{key_of(words.lower())}]")
        self._show_counts()
        self._advise()

    def _show_counts(self) -> None:
        """Say how much there is to learn from; images that are held out are named beside it."""
        project, wanted = self.session.project, self.session.workspace.learnable_images
        hints = {ref: project.hints(ref) for ref in project.planes_with_hints()}
        cells = {ref: class_of_each(rows) for ref, rows in hints.items()}
        classes, apart = (
            Counter(name for ref in cells if (ref.image in wanted) is learnt for name in cells[ref].values())
            for learnt in (True, False)
        )
        self.chips.show_classes(project.classes, classes, self.bridge.current_class, apart)
        total = classes.total() + apart.total()
        learnt = classes.total() - classes[IGNORE]
        held_out = len(project.images) - len(wanted)
        beside = f" · {held_out:,} image{'s' * (held_out != 1)} held out" if held_out else ""
        self.summary.setText(f"{learnt:,}{beside}" if total or held_out else "")
        self.summary.setToolTip(
            "Hints to learn from" + ", and images that show how good it is" * bool(beside)
        )
        words = f"{learnt:,} hint{'s' * (learnt != 1)}"
        if project.seconds_spent >= 1:
            words += f" in {spent(project.seconds_spent)}"
        self.counts.setText(words if total else "Nothing marked yet")
        background, ignored = (classes[name] + apart[name] for name in (BACKGROUND, IGNORE))
        everywhere = f"{total - background - ignored:,} cells, {background:,} not a cell"
        everywhere += f", {ignored:,} to ignore" * bool(ignored) + ", over all images"
        unlearnt = f"; {apart.total():,} of them on images that are held out" * bool(apart)
        self.counts.setToolTip(everywhere + unlearnt + _times(hints.values()))

    def _advise(self) -> None:
        plane, learnt = self.session.plane, self.session.advice.hint_counts()
        cells = learnt.points + learnt.boxes
        if self.session.project.read_only:
            self.say_next("This project is read-only: you can look at the hints, not change them.")
        elif plane is None:
            self.say_next("Add an image, then click cells in it.")
        elif cells == 0 and plane.image not in self.session.workspace.learnable_images:
            self.say_next("This image is held out: mark cells in another one to learn from.", now=True)
        elif cells == 0 and self.bridge.tool == "box":
            self.say_next("Draw boxes around some cells of each class, all over the image.", now=True)
        elif cells == 0:
            self.say_next("Click the middle of some cells, all over the image.", now=True)
        elif cells < GOOD_START:
            self.say_next(
                f"{GOOD_START - cells} more make a good start. Pick easy ones and hard ones.", now=True
            )
        else:
            self.say_next("Enough to train. Click also what is easily mistaken: “not a cell”.")

    # -- what it does

    def _pick(self, tool: Tool) -> None:
        self.bridge.tool = tool
        self.refresh()

    def _choose(self, name: str) -> None:
        """Mark this class from now on; with "select" it is that of what is selected, or is suggested."""
        bridge = self.bridge
        if bridge.tool == "select" and not bridge.hints.any_selected and bridge.review.accept_as(name):
            return
        bridge.current_class = name
        if self.bridge.tool not in ("cell", "box", "brush"):
            self.bridge.tool = "cell"
        self.refresh()

    def _add_class(self, name: str) -> None:
        with self.telling():
            self.session.annotations.set_classes([*self.session.project.classes, name])
            self._choose(name)

    def _rename_class(self, old: str, new: str) -> None:
        with self.telling():
            current = self.bridge.current_class
            self.session.annotations.rename_class(old, new)
            if current == old:
                self.bridge.current_class = new

    def _recolour_class(self, name: str, colour: str) -> None:
        classes = self.session.project.classes
        with self.telling():
            self.session.annotations.set_classes(
                [replace(c, color=colour) if c.name == name else c for c in classes]
            )

    def _remove_class(self, name: str) -> None:
        """Remove a class; the project refuses as long as it marks anything."""
        with self.telling():
            self.session.annotations.set_classes([c for c in self.session.project.classes if c.name != name])
            if self.bridge.current_class == name:
                self._choose(self.session.project.classes[0].name)


def class_of_each(hints: HintSet) -> dict[int, str]:
    """Return the class by id; a cell of a label image has a point, a box and a mask, and counts once."""
    return {int(i): str(name) for rows in hints.kinds for i, name in zip(rows.ids, rows.classes, strict=True)}


def _times(hints: Iterable[HintSet]) -> str:
    """Return how long each kind of hint took, in words; nothing where nobody was timed."""
    each = [f"{noun} {mean:.1f} ({count:,})" for noun, (count, mean) in seconds_each(hints).items()]
    return f".\nSeconds for each, on average: {', '.join(each)}" if each else ""
