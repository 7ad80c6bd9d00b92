"""The threshold slider with the histogram of the scores above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QRectF, Qt, Signal
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QDoubleSpinBox, QSlider, QVBoxLayout, QWidget

from napari_inkling.widgets.panels._panel import calm_wheel, label, row

if TYPE_CHECKING:
    from napari_inkling.widgets.panels._style import Palette

__all__ = ["Histogram", "ThresholdSlider"]

BINS = 40
#: Half of a slider's handle: the groove is that much shorter than the widget at either end.
MARGIN = 7


class Histogram(QWidget):
    """Bars of scores in [0, 1]; what the threshold keeps is coloured."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(40)
        self.counts: npt.NDArray[np.int64] = np.zeros(BINS, np.int64)
        self.threshold = 0.5
        self.kept, self.dropped = QColor("#4f9bd9"), QColor("#888888")

    def set_scores(self, scores: npt.NDArray[np.float64]) -> None:
        """Count the scores, shape (N,)."""
        counts = np.histogram(scores[np.isfinite(scores)], bins=BINS, range=(0, 1))[0]
        if not np.array_equal(counts, self.counts):
            self.counts = counts
            self.update()

    def set_threshold(self, threshold: float) -> None:
        """Colour what a threshold keeps."""
        if threshold != self.threshold:
            self.threshold = threshold
            self.update()

    def paintEvent(self, event: Any) -> None:
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        width, height = self.width() - 2 * MARGIN, self.height() - 2
        if width <= 0:
            return
        # The root keeps the few doubtful ones visible beside hundreds of sure ones.
        heights = np.sqrt(self.counts / max(1, self.counts.max()))
        for i, share in enumerate(heights):
            x0, x1 = (MARGIN + width * (i + k) / BINS for k in (0, 1))
            bar = max(1.0, share * height)
            painter.setBrush(self.kept if (i + 0.5) / BINS >= self.threshold else self.dropped)
            painter.drawRect(QRectF(x0, self.height() - bar, x1 - x0 - 1, bar))


class ThresholdSlider(QWidget):
    """The threshold as a number, and as a slider under the scores' histogram."""

    changed = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.histogram = Histogram()
        self.number = QDoubleSpinBox()
        self.number.setRange(0, 1)
        self.number.setSingleStep(0.01)
        self.number.setDecimals(2)
        self.number.setKeyboardTracking(False)
        self.number.setToolTip("Suggestions with a score below this are hidden")
        calm_wheel(self.number)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 100)
        self.slider.setToolTip("Suggestions with a score below this are hidden")
        calm_wheel(self.slider)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row(label("Keep above"), None, self.number))
        layout.addWidget(self.histogram)
        layout.addWidget(self.slider)
        self.slider.valueChanged.connect(lambda v: self._on_changed(v / 100))
        self.number.valueChanged.connect(self._on_changed)

    def set_value(self, value: float) -> None:
        """Show a threshold without telling anyone."""
        for widget, shown in ((self.slider, round(value * 100)), (self.number, value)):
            widget.blockSignals(True)
            widget.setValue(shown)
            widget.blockSignals(False)
        self.histogram.set_threshold(value)

    def _on_changed(self, value: float) -> None:
        self.set_value(value)
        self.changed.emit(value)

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a theme."""
        self.histogram.kept, self.histogram.dropped = QColor(palette.accent), QColor(palette.border)
        self.histogram.update()
