"""The training side of a session: which method, with what, and how it goes."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from napari_inkling.core import (
    BACKGROUND,
    Event,
    InklingError,
    Notice,
    PlaneRef,
    Preview,
    Round,
    Saved,
    SettingsError,
    Step,
)
from napari_inkling.methods import Needs, Preset, get_method, method_names
from napari_inkling.project import Project
from napari_inkling.session.desk import Desk
from napari_inkling.session.measuring_session import MeasuringSession
from napari_inkling.session.recommend import HintCounts, Recommendation, check_enough, recommend
from napari_inkling.session.training_state import TrainingState
from napari_inkling.workers import Outcome, TrainJob, model_method, tidy_up

__all__ = ["TrainingSession", "tidy_after"]


class TrainingSession(MeasuringSession):
    """Recommends a method and trains it; see :class:`~napari_inkling.session.Session`."""

    def __init__(self, desk: Desk, method: str | None, predict_on_visit: bool) -> None:
        super().__init__(desk, method, predict_on_visit)
        self._state = TrainingState()
        self._previewed: set[PlaneRef] = set()
        self._broken_methods: set[str] = set()

    @property
    def training(self) -> TrainingState:
        """How the current or the last training goes."""
        return self._state

    @property
    def is_training(self) -> bool:
        """Whether a training runs, begins or stops."""
        return self._state.active

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the training ends, as far as known."""
        return self._state.seconds_left if self.is_training else None

    @property
    def trained_images(self) -> frozenset[str]:
        """The names of the images that a model of the project has learnt from."""
        return frozenset(self._project.setting("trained_images", ()) if self._project is not None else ())

    def recommend(self) -> Recommendation:
        """Return the session's own method, else the one that suits the hints there are, and why.

        Raises :class:`~napari_inkling.core.SettingsError` if the session's own cannot be loaded.
        """
        needs = {self.method: get_method(self.method).needs} if self.method else self._needs()
        return recommend(self.hint_counts(), needs)

    def _needs(self) -> dict[str, Needs]:
        """Return what the installed methods need; one that cannot be loaded is told once and left out."""
        needs: dict[str, Needs] = {}
        for name in method_names():
            try:
                needs[name] = get_method(name).needs
            except SettingsError as error:
                if name not in self._broken_methods:
                    self._broken_methods.add(name)
                    self.message.emit("warning", str(error))
        return needs

    @property
    def held_out_images(self) -> frozenset[str]:
        """The names of the images that are marked complete: they are measured on, never learnt from."""
        images = self._project.images if self._project is not None else ()
        return frozenset(record.name for record in images if record.complete)

    def hint_counts(self) -> HintCounts:
        """Return how many images and hints there are to learn from."""
        if self._project is None:
            return HintCounts()
        held_out = self.held_out_images
        hints = {ref: self._project.hints(ref) for ref in self._project.planes_with_hints()}
        learnt = [rows for ref, rows in hints.items() if ref.image not in held_out]
        background = sum(int((rows.points.classes == BACKGROUND).sum()) for rows in learnt)
        return HintCounts(
            images=len(self._project.images),
            points=sum(len(rows.points) for rows in learnt) - background,
            boxes=sum(len(rows.boxes) for rows in learnt),
            background=background,
            held_out=sum(len(rows) for ref, rows in hints.items() if ref.image in held_out),
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
        """Start training on all hints.

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
        resume : bool
            Whether to go on from the newest model of the method, if there is one.
        out : Path or None
            Where the model goes; a new folder of the project by default.

        Raises
        ------
        TooFewHintsError, SettingsError, ProjectError
            If there is no image, too few hints, an unknown method or setting, or nowhere to write.
        """
        if self.is_training:
            raise SettingsError("a training is already running: stop it first")
        if not (name := method or self.method or self.recommend().method):
            raise SettingsError("no method is installed")
        chosen = get_method(name)
        settings = self._settings(chosen.Settings.model_fields, overrides)
        chosen.Settings.preset(preset, **settings)
        check_enough(self.hint_counts(), chosen.name, chosen.needs)
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
        self._previewed, self._device = set(), device
        self._set_state(TrainingState(status="starting", method=name, preset=preset))
        project = self.project
        self._desk.start(
            job,
            lambda event: self._on_training(job, event),
            lambda outcome: self._trained(job, project, outcome),
        )

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

    def _on_training(self, job: TrainJob, event: Event) -> None:
        self._set_state(self._state.after(event, time.monotonic()))
        match event:
            case Step():
                self.progress.emit(event)
            case Round():
                self.metrics.emit(event)
            case Preview():
                if event.whole:
                    self._previewed.add(event.image)
                else:
                    self._previewed.discard(event.image)
                self._set_predictions(event.image, event.predictions, event.whole)
            case Notice():
                self.message.emit("info", event.text)
            case Saved():
                self._learnt(job, self._previewed)

    def _trained(self, job: TrainJob, project: Project, outcome: Outcome) -> None:
        state = replace(self._state, seconds_left=None, details=outcome.details)
        out = Path(job.out)
        tidy_after(job)
        if state.model is None and (out / "model.json").exists():
            if project is self._project:
                # Nobody listened after Stop; after a crash the last preview is the best there is.
                self._learnt(job, () if state.status == "stopping" else self._previewed)
            state = replace(state, model=out)
        self._set_state(_ended(state, outcome))
        self.message.emit("error" if self._state.status == "failed" else "info", self._state.full_message)
        self._predict_plane()

    def _learnt(self, job: TrainJob, predicted: Collection[PlaneRef]) -> None:
        """Take note of a job's model, of the planes it has predicted and the images it has learnt from."""
        images = {item.ref.image for item in job.snapshot.images if len(item.hints) and not item.complete}
        self._keep("trained_images", sorted(self.trained_images | images))
        self._new_model(predicted)

    def _take_up(self, project: Project) -> None:
        self.stop()
        self._previewed = set()
        super()._take_up(project)

    def _set_state(self, state: TrainingState) -> None:
        self._state = state
        self.training_changed.emit(state)


def _ended(state: TrainingState, outcome: Outcome) -> TrainingState:
    """Return the state at the end, with a message that says what is left of a training that ended early."""
    match outcome.state:
        case "finished":
            return replace(state, status="finished", message="Training finished.")
        case "cancelled" if state.model is None:
            return replace(state, status="stopped", message="Training stopped; it had no model yet.")
        case "cancelled":
            text = "Training stopped; the model reached so far is kept."
            return replace(state, status="stopped", message=text)
    kept = "The model reached so far is kept." if state.model is not None else ""
    return replace(
        state,
        status="failed",
        message=outcome.message.rstrip(". ") + ".",
        advice=f"{kept} {outcome.advice}".strip(),
    )


def tidy_after(job: TrainJob) -> None:
    """Remove what a training left half-written, and the folder that was made for a model that never came."""
    out = Path(job.out)
    tidy_up(out)
    if out.is_dir() and not any(out.iterdir()):
        out.rmdir()
