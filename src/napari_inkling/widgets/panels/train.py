"""Train: the recommended method and why, how long, where, and how it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox

from napari_inkling.core import InklingError
from napari_inkling.methods import MethodSettings, get_method
from napari_inkling.session import ComparisonState, Recommendation, TrainingState, still_lacks, why_anew
from napari_inkling.widgets.panels._comparison import ComparisonView
from napari_inkling.widgets.panels._keys import key_of
from napari_inkling.widgets.panels._method_choice import MethodChoice
from napari_inkling.widgets.panels._panel import Panel, button, calm_wheel, label, row, set_role
from napari_inkling.widgets.panels._progress import TrainingProgress
from napari_inkling.widgets.panels._pseudo_labels import ABOUT, words_of_round
from napari_inkling.widgets.panels._radius_row import RadiusRow
from napari_inkling.widgets.panels._settings_form import SettingsForm

if TYPE_CHECKING:
    from napari_inkling.session import Session
    from napari_inkling.widgets.layers import LayerBridge
    from napari_inkling.widgets.panels._style import Palette

__all__ = ["TrainPanel"]

PRESETS = {
    "quick": ("Quick · about 2 min", "A first answer within seconds; less time with few hints"),
    "standard": ("Standard · about 5 min", "Better at the borders of what is a cell"),
    "as-published": ("As published · long", "The paper's own network and schedule; wants a GPU"),
}
#: What to expect of a first training, and of one that knows what was found before.
LEARNING = "Suggestions appear while it trains. Stop when you like them."
GOING_ON = "What is learnt anew shows within seconds; stop early, and the last model stays."
#: When that counts which is marked meanwhile: for most methods, and for those that heed it.
LATER = "What you mark meanwhile counts in the next training."
SOON = "What you mark meanwhile counts from the next round on."
DEVICES = {"auto": "Auto", "cpu": "CPU", "cuda": "GPU (CUDA)", "mps": "GPU (Apple)"}


class TrainPanel(Panel):
    """One button that trains, and what can be set before."""

    title = "Train"
    #: There is enough to train for the first time.
    ready = Signal()

    def __init__(self, session: Session, bridge: LayerBridge) -> None:
        super().__init__(session, bridge)
        self._advice = Recommendation("", "")
        self._missing = ""  # why Train cannot be pressed
        self._has_model = False
        self._lacks = ""  # what to tell of what the newest model was stopped before
        self._anew = ""  # why it cannot go on from the newest model
        self._going_on = False  # the training that was started here knows what the newest model found
        self.why = self.add(label(role="muted", wrap=True))
        self.method: MethodChoice = calm_wheel(MethodChoice(session))
        self.method.currentIndexChanged.connect(self.refresh)
        self.comparison = ComparisonView(
            session, self.telling, self.method, lambda: self.device.currentData()
        )
        self.add(row(self.method, self.comparison.button)).setStretch(0, 1)
        self._make_how_and_where()
        self._radius_row: RadiusRow = self.add(RadiusRow(session, self.telling))
        self.radius, self.estimate = self._radius_row.radius, self._radius_row.estimate
        self._make_advanced()
        self._make_go()
        self.add(self.comparison)
        self.progress: TrainingProgress = self.add(TrainingProgress())
        self.progress.chosen.setToolTip(ABOUT)
        self._status = ""  # of the training that is shown
        self._show_on_beat = self.on_beat(self._show_progress)
        self.listen(
            self.refresh_soon,
            session.project_changed,
            session.workspace.plane_changed,
            session.images.changed,
            session.annotations.hints_changed,
            session.prediction.models_changed,
            session.radius.changed,
            session.image_kinds.changed,
            session.marked_cells.changed,
        )
        self.listen(self._on_training, session.training.changed)
        self._comparing = False
        self._compare_on_beat = self.on_beat(self._show_comparison)
        self.listen(self._on_comparison, session.comparing.changed)
        self.listen(self.on_beat(self._show_pseudo_labels), session.pseudo_labels.changed)
        self._show_pseudo_labels()
        self.refresh()
        self._on_training(session.training.state)

    def _make_how_and_where(self) -> None:
        self.preset = QComboBox()
        for name, (text, tip) in PRESETS.items():
            self.preset.addItem(text, name)
            self.preset.setItemData(self.preset.count() - 1, tip, 3)
        self.preset.setToolTip("How long to train; you can stop at any moment and keep what is suggested")
        self.device = QComboBox()
        for name, text in DEVICES.items():
            self.device.addItem(text, name)
        self.device.setToolTip("Where to train; Auto takes a GPU if there is one")
        line = self.add(row(calm_wheel(self.preset), calm_wheel(self.device)))
        line.setStretch(0, 3)
        line.setStretch(1, 2)

    def _make_advanced(self) -> None:
        self.advanced_button = self.add(
            button("▸ Advanced", "Every setting of the method", self._toggle_advanced, role="link")
        )
        self.advanced: SettingsForm = self.add(SettingsForm())
        self.advanced.hide()
        self.advanced.changed.connect(self.refresh_soon)
        self.preset.currentIndexChanged.connect(self._fill_advanced)
        self.preset.currentIndexChanged.connect(self.refresh_soon)

    def _make_go(self) -> None:
        self.go = button("Train", "", self.train_or_stop, key=key_of("train"), role="primary")
        self.start_over = QCheckBox("Start over")
        self.start_over.setToolTip("Forget what the last model found; that one is kept beside the new one")
        self.start_over.toggled.connect(self._show_button)
        self.add(row(self.go, self.start_over)).setStretch(0, 1)

    # -- what shows

    def refresh(self) -> None:
        """Show the recommended method, the radius, and whether there is enough to train."""
        before = self._advice.method
        self._ask()
        self.why.setText(self._advice.reason)
        self.why.setVisible(bool(self._advice.reason))
        self.method.show_recommended(self._advice.method)
        if self._advice.method != before:
            self._fill_advanced()
        self._anew = self._why_anew()
        self._radius_row.setVisible(self._has_radius())
        self._radius_row.refresh()
        self.comparison.refresh()
        self._show_button()

    def _ask(self) -> None:
        """Ask which method to take and what it lacks: it looks up every method, so not at each event."""
        project = self.session.project
        try:
            self._advice = advice = self.session.advice.recommend()
            missing = f"Mark {advice.missing} to train." if advice.missing else ""
            self._missing = missing if advice.method else advice.reason
        except InklingError as error:
            self._advice = Recommendation(self.session.advice.method or "", str(error))
            self._missing = str(error)
        if project.read_only:
            self._missing = "This project is read-only: it cannot keep a model."
        elif not project.images:
            self._missing = "Add an image first."

    def _why_anew(self) -> str:
        """Return why a training would not go on from the newest model; ``""`` if it would."""
        model = self.session.prediction.newest_model
        self._has_model = model is not None
        self._lacks = ""
        if model is None:
            return "there is no model yet"
        project, wanted = self.session.project, self.session.workspace.learnable_images
        learnt = [ref for ref in project.planes_with_hints() if ref.image in wanted]
        classes = {str(name) for ref in learnt for name in project.hints(ref).cells.classes}
        try:
            self._lacks = still_lacks(model, self._advice.method)
            return why_anew(model, self._advice.method, self._settings(self.advanced.overrides()), classes)
        except InklingError:  # a setting that is out of bounds: told by Train
            return ""

    def _settings(self, overrides: dict[str, Any]) -> MethodSettings:
        return get_method(self._advice.method).Settings.preset(self.preset.currentData(), **overrides)

    def _has_radius(self) -> bool:
        try:
            return "radius" in get_method(self._advice.method).Settings.model_fields
        except InklingError:  # said where it matters: below the button
            return True

    def _show_button(self, *_: Any) -> None:
        state = self.session.training.state
        if not state.active:
            word, tip = ("Train on", "Go on from the last model") if self._goes_on() else ("Train", "")
            tip = self._missing or tip or "Train on all hints"
        else:
            word = "Stopping…" if state.status == "stopping" else "Stop"
            tip = "Stop, and keep the model whose suggestions you see"
        self.go.setText(word)
        if self._comparing:
            tip = "Methods are being compared: stop that first"
        self.go.setToolTip(f"{tip}  [{key_of('train')}]")
        set_role(self.go, "stop" if state.active else "primary")
        free = not self._missing and not self._comparing
        self.go.setEnabled(state.status != "stopping" and (state.active or free))
        self.comparison.show_button()
        self.start_over.setVisible(not state.active and not self._anew)
        for widget in (self.method, self.preset, self.device, self.radius, self.advanced):
            widget.setEnabled(not state.active)
        self._advise(state)

    def _goes_on(self) -> bool:
        return not self._anew and not self.start_over.isChecked()

    def _advise(self, state: TrainingState) -> None:
        if state.status in ("starting", "running"):
            counts = SOON if self.session.training.heeds_corrections else LATER
            self.say_next(f"{GOING_ON if self._going_on else LEARNING} {counts}")
        elif self._comparing:
            self.say_next(f"Nothing that you have changes. {LATER}")
        elif self._missing:
            self.say_next(self._missing)  # the mark on what to do now stands in Annotate
        elif not self._has_model:
            if not self.next_step.property("now"):
                self.ready.emit()
            self.say_next("Press Train: first suggestions come within seconds.", now=True)
        elif self._anew:
            self.say_next(f"It starts from the beginning: {self._anew}.")
        elif self.start_over.isChecked():
            self.say_next("It starts from the beginning; the last model is kept beside the new one.")
        elif self._lacks:
            self.say_next(self._lacks)
        else:
            self.say_next("Corrected some? Train on: what changes is shown within seconds.")

    def _on_training(self, state: TrainingState) -> None:
        if state.status == self._status:
            self._show_on_beat()
            return
        self._status = state.status
        self._show_progress()
        self._show_button()
        if not state.active:
            self.refresh_soon()

    def _show_progress(self) -> None:
        state = self.session.training.state
        self.progress.show_state(state)
        self.summary.setText(f"{state.fraction:.0%}" if state.active and state.steps else "")

    def _on_comparison(self, state: ComparisonState) -> None:
        if state.status == "running" and self._comparing:
            self._compare_on_beat()
            return
        self._comparing = state.active
        self._show_comparison()
        self.comparison.refresh()  # the hints may have changed meanwhile
        self._show_button()

    def _show_comparison(self) -> None:
        self.comparison.show_state(self.session.comparing.state)
        self.progress.setVisible(not self._comparing and self.session.training.state.status != "idle")

    def _show_pseudo_labels(self) -> None:
        words = words_of_round(self.session)
        self.progress.chosen.setText(words)
        self.progress.chosen.setVisible(bool(words))

    # -- what it does

    def train_or_stop(self) -> None:
        """Start a training, or stop the one that runs; say what is missing if there cannot be one."""
        with self.telling():
            if self.session.training.active:
                self.session.training.stop()
                return
            self.refresh()
            if self._missing:  # the key works also while the button does not
                self.session.message.emit("info", self._missing)
                return
            self._going_on = self._goes_on()
            self.session.training.start(
                preset=self.preset.currentData(),
                overrides=self.advanced.overrides(),
                device=self.device.currentData(),
                resume=not self.start_over.isChecked(),
            )
            self.start_over.setChecked(False)

    def _toggle_advanced(self) -> None:
        shown = not self.advanced.isVisible()
        self.advanced.setVisible(shown)
        self.advanced_button.setText(f"{'▾' if shown else '▸'} Advanced")

    def _fill_advanced(self, *_: Any) -> None:
        try:
            settings = self._settings({})
        except InklingError:  # said where it matters: below the button
            return
        self.advanced.set_model(settings, leave_out=("radius",))

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a new theme for the curves and bars."""
        self.progress.set_palette(palette)
        self.comparison.set_palette(palette)

    def release(self) -> None:
        """Disconnect, and take the plots down."""
        super().release()
        self.progress.curves.close_plots()
