"""A small plot that a person points at: pyqtgraph is imported when the first one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_inkling.widgets.panels._panel import column, label

if TYPE_CHECKING:
    from napari_inkling.widgets.panels._style import Palette

__all__ = ["PlotView", "entry"]


def entry(sign: str, colour: str, words: str) -> str:
    """Return what a sign in a colour means, as rich text that is not broken over two lines."""
    whole = words.replace(" ", "&nbsp;").replace("-", "&#8209;")
    return f'<span style="color:{colour}">{sign}</span>&nbsp;{whole}'


class PlotView(QWidget):
    """A plot with a legend below; a subclass fills it in :meth:`_make` and shows data in it.

    Parameters
    ----------
    height : int
        Of the plot, in pixels of the screen.
    bottom, left : str
        What the axes show, with the unit.
    """

    #: The mouse is over the plot, at x and y of the data.
    pointed = Signal(float, float)
    #: The mouse left the plot.
    left = Signal()
    #: The left button was pressed at x and y of the data.
    pressed = Signal(float, float)

    def __init__(self, height: int, bottom: str, left: str) -> None:
        super().__init__()
        self.plot: Any = None
        self.legend = label(role="muted", wrap=True)
        self.legend.setTextFormat(Qt.TextFormat.RichText)
        self._height, self._labels = height, {"bottom": bottom, "left": left}
        self._palette: Palette | None = None
        self._column = column(spacing=3)
        self.setLayout(self._column)
        self._column.addWidget(self.legend)

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a theme."""
        self._palette = palette
        self._dress()

    def close_plot(self) -> None:
        """Take pyqtgraph's scene down in order; it would outlive its widget."""
        if self.plot is not None:
            self.plot.viewport().removeEventFilter(self)
            self.plot.close()
            self.plot = None

    def explain(self, *entries: str) -> None:
        """Show a legend of these entries."""
        self.legend.setText(" &nbsp; ".join(entries))

    def pixel_size(self) -> tuple[float, float]:
        """Return how far a pixel of the screen reaches on either axis."""
        across, up = self.plot.getViewBox().viewPixelSize()
        return float(across), float(up)

    def _ready(self) -> None:
        """Make the plot, if it is not there yet."""
        if self.plot is not None:
            return
        import pyqtgraph as pg

        self.plot = pg.PlotWidget(background=None)
        self.plot.setFixedHeight(self._height)
        self.plot.setMinimumWidth(60)
        self.plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.plot.setMouseEnabled(x=False, y=False)
        self.plot.setMenuEnabled(False)
        self.plot.hideButtons()
        self.plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.plot.getPlotItem().setContentsMargins(0, 4, 6, 0)
        self.plot.viewport().setMouseTracking(True)
        self.plot.viewport().installEventFilter(self)
        for side, text in self._labels.items():
            self.plot.getAxis(side).enableAutoSIPrefix(False)
            self.plot.setLabel(side, text)
        self.plot.getAxis("left").setWidth(50)
        self.plot.getAxis("bottom").setHeight(42)
        self._make()
        self._dress()
        self._column.insertWidget(0, self.plot)

    def _make(self) -> None:
        """Put the items into the plot."""

    def _dress(self) -> None:
        if self.plot is not None and self._palette is not None:
            for side in self._labels:
                axis = self.plot.getAxis(side)
                axis.setPen(self._palette.border)
                axis.setTextPen(self._palette.muted)

    def _shown(self) -> None:
        """Have the axes change now and not while the plot is painted, which would have it painted twice."""
        self.plot.scene().prepareForPaint()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Say where the mouse is in the data; the wheel scrolls the dock, not the plot."""
        if event is None or self.plot is None or watched is not self.plot.viewport():
            return False
        if event.type() == QEvent.Type.Wheel:
            event.ignore()
            return True
        if event.type() == QEvent.Type.Leave:
            self.left.emit()
        elif event.type() in (QEvent.Type.MouseMove, QEvent.Type.MouseButtonPress):
            self._on_mouse(event)
        return event.type() == QEvent.Type.MouseButtonPress

    def _on_mouse(self, event: Any) -> None:
        box = self.plot.getViewBox()
        at = self.plot.mapToScene(event.position().toPoint())
        if not box.sceneBoundingRect().contains(at):
            self.left.emit()
            return
        place = box.mapSceneToView(at)
        if event.type() == QEvent.Type.MouseMove:
            self.pointed.emit(place.x(), place.y())
        elif event.button() == Qt.MouseButton.LeftButton:
            self.pressed.emit(place.x(), place.y())
