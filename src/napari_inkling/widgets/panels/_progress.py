"""How a training goes: a bar, what it does just now, and its curves."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QProgressBar, QWidget

from napari_inkling.core.durations import clock
from napari_inkling.session import TrainingState
from napari_inkling.widgets.panels._curves import Curves
from napari_inkling.widgets.panels._panel import button, column, label, set_role

if TYPE_CHECKING:
    from napari_inkling.widgets.panels._style import Palette

__all__ = ["TrainingProgress"]


class TrainingProgress(QWidget):
    """Shows one training after another; when it is over the curves fold: what matters then stands below."""

    def __init__(self) -> None:
        super().__init__()
        self._state = TrainingState()
        self._unfolded = False
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)  # never a busy bar: each of its frames draws the canvas of napari anew
        self._seconds = QTimer(self)
        self._seconds.setInterval(1000)
        self._seconds.timeout.connect(self._say)
        self._since = 0.0
        self.stage = label(role="muted", wrap=True)
        #: What the training chose by itself, if it does.
        self.chosen = label(wrap=True)
        self.chosen.hide()
        self.curves_button = button("", "The curves of the training", self._toggle, role="link")
        self.curves = Curves()
        layout = column(spacing=7)
        for widget in (self.bar, self.stage, self.chosen, self.curves_button, self.curves):
            layout.addWidget(widget)
        self.setLayout(layout)
        self.curves_button.hide()

    def show_state(self, state: TrainingState) -> None:
        """Show how far it is, what it does or how it ended, and its curves."""
        if state.active != self._state.active:
            self._unfolded = state.active
        self._state = state
        self.bar.setVisible(state.active)
        self.bar.setValue(round(1000 * state.fraction))
        if not state.active or state.steps:
            self._seconds.stop()
        elif not self._seconds.isActive():
            self._since = time.monotonic()
            self._seconds.start()
        self._say()
        self.stage.setVisible(bool(self.stage.text()))
        set_role(self.stage, "warning" if state.status == "failed" else "muted")
        self.setVisible(state.status != "idle")
        self._show_curves()

    def _say(self) -> None:
        """Say what it does; and for how long, while no step shows that it lives."""
        state, waited = self._state, time.monotonic() - self._since
        at_it = f"{waited:.0f} s" * (self._seconds.isActive() and waited >= 1)
        left = clock(state.seconds_left)
        doing = (state.stage or "starting", at_it, f"{left} left" * bool(left), state.device)
        self.stage.setText(" · ".join(filter(None, doing)) if state.active else state.full_message)

    def _show_curves(self) -> None:
        state = self._state
        some = bool(state.losses or state.metrics)
        if some and self._unfolded:
            self.curves.show_training(state.losses, state.metrics)
        self.curves.setVisible(some and self._unfolded)
        self.curves_button.setVisible(some and not state.active)
        f1 = [r.metrics["f1"] for r in state.metrics if "f1" in r.metrics]
        said = f" · F1 {f1[-1]:.2f}" if f1 else ""
        self.curves_button.setText(f"{'▾' if self._unfolded else '▸'} Curves{said}")

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a new theme."""
        self.curves.set_palette(palette)

    def _toggle(self) -> None:
        self._unfolded = not self._unfolded
        self._show_curves()
