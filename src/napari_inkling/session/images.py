"""The images of the project: they come, go, are marked, and are looked after."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from psygnal import Signal

from napari_inkling.core import PlaneRef
from napari_inkling.project import ImageProblem, ImageRecord
from napari_inkling.session.annotations import Annotations
from napari_inkling.session.desk import Dispatch
from napari_inkling.session.image_check import ImageCheck
from napari_inkling.session.telling import LAST, Tell
from napari_inkling.session.workspace import Workspace

__all__ = ["Images"]


class Images:
    """Adds, removes and marks images, and tells which of them are not as they should be.

    Parameters
    ----------
    workspace : Workspace
        Which project; the first image that comes is shown there.
    annotations : Annotations
        Told when removing an image changes what can be undone.
    dispatch : callable or None
        Hands what a check found to the owner's thread; ``None``: images are checked at once.
    tell : callable
        Tells the person of images that are not in order.
    """

    #: Images came, went, or changed their marks.
    changed = Signal()
    #: Images were found to be missing or changed, or are in order again.
    problems_changed = Signal()

    def __init__(
        self, workspace: Workspace, annotations: Annotations, dispatch: Dispatch | None, tell: Tell
    ) -> None:
        self._workspace = workspace
        self._annotations = annotations
        self._tell = tell
        self._problems: dict[str, ImageProblem] = {}
        self._checks = ImageCheck(dispatch)
        workspace.plane_changed.connect(self._check_again, priority=LAST)

    def add(self, paths: Iterable[Path | str]) -> list[ImageRecord]:
        """Add image files or folders of them; the first image that comes is shown.

        Raises
        ------
        ImageError
            Naming the files that cannot be read; the others have been added.
        """
        try:
            return self._workspace.project.add_images([Path(path) for path in paths])
        finally:
            self._added()

    def add_array(self, name: str, array: Any, axes: str, pixel_size_um: float | None = None) -> ImageRecord:
        """Add the pixels of a layer that has no file; the project keeps a copy."""
        record = self._workspace.project.add_array(name, array, axes, pixel_size_um)
        self._added()
        return record

    def _added(self) -> None:
        self.changed.emit()
        if self._workspace.plane is None:
            self._workspace.go_to_first()

    def remove(self, name: str) -> None:
        """Take an image out of the project; its file stays."""
        self._workspace.project.remove_image(name)
        self._forget_problem(name)
        self.changed.emit()
        if self._workspace.plane is not None and self._workspace.plane.image == name:
            self._workspace.go_to_first()
        self._annotations.announce()

    def relink(self, name: str, path: Path | str) -> None:
        """Say where an image that was moved lies now, or that what has become of its file is right.

        Of a file with another content, everything that was told by the former one is forgotten, but not
        what the person did. Raises ImageError if it cannot be that image.
        """
        workspace = self._workspace
        before = workspace.project.image(name).fingerprint
        record, shown = workspace.project.relink(name, Path(path)), workspace.plane
        self._forget_problem(name)
        if shown is not None and shown.image == name and shown not in record.planes():
            workspace.go_to(None)  # the new file has other planes
        if record.fingerprint != before:
            workspace.pixels_changed.emit(name)
        self.changed.emit()
        if workspace.plane != shown:
            workspace.go_to(record.planes()[0])

    def update(self, name: str, **marks: bool) -> None:
        """Set ``complete``, ``reviewed`` or ``done`` of an image."""
        self._workspace.project.update_image(name, **marks)
        self.changed.emit()

    # -- looking after them ------------------------------------------------------------------------

    @property
    def problems(self) -> Mapping[str, ImageProblem]:
        """The images that are missing, unreadable or not as they were when they were added, by name.

        Found out in the background when a project opens, and again for one of them that comes on screen.
        """
        return self._problems

    def check(self, records: Collection[ImageRecord]) -> None:
        """Look at images in the background."""
        if records:
            names = [record.name for record in records]
            look = self._workspace.project.problem
            self._checks.start(look, names, lambda found: self._checked(records, found))

    def _check_again(self, plane: PlaneRef | None) -> None:
        if plane is not None and plane.image in self._problems:
            self.check([self._workspace.project.image(plane.image)])

    def _checked(self, records: Collection[ImageRecord], found: Sequence[ImageProblem]) -> None:
        """Take note of what a check found, but for images that were removed or linked anew meanwhile."""
        known = {(now.name, now.path, now.fingerprint) for now in self._workspace.project.images}
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
                self._tell("warning", problem.message)

    def stop_checking(self) -> None:
        """Give up what is being looked at: no answer comes any more."""
        self._checks.stop()

    def forget(self) -> None:
        """Forget what was wrong with the images of the project before."""
        self.stop_checking()
        self._problems = {}
