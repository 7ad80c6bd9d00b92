"""Compare: which method does better on clicks that were held out, as one bar for each."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QProgressBar, QSizePolicy, QWidget

from napari_inkling.core.durations import clock
from napari_inkling.session import ComparisonState, rests_on, short_name
from napari_inkling.widgets.panels._keys import key_of
from napari_inkling.widgets.panels._panel import button, column, label, put, row, set_role, shrinking

if TYPE_CHECKING:
    from napari_inkling.evaluation import ComparedDetector, Comparison
    from napari_inkling.session import Session
    from napari_inkling.widgets.panels._method_choice import MethodChoice
    from napari_inkling.widgets.panels._style import Palette

__all__ = ["ComparisonView", "F1Bar"]

WHAT = (
    "Train the methods that suit your hints without a quarter of the clicks, and show which one finds these. "
    "About 2 min for each; hints, models and suggestions stay as they are"
)


class F1Bar(QWidget):
    """F1 in [0, 1] as a bar from the left, with its interval as a line across its end."""

    def __init__(self, detector: ComparedDetector) -> None:
        super().__init__()
        self.detector = detector
        self.track, self.bar, self.line = QColor("#555555"), QColor("#4f9bd9"), QColor("#ffffff")
        self.setFixedHeight(16)
        self.setMinimumWidth(60)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("The bar is F1, from 0 to 1; the thin line is how far it may be off")

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a theme."""
        self.track, self.bar, self.line = map(QColor, (palette.surface, palette.accent, palette.text))
        self.update()

    def paintEvent(self, event: Any) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        across, middle = self.width() - 1.0, self.height() / 2
        painter.setBrush(self.track)
        painter.drawRoundedRect(QRectF(0, 2, across, self.height() - 4), 3, 3)
        painter.setBrush(self.bar)
        painter.drawRoundedRect(QRectF(0, 2, across * self.detector.f1, self.height() - 4), 3, 3)
        painter.setPen(QPen(self.line, 1.5))
        low, high = (across * share for share in (self.detector.low, self.detector.high))
        painter.drawLine(QPointF(low, middle), QPointF(high, middle))
        for end in (low, high):
            painter.drawLine(QPointF(end, middle - 4), QPointF(end, middle + 4))


class ComparisonView(QWidget):
    """How a comparison goes, and what came of it; its button stands elsewhere.

    Parameters
    ----------
    session : Session
        Whose methods are compared.
    telling : callable
        Makes a context in which errors are told to the person.
    method : MethodChoice
        Where a method is chosen.
    device : callable
        Returns where to train.
    """

    def __init__(
        self,
        session: Session,
        telling: Callable[[], AbstractContextManager[None]],
        method: MethodChoice,
        device: Callable[[], str],
    ) -> None:
        super().__init__()
        self._session, self._telling, self._method, self._device = session, telling, method, device
        self._palette: Palette | None = None
        self._shown: Comparison | None = None
        self._refusal = ""  # why there is nothing to compare
        self.bars: dict[str, F1Bar] = {}
        self.use: dict[str, Any] = {}
        self.button = shrinking(button("Compare", WHAT, self.compare_or_stop, key=key_of("compare")))
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.text = label(role="muted", wrap=True)
        self.close_button = button("Close", "Put the comparison away", self._dismiss, role="link")
        self._rows = column(spacing=6)
        layout = column(spacing=7)
        for item in (self.bar, self.text, self._rows, row(None, self.close_button)):
            put(layout, item)
        self.setLayout(layout)
        self._method.currentIndexChanged.connect(self._show_use)
        self.show_state(session.comparing.state)

    # -- what shows

    def refresh(self) -> None:
        """Ask whether there is something to compare: it looks up every method, so not at each event."""
        self._refusal = "" if self._session.comparing.active else self._session.comparing.refusal()
        self.show_button()

    def show_button(self) -> None:
        """Show what the button does now, or why it does nothing."""
        state, training = self._session.comparing.state, self._session.training.active
        refusal = "A training is running: stop it first" if training else self._refusal
        tip = "Stop, and show what there is so far" if state.active else _sentence(refusal) or WHAT
        self.button.setToolTip(f"{tip}  [{key_of('compare')}]")
        self.button.setText("Stop" if state.active else "Compare")
        self.button.setEnabled(state.status != "stopping" and (state.active or not refusal))
        self.button.setVisible(not self._method.isHidden())

    def show_state(self, state: ComparisonState) -> None:
        """Show how far it is, or what came of it."""
        self.setVisible(state.status != "idle")
        self.bar.setVisible(state.active)
        self.bar.setValue(round(1000 * state.fraction))
        left = clock(state.seconds_left)
        doing = " · ".join(filter(None, (state.doing, f"{left} left" * bool(left), state.device)))
        self.text.setText(doing if state.active else state.message)
        ended = "warning" if state.failures else "plain"
        set_role(self.text, "muted" if state.active else ended)
        self.close_button.setVisible(not state.active)
        if state.result is not self._shown:
            self._show_result(state.result)

    def _show_result(self, result: Comparison | None) -> None:
        self._shown = result
        self._clear()
        if result is not None:
            for detector in result.detectors:
                self._rows.addWidget(self._row_of(detector, result))
        self._show_use()

    def _clear(self) -> None:
        self.bars, self.use = {}, {}
        while (item := self._rows.takeAt(0)) is not None:
            item.widget().hide()
            item.widget().deleteLater()

    def _row_of(self, detector: ComparedDetector, result: Comparison) -> QWidget:
        """Return name, bar and F1 of a method, and what it rests on."""
        name, exact = detector.name, result.exact
        self.bars[name] = bar = F1Bar(detector)
        self.use[name] = button("", f"Train with {short_name(name)} from now on", lambda: self._choose(name))
        if self._palette is not None:
            bar.set_palette(self._palette)
        title = label(short_name(name), "strong" if name == result.better else "plain")
        value = label(f"{'' if exact else '≈ '}{detector.f1:.2f}", "strong")
        value.setToolTip("F1: 1 if every cell is found and nothing else")
        bar.setAccessibleName(f"F1 of {short_name(name)}: {detector.f1:.2f}")
        between = f"F1 between {detector.low:.2f} and {detector.high:.2f}"
        whole, lines = QWidget(), column(spacing=2)
        put(lines, row(title, None, self.use[name]))
        put(lines, row(bar, value)).setStretch(0, 1)
        put(lines, label(f"{between}: {rests_on(detector, exact)}", "muted", wrap=True))
        whole.setLayout(lines)
        return whole

    def _show_use(self, *_: Any) -> None:
        for name, use in self.use.items():
            chosen = self._method.currentData() == name
            use.setText("In use" if chosen else "Use")
            use.setEnabled(not chosen)

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a new theme."""
        self._palette = palette
        for bar in self.bars.values():
            bar.set_palette(palette)

    # -- what it does

    def compare_or_stop(self) -> None:
        """Start a comparison, or stop the one that runs; say so if there cannot be one."""
        with self._telling():
            if self._session.comparing.active:
                self._session.comparing.stop()
            else:
                self._session.comparing.start(device=self._device())

    def _choose(self, name: str) -> None:
        self._method.setCurrentIndex(self._method.findData(name))

    def _dismiss(self) -> None:
        self._session.comparing.dismiss()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
