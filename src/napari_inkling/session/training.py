"""How a training starts, goes and ends."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from psygnal import Signal

from napari_inkling.core import (
    Event,
    InklingError,
    Notice,
    PlaneRef,
    Preview,
    PseudoLabels,
    Round,
    Saved,
    SettingsError,
    Step,
)
from napari_inkling.methods import HeedfulMethod, Preset, get_method
from napari_inkling.project import Project
from napari_inkling.session.advice import Advice
from napari_inkling.session.cell_radius import CellRadius
from napari_inkling.session.continuing import has_learnt
from napari_inkling.session.corrections import Corrections
from napari_inkling.session.desk import Desk
from napari_inkling.session.prediction import Prediction
from napari_inkling.session.pseudo_labels import PseudoLabelReview
from napari_inkling.session.recommend import check_enough
from napari_inkling.session.suggestions import Suggestions
from napari_inkling.session.telling import FIRST, Tell
from napari_inkling.session.training_state import TrainingState
from napari_inkling.session.workspace import Workspace
from napari_inkling.workers import CompareJob, Outcome, TrainJob, model_method, tidy_up

__all__ = ["Training", "tidy_after"]


class Training:
    """Trains a method on the hints, and hands on what it tells meanwhile.

    Parameters
    ----------
    workspace : Workspace
        Which project, and which plane is previewed.
    advice : Advice
        Which method by default, and whether there is enough to learn from.
    radius : CellRadius
        The person's is a setting of methods that have one.
    suggestions : Suggestions
        What previews become.
    pseudo_labels : PseudoLabelReview
        Holds those of a running training.
    corrections : Corrections
        Sends what is marked meanwhile to a method that heeds it.
    prediction : Prediction
        Told of the model; predicts the plane on screen with it.
    desk : Desk
        Runs the job.
    tell : callable
        Tells the person how it ended.
    """

    #: A training began, moved on or ended; comes with every event of it.
    changed = Signal(TrainingState)
    #: A step of the running training.
    progress = Signal(Step)
    #: A round of the running training is over.
    metrics = Signal(Round)

    def __init__(
        self,
        workspace: Workspace,
        advice: Advice,
        radius: CellRadius,
        suggestions: Suggestions,
        pseudo_labels: PseudoLabelReview,
        corrections: Corrections,
        prediction: Prediction,
        desk: Desk,
        tell: Tell,
    ) -> None:
        self._workspace = workspace
        self._advice = advice
        self._radius = radius
        self._suggestions = suggestions
        self._pseudo_labels = pseudo_labels
        self._corrections = corrections
        self._prediction = prediction
        self._desk = desk
        self._tell = tell
        self._state = TrainingState()
        self._heeds = False
        self._previewed: set[PlaneRef] = set()
        self._outdated: set[str] = set()  # images that have other pixels than when it began
        workspace.pixels_changed.connect(self._forget_image, priority=FIRST)

    @property
    def state(self) -> TrainingState:
        """How the current or the last training goes."""
        return self._state

    @property
    def active(self) -> bool:
        """Whether a training runs, begins or stops."""
        return self._state.active

    @property
    def guesses(self) -> bool:
        """Whether what is suggested is a first guess; a training that was stopped may have left it."""
        return self._state.guessed and (self.active or self._prediction.newest_model is None)

    @property
    def heeds_corrections(self) -> bool:
        """Whether the training that runs takes in what is marked meanwhile."""
        return self.active and self._heeds

    @property
    def trained_images(self) -> frozenset[str]:
        """The names of the images that a model of the project has learnt from."""
        project = self._workspace.opened
        return frozenset(project.setting("trained_images") if project is not None else ())

    def start(
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
        if self.active:
            raise SettingsError("a training is already running: stop it first")
        if isinstance(self._desk.job, CompareJob):
            raise SettingsError("methods are being compared: stop that first")
        if not (name := method or self._advice.method or self._advice.recommend().method):
            raise SettingsError("no method is installed")
        chosen = get_method(name)
        settings = self._settings(chosen.Settings.model_fields, overrides)
        limit = (
            {"minutes": minutes} if minutes is not None and "minutes" in chosen.Settings.model_fields else {}
        )
        chosen.Settings.preset(preset, **{**settings, **limit})  # refused here, not in the worker
        check_enough(self._advice.hint_counts(), chosen.name, chosen.needs, self._advice.needs())
        project = self._workspace.project
        job = TrainJob(
            method=name,
            settings=settings,
            snapshot=project.snapshot(watch=self._workspace.plane),
            out=str(out or project.new_model_folder()),
            preset=preset,
            device=device,
            seed=seed,
            start=self._start_model(name) if resume else None,
            minutes=minutes,
        )
        self._previewed, self._outdated = set(), set()
        self._heeds = isinstance(chosen, HeedfulMethod) and chosen.heeds_corrections
        if self._heeds:
            self._corrections.begin(job.snapshot.classes)
        self._prediction.take_after(device, method)
        self._set_state(TrainingState("starting", name, preset, goes_on=job.start is not None))
        self._desk.start(
            job,
            lambda event: self._on_event(job, event),
            lambda outcome: self._on_done(job, project, outcome),
        )

    def _settings(self, fields: Collection[str], overrides: Mapping[str, Any] | None) -> dict[str, Any]:
        radius = self._radius.chosen
        by_person = {"radius": radius} if radius is not None and "radius" in fields else {}
        return {**by_person, **(overrides or {})}

    def _start_model(self, method: str) -> str | None:
        newest = self._prediction.newest_model
        try:
            return str(newest) if newest is not None and model_method(newest) == method else None
        except InklingError as error:
            self._tell("warning", f"{error}. The training starts from the beginning.")
            return None

    def stop(self) -> None:
        """Stop the training; the model reached so far is kept if there is one. Returns at once."""
        if self._state.status in ("starting", "running"):
            self._set_state(replace(self._state, status="stopping", seconds_left=None))
            self._take_nothing_in()
            self._desk.stop()

    def _take_nothing_in(self) -> None:
        """Send no hints to the training any more, and show none of its pseudo-labels."""
        self._corrections.end()
        self._pseudo_labels.forget()

    def _on_event(self, job: TrainJob, event: Event) -> None:
        self._set_state(self._state.after(event, time.monotonic()))
        self._corrections.send()
        match event:
            case Step():
                self.progress.emit(event)
            case Round():
                self.metrics.emit(event)
            case Preview() if event.image.image not in self._outdated:
                if event.whole:
                    self._previewed.add(event.image)
                else:
                    self._previewed.discard(event.image)
                self._suggestions.put(event.image, event.predictions, event.whole)
            case PseudoLabels() if event.image.image not in self._outdated:
                self._pseudo_labels.put(event)
            case Notice():
                self._tell("info", event.text)
            case Saved():
                self._learnt(job, self._previewed)

    def _on_done(self, job: TrainJob, project: Project, outcome: Outcome) -> None:
        state = replace(self._state, seconds_left=None, details=outcome.details)
        out = Path(job.out)
        tidy_after(job)
        self._take_nothing_in()
        if state.model is None and (out / "model.json").exists():
            if project is self._workspace.opened:
                # Nobody listened after Stop; after a crash the last preview is the best there is.
                self._learnt(job, () if state.status == "stopping" else self._previewed)
            state = replace(state, model=out)
        self._set_state(state.ended(outcome, _has_learnt(job)))
        self._tell("error" if self._state.status == "failed" else "info", self._state.full_message)
        self._prediction.predict_plane()

    def _learnt(self, job: TrainJob, predicted: Collection[PlaneRef]) -> None:
        """Take note of a job's model, of the planes it has predicted and the images it has learnt from."""
        if _has_learnt(job):
            taught = [item for item in job.snapshot.images if not item.complete and item.hints.teach]
            images = {item.ref.image for item in taught}
            self._workspace.keep("trained_images", sorted(self.trained_images | images - self._outdated))
        self._prediction.new_model(predicted)

    def _forget_image(self, name: str) -> None:
        self._outdated.add(name)
        self._previewed = {ref for ref in self._previewed if ref.image != name}
        if name in self.trained_images:
            self._workspace.keep("trained_images", sorted(self.trained_images - {name}))

    def forget(self) -> None:
        """Stop what is trained for the project before; its guess is not of the next one."""
        self.stop()
        self._state = replace(self._state, guessed=False)
        self._previewed = set()

    def _set_state(self, state: TrainingState) -> None:
        self._state = state
        self.changed.emit(state)


def _has_learnt(job: TrainJob) -> bool:
    """Whether a job's model, if there is one, is more than the last one with another threshold."""
    return job.start is None or has_learnt(Path(job.out), Path(job.start))


def tidy_after(job: TrainJob) -> None:
    """Remove what a training left half-written, and the folder that was made for a model that never came."""
    out = Path(job.out)
    tidy_up(out)
    if out.is_dir() and not any(out.iterdir()):
        out.rmdir()
