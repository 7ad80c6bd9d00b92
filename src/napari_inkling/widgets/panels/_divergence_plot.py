"""How near the sizes of the boxes drawn so far are to those of all, over the number of boxes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import Qt

from napari_inkling.guidance import ENOUGH, DivergenceCurve
from napari_inkling.widgets.panels._plot import PlotView, entry

__all__ = ["DivergencePlot"]

DRAWN, EXPECTED, LIMIT = "#e69f00", "#4f9bd9", "#009e73"
#: Both axes are logarithmic; what lies below this (0 at the last box) is not shown.
LEAST = 1e-3


class DivergencePlot(PlotView):
    """The divergence in drawing order, resampled, and as it is expected to go on, with the threshold."""

    def __init__(self) -> None:
        super().__init__(150, "boxes", "KL divergence")

    def show_curve(self, curve: DivergenceCurve, foretells: bool = True) -> None:
        """Show a curve; if it ``foretells``, it goes on to as many boxes as are expected to be enough."""
        self._ready()
        expected = min(curve.safe_decay / ENOUGH * 1.3, 1e6) if foretells else 0.0
        last = max(float(curve.counts[-1]), expected, 12.0)
        counts = np.log10(curve.counts)
        self._low.setData(counts, _log(curve.low))
        self._high.setData(counts, _log(curve.high))
        seen = curve.drawn >= LEAST
        self._drawn.setData(counts[seen], _log(curve.drawn[seen]))
        ends = np.array([2.0, last])
        self._expected.setData(np.log10(ends), _log(curve.expected(ends)))
        top = max(float(curve.high.max()), float(curve.drawn.max()), 10 * ENOUGH)
        self._span(last, top)
        self._expected.setVisible(foretells)
        self._write_legend(foretells)
        self._shown()

    def _make(self) -> None:
        import pyqtgraph as pg

        none = pg.mkPen(None)
        self._low, self._high = pg.PlotCurveItem(pen=none), pg.PlotCurveItem(pen=none)
        band = pg.FillBetweenItem(self._low, self._high, brush=pg.mkBrush(79, 155, 217, 70))
        dashes, dots = Qt.PenStyle.DashLine, Qt.PenStyle.DotLine
        self._expected = pg.PlotCurveItem(pen=pg.mkPen(EXPECTED, width=2, style=dots))
        limit = pg.InfiniteLine(np.log10(ENOUGH), angle=0, pen=pg.mkPen(LIMIT, width=1.6, style=dashes))
        self._drawn = pg.PlotDataItem(
            pen=pg.mkPen(DRAWN, width=1.6), symbol="o", symbolSize=4, symbolBrush=DRAWN, symbolPen=None
        )
        for item in (self._low, self._high, band, self._expected, limit, self._drawn):
            self.plot.addItem(item)

    def _span(self, last: float, top: float) -> None:
        """Set the axes, and ticks that say numbers and not their logarithms."""
        least = ENOUGH / 5
        self.plot.setRange(
            xRange=(np.log10(2), np.log10(last)), yRange=(np.log10(least), np.log10(top)), padding=0.03
        )
        counts = [n * 10**e for e in range(6) for n in (1, 2, 5) if 2 <= n * 10**e <= last]
        if len(counts) > 7:
            counts = [n for n in counts if str(n)[0] != "5"]
        levels = [0.001, 0.01, 0.1, 1, 10]
        for side, values in (("bottom", counts), ("left", [v for v in levels if least <= v <= top * 1.1])):
            self.plot.getAxis(side).setTicks([[(float(np.log10(v)), f"{v:g}") for v in values]])

    def _write_legend(self, foretells: bool) -> None:
        self.explain(
            entry("●", DRAWN, "as drawn"),
            entry("▒", EXPECTED, "at random"),
            *([entry("┈", EXPECTED, "expected")] if foretells else []),
            entry("╌", LIMIT, f"enough: {ENOUGH:g}"),
        )
        self.legend.setToolTip(
            "Kullback-Leibler (KL) divergence, in nats, of the sizes of all boxes from those of the first n: "
            "in the order in which they were drawn, and of n drawn at random (the band holds 90 %). "
            "Where the dotted line, drawn from ten boxes on, passes the dashed one, there are boxes enough"
        )


def _log(values: npt.NDArray[np.float64]) -> Any:
    return np.log10(np.maximum(values, LEAST))
