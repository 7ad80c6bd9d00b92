"""The session: what the other parts add up to, prediction, and the end."""

from __future__ import annotations

from collections.abc import Callable, Collection

from napari_inkling.core import (
    Event,
    Notice,
    PlaneRef,
    Preview,
    ProjectError,
)
from napari_inkling.project import Project
from napari_inkling.session.desk import Desk, Dispatch
from napari_inkling.session.training_session import TrainingSession, tidy_after
from napari_inkling.session.training_state import TrainingState
from napari_inkling.workers import Outcome, PredictJob, Runner, TrainJob

__all__ = ["Session"]


def immediately(call: Callable[[], None]) -> None:
    """Run the call in the runner's thread; for a program without an event loop."""
    call()


class Session(TrainingSession):
    """One person's work on one project: hints in, training in a worker, suggestions out.

    The dock and the command line drive this same object. A command that is refused raises
    :class:`~napari_inkling.core.InklingError` with a message for a person; what goes wrong later, in the
    worker, is told by the signal :attr:`message` and by :attr:`training`.

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
        super().__init__(Desk(runner, dispatch), method)
        self.predict_on_visit = predict_on_visit

    # -- prediction --------------------------------------------------------------------------------

    @property
    def is_predicting(self) -> bool:
        """Whether a prediction runs or waits."""
        return isinstance(self._desk.job, PredictJob)

    def predict(self, refs: Collection[PlaneRef] | None = None, device: str | None = None) -> None:
        """Predict planes with the newest model in the background.

        Parameters
        ----------
        refs : collection of PlaneRef or None
            Which; by default all that this model has not predicted.
        device : str or None
            That of the last training by default.

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
            self._set_predictions(event.image, event.predictions)
        elif isinstance(event, Notice):
            self.message.emit("info", event.text)

    def _predicted(self, asked: frozenset[PlaneRef], outcome: Outcome) -> None:
        if outcome.state in ("failed", "died"):
            self._refused |= asked - self._fresh
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

    # -- life --------------------------------------------------------------------------------------

    def warm_up(self) -> None:
        """Start the worker ahead of the first training, so that Train answers sooner. Returns at once."""
        self._desk.runner.warm_up()

    def wait(self, timeout: float | None = None) -> TrainingState:
        """Block until no job runs or waits (or for ``timeout`` seconds); returns the state of the training.

        For callers without an event loop: with dispatch queued for the calling thread it would never end.
        """
        self._desk.wait(timeout)
        return self._state

    def close(self) -> None:
        """Stop everything, leave no process or thread, and close the project. May be called twice."""
        self._closed = True
        job = self._desk.job
        self._desk.close()
        if isinstance(job, TrainJob):  # its last checkpoint stays
            tidy_after(job)
        self._leave()
        self._plane = None

    def _use(self, project: Project) -> None:
        self.stop()
        self._desk.stop()
        self._fresh, self._refused, self._previewed = set(), set(), set()
        super()._use(project)
