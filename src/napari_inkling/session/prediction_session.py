"""The prediction side of a session: which planes the newest model has seen, and how it comes to see more."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from napari_inkling.core import Event, Notice, PlaneRef, Preview, ProjectError
from napari_inkling.project import Project
from napari_inkling.session.desk import Desk
from napari_inkling.session.mask_session import MaskSession
from napari_inkling.workers import Outcome, PredictJob, TrainJob

__all__ = ["PredictionSession"]


class PredictionSession(MaskSession):
    """Predicts with the newest model; see :class:`~napari_inkling.session.Session`.

    Parameters
    ----------
    desk : Desk
        Runs the jobs.
    method : str or None
        The session's own method.
    predict_on_visit : bool
        Whether a plane that the newest model has not seen is predicted when it comes on screen.
    """

    def __init__(self, desk: Desk, method: str | None, predict_on_visit: bool) -> None:
        super().__init__(desk.dispatch)
        self.method = method
        self.predict_on_visit = predict_on_visit
        self._desk = desk
        self._device = "auto"
        self._named_methods = {method} if method else set()
        self._fresh: set[PlaneRef] = set()  # predicted by the newest model
        self._refused: set[PlaneRef] = set()  # which it failed on

    @property
    def newest_model(self) -> Path | None:
        """The folder of the project's newest model."""
        models = self._project.models() if self._project is not None else []
        return models[-1] if models else None

    @property
    def is_predicting(self) -> bool:
        """Whether a prediction runs or waits."""
        return isinstance(self._desk.job, PredictJob)

    @property
    def unpredicted_planes(self) -> tuple[PlaneRef, ...]:
        """The planes that the newest model has not predicted as a whole, image by image; without one, all."""
        if self._project is None:
            return ()
        every = (plane for record in self._project.images for plane in record.planes())
        return tuple(plane for plane in every if plane not in self._fresh)

    def predict(
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
            If there is no model yet, or a training runs.
        """
        if (model := model or self.newest_model) is None:
            raise ProjectError("there is no model yet: train one first")
        if isinstance(self._desk.job, TrainJob):
            raise ProjectError("a training is running: its model predicts when it is done")
        refs = self.unpredicted_planes if refs is None else refs
        if not refs:
            return
        job = PredictJob(
            model=str(model),
            snapshot=self.project.snapshot(only=refs),
            device=device or self._device,
            methods=tuple(sorted(self._named_methods)),
        )
        asked = frozenset(refs)
        self._desk.start(job, self._on_prediction, lambda outcome: self._predicted(asked, outcome))

    def _on_prediction(self, event: Event) -> None:
        if isinstance(event, Preview):
            self._fresh.add(event.image)
            self._set_predictions(event.image, event.predictions, event.whole)
        elif isinstance(event, Notice):
            self.message.emit("warning", event.text)

    def _predicted(self, asked: frozenset[PlaneRef], outcome: Outcome) -> None:
        if outcome.state != "cancelled":
            self._refused |= asked - self._fresh
        if outcome.state in ("failed", "died"):
            self.message.emit("warning", outcome.message)
        self._predict_plane()

    def _predict_plane(self) -> None:
        """Predict the plane on screen if the newest model has not; interrupts nothing, tries only once."""
        if not self.predict_on_visit or self._plane is None or self._desk.job is not None:
            return
        if self._plane not in self._fresh | self._refused and self.newest_model is not None:
            self.predict([self._plane])

    def _plane_changed(self) -> None:
        super()._plane_changed()
        self._predict_plane()

    def _take_up(self, project: Project) -> None:
        self._desk.stop()
        self._fresh, self._refused = set(), set()
        super()._take_up(project)

    def _new_model(self, predicted: Collection[PlaneRef] = ()) -> None:
        """Take note of a model that has predicted these planes."""
        self._fresh, self._refused = set(predicted), set()
        self.models_changed.emit()
