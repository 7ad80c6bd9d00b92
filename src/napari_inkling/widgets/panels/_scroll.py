"""The column of panels in a dock that is shorter than they are."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QScrollArea, QWidget

from napari_inkling.widgets._timers import single_shot

__all__ = ["PanelScroll"]

#: A part that was unfolded may still grow for so long: a table waits for what it shows.
GROWING_MS = 3000


class PanelScroll(QScrollArea):
    """Scrolls a column of panels; brings one into view, and keeps it there while it grows."""

    def __init__(self, column: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(column)
        self._wanted: QWidget | None = None
        self._look_soon = single_shot(self._look, 0, self)  # when the column has its new height
        self._grown = single_shot(self.rest, GROWING_MS, self)
        self.verticalScrollBar().rangeChanged.connect(self._on_range)
        self.verticalScrollBar().sliderPressed.connect(self.rest)

    def bring(self, panel: QWidget) -> None:
        """Show all of a panel, or its upper part if the dock is too short for all of it."""
        self._wanted = panel
        self._grown.start()
        self._look_soon.start()

    def rest(self) -> None:
        """Stay where it is from now on."""
        self._wanted = None

    def stop(self) -> None:
        """Do nothing more: the dock closes."""
        self.rest()
        for timer in (self._look_soon, self._grown):
            timer.stop()

    def _on_range(self, *_: int) -> None:
        self._look_soon.start()

    def _look(self) -> None:
        if (panel := self._wanted) is None:
            return
        bar = self.verticalScrollBar()
        lowest = panel.geometry().bottom() + 1 - self.viewport().height()
        bar.setValue(min(max(bar.value(), lowest), panel.y()))

    def wheelEvent(self, event: Any) -> None:
        """Leave it to the person who scrolls."""
        self.rest()
        super().wheelEvent(event)
