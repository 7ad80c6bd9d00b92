"""The list of a project's images: one line each with dots, fast with thousands of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qtpy.QtCore import QAbstractListModel, QModelIndex, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QIcon, QPainter, QPen, QPixmap

__all__ = ["ImageLine", "ImageListModel"]

DOTS = ("marked", "trained", "reviewed")
COLOURS = ("#e69f00", "#4f9bd9", "#009e73")


@dataclass(frozen=True)
class ImageLine:
    """What the list says of one image."""

    name: str
    marked: bool = False
    trained: bool = False
    reviewed: bool = False
    done: bool = False
    complete: bool = False
    problem: str = ""
    detail: str = ""

    @property
    def text(self) -> str:
        """The line itself."""
        marks = "  ✓" * self.done + "  ◎" * self.complete
        return f"{'⚠ ' if self.problem else ''}{self.name}{marks}"

    @property
    def tooltip(self) -> str:
        """Everything in words."""
        dots = [f"{'●' if getattr(self, d) else '○'} {d}" for d in DOTS]
        extra = ["✓ done"] * self.done + ["◎ every cell is marked: held out to measure"] * self.complete
        return "\n".join([self.name, *filter(None, (self.problem, self.detail)), *dots, *extra])


class ImageListModel(QAbstractListModel):
    """Shows :class:`ImageLine` rows; icons are drawn once for each combination of dots."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.lines: list[ImageLine] = []
        self.ring = "#888888"
        self._icons: dict[tuple[bool, ...], QIcon] = {}

    def set_lines(self, lines: list[ImageLine]) -> None:
        """Show these; lines that stay where they were are updated in place: the view does not jump."""
        if [line.name for line in lines] != [line.name for line in self.lines]:
            self.beginResetModel()
            self.lines = lines
            self.endResetModel()
            return
        changed = [i for i, (a, b) in enumerate(zip(self.lines, lines, strict=True)) if a != b]
        self.lines = lines
        for i in changed:
            self.dataChanged.emit(self.index(i), self.index(i))

    def set_ring(self, colour: str) -> None:
        """Take the colour of hollow dots from the theme."""
        self.ring = colour
        self._icons.clear()
        if self.lines:
            self.dataChanged.emit(self.index(0), self.index(len(self.lines) - 1))

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.lines)

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        line = self.lines[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return line.text
        if role == Qt.ItemDataRole.ToolTipRole:
            return line.tooltip
        if role == Qt.ItemDataRole.DecorationRole:
            return self._icon((line.marked, line.trained, line.reviewed))
        return None

    def _icon(self, dots: tuple[bool, ...]) -> QIcon:
        if dots not in self._icons:
            icon = QIcon(_draw(dots, self.ring))
            icon.addPixmap(_draw(dots, "#ffffff"), QIcon.Mode.Selected)
            self._icons[dots] = icon
        return self._icons[dots]


def _draw(dots: tuple[bool, ...], ring: str) -> QPixmap:
    scale = 3  # crisp on high-resolution screens
    pixmap = QPixmap(QSize(36, 12) * scale)
    pixmap.setDevicePixelRatio(scale)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for i, (on, colour) in enumerate(zip(dots, COLOURS, strict=True)):
        painter.setPen(QPen(QColor(ring), 1.2))
        painter.setBrush(QColor(colour) if on else Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QRectF(2 + 12 * i, 2, 8, 8))
    painter.end()
    return pixmap
