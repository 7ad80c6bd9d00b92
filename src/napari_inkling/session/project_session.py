"""The project side of a session: which project, which plane, and a person's edits."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_inkling.core import (
    HintSet,
    PlaneRef,
    ProjectError,
    ProjectLockedError,
)
from napari_inkling.project import ClassInfo, Edit, ImageProblem, ImageRecord, Project
from napari_inkling.project.formats import ImportResult, import_annotations
from napari_inkling.session.clock import AnnotationClock, timed
from napari_inkling.session.desk import Dispatch
from napari_inkling.session.image_check import ImageCheck
from napari_inkling.session.signals import SessionSignals

__all__ = ["ProjectSession"]


class ProjectSession(SessionSignals):
    """Project, plane and hints; see :class:`~napari_inkling.session.Session`."""

    def __init__(self, dispatch: Dispatch | None = None) -> None:
        self._project: Project | None = None
        self._plane: PlaneRef | None = None
        self._clock = AnnotationClock()
        self._closed = False
        self._problems: dict[str, ImageProblem] = {}
        self._checks = ImageCheck(dispatch)

    # -- project -----------------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        """The open project; a scratch one is made when first needed, so that nobody loses clicks."""
        if self._project is None:
            if self._closed:
                raise ProjectError("the session is closed")
            self._use(Project.scratch())
        assert self._project is not None
        return self._project

    @property
    def has_project(self) -> bool:
        """Whether a project is open (asking for :attr:`project` opens one)."""
        return self._project is not None

    def open_project(self, folder: Path | str) -> None:
        """Open a project folder; one that another process writes to is opened read-only, and that is said.

        Raises
        ------
        ProjectError
            If it is not a project, is damaged beyond repair, or comes from a newer version; or if edits of
            the open one cannot be written, which then stays open.
        """
        folder = Path(folder).absolute()
        if self._project is not None and self._project.folder == folder:
            return
        try:
            project = Project.open(folder)
        except ProjectLockedError as error:
            project = Project.open(folder, read_only=True)
            project.notices.append(f"{error}. It is open read-only here: edits are not kept.")
        self._use(project)

    def new_project(self, folder: Path | str, classes: Sequence[str] = ("cell",)) -> None:
        """Make a project folder and open it; raises ProjectError as :meth:`open_project` and if it exists."""
        self._use(Project.create(Path(folder), tuple(classes)))

    def save_as(self, folder: Path | str) -> None:
        """Copy the project (a scratch one, for example) into a new folder, and go on there."""
        self.open_project(self.project.copy_to(folder))

    def _use(self, project: Project) -> None:
        """Leave the open project for another one, and show the plane that was shown there last."""
        try:
            self._leave()
        except ProjectError:
            project.close()
            raise
        self._checks.stop()
        self._project, self._plane, self._problems = project, None, {}
        self._take_up(project)
        self._plane = self._first_plane(PlaneRef.parse(str(project.setting("plane", ""))))
        self._clock.start()
        self.project_changed.emit()
        self.classes_changed.emit()
        self.images_changed.emit()
        self.models_changed.emit()
        self.history_changed.emit()
        self._plane_changed()
        for text in project.notices:
            self.message.emit("warning", text)
        self._check_images(project.images)

    def _take_up(self, project: Project) -> None:
        """Forget what belonged to the project before, and take what was kept with this one."""

    def _leave(self) -> None:
        """Close the open project; raises ProjectError, and keeps it open, if it cannot be written."""
        if (project := self._project) is None:
            return
        try:
            self._keep_settings(project)
            project.close()
        except ProjectError as error:
            raise ProjectError(f"the project {project.name} stays open: {error}") from error
        self._project = None

    def _keep_settings(self, project: Project) -> None:
        if self._plane is not None:
            project.set_setting("plane", str(self._plane))

    def _first_plane(self, wanted: PlaneRef | None = None) -> PlaneRef | None:
        records = self.project.images
        for record in records:
            if wanted is not None and record.name == wanted.image and wanted in record.planes():
                return wanted
        return records[0].planes()[0] if records else None

    # -- images and classes ------------------------------------------------------------------------

    def add_images(self, paths: Iterable[Path | str]) -> list[ImageRecord]:
        """Add image files or folders of them; the first image that comes is shown.

        Raises
        ------
        ImageError
            Naming the files that cannot be read; the others have been added.
        """
        try:
            return self.project.add_images([Path(path) for path in paths])
        finally:
            self._images_added()

    def add_array(self, name: str, array: Any, axes: str, pixel_size_um: float | None = None) -> ImageRecord:
        """Add the pixels of a layer that has no file; the project keeps a copy."""
        record = self.project.add_array(name, array, axes, pixel_size_um)
        self._images_added()
        return record

    def _images_added(self) -> None:
        self.images_changed.emit()
        if self._plane is None:
            self.go_to(self._first_plane())

    def remove_image(self, name: str) -> None:
        """Take an image out of the project; its file stays."""
        self.project.remove_image(name)
        self._forget_problem(name)
        self.images_changed.emit()
        if self._plane is not None and self._plane.image == name:
            self.go_to(self._first_plane())
        self.history_changed.emit()

    def relink(self, name: str, path: Path | str) -> None:
        """Say where an image that was moved lies now; raises ImageError if that is another image."""
        self.project.relink(name, Path(path))
        self._forget_problem(name)
        self.images_changed.emit()

    def update_image(self, name: str, **marks: bool) -> None:
        """Set ``complete``, ``reviewed`` or ``done`` of an image."""
        self.project.update_image(name, **marks)
        self.images_changed.emit()

    @property
    def problems(self) -> Mapping[str, ImageProblem]:
        """The images that are missing, unreadable or not as they were when they were added, by name.

        Found out in the background when a project opens, and again for one of them that comes on screen.
        """
        return self._problems

    def _check_images(self, records: Collection[ImageRecord]) -> None:
        if records:
            names = [record.name for record in records]
            self._checks.start(self.project.problem, names, lambda found: self._checked(records, found))

    def _checked(self, records: Collection[ImageRecord], found: Sequence[ImageProblem]) -> None:
        """Take note of what a check found, but for images that were removed or linked anew meanwhile."""
        known = {(now.name, now.path, now.fingerprint) for now in self.project.images}
        names = {old.name for old in records if (old.name, old.path, old.fingerprint) in known}
        self._set_problems({
            **{name: problem for name, problem in self._problems.items() if name not in names},
            **{problem.name: problem for problem in found if problem.name in names},
        })  # fmt: skip

    def _forget_problem(self, name: str) -> None:
        self._set_problems({other: problem for other, problem in self._problems.items() if other != name})

    def _set_problems(self, problems: dict[str, ImageProblem]) -> None:
        """Hold these problems, and tell those that are new."""
        before, self._problems = self._problems, problems
        if problems != before:
            self.problems_changed.emit()
        for name, problem in problems.items():
            if problem != before.get(name):
                self.message.emit("warning", problem.message)

    def set_classes(self, classes: Sequence[str | ClassInfo]) -> None:
        """Set the classes, by name or with colours and keys; one that has hints cannot go."""
        self.project.set_classes(classes)
        self.classes_changed.emit()

    def rename_class(self, old: str, new: str) -> None:
        """Rename a class; its hints follow."""
        self.project.rename_class(old, new)
        self.classes_changed.emit()
        self.history_changed.emit()
        if self._plane is not None:
            self._hints_changed(self._plane)

    # -- planes ------------------------------------------------------------------------------------

    @property
    def plane(self) -> PlaneRef | None:
        """The plane on screen."""
        return self._plane

    def go_to(self, ref: PlaneRef | None) -> None:
        """Show another plane; raises InklingError if the project has no such image or plane."""
        if ref == self._plane:
            return
        if ref is not None and ref not in (record := self.project.image(ref.image)).planes():
            raise ProjectError(
                f"image {ref.image!r} has no plane {list(ref.plane)}: "
                f"its stack has the shape {list(record.info.stack_shape)}"
            )
        self._plane = ref
        self._clock.start()
        self._plane_changed()

    def _plane_changed(self) -> None:
        self.plane_changed.emit(self._plane)
        if self._plane is not None and self._plane.image in self._problems:
            self._check_images([self.project.image(self._plane.image)])

    def next_image(self) -> None:
        """Show the first plane of the next image; after the last comes the first."""
        self._turn(1)

    def previous_image(self) -> None:
        """Show the first plane of the previous image; before the first comes the last."""
        self._turn(-1)

    def _turn(self, by: int) -> None:
        if self._project is None or not (records := self._project.images):
            return
        names = [record.name for record in records]
        now = names.index(self._plane.image) if self._plane else -by
        self.go_to(records[(now + by) % len(records)].planes()[0])

    # -- hints -------------------------------------------------------------------------------------

    @property
    def hints(self) -> HintSet:
        """The hints of the plane on screen (empty without one)."""
        return self.hints_of(self._plane) if self._plane is not None else HintSet()

    def hints_of(self, ref: PlaneRef) -> HintSet:
        """Return the hints of a plane."""
        return self.project.hints(ref)

    def edit(self, before: HintSet, after: HintSet, label: str, ref: PlaneRef | None = None) -> None:
        """Replace rows of a plane's hints; it is on disk when this returns, and one undo takes it back.

        A person's new rows (ids that ``before`` lacks) get the time, the seconds they took, and the number
        of trainings before them.

        Parameters
        ----------
        before, after : HintSet
            The rows that go, and those that come (a moved point is in both, under the same id).
        label : str
            What was done: "add point".
        ref : PlaneRef or None
            The plane; the one on screen by default.
        """
        ref = self._required(ref)
        seconds = self._clock.lap()
        self._write(ref, before, timed(before, after, seconds, self._training_round()), label, seconds)

    def _training_round(self) -> int:
        """Return the number of trainings so far; the column ``rounds`` of the hints that come now."""
        return len(self.project.models())

    def _write(
        self, ref: PlaneRef, before: HintSet, after: HintSet, label: str, seconds: float = 0.0
    ) -> bool:
        """Make one edit, and let views show what is really held; returns whether it is."""
        classes = self.project.classes
        held = self._put(lambda: self.project.edit(ref, before, after, label), seconds)
        self._hints_changed(ref)
        self.history_changed.emit()
        if self.project.classes != classes:
            self.classes_changed.emit()
        return held

    def _put(self, change: Callable[[], None], seconds: float) -> bool:
        """Put a change that took so many seconds into the journal; if that fails, say so.

        Returns whether it is held, on disk or (if the disk refuses) in memory.
        """
        try:
            change()
            self.project.add_seconds(seconds)
        except ProjectError as error:
            self.message.emit("error", str(error))
            return not self.project.read_only
        return True

    def undo(self) -> Edit | None:
        """Take back the last edit, show its plane, and return it; ``None`` if there is none."""
        return self._travel(self.project.undo)

    def redo(self) -> Edit | None:
        """Do again what was undone last, show its plane, and return it; ``None`` if there is nothing."""
        return self._travel(self.project.redo)

    def _travel(self, step: Callable[[], Edit | None]) -> Edit | None:
        try:
            edit = step()
        except ProjectError as error:  # it may have happened in memory only
            self.message.emit("error", str(error))
            edit = None
        if edit is not None:
            self.go_to(edit.ref)
        if ref := edit.ref if edit is not None else self._plane:
            self._hints_changed(ref)
        self.history_changed.emit()
        return edit

    @property
    def can_undo(self) -> str:
        """What :meth:`undo` would take back, ``""`` if nothing."""
        return self._project.can_undo if self._project is not None else ""

    @property
    def can_redo(self) -> str:
        """What :meth:`redo` would do again, ``""`` if nothing."""
        return self._project.can_redo if self._project is not None else ""

    @property
    def seconds_spent(self) -> float:
        """Seconds of annotating in this project, pauses not counted."""
        return self._project.seconds_spent if self._project is not None else 0.0

    def _hints_changed(self, ref: PlaneRef) -> None:
        self.hints_changed.emit(ref)

    def _required(self, ref: PlaneRef | None) -> PlaneRef:
        if (ref := ref or self._plane) is None:
            raise ProjectError("no image is shown: add an image first")
        return ref

    # -- files -------------------------------------------------------------------------------------

    def import_annotations(
        self, path: Path | str, format: str, images: Iterable[str] | None = None
    ) -> ImportResult:
        """Add the annotations of a file or folder as hints; what was skipped is told by :attr:`message`."""
        classes = self.project.classes
        chosen = None if images is None else list(images)
        result = import_annotations(self.project, path, format, chosen)
        for notice in result.notices:
            self.message.emit("warning", notice)
        for name, hints in result.hints.items():
            if len(hints):
                self._hints_changed(PlaneRef.parse(name))
        self.history_changed.emit()
        if self.project.classes != classes:
            self.classes_changed.emit()
        return result
