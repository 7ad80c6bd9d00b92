"""The training side of a session, and with it the whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_inkling.core import (
    Event,
    InklingError,
    Notice,
    PlaneRef,
    Preview,
    ProjectError,
    Round,
    Saved,
    SettingsError,
    Step,
)
from napari_inkling.methods import Needs, Preset, get_method, method_names
from napari_inkling.session.desk import Desk, Dispatch
from napari_inkling.session.recommend import HintCounts, Recommendation, check_enough, recommend
from napari_inkling.session.review_session import ReviewSession
from napari_inkling.session.training_state import TrainingState
from napari_inkling.workers import Outcome, PredictJob, Runner, TrainJob, model_method

if TYPE_CHECKING:
    from napari_inkling.project import Project

__all__ = ["Session"]


def immediately(call: Callable[[], None]) -> None:
    """Run the call in the runner's thread; for a program without an event loop."""
    call()


class Session(ReviewSession):
    """One person's work on one project: hints in, training in a worker, suggestions out.

    The dock and the command line drive this same object. Commands raise
    :class:`~napari_inkling.core.InklingError` with a message for a person when they are refused; what goes wrong
    later, in the worker, is told by the signal :attr:`message` and by :attr:`training`.

    Parameters
    ----------
    runner : Runner or None
        Where jobs run; a process of this machine by default, started when first needed.
    dispatch : callable
        Hands what the worker tells to the thread that owns the session: the dock passes a queued Qt call.
        By default it is done in the runner's thread, which suits a caller that waits in :meth:`wait`.
    method : str or None
        The method to use instead of the recommended one; ``"module:Class"`` for one that is not installed.
    predict_on_visit : bool
        Whether a plane that the newest model has not seen is predicted when it comes on screen.
    """

    def __init__(
        self,
        runner: Runner | None = None,
        dispatch: Dispatch = immediately,
        *,
        method: str | None = None,
        predict_on_visit: bool = True,
    ) -> None:
        super().__init__()
        self._desk = Desk(runner, dispatch)
        self._state = TrainingState()
        self._started = 0.0
        self._previewed: set[PlaneRef] = set()
        self._fresh: set[PlaneRef] = set()
        self._named_methods = {method} if method else set()
        self.method = method
        self.predict_on_visit = predict_on_visit

    # -- training ----------------------------------------------------------------------------------

    @property
    def training(self) -> TrainingState:
        """How the current or the last training goes."""
        return self._state

    @property
    def is_training(self) -> bool:
        """Whether a training runs, begins or stops."""
        return self._state.active

    @property
    def is_predicting(self) -> bool:
        """Whether a prediction runs or waits."""
        return isinstance(self._desk.job, PredictJob)

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the training ends, as far as known."""
        return self._state.seconds_left if self.is_training else None

    def recommend(self) -> Recommendation:
        """Return the method that suits the hints there are, and a sentence that says why."""
        needs: dict[str, Needs] = {}
        for name in method_names() or ():
            try:
                needs[name] = get_method(name).needs
            except SettingsError as error:
                self.message.emit("warning", str(error))
        return recommend(self.hint_counts(), needs)

    def hint_counts(self) -> HintCounts:
        """Return how many images and hints there are to learn from."""
        project = self.project
        held = {record.name for record in project.images if record.complete}
        planes = [(ref.image in held, project.hints(ref)) for ref in project.planes_with_hints()]
        learnt = [hints for complete, hints in planes if not complete]
        return HintCounts(
            images=len(project.images),
            points=sum(len(hints.points.cells) for hints in learnt),
            boxes=sum(len(hints.boxes) for hints in learnt),
            background=sum(len(hints.points.background) for hints in learnt),
            held_out=sum(len(hints) for complete, hints in planes if complete),
        )

    def train(
        self,
        method: str | None = None,
        preset: Preset = "quick",
        overrides: Mapping[str, Any] | None = None,
        device: str = "auto",
        seed: int = 0,
        minutes: float | None = None,
        resume: bool = True,
        out: Path | str | None = None,
    ) -> None:
        """Start training on all hints; goes on from the newest model of the method if ``resume``.

        Parameters
        ----------
        method : str or None
            Its name; the session's or else the recommended one by default.
        preset, overrides
            Settings, see :meth:`~napari_inkling.methods.MethodSettings.preset`.
        device : str
            "auto", "cpu", "cuda" or "mps".
        seed : int
            The same seed gives the same model on the same machine.
        minutes : float or None
            Time limit, for methods that have one.
        out : Path or None
            Where the model goes; a new folder of the project by default.

        Raises
        ------
        TooFewHintsError, SettingsError, ProjectError
            If there is no image, too few hints, an unknown method or setting, or nowhere to write.
        """
        if self.is_training:
            raise SettingsError("a training is already running: stop it first")
        name = method or self.method or self.recommend().method
        chosen = get_method(name)
        settings = self._settings(chosen.Settings.model_fields, overrides)
        chosen.Settings.preset(preset, **settings)
        check_enough(self.hint_counts(), chosen.title, chosen.needs)
        if out is None and self.project.read_only:
            raise ProjectError(f"project {self.project.name} is read-only: a model cannot be saved in it")
        if method is not None:
            self._named_methods.add(method)
        job = TrainJob(
            method=name,
            settings=settings,
            snapshot=self.project.snapshot(watch=self._plane),
            out=str(out or self.project.new_model_folder()),
            preset=preset,
            device=device,
            seed=seed,
            start=self._start_model(name) if resume else None,
            minutes=minutes,
        )
        self._previewed = set()
        self._started = time.monotonic()
        self._set_state(TrainingState(status="starting", method=name, preset=preset))
        self._desk.start(job, self._on_training, lambda outcome: self._trained(job, outcome))

    def _settings(self, fields: Collection[str], overrides: Mapping[str, Any] | None) -> dict[str, Any]:
        by_person = {"radius": self._radius} if self._radius is not None and "radius" in fields else {}
        return {**by_person, **(overrides or {})}

    def _start_model(self, method: str) -> str | None:
        newest = self.newest_model
        try:
            return str(newest) if newest is not None and model_method(newest) == method else None
        except InklingError as error:
            self.message.emit("warning", f"{error}. The training starts from the beginning.")
            return None

    def stop(self) -> None:
        """Stop the training; the model reached so far is kept if there is one. Returns at once."""
        if self._state.status in ("starting", "running"):
            self._set_state(replace(self._state, status="stopping", seconds_left=None))
            self._desk.stop()

    def _on_training(self, event: Event) -> None:
        self._set_state(self._state.after(event, time.monotonic()))
        match event:
            case Step():
                self.progress.emit(event)
            case Round():
                self.metrics.emit(event)
            case Preview():
                self._previewed.add(event.image)
                self._set_predictions(event.image, event.predictions)
            case Notice():
                self.message.emit("info", event.text)
            case Saved():
                self._fresh = set(self._previewed)
                self.models_changed.emit()

    def _trained(self, job: TrainJob, outcome: Outcome) -> None:
        state = replace(self._state, seconds_left=None, message=outcome.message, details=outcome.details)
        match outcome.state:
            case "finished":
                state = replace(state, status="finished", message="Training finished.")
            case "cancelled":
                state = self._stopped(state, Path(job.out))
            case _:
                state = replace(state, status="failed")
        self._set_state(state)
        level = {"finished": "info", "stopped": "info"}.get(state.status, "error")
        self.message.emit(level, state.message)
        self._predict_plane()

    def _stopped(self, state: TrainingState, out: Path) -> TrainingState:
        if not (out / "model.json").exists():
            return replace(state, status="stopped", message="Training stopped; it had no model yet.")
        self._fresh = set()
        self.models_changed.emit()
        text = "Training stopped; the model reached so far is kept."
        return replace(state, status="stopped", message=text, model=out)

    def _set_state(self, state: TrainingState) -> None:
        self._state = state
        self.training_changed.emit(state)

    # -- prediction --------------------------------------------------------------------------------

    @property
    def newest_model(self) -> Path | None:
        """The folder of the project's newest model."""
        models = self.project.models()
        return models[-1] if models else None

    def predict(self, refs: Collection[PlaneRef] | None = None, device: str = "auto") -> None:
        """Predict planes with the newest model in the background.

        Parameters
        ----------
        refs : collection of PlaneRef or None
            Which; by default all that this model has not predicted.

        Raises
        ------
        ProjectError
            If there is no model yet, or a training runs.
        """
        if (model := self.newest_model) is None:
            raise ProjectError("there is no model yet: train one first")
        if self.is_training:
            raise ProjectError("a training is running: its model predicts when it is done")
        if refs is None:
            every = [plane for record in self.project.images for plane in record.planes()]
            refs = [plane for plane in every if plane not in self._fresh]
        if not refs:
            return
        job = PredictJob(
            str(model), self.project.snapshot(only=refs), device, tuple(sorted(self._named_methods))
        )
        self._fresh.update(refs)
        self._desk.start(job, self._on_prediction, self._predicted)

    def _on_prediction(self, event: Event) -> None:
        if isinstance(event, Preview):
            self._set_predictions(event.image, event.predictions)
        elif isinstance(event, Notice):
            self.message.emit("info", event.text)

    def _predicted(self, outcome: Outcome) -> None:
        if outcome.state in ("failed", "died"):
            self.message.emit("warning", outcome.message)
        self._predict_plane()

    def _predict_plane(self) -> None:
        """Predict the plane on screen if the newest model has not; never interrupts anything."""
        if not self.predict_on_visit or self._plane is None or self._plane in self._fresh:
            return
        if self._desk.job is None and self.newest_model is not None:
            self.predict([self._plane])

    def go_to(self, ref: PlaneRef | None) -> None:
        """Show another plane, and predict it in the background if there is a model that has not yet.

        Raises
        ------
        ProjectError
            If the project has no such image or plane.
        """
        super().go_to(ref)
        self._predict_plane()

    # -- life --------------------------------------------------------------------------------------

    def warm_up(self) -> None:
        """Start the worker ahead of the first training, so that Train answers sooner. Returns at once."""
        self._desk.runner.warm_up()

    def wait(self, timeout: float | None = None) -> TrainingState:
        """Block until no job runs or waits (or for ``timeout`` seconds); returns the state of the training.

        For callers without an event loop: where dispatch is queued for the calling thread, it would never end.
        """
        self._desk.wait(timeout)
        return self._state

    def close(self) -> None:
        """Stop everything, leave no process or thread, and close the project. May be called twice."""
        self._desk.close()
        self._use(None)

    def _use(self, project: Project | None) -> None:
        self._desk.stop()
        self._fresh, self._previewed = set(), set()
        super()._use(project)
