"""Train: the recommended method and why, how long, where, and how it goes."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QProgressBar

from napari_inkling.core import InklingError
from napari_inkling.methods import get_method
from napari_inkling.session import Recommendation
from napari_inkling.widgets.panels._curves import Curves
from napari_inkling.widgets.panels._keys import key_of
from napari_inkling.widgets.panels._panel import Panel, button, calm_wheel, label, restyle, row
from napari_inkling.widgets.panels._settings_form import SettingsForm

__all__ = ["TrainPanel", "clock"]

PRESETS = {
    "quick": ("Quick · about 1 min", "A first answer within seconds, a good one within a minute"),
    "standard": ("Standard · about 5 min", "Better at the borders of what is a cell"),
    "as-published": ("As published · long", "The paper's own network and schedule; wants a GPU"),
}
DEVICES = {"auto": "Auto", "cpu": "CPU", "cuda": "GPU (CUDA)", "mps": "GPU (Apple)"}
#: Redraw the curves at most this often; events come much faster.
CURVES_MS = 300


def clock(seconds: float | None) -> str:
    """Return seconds as ``m:ss``, or hours as ``h:mm h``; nothing if they are not known."""
    if seconds is None:
        return ""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02} h"


class TrainPanel(Panel):
    """One button that trains, and what can be set before."""

    title = "Train"

    def __init__(self, session: Any, bridge: Any) -> None:
        super().__init__(session, bridge)
        self._method = ""
        self.why = self.add(label(role="muted", wrap=True))
        self.preset = QComboBox()
        for name, (text, tip) in PRESETS.items():
            self.preset.addItem(text, name)
            self.preset.setItemData(self.preset.count() - 1, tip, 3)
        self.preset.setToolTip("How long to train; you can stop at any moment and keep what was learnt")
        self.device = QComboBox()
        for name, text in DEVICES.items():
            self.device.addItem(text, name)
        self.device.setToolTip("Where to train; Auto takes a GPU if there is one")
        line = self.add(row(calm_wheel(self.preset), calm_wheel(self.device)))
        line.setStretch(0, 3)
        line.setStretch(1, 2)

        self.radius = QDoubleSpinBox()
        self.radius.setRange(0, 500)
        self.radius.setDecimals(1)
        self.radius.setSingleStep(0.5)
        self.radius.setSpecialValueText("auto")
        self.radius.setSuffix(" px")
        self.radius.setKeyboardTracking(False)
        self.radius.setToolTip("Radius of a typical cell in pixels; 0 leaves it to the program")
        self.radius.valueChanged.connect(self._set_radius)
        self.radius.setMinimumWidth(96)
        calm_wheel(self.radius)
        self.estimate = button("", "Take this radius", self._take_estimate, role="link")
        self.add(row(label("Cell radius"), self.radius, self.estimate, None))

        self.advanced_button = button(
            "▸ Advanced", "Every setting of the method", self._toggle_advanced, role="link"
        )
        self.add(self.advanced_button)
        self.advanced = self.add(SettingsForm())
        self.advanced.hide()
        self.preset.currentIndexChanged.connect(self._fill_advanced)

        self.go = button("Train", "", self.train_or_stop, key=key_of("train"), role="primary")
        self.add(self.go)
        self.bar = self.add(QProgressBar())
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.stage = self.add(label(role="muted", wrap=True))
        self.curves_button = button("", "The curves of the training", self._toggle_curves, role="link")
        self.add(self.curves_button)
        self.curves: Curves = self.add(Curves())
        self._curves_shown = self._was_active = False

        self._soon = QTimer(self)
        self._drawing = QTimer(self)
        for timer, milliseconds, slot in (
            (self._soon, 50, self.refresh),
            (self._drawing, CURVES_MS, self._draw),
        ):
            timer.setSingleShot(True)
            timer.setInterval(milliseconds)
            timer.timeout.connect(slot)
        for name in ("project_changed", "plane_changed", "images_changed", "hints_changed", "models_changed"):
            self.listen(self._later, getattr(session, name))
        self.listen(self._later, session.radius_changed)
        self.listen(self._on_training, session.training_changed)
        self.refresh()
        self.curves_button.hide()
        self._on_training(session.training)

    # -- what shows

    def _later(self, *_: Any) -> None:
        self._soon.start()

    def refresh(self, *_: Any) -> None:
        """Show the recommended method, the radius, and whether there is enough to train."""
        advice = self._advice()
        self.why.setText(advice.reason)
        self.why.setVisible(bool(advice.reason))
        if advice.method != self._method:
            self._method = advice.method
            self._fill_advanced()
        self._show_radius()
        self._show_button()

    def _advice(self) -> Recommendation:
        try:
            return self.session.recommend()
        except InklingError as error:
            return Recommendation(self.session.method, str(error))

    def _show_radius(self) -> None:
        chosen, plane = self.session.radius, self.session.plane
        self.radius.blockSignals(True)
        self.radius.setValue(chosen or 0)
        self.radius.blockSignals(False)
        guess = None
        if plane is not None and len(self.session.hints):
            with self.telling():
                guess = self.session.estimate_radius(plane)
        if guess is not None and (chosen is None or abs(chosen - guess) > 0.05):
            self.estimate.setText(f"estimated {guess:.1f} px")
        elif chosen is not None:
            self.estimate.setText("back to automatic")
        else:
            self.estimate.setText("")
        self.estimate.setToolTip("Click to change it; the circle in the image shows it and can be dragged")

    def _show_button(self) -> None:
        state, missing = self.session.training, self._missing()
        self.go.setText(
            {"stopping": "Stopping…"}.get(state.status, "Stop" if state.active else self._train_word())
        )
        self.go.setProperty("role", "stop" if state.active else "primary")
        restyle(self.go)
        self.go.setEnabled(state.status != "stopping" and (state.active or not missing))
        words = "Stop, and keep what was learnt so far" if state.active else missing or "Train on all hints"
        self.go.setToolTip(f"{words}  [{key_of('train')}]")
        for widget in (self.preset, self.device, self.radius, self.advanced):
            widget.setEnabled(not state.active)
        sentence, now = self._sentence(state, missing)
        self.say_next(sentence, now=now)

    def _train_word(self) -> str:
        return "Train on" if self.session.newest_model is not None else "Train"

    def _missing(self) -> str:
        """Return why Train cannot be pressed, ``""`` if it can."""
        if self.session.project.read_only:
            return "This project is read-only: it cannot keep a model."
        if not self.session.project.images:
            return "Open an image first."
        try:
            advice = self.session.recommend()
        except InklingError as error:
            return str(error)
        if not advice.method:
            return advice.reason
        return f"Mark {advice.missing} to train." if advice.missing else ""

    def _sentence(self, state: Any, missing: str) -> tuple[str, bool]:
        if state.status in ("starting", "running"):
            return "Suggestions appear while it trains. Go on marking, or stop when you like them.", False
        if missing:
            return missing, False  # the mark on what to do now stands in Annotate
        if self.session.newest_model is None:
            return "Press Train: first suggestions come within seconds.", True
        return "Corrected some? Train on: it continues from the last model.", False

    def _on_training(self, state: Any) -> None:
        self.bar.setVisible(state.active)
        self.bar.setRange(0, 1000 if state.steps else 0)
        self.bar.setValue(round(1000 * state.fraction))
        left = clock(state.seconds_left)
        if state.active:
            parts = [state.stage or "starting the worker", f"{left} left" * bool(left), state.device]
            self.stage.setText(" · ".join(filter(None, parts)))
        else:
            self.stage.setText(state.full_message)
        self.stage.setProperty("role", "warning" if state.status == "failed" else "muted")
        restyle(self.stage)
        self.stage.setVisible(bool(self.stage.text()))
        self.summary.setText(f"{state.fraction:.0%}" if state.active and state.steps else "")
        if state.active != self._was_active:  # afterwards, what matters stands below
            self._was_active = self._curves_shown = state.active
        if not self._drawing.isActive():
            self._drawing.start()
        self._show_button()

    def _toggle_curves(self) -> None:
        self._curves_shown = not self._curves_shown
        self._draw()

    def _draw(self) -> None:
        state = self.session.training
        some = bool(state.losses or state.metrics)
        if some and self._curves_shown:
            self.curves.show_training(state.losses, state.metrics)
        self.curves.setVisible(some and self._curves_shown)
        self.curves_button.setVisible(some and not state.active)
        f1 = [r.metrics["f1"] for r in state.metrics if "f1" in r.metrics]
        said = f" · F1 {f1[-1]:.2f}" if f1 else ""
        self.curves_button.setText(f"{'▾' if self._curves_shown else '▸'} Curves{said}")

    # -- what it does

    def train_or_stop(self) -> None:
        """Start a training, or stop the one that runs."""
        with self.telling():
            if self.session.is_training:
                self.session.stop()
            else:
                self.session.train(
                    preset=self.preset.currentData(),
                    overrides=self.advanced.overrides(),
                    device=self.device.currentData(),
                )

    def _set_radius(self, value: float) -> None:
        with self.telling():
            self.session.radius = value or None

    def _take_estimate(self) -> None:
        with self.telling():
            plane = self.session.plane
            if self.estimate.text().startswith("estimated") and plane is not None:
                self.session.radius = self.session.estimate_radius(plane)
            else:
                self.session.radius = None

    def _toggle_advanced(self) -> None:
        shown = not self.advanced.isVisible()
        self.advanced.setVisible(shown)
        self.advanced_button.setText(f"{'▾' if shown else '▸'} Advanced")

    def _fill_advanced(self, *_: Any) -> None:
        try:
            settings = get_method(self._method).Settings.preset(self.preset.currentData())
        except InklingError:  # said where it matters: below the button
            return
        self.advanced.set_model(settings, leave_out=("radius",))

    def set_palette(self, palette: Any) -> None:
        """Take the colours of a new theme for the curves."""
        self.curves.set_palette(palette)

    def release(self) -> None:
        """Disconnect, and take the plots down."""
        super().release()
        self.curves.close_plots()
