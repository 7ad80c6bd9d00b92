"""What a person says of the images: hints, what is rejected, classes. All of it is in the journal at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

import numpy.typing as npt
from psygnal import Signal

from napari_inkling.core import HintSet, PlaneRef, ProjectError
from napari_inkling.project import ClassInfo, Edit
from napari_inkling.session.clock import AnnotationClock, Source, timed
from napari_inkling.session.telling import Tell
from napari_inkling.session.workspace import Workspace

__all__ = ["Annotations"]


class Annotations:
    """Writes what a person says into the journal of the open project, and takes it back.

    Parameters
    ----------
    workspace : Workspace
        Which project, and which plane by default.
    clock : AnnotationClock
        How long an edit took.
    tell : callable
        Tells the person that something could not be written.
    """

    #: The hints of this plane changed.
    hints_changed = Signal(PlaneRef)
    #: What is rejected on this plane changed (but by undo and redo, which tell :attr:`hints_changed`).
    rejected_changed = Signal(PlaneRef)
    #: Classes came, went, or were renamed or coloured.
    classes_changed = Signal()
    #: What can be undone or redone changed.
    history_changed = Signal()

    def __init__(self, workspace: Workspace, clock: AnnotationClock, tell: Tell) -> None:
        self._workspace = workspace
        self._clock = clock
        self._tell = tell

    # -- hints -------------------------------------------------------------------------------------

    @property
    def hints(self) -> HintSet:
        """The hints of the plane on screen (empty without one)."""
        plane = self._workspace.plane
        return self.hints_of(plane) if plane is not None else HintSet()

    def hints_of(self, ref: PlaneRef) -> HintSet:
        """Return the hints of a plane."""
        return self._workspace.project.hints(ref)

    @property
    def round(self) -> int:
        """The number of trainings so far; the column ``rounds`` of the hints that come now."""
        return len(self._workspace.project.models())

    @property
    def seconds_spent(self) -> float:
        """Seconds of annotating in this project, pauses not counted."""
        project = self._workspace.opened
        return project.seconds_spent if project is not None else 0.0

    def edit(
        self,
        before: HintSet,
        after: HintSet,
        label: str,
        ref: PlaneRef | None = None,
        source: Source = "human",
    ) -> bool:
        """Replace rows of a plane's hints; it is on disk when this returns, and one undo takes it back.

        New rows (ids that ``before`` lacks) of the source get the time, the seconds they took, and the number
        of trainings before them.

        Parameters
        ----------
        before, after : HintSet
            The rows that go, and those that come (a moved point is in both, under the same id).
        label : str
            What was done: "add point".
        ref : PlaneRef or None
            The plane; the one on screen by default.
        source : str
            Whose rows the edit took its time for: "human", or "accepted".

        Returns
        -------
        bool
            Whether it is held, on disk or (if the disk refuses, which is told) in memory.
        """
        ref = self._workspace.required(ref)
        project, seconds = self._workspace.project, self._clock.lap()
        classes, rows = project.classes, timed(before, after, seconds, self.round, source)
        held = self._put(lambda: project.edit(ref, before, rows, label), seconds)
        self.announce([ref], classes)
        return held

    def reject(self, ref: PlaneRef, places: npt.ArrayLike, label: str) -> bool:
        """Reject what is suggested at places (N, 2) of a plane; returns whether it is held (see edit)."""
        return self._judge(ref, lambda: self._workspace.project.reject(ref, places, label))

    def restore_rejected(self, ref: PlaneRef, label: str) -> bool:
        """Reject nothing on a plane any more; returns whether it is held (see edit)."""
        return self._judge(ref, lambda: self._workspace.project.restore_rejected(ref, label))

    def _judge(self, ref: PlaneRef, change: Callable[[], None]) -> bool:
        held = self._put(change, self._clock.lap())
        self.rejected_changed.emit(ref)
        self.history_changed.emit()
        return held

    def _put(self, change: Callable[[], None], seconds: float) -> bool:
        """Put a change that took so many seconds into the journal; if that fails, say so."""
        project = self._workspace.project
        try:
            change()
            project.add_seconds(seconds)
        except ProjectError as error:
            self._tell("error", str(error))
            return not project.read_only
        return True

    def announce(self, refs: Iterable[PlaneRef] = (), before: Collection[ClassInfo] | None = None) -> None:
        """Let views show what these planes hold and what can be undone; classes if they are not as before."""
        for ref in refs:
            self.hints_changed.emit(ref)
        self.history_changed.emit()
        if before is not None and self._workspace.project.classes != before:
            self.classes_changed.emit()

    # -- history -----------------------------------------------------------------------------------

    def undo(self) -> Edit | None:
        """Take back the last edit, show its plane, and return it; ``None`` if there is none."""
        return self._travel(self._workspace.project.undo)

    def redo(self) -> Edit | None:
        """Do again what was undone last, show its plane, and return it; ``None`` if there is nothing."""
        return self._travel(self._workspace.project.redo)

    def _travel(self, step: Callable[[], Edit | None]) -> Edit | None:
        classes = self._workspace.project.classes
        try:
            edit = step()
        except ProjectError as error:  # it may have happened in memory only
            self._tell("error", str(error))
            edit = None
        if self._workspace.project.classes != classes:
            self.classes_changed.emit()  # views need the colours of what comes back
        if edit is not None:
            self._workspace.go_to(edit.ref)
        if ref := edit.ref if edit is not None else self._workspace.plane:
            self.hints_changed.emit(ref)
        self.history_changed.emit()
        return edit

    @property
    def can_undo(self) -> str:
        """What :meth:`undo` would take back, ``""`` if nothing."""
        project = self._workspace.opened
        return project.can_undo if project is not None else ""

    @property
    def can_redo(self) -> str:
        """What :meth:`redo` would do again, ``""`` if nothing."""
        project = self._workspace.opened
        return project.can_redo if project is not None else ""

    # -- classes -----------------------------------------------------------------------------------

    def set_classes(self, classes: Sequence[str | ClassInfo]) -> None:
        """Set the classes, by name or with colours and keys; one that has hints cannot go."""
        self._workspace.project.set_classes(classes)
        self.classes_changed.emit()

    def rename_class(self, old: str, new: str) -> None:
        """Rename a class; its hints and suggestions follow, also those of models that know the old name."""
        self._workspace.project.rename_class(old, new)
        self.classes_changed.emit()
        self.history_changed.emit()
        if self._workspace.plane is not None:
            self.hints_changed.emit(self._workspace.plane)
