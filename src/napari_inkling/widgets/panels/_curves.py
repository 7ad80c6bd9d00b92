"""The curves of a training: loss, and F1 where there is truth to measure against.

pyqtgraph is imported when the first curve is drawn, so that the dock opens fast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from napari_inkling.core import Round
from napari_inkling.widgets.panels._panel import label

if TYPE_CHECKING:
    from napari_inkling.widgets.panels._style import Palette

__all__ = ["Curves", "by_name"]

#: Colour-blind safe, readable on dark and on light.
PENS = ("#4f9bd9", "#e69f00", "#009e73", "#cc79a7")
Series = dict[str, tuple[list[float], list[float]]]


def by_name(losses: Sequence[tuple[int, Mapping[str, float]]]) -> Series:
    """Return steps and values of each loss; ``losses`` is a list of (step, {name: value})."""
    series: Series = {}
    for step, values in losses:
        for name, value in values.items():
            steps, column = series.setdefault(name, ([], []))
            steps.append(step)
            column.append(value)
    return series


class Curves(QWidget):
    """Two small plots, one above the other; each is there once it has something to show."""

    def __init__(self) -> None:
        super().__init__()
        self.titles: dict[str, Any] = {}
        self.plots: dict[str, Any] = {}
        self._curves: dict[tuple[str, str], Any] = {}
        self._palette: Palette | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(5)
        self.hide()

    def show_training(
        self, losses: Sequence[tuple[int, Mapping[str, float]]], rounds: Sequence[Round]
    ) -> None:
        """Draw everything that is known of a training; an empty one clears the plots."""
        series = by_name(losses)
        self._show("loss", _title(list(series)), series)
        measured = [(r.round, r.metrics["f1"]) for r in rounds if "f1" in r.metrics]
        f1: Series = {}
        if len(measured) > 1:  # one value is said better in words
            f1 = {"F1": ([float(r) for r, _ in measured], [f for _, f in measured])}
        said = f"F1 on cells that were held out: {measured[-1][1]:.2f}" if measured else ""
        self._show("F1", said, f1)
        self.setVisible(bool(series or measured))

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a theme."""
        self._palette = palette
        for plot in self.plots.values():
            self._dress(plot)

    def close_plots(self) -> None:
        """Take pyqtgraph's scenes down in order; they would outlive their widgets."""
        for plot in self.plots.values():
            plot.close()
        self.plots.clear()
        self._curves.clear()

    def _show(self, kind: str, title: str, series: Series) -> None:
        if not title and kind not in self.titles:
            return
        if kind not in self.titles:
            self.titles[kind] = label(role="muted")
            self.titles[kind].setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            self.titles[kind].setTextFormat(Qt.TextFormat.RichText)
            self._column.addWidget(self.titles[kind])
        self.titles[kind].setText(title)
        self.titles[kind].setVisible(bool(title))
        for (its_kind, name), curve in self._curves.items():
            if its_kind == kind and name not in series:
                curve.setData([], [])
        for i, (name, (steps, values)) in enumerate(series.items()):
            plot = self.plots.get(kind) or self._make_plot(kind)
            curve = self._curves.get((kind, name)) or self._make_curve(plot, kind, name, PENS[i % len(PENS)])
            curve.setData(steps, values)
        if kind in self.plots:
            self.plots[kind].setVisible(bool(series))
            # The axes change now and not while it is painted, which would have it painted twice.
            self.plots[kind].scene().prepareForPaint()

    def _make_plot(self, kind: str) -> Any:
        import pyqtgraph as pg

        plot = pg.PlotWidget(background=None)
        plot.setFixedHeight(92)
        plot.setMouseEnabled(x=False, y=False)
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        plot.getPlotItem().setContentsMargins(0, 6, 2, 0)
        plot.getAxis("left").setWidth(34)
        plot.getAxis("bottom").setStyle(showValues=False)
        plot.getAxis("bottom").setHeight(8)
        if kind == "F1":
            plot.setYRange(0, 1, padding=0.02)
        self._column.insertWidget(self._column.indexOf(self.titles[kind]) + 1, plot)
        self.plots[kind] = plot
        self._dress(plot)
        return plot

    def _make_curve(self, plot: Any, kind: str, name: str, colour: str) -> Any:
        import pyqtgraph as pg

        marks = {"symbol": "o", "symbolSize": 5, "symbolBrush": colour, "symbolPen": None}
        curve = plot.plot(pen=pg.mkPen(colour, width=1.6), **(marks if kind == "F1" else {}))
        self._curves[kind, name] = curve
        return curve

    def _dress(self, plot: Any) -> None:
        if self._palette is not None:
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(self._palette.border)
                plot.getAxis(side).setTextPen(self._palette.muted)


def _title(names: list[str]) -> str:
    """Name the losses, each beside its colour."""
    if len(names) < 2:
        return "Loss" * len(names)
    marks = (f'<span style="color:{PENS[i % len(PENS)]}">━</span> {name}' for i, name in enumerate(names))
    return "Loss: " + "  ".join(marks)
