"""The row of classes: a chip for each with colour, key and count, and what can be done to it, in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QLineF, QObject, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from qtpy.QtWidgets import QLineEdit, QMenu, QPushButton, QWidget
from superqt.utils import QFlowLayout

from napari_inkling.widgets.keys import class_key
from napari_inkling.widgets.panels._keys import shown
from napari_inkling.widgets.panels._panel import button, entry

if TYPE_CHECKING:
    from napari_inkling.project import ClassInfo

__all__ = ["SWATCHES", "ClassChips", "dot", "tool_icon"]

#: Colour-blind safe (Okabe and Ito), and two more.
SWATCHES = {
    "orange": "#e69f00",
    "sky blue": "#56b4e9",
    "green": "#009e73",
    "yellow": "#f0e442",
    "blue": "#0072b2",
    "vermilion": "#d55e00",
    "purple": "#cc79a7",
    "white": "#ffffff",
}


def dot(colour: str, size: int = 12) -> QIcon:
    """Return a round swatch, crisp at high resolution."""
    pixmap = QPixmap(size * 3, size * 3)
    pixmap.setDevicePixelRatio(3)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(QColor(colour))
    painter.setPen(QColor(0, 0, 0, 90))
    painter.drawEllipse(QRectF(1, 1, size - 2, size - 2))
    painter.end()
    return QIcon(pixmap)


def tool_icon(tool: str) -> QIcon:
    """Return a small drawing of what a tool leaves in the image."""
    pixmap = QPixmap(36, 36)
    pixmap.setDevicePixelRatio(3)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor("#4f9bd9"), 1.5))
    if tool == "cell":
        painter.drawEllipse(QRectF(1.5, 1.5, 9, 9))
        painter.setBrush(QColor("#4f9bd9"))
        painter.drawEllipse(QRectF(5, 5, 2, 2))
    elif tool == "background":
        painter.setPen(QPen(QColor("#d9694f"), 1.8))
        painter.drawLine(QLineF(2.5, 2.5, 9.5, 9.5))
        painter.drawLine(QLineF(2.5, 9.5, 9.5, 2.5))
    elif tool == "box":
        painter.drawRect(QRectF(1.5, 2.5, 9, 7))
    else:
        painter.setPen(QPen(QColor("#8f97a3"), 1.5))
        painter.setBrush(QColor(143, 151, 163, 110))
        painter.drawRect(QRectF(1.5, 2.5, 9, 7))
    painter.end()
    return QIcon(pixmap)


class ClassChips(QWidget):
    """Shows classes; says what a person wants of them by signals and changes nothing itself."""

    chosen = Signal(str)
    added = Signal(str)
    renamed = Signal(str, str)
    recoloured = Signal(str, str)
    removed = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.layout_ = QFlowLayout(self)
        self.layout_.setContentsMargins(0, 0, 0, 0)
        self.layout_.setHorizontalSpacing(5)
        self.layout_.setVerticalSpacing(5)
        self.chips: dict[str, QPushButton] = {}
        self._shown: tuple[Any, ...] = ()
        self.plus = button("+", "Add a class", self.ask_new, role="flat")
        self.editor = QLineEdit()
        self.editor.setPlaceholderText("class name")
        self.editor.setFixedWidth(120)
        self.editor.returnPressed.connect(self._edited)
        self.editor.installEventFilter(self)
        self.editor.hide()
        self._renaming = ""

    def show_classes(
        self,
        classes: Sequence[ClassInfo],
        counts: Mapping[str, int],
        current: str,
        held_out: Mapping[str, int],
    ) -> None:
        """Show the classes (with name, color, key), their marked cells, and those that are held out."""
        if (now := tuple((c.name, c.color, c.key) for c in classes)) != self._shown:
            self._shown = now
            self._build(classes)
        for index, info in enumerate(classes):
            chip, apart = self.chips[info.name], held_out.get(info.name, 0)
            chip.setText(f"{info.name}  {counts.get(info.name, 0):,}" + f" + {apart:,}" * bool(apart))
            beside = f". {apart:,} more are on images that are held out" * bool(apart)
            chip.setToolTip(f"{_tip(info.name)}{beside}  [{shown(class_key(index, info.key))}]")
            chip.setChecked(info.name == current)

    def ask_new(self) -> None:
        """Open the field for a new class's name, in place."""
        self._edit("", "")

    def ask_rename(self, name: str) -> None:
        """Open the field for a class's new name, in place."""
        self._edit(name, name)

    def _build(self, classes: Sequence[ClassInfo]) -> None:
        for chip in self.chips.values():
            self.layout_.removeWidget(chip)
            chip.deleteLater()
        for widget in (self.editor, self.plus):
            self.layout_.removeWidget(widget)
        self.chips = {c.name: self._chip(index, c) for index, c in enumerate(classes)}
        for widget in (*self.chips.values(), self.editor, self.plus):
            self.layout_.addWidget(widget)

    def _chip(self, index: int, info: ClassInfo) -> QPushButton:
        name, key = info.name, shown(class_key(index, info.key))
        chip = button("", _tip(name), lambda: self.chosen.emit(name), key=key, role="chip")
        chip.setCheckable(True)
        chip.setIcon(dot(info.color))
        chip.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        chip.customContextMenuRequested.connect(lambda at: self.menu_for(name).popup(chip.mapToGlobal(at)))
        return chip

    def menu_for(self, name: str) -> QMenu:
        """Return the menu of a class."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        entry(menu, "Rename…", partial(self.ask_rename, name))
        colours = menu.addMenu("Colour")
        for words, colour in SWATCHES.items():
            entry(colours, words, partial(self.recoloured.emit, name, colour)).setIcon(dot(colour))
        menu.addSeparator()
        entry(menu, "Remove", partial(self.removed.emit, name))
        return menu

    def _edit(self, renaming: str, text: str) -> None:
        self._renaming = renaming
        self.editor.setText(text)
        self.editor.show()
        self.editor.setFocus()
        self.editor.selectAll()

    def _edited(self) -> None:
        text, renaming = self.editor.text().strip(), self._renaming
        self.editor.hide()
        if text and renaming and text != renaming:
            self.renamed.emit(renaming, text)
        elif text and not renaming:
            self.added.emit(text)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape:
            self.editor.hide()
            return True
        return False


def _tip(name: str) -> str:
    return f"Mark cells as {name}; right-click to rename, recolour or remove"
