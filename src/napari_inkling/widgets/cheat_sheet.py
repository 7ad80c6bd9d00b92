"""The cheat sheet: every key and gesture on one sheet over the canvas, made from the table of keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qtpy.QtCore import QCoreApplication, QEvent, QObject, Qt
from qtpy.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_inkling.widgets.panels._panel import button, label, row

__all__ = ["CheatSheet"]

#: Height of what is above and below the columns, in pixels.
_AROUND = 76
#: So much more than they ask for take labels in a frame, together.
_FRAMES = 10


class CheatSheet(QFrame):
    """Lies over a widget, in its middle, and goes with Escape, with ``?`` or its cross. Never modal.

    Parameters
    ----------
    over : QWidget
        What it lies over: napari's canvas.
    groups : iterable of (title, [(keys, words), ...])
        What it says, one block for each group.
    style : str
        The style sheet of the dock.
    """

    def __init__(
        self, over: QWidget, groups: Iterable[tuple[str, list[tuple[str, str]]]], style: str
    ) -> None:
        super().__init__(over)
        self.setObjectName("cheatSheet")
        self.setStyleSheet(style)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 12, 18, 16)
        layout.setSpacing(10)
        self.close_button = button("✕", "Close this sheet", self.hide, key="Esc", role="flat")
        layout.addLayout(row(label("Keys and mouse", role="strong"), None, self.close_button))
        self._content = QWidget()
        self._content.setObjectName("cheatColumns")
        columns = QHBoxLayout(self._content)
        columns.setContentsMargins(0, 0, 0, 0)
        columns.setSpacing(20)
        self._scroll = QScrollArea()
        self._scroll.setWidget(self._content)
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout.addWidget(self._scroll)
        self._said: list[QLabel] = []
        width = 140 if over.width() < 660 else 190
        for part in _halves(list(groups)):
            column = QVBoxLayout()
            column.setSpacing(14)
            for title, lines in part:
                column.addLayout(self._block(title, lines, width))
            column.addStretch(1)
            columns.addLayout(column)
        self.hide()
        over.installEventFilter(self)  # its size

    def _block(self, title: str, lines: list[tuple[str, str]], width: int) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(5)
        grid.addWidget(label(title, role="strong"), 0, 0, 1, 2)
        for line, (keys, words) in enumerate(lines, start=1):
            chip, said = label(keys, role="key"), label(words, wrap=True)
            chip.setMinimumWidth(84)
            chip.setAlignment(Qt.AlignmentFlag.AlignCenter)
            said.setFixedWidth(width)
            said.setAlignment(Qt.AlignmentFlag.AlignTop)
            said.setProperty("role", "said")
            self._said.append(said)
            grid.addWidget(chip, line, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(said, line, 1, Qt.AlignmentFlag.AlignTop)
        grid.setColumnStretch(1, 1)
        return grid

    def toggle(self) -> None:
        """Show it, or put it away."""
        if self.isVisible():
            self.hide()
            return
        _application().installEventFilter(self)  # the canvas keeps keys to itself
        self.show()
        for said in self._said:  # a grid asks labels that wrap for more height than they need
            said.setFixedHeight(said.heightForWidth(said.width()))
        self._centre()
        self.raise_()

    def _centre(self) -> None:
        over = self.parentWidget()
        if over is not None:
            whole, bar = self._content.sizeHint(), self._scroll.verticalScrollBar().sizeHint().width()
            wanted, left = whole.height() + _FRAMES, over.height() - _AROUND
            self._scroll.setFixedSize(whole.width() + bar * (wanted > left), min(wanted, left))
            self.adjustSize()
            self.move(
                max(0, (over.width() - self.width()) // 2), max(0, (over.height() - self.height()) // 2)
            )

    def hideEvent(self, event: Any) -> None:
        """Leave keys alone again."""
        _application().removeEventFilter(self)
        super().hideEvent(event)

    def eventFilter(self, watched: QObject | None, event: Any) -> bool:
        """Stay in the middle, and go with Escape, whatever has the focus."""
        if not self.isVisible():
            return False
        if event.type() == QEvent.Type.Resize and watched is self.parentWidget():
            self._centre()
        elif event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Escape:
            self.hide()
            return True
        return False


def _application() -> QCoreApplication:
    application = QCoreApplication.instance()
    assert application is not None
    return application


def _halves(blocks: list[Any]) -> tuple[list[Any], list[Any]]:
    """Split into two columns of nearly the same height: the next longest goes to the shorter one."""
    columns: tuple[list[Any], list[Any]] = ([], [])
    heights = [0, 0]
    for block in sorted(blocks, key=lambda b: -len(b[1])):
        shorter = heights.index(min(heights))
        columns[shorter].append(block)
        heights[shorter] += len(block[1]) + 2
    return columns
