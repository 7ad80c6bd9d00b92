"""The session: it makes the parts, opens and closes projects for them, and ends them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from psygnal import Signal

from napari_inkling.core import PlaneRef, ProjectError, ProjectLockedError
from napari_inkling.project import Project
from napari_inkling.session.advice import Advice
from napari_inkling.session.annotations import Annotations
from napari_inkling.session.box_sizes import BoxSizes
from napari_inkling.session.boxes import BoxCorrection
from napari_inkling.session.cell_radius import CellRadius
from napari_inkling.session.clock import AnnotationClock
from napari_inkling.session.comparing import Comparing
from napari_inkling.session.corrections import Corrections
from napari_inkling.session.desk import Desk, Dispatch
from napari_inkling.session.files import Files
from napari_inkling.session.guide import Guide
from napari_inkling.session.image_kinds import ImageKinds
from napari_inkling.session.images import Images
from napari_inkling.session.marked_cells import MarkedCells
from napari_inkling.session.masks import MaskCorrection
from napari_inkling.session.measuring import Measuring
from napari_inkling.session.prediction import Prediction
from napari_inkling.session.pseudo_labels import PseudoLabelReview
from napari_inkling.session.review import Review
from napari_inkling.session.suggestions import Suggestions
from napari_inkling.session.training import Training, tidy_after
from napari_inkling.session.training_state import TrainingState
from napari_inkling.session.workspace import Workspace
from napari_inkling.workers import Runner, TrainJob

__all__ = ["Session"]


class Session:
    """One person's work on one project: hints in, training in a worker, suggestions out.

    The dock and the command line drive this same object, by its parts: see :mod:`napari_inkling.session`.
    A command that is refused raises :class:`~napari_inkling.core.InklingError` with a message for a person;
    what goes wrong later, in the worker, is told by the signal :attr:`message` and by :attr:`training`.

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

    #: Another project is open; everything else is to be read anew.
    project_changed = Signal()
    #: Something to tell the person: "info", "warning" or "error", and the text.
    message = Signal(str, str)

    def __init__(
        self,
        runner: Runner | None = None,
        dispatch: Dispatch | None = None,
        *,
        method: str | None = None,
        predict_on_visit: bool = True,
    ) -> None:
        self._closed = False
        self._clock = clock = AnnotationClock()
        self._desk = desk = Desk(runner, dispatch)
        tell = self.message.emit
        self.workspace = workspace = Workspace(self._open_scratch, clock, tell)
        self.annotations = annotations = Annotations(workspace, clock, tell)
        self.images = images = Images(workspace, annotations, dispatch, tell)
        self.radius = radius = CellRadius(workspace, annotations)
        self.suggestions = suggestions = Suggestions(workspace, annotations, radius)
        self.pseudo_labels = PseudoLabelReview(workspace, annotations, radius)
        self._corrections = Corrections(workspace, annotations, desk)
        self.files = Files(workspace, annotations, suggestions, radius, tell)
        self.review = review = Review(workspace, annotations, images, suggestions, tell)
        self.masks = MaskCorrection(workspace, annotations, suggestions, review)
        self.boxes = BoxCorrection(workspace, annotations, suggestions, review)
        self.guide = guide = Guide(workspace, annotations, suggestions, radius)
        review.judging.connect(guide.look_at)  # what is judged one by one was looked at
        self.pseudo_labels.judging.connect(guide.note_places)
        self.box_sizes = BoxSizes(workspace)
        self.measuring = Measuring(workspace, annotations, suggestions, dispatch, tell)
        self.prediction = prediction = Prediction(
            workspace, suggestions, desk, predict_on_visit, method, tell
        )
        self.image_kinds = ImageKinds(workspace, dispatch)
        self.marked_cells = MarkedCells(workspace, radius, dispatch)
        self.advice = advice = Advice(workspace, self.image_kinds, self.marked_cells, method, tell)
        self.training = Training(
            workspace,
            advice,
            radius,
            suggestions,
            self.pseudo_labels,
            self._corrections,
            prediction,
            desk,
            tell,
        )
        self.comparing = Comparing(workspace, annotations, advice, radius, prediction, desk, tell)

    # -- what is open ------------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        """The open project; a scratch one is made when first needed, so that nobody loses clicks."""
        return self.workspace.project

    @property
    def has_project(self) -> bool:
        """Whether a project is open (asking for :attr:`project` opens one)."""
        return self.workspace.opened is not None

    @property
    def plane(self) -> PlaneRef | None:
        """The plane on screen."""
        return self.workspace.plane

    def go_to(self, ref: PlaneRef | None) -> None:
        """Show another plane; raises InklingError if the project has no such image or plane."""
        self.workspace.go_to(ref)

    # -- another project ---------------------------------------------------------------------------

    def open_project(self, folder: Path | str) -> None:
        """Open a project folder; one that another process writes to is opened read-only, and that is said.

        Raises
        ------
        ProjectError
            If it is not a project, is damaged beyond repair, or comes from a newer version; or if edits of
            the open one cannot be written, which then stays open.
        """
        folder = Path(folder).absolute()
        if self.has_project and self.project.folder == folder:
            return
        try:
            project = Project.open(folder)
        except ProjectLockedError:
            project = Project.open(folder, read_only=True)
            project.notices.append(
                f"{folder} is being edited in another window or by another program. Here it is read-only: "
                "edits are not kept. To edit it here, close it there first."
            )
        self._use(project)

    def new_project(self, folder: Path | str, classes: Sequence[str] = ("cell",)) -> None:
        """Make a project folder and open it; raises ProjectError as :meth:`open_project` and if it exists."""
        self._use(Project.create(Path(folder), tuple(classes)))

    def save_as(self, folder: Path | str) -> None:
        """Copy the project (a scratch one, for example) into a new folder, and go on there."""
        self._keep_settings(self.project)
        self.open_project(self.project.copy_to(folder))

    def _open_scratch(self) -> None:
        if self._closed:
            raise ProjectError("the session is closed")
        self._use(Project.scratch())

    def _use(self, project: Project) -> None:
        """Leave the open project for another one, and show the plane that was shown there last."""
        try:
            self._leave()
        except ProjectError:
            project.close()
            raise
        self.workspace.enter(project)
        self.images.forget()
        self.image_kinds.forget()
        self.marked_cells.forget()
        self.training.forget()  # before the prediction: it tells that it stops
        self.comparing.forget()
        self.measuring.forget()
        self.prediction.forget()
        self.radius.take_up(project)
        self.suggestions.take_up(project)
        self.guide.take_up(project)
        self.workspace.resume()
        self._tell_of_all()
        for text in project.notices:
            self.message.emit("warning", text)
        self.images.check(project.images)

    def _tell_of_all(self) -> None:
        self.project_changed.emit()
        self.annotations.classes_changed.emit()
        self.images.changed.emit()
        self.prediction.models_changed.emit()
        self.annotations.history_changed.emit()
        self.workspace.plane_changed.emit(self.plane)

    def _leave(self) -> None:
        """Close the open project; raises ProjectError, and keeps it open, if it cannot be written."""
        if (project := self.workspace.opened) is None:
            return
        try:
            self._keep_settings(project)
            project.close()
        except ProjectError as error:
            raise ProjectError(f"the project {project.name} stays open: {error}") from error
        self.workspace.leave()

    def _keep_settings(self, project: Project) -> None:
        """Write into the project what is kept with it when one leaves it; raises ProjectError."""
        self.workspace.keep_settings(project)
        self.suggestions.keep_settings(project)
        self.guide.keep_settings(project)

    # -- the worker, and the end -------------------------------------------------------------------

    def warm_up(self) -> None:
        """Start the worker ahead of the first training, so that Train answers sooner. Returns at once."""
        self._desk.runner.warm_up()

    def wait(self, timeout: float | None = None) -> TrainingState:
        """Block until no job runs or waits (or for ``timeout`` seconds); returns the state of the training.

        For callers without an event loop: with dispatch queued for the calling thread it would never end.
        """
        self._desk.wait(timeout)
        return self.training.state

    def close(self) -> None:
        """Stop everything, leave no process or thread, and close the project. May be called twice.

        If the project cannot be written, that is told, and :attr:`has_project` stays true.
        """
        self._closed = True
        job = self._desk.job
        self._corrections.end()
        self._desk.close()
        self.images.stop_checking()
        self.measuring.close()
        self.image_kinds.close()
        self.marked_cells.close()
        self.comparing.close()
        if isinstance(job, TrainJob):  # its last checkpoint stays
            tidy_after(job)
        try:
            self._leave()
        except ProjectError as error:  # calling this again tries again
            self.message.emit("error", str(error))
        self.workspace.blank()
