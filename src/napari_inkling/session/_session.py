"""The session: what the other parts add up to, and its end."""

from __future__ import annotations

from napari_inkling.core import ProjectError
from napari_inkling.session.desk import Desk, Dispatch
from napari_inkling.session.training_session import TrainingSession, tidy_after
from napari_inkling.session.training_state import TrainingState
from napari_inkling.workers import Runner, TrainJob

__all__ = ["Session"]


class Session(TrainingSession):
    """One person's work on one project: hints in, training in a worker, suggestions out.

    The dock and the command line drive this same object. A command that is refused raises
    :class:`~napari_inkling.core.InklingError` with a message for a person; what goes wrong later, in the
    worker, is told by the signal :attr:`message` and by :attr:`training`.

    Parameters
    ----------
    runner : Runner or None
        Where jobs run; a process of this machine by default, started when first needed.
    dispatch : callable or None
        Hands what the worker tells to the thread that owns the session: the dock passes a queued Qt call.
        By default it is done in the runner's thread, which suits a caller that waits in :meth:`wait`, and
        images are checked before :meth:`open_project` returns.
    method : str or None
        The method to use instead of the recommended one; ``"module:Class"`` for one that is not installed.
    predict_on_visit : bool
        Whether a plane that the newest model has not seen is predicted when it comes on screen.
    """

    def __init__(
        self,
        runner: Runner | None = None,
        dispatch: Dispatch | None = None,
        *,
        method: str | None = None,
        predict_on_visit: bool = True,
    ) -> None:
        super().__init__(Desk(runner, dispatch), method, predict_on_visit)

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
        """Stop everything, leave no process or thread, and close the project. May be called twice.

        If the project cannot be written, that is told, and :attr:`has_project` stays true.
        """
        self._closed = True
        job = self._desk.job
        self._desk.close()
        self._checks.stop()
        self._measuring.close()
        if isinstance(job, TrainJob):  # its last checkpoint stays
            tidy_after(job)
        try:
            self._leave()
        except ProjectError as error:  # calling this again tries again
            self.message.emit("error", str(error))
        self._plane = None
