"""How large the boxes of a class are: their density over width and height, and each box as a dot."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QRectF, Signal
from qtpy.QtGui import QColor

from napari_inkling.guidance import SizePrior
from napari_inkling.widgets.panels._plot import PlotView, entry

__all__ = ["SizeDensity"]

FloatArray = npt.NDArray[np.float64]
#: The density is drawn on so many widths and as many heights.
CELLS = 64
#: It reaches so many deviations from the mean, and to every box.
REACH = 2.5
#: A press so near to a dot, in pixels of the screen, means it.
NEAR = 9.0
MEAN, MEAN_IOU = "#4f9bd9", "#e8452c"


class SizeDensity(PlotView):
    """The density f(h, w) of a class, its boxes, and the mean and the mean-IOU box."""

    #: The mouse is over a height and width, in pixels of the image.
    size_pointed = Signal(float, float)
    #: The dot of this row of the sizes was clicked.
    box_chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__(180, "width (px)", "height (px)")
        self.sizes: FloatArray = np.empty((0, 2))
        self._unusual: npt.NDArray[np.intp] = np.empty(0, np.intp)
        self.pointed.connect(self._on_pointed)
        self.pressed.connect(self._on_pressed)

    def show_sizes(
        self,
        prior: SizePrior,
        sizes: FloatArray,
        unusual: npt.NDArray[np.intp],
        mean_iou: FloatArray,
        colour: str,
    ) -> None:
        """Show a prior, the sizes (N, 2) of the class's own boxes, and which of them are unusual."""
        self._ready()
        self.sizes, self._unusual = sizes, unusual
        (low_h, low_w), (high_h, high_w) = low, high = _range(prior)
        heights, widths = (low + (np.arange(CELLS)[:, None] + 0.5) / CELLS * (high - low)).T
        self._image.setImage(_painted(prior.on_grid(heights, widths).T, colour), levels=(0, 255))
        self._image.setRect(QRectF(low_w, low_h, high_w - low_w, high_h - low_h))
        self.plot.setRange(xRange=(low_w, high_w), yRange=(low_h, high_h), padding=0)
        self._dots.setData(sizes[:, 1], sizes[:, 0])
        self._rings.setData(sizes[unusual, 1], sizes[unusual, 0])
        for item, size in ((self._mean, prior.mean), (self._mean_iou, mean_iou)):
            item.setData([size[1]], [size[0]])
        self._write_legend(prior.mean, mean_iou)
        self._shown()

    def _make(self) -> None:
        import pyqtgraph as pg

        self._image = pg.ImageItem()
        self._dots = pg.ScatterPlotItem(size=4, pen=None)
        self._rings = pg.ScatterPlotItem(size=11, brush=None)
        self._mean = pg.ScatterPlotItem(size=13, symbol="o", brush=None, pen=pg.mkPen(MEAN, width=2.5))
        edge = pg.mkPen("w", width=0.8)
        self._mean_iou = pg.ScatterPlotItem(size=14, symbol="star", brush=MEAN_IOU, pen=edge)
        for item in (self._image, self._dots, self._rings, self._mean, self._mean_iou):
            self.plot.addItem(item)

    def _dress(self) -> None:
        super()._dress()
        if self.plot is not None and self._palette is not None:
            faint = QColor(self._palette.text)
            faint.setAlpha(170)
            self._dots.setBrush(faint)
            self._rings.setPen(self._palette.warning, width=1.5)

    def _write_legend(self, mean: FloatArray, mean_iou: FloatArray) -> None:
        text, warning = (self._palette.text, self._palette.warning) if self._palette else ("", "")
        entries = [
            entry("○", MEAN, f"mean {_size(mean)}"),
            entry("★", MEAN_IOU, f"mean-IOU {_size(mean_iou)} px"),
        ]
        if len(self.sizes):
            entries.append(entry("•", text, "a box"))
        if len(self._unusual):
            entries.append(entry("◯", warning, "unusual"))
        self.explain(*entries)
        self.legend.setToolTip(
            "Height × width. The mean-IOU box overlaps most with all boxes of the class; "
            "it stands for a point where the image does not tell the size"
        )

    # -- the mouse

    def _on_pointed(self, x: float, y: float) -> None:
        if x > 0 and y > 0:
            self.size_pointed.emit(y, x)

    def _on_pressed(self, x: float, y: float) -> None:
        """Choose the dot that is nearest on the screen."""
        if not len(self.sizes):
            return
        across, up = self.pixel_size()
        far = np.hypot((self.sizes[:, 1] - x) / across, (self.sizes[:, 0] - y) / up)
        if far.min() <= NEAR:
            self.box_chosen.emit(int(far.argmin()))


def _range(prior: SizePrior) -> tuple[FloatArray, FloatArray]:
    """Return the least and the greatest height and width to show."""
    low = np.minimum(prior.mean - REACH * prior.deviation, prior.sizes.min(axis=0) - prior.bandwidth)
    high = np.maximum(prior.mean + REACH * prior.deviation, prior.sizes.max(axis=0) + prior.bandwidth)
    return np.maximum(low, 0), high


def _painted(density: FloatArray, colour: str) -> Any:
    """Return a density (X, Y) as RGBA: the colour, the stronger the denser."""
    red, green, blue, _ = QColor(colour).getRgb()
    picture = np.empty((*density.shape, 4), np.uint8)
    picture[..., :3] = red, green, blue
    picture[..., 3] = 230 * np.sqrt(density / density.max())
    return picture


def _size(size: FloatArray) -> str:
    return f"{size[0]:.0f} × {size[1]:.0f}"
