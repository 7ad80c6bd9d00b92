"""Which of the methods that suit the hints does best on clicks that were held out of its training."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from psygnal import Signal

from napari_inkling.core import (
    Event,
    ImageError,
    InklingError,
    Notice,
    PlaneRef,
    Predictions,
    ProjectError,
    SettingsError,
    TooFewHintsError,
    Tried,
)
from napari_inkling.evaluation import Comparison, compare_detectors, detector_outcome
from napari_inkling.methods import get_method
from napari_inkling.project import Snapshot
from napari_inkling.session.advice import Advice
from napari_inkling.session.annotations import Annotations
from napari_inkling.session.background import Background, Listener
from napari_inkling.session.cell_radius import DEFAULT_RADIUS, CellRadius
from napari_inkling.session.comparison_state import ComparisonState, short_name, verdict
from napari_inkling.session.desk import Desk
from napari_inkling.session.holding_out import HeldOut, hold_out
from napari_inkling.session.prediction import Prediction
from napari_inkling.session.recommend import HintCounts, check_enough, is_enough
from napari_inkling.session.telling import Tell
from napari_inkling.session.training_state import Status
from napari_inkling.session.workspace import Workspace
from napari_inkling.workers import CompareJob, Outcome, TrainJob

__all__ = ["Comparing"]

#: Models scale their scores so that this one says "a cell".
THRESHOLD = 0.5
#: A result is out of date once so many hints came or went: this share of them, and at least this number.
MUCH, AT_LEAST = 0.25, 5

Found = Mapping[PlaneRef, Predictions]
#: The hints there are, and the session's own method.
Asked = tuple[HintCounts, str | None]


class Comparing:
    """Trains methods on the same hints but for some clicks, and counts how many of these each one finds.

    Nothing of it is kept: neither the hints, nor the models of the project, nor what is suggested changes.

    Parameters
    ----------
    workspace : Workspace
        Which project.
    annotations : Annotations
        Tells when the hints have changed so much that a result is out of date.
    advice : Advice
        Which methods there are.
    radius : CellRadius
        The person's is a setting of methods that have one, and how near is near enough.
    prediction : Prediction
        Told when the worker is free again.
    desk : Desk
        Runs the job.
    tell : callable
        Tells the person how it ended.
    """

    #: A comparison began, moved on, ended or was put away.
    changed = Signal(ComparisonState)

    def __init__(
        self,
        workspace: Workspace,
        annotations: Annotations,
        advice: Advice,
        radius: CellRadius,
        prediction: Prediction,
        desk: Desk,
        tell: Tell,
    ) -> None:
        self._workspace = workspace
        self._advice = advice
        self._radius = radius
        self._prediction = prediction
        self._desk = desk
        self._tell = tell
        self._background = Background(desk.dispatch)
        self._state = ComparisonState()
        self._tried: dict[str, Found] = {}
        self._folder: Path | None = None  # of the models of the one that runs
        self._folders: set[Path] = set()  # of all that have not ended yet
        self._hints_then = 0
        self._refusal: tuple[Asked, str] | None = None  # to what, and what it was
        annotations.hints_changed.connect(self._outdate)

    @property
    def state(self) -> ComparisonState:
        """How the current or the last comparison goes."""
        return self._state

    @property
    def active(self) -> bool:
        """Whether a comparison runs, begins or stops."""
        return self._state.active

    def refusal(self) -> str:
        """Return why the hints do not allow a comparison, ``""`` if they do.

        Asked after each hint: where they did before, they still do as long as they only become more.
        """
        if self._workspace.opened is None:
            return "Add an image first."
        asked = self._advice.hint_counts(), self._advice.method
        if self._refusal is None or not _still_holds(*self._refusal, asked):
            self._refusal = asked, self._refusal_now()
        return self._refusal[1]

    def _refusal_now(self) -> str:
        try:
            self._plan(None, 0)
        except InklingError as error:
            return str(error)
        return ""

    def start(
        self,
        methods: Sequence[str] | None = None,
        *,
        minutes: float | None = None,
        device: str = "auto",
        seed: int = 0,
    ) -> None:
        """Begin to compare methods.

        Parameters
        ----------
        methods : sequence of str or None
            Their names; by default all that can learn from the hints.
        minutes : float, optional
            Each method trains for so long instead of its preset's steps.
        device : str
            "auto", "cpu", "cuda" or "mps".
        seed : int
            Decides which clicks are held out; each method is trained with it.

        Raises
        ------
        TooFewHintsError, SettingsError, ProjectError
            If there are too few clicks or methods, something else is trained, or there is nowhere to write.
        """
        if self.active or isinstance(self._desk.job, TrainJob):
            raise SettingsError(f"a {'comparison' if self.active else 'training'} is running: stop it first")
        held, names = self._plan(methods, seed)
        if minutes is not None and minutes <= 0:
            raise SettingsError(f"the time limit is {minutes:g} minutes: it must be greater than 0")
        folder = self._new_folder()
        trainings = tuple(
            TrainJob(
                name,
                self._settings(name),
                held.training,
                str(folder / str(i)),
                device=device,
                seed=seed,
                minutes=minutes,
            )
            for i, name in enumerate(names)
        )
        self._folder, self._tried, self._hints_then = folder, {}, self._hint_count()
        self._folders.add(folder)
        self._set_state(ComparisonState("starting", names))
        self._desk.start(
            CompareJob(trainings, held.planes),
            lambda event: self._on_event(folder, event),
            lambda outcome: self._on_done(held, seed, folder, outcome),
        )

    def _plan(self, methods: Sequence[str] | None, seed: int) -> tuple[HeldOut, tuple[str, ...]]:
        """Return what is held out, and the methods that can learn from the rest; raises as :meth:`start`."""
        names = tuple(dict.fromkeys(methods or ()))
        needs = {name: get_method(name).needs for name in names} or self._needs()
        if methods is not None and len(names) < 2:
            raise SettingsError(f"a comparison takes two methods at least, got {', '.join(names) or 'none'}")
        held = hold_out(self._workspace.project.snapshot(), seed)
        counts = _counts(held.training)
        if methods is not None:
            for name in names:
                check_enough(counts, name, needs[name])
            return held, names
        suitable = tuple(name for name, need in needs.items() if is_enough(counts, need))
        if len(suitable) < 2:
            alone = f"only {short_name(suitable[0])} can" if suitable else "no method can"
            raise TooFewHintsError(f"a comparison takes two methods, and {alone} learn from these hints")
        return held, suitable

    def _needs(self) -> dict[str, Any]:
        own = self._advice.method
        return {**self._advice.needs(), **({own: get_method(own).needs} if own else {})}

    def _settings(self, method: str) -> dict[str, Any]:
        fields, radius = get_method(method).Settings.model_fields, self._radius.chosen
        given: dict[str, Any] = {"radius": radius} if radius is not None else {}
        given["masks"] = False  # centres are compared
        return {name: value for name, value in given.items() if name in fields}

    def _new_folder(self) -> Path:
        try:
            return Path(tempfile.mkdtemp(prefix="inkling-compare-"))
        except OSError as error:
            raise ProjectError(f"there is nowhere to keep a model meanwhile: {error}") from error

    def stop(self) -> None:
        """Stop; what the methods that got through found is shown. Returns at once."""
        if self._state.status in ("starting", "running"):
            if not isinstance(self._desk.job, CompareJob):  # the worker is through, it is being counted
                self._background.stop()
                self._end("stopped")
                return
            self._set_state(replace(self._state, status="stopping", seconds_left=None))
            self._desk.stop()

    def dismiss(self) -> None:
        """Put the result of the last comparison away."""
        if not self.active and self._state != ComparisonState():
            self._set_state(ComparisonState())

    def _on_event(self, folder: Path, event: Event) -> None:
        if folder != self._folder:
            return
        if isinstance(event, Tried) and not event.error:
            self._tried[event.method] = event.found
        if isinstance(event, Notice):
            self._tell("info", event.text)
        else:
            self._set_state(self._state.after(event, time.monotonic()))

    def _on_done(self, held: HeldOut, seed: int, folder: Path, outcome: Outcome) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self._folders.discard(folder)
        if folder == self._folder:
            failed = (outcome.message,) if outcome.state in ("failed", "died") else ()
            self._state = replace(
                self._state, details=outcome.details, failures=(*self._state.failures, *failed)
            )
            self._count("stopped" if outcome.state == "cancelled" else "finished", held, seed)
        self._prediction.predict_plane()

    def _count(self, status: Status, held: HeldOut, seed: int) -> None:
        """Count in the background what was found, and end."""
        if not self._tried:
            self._end(status)
            return
        listener = Listener[Comparison](
            lambda _: None,
            lambda result: self._end(status, result),
            lambda reason: self._end(status, failure=reason),
        )
        self._background.start(_scored(self._tried, held, self._near(), seed), listener)

    def _near(self) -> float:
        """Return how near to a click is near enough: the cell radius of the person, else of the models."""
        known = [p.radius for found in self._tried.values() for p in found.values() if p.radius]
        told = float(np.median(known)) if known else self._radius.anywhere()
        return self._radius.chosen or told or DEFAULT_RADIUS

    def _end(self, status: Status, result: Comparison | None = None, failure: str = "") -> None:
        """Show how it ended, and tell it."""
        failures = (*self._state.failures, *filter(None, [failure]))
        reasons = [_sentence(reason) for reason in failures]
        if result is not None:
            early = status == "stopped" and len(self._tried) < len(self._state.methods)
            said = [*["Stopped early."] * early, verdict(result), *reasons]
        elif status == "stopped":
            said = ["Comparison stopped before a method was through.", *reasons]
        else:
            status, said = "failed", reasons
        level = "error" if status == "failed" else "warning" if failures else "info"
        message = " ".join(said)
        self._set_state(
            replace(self._state, status=status, result=result, failures=failures, message=message)
        )
        self._tell(level, message)

    def _hint_count(self) -> int:
        counts = self._advice.hint_counts()
        return counts.points + counts.boxes + counts.background

    def _outdate(self, _: object = None) -> None:
        if self._state.result is None or self.active:
            return
        if abs(self._hint_count() - self._hints_then) > max(AT_LEAST, MUCH * self._hints_then):
            self.dismiss()

    def forget(self) -> None:
        """Stop what is compared for the project before, and forget what came of it."""
        self.stop()
        self._background.close()
        self._folder, self._tried, self._refusal = None, {}, None
        if self._state != ComparisonState():
            self._set_state(ComparisonState())

    def close(self) -> None:
        """Leave no thread and no model behind; the worker has ended."""
        self._background.close()
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _set_state(self, state: ComparisonState) -> None:
        self._state = state
        self.changed.emit(state)


def _still_holds(before: Asked, refusal: str, now: Asked) -> bool:
    """Whether a refusal of a comparison, or ``""``, holds for the hints there are ``now``."""
    (then, method), (counts, own) = before, now
    more = counts.images >= then.images and counts.points >= then.points and counts.boxes >= then.boxes
    return before == now or (not refusal and method == own and more)


def _counts(snapshot: Snapshot) -> HintCounts:
    """Return what there is to learn from."""
    learnt = [item.hints.cells for item in snapshot.images if not item.complete]
    return HintCounts(
        images=len(snapshot.images),
        points=sum(len(hints.points) for hints in learnt),
        boxes=sum(len(hints.boxes) for hints in learnt),
    )


def _scored(
    tried: Mapping[str, Found], held: HeldOut, radius: float, seed: int
) -> Generator[int, None, Comparison]:
    """Compare what the methods found on those planes that all of them predicted; yields after each."""
    planes = [ref for ref in held.to_find if all(ref in found for found in tried.values())]
    if not planes:
        raise ImageError("there is no image that every method could predict")
    wanted = {str(ref): held.to_find[ref] for ref in planes}
    known = {str(ref): hints for ref, hints in held.trained_on.items()}
    outcomes = {}
    for number, (method, found) in enumerate(tried.items()):
        kept = {str(ref): found[ref].above(THRESHOLD) for ref in planes}
        outcomes[method] = detector_outcome(kept, wanted, known, radius)
        yield number
    return compare_detectors(outcomes, exact=held.exact, seed=seed)


def _sentence(text: str) -> str:
    return text.rstrip(". ") + "."
