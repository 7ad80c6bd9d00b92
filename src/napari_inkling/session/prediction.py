"""Which planes the newest model has seen, and how it comes to see more."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from psygnal import Signal

from napari_inkling.core import Event, Notice, PlaneRef, Preview, ProjectError
from napari_inkling.session.desk import Desk
from napari_inkling.session.suggestions import Suggestions
from napari_inkling.session.telling import FIRST, LAST, Tell
from napari_inkling.session.workspace import Workspace
from napari_inkling.workers import CompareJob, Outcome, PredictJob, TrainJob

__all__ = ["Prediction"]


class Prediction:
    """Predicts with the newest model in the background.

    Parameters
    ----------
    workspace : Workspace
        Which project, and which plane.
    suggestions : Suggestions
        What predictions become.
    desk : Desk
        Runs the jobs.
    on_visit : bool
        Whether a plane that the newest model has not seen is predicted when it comes on screen.
    method : str or None
        The session's own method: the models may be of it besides the installed ones.
    tell : callable
        Tells the person what went wrong.
    """

    #: There is a new model, or another project's models.
    models_changed = Signal()

    def __init__(
        self,
        workspace: Workspace,
        suggestions: Suggestions,
        desk: Desk,
        on_visit: bool,
        method: str | None,
        tell: Tell,
    ) -> None:
        self.on_visit = on_visit
        self._device = "auto"
        self._methods: set[str] = {method} if method else set()  # by the names that a person gave
        self._workspace = workspace
        self._suggestions = suggestions
        self._desk = desk
        self._tell = tell
        self._fresh: set[PlaneRef] = set()  # predicted by the newest model
        self._refused: set[PlaneRef] = set()  # which it failed on
        self._outdated: set[str] = set()  # images that have other pixels than when the job began
        workspace.pixels_changed.connect(self._forget_image, priority=FIRST)
        workspace.plane_changed.connect(self.predict_plane, priority=LAST)

    @property
    def newest_model(self) -> Path | None:
        """The folder of the project's newest model."""
        return self._workspace.newest_model

    @property
    def active(self) -> bool:
        """Whether a prediction runs or waits."""
        return isinstance(self._desk.job, PredictJob)

    @property
    def unpredicted_planes(self) -> tuple[PlaneRef, ...]:
        """The planes that the newest model has not predicted as a whole, image by image; without one, all."""
        if (project := self._workspace.opened) is None:
            return ()
        every = (plane for record in project.images for plane in record.planes())
        return tuple(plane for plane in every if plane not in self._fresh)

    def start(
        self,
        refs: Collection[PlaneRef] | None = None,
        device: str | None = None,
        model: Path | None = None,
    ) -> None:
        """Predict planes with a model in the background.

        Parameters
        ----------
        refs : collection of PlaneRef or None
            Which; by default the :attr:`unpredicted_planes`.
        device : str or None
            That of the last training by default.
        model : Path or None
            A model's folder; the project's newest one by default.

        Raises
        ------
        ProjectError
            If there is no model yet, or a training or a comparison runs.
        """
        if (model := model or self.newest_model) is None:
            raise ProjectError("there is no model yet: train one first")
        if isinstance(self._desk.job, TrainJob):
            raise ProjectError("a training is running: its model predicts when it is done")
        if isinstance(self._desk.job, CompareJob):
            raise ProjectError("methods are being compared: stop that first")
        refs = self.unpredicted_planes if refs is None else refs
        if not refs:
            return
        job = PredictJob(
            model=str(model),
            snapshot=self._workspace.project.snapshot(only=refs),
            device=device or self._device,
            methods=tuple(sorted(self._methods)),
        )
        asked, self._outdated = frozenset(refs), set()
        self._desk.start(job, self._on_event, lambda outcome: self._on_done(asked, outcome))

    def take_after(self, device: str, method: str | None) -> None:
        """Predict where a training runs that begins, and trust the method that a person gave for it."""
        self._device = device
        if method is not None:
            self._methods.add(method)

    def predict_plane(self) -> None:
        """Predict the plane on screen if the newest model has not; interrupts nothing, tries only once."""
        plane = self._workspace.plane
        if not self.on_visit or plane is None or self._desk.job is not None:
            return
        if plane not in self._fresh | self._refused and self.newest_model is not None:
            self.start([plane])

    def new_model(self, predicted: Collection[PlaneRef] = ()) -> None:
        """Take note of a model that has predicted these planes."""
        self._fresh, self._refused = set(predicted), set()
        self.models_changed.emit()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Preview) and event.image.image not in self._outdated:
            self._fresh.add(event.image)
            self._suggestions.put(event.image, event.predictions, event.whole)
        elif isinstance(event, Notice):
            self._tell("warning", event.text)

    def _on_done(self, asked: frozenset[PlaneRef], outcome: Outcome) -> None:
        if outcome.state != "cancelled":
            self._refused |= {ref for ref in asked - self._fresh if ref.image not in self._outdated}
        if outcome.state in ("failed", "died"):
            self._tell("warning", outcome.message)
        self.predict_plane()

    def _forget_image(self, name: str) -> None:
        self._outdated.add(name)
        self._fresh = {ref for ref in self._fresh if ref.image != name}
        self._refused = {ref for ref in self._refused if ref.image != name}
        self.predict_plane()

    def forget(self) -> None:
        """Stop what runs for the project before, and forget what was predicted there."""
        self._desk.stop()
        self._fresh, self._refused = set(), set()
