"""Where a person works: in which project, and on which plane of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from psygnal import Signal

from napari_inkling.core import PlaneRef, ProjectError
from napari_inkling.project import Project
from napari_inkling.session.clock import AnnotationClock
from napari_inkling.session.telling import Tell

__all__ = ["Workspace"]


class Workspace:
    """Holds the open project and the plane on screen.

    Parameters
    ----------
    open_scratch : callable
        Opens a scratch project here, or raises ProjectError; called when one is needed and none is open.
    clock : AnnotationClock
        Begins to count when a plane comes on screen.
    tell : callable
        Tells the person that a setting could not be kept.
    """

    #: Another plane is on screen (PlaneRef or None).
    plane_changed = Signal(object)
    #: The image of this name has other pixels: what was made of the former ones does not hold any more.
    pixels_changed = Signal(str)

    def __init__(self, open_scratch: Callable[[], None], clock: AnnotationClock, tell: Tell) -> None:
        self._open_scratch = open_scratch
        self._clock = clock
        self._tell = tell
        self._project: Project | None = None
        self._plane: PlaneRef | None = None

    # -- project -----------------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        """The open project; a scratch one is made when first needed, so that nobody loses clicks."""
        if self._project is None:
            self._open_scratch()
        assert self._project is not None
        return self._project

    @property
    def opened(self) -> Project | None:
        """The open project, if there is one (asking for :attr:`project` opens one)."""
        return self._project

    @property
    def newest_model(self) -> Path | None:
        """The folder of the project's newest model."""
        models = self._project.models() if self._project is not None else []
        return models[-1] if models else None

    @property
    def learnable_images(self) -> frozenset[str]:
        """The names of the images to learn from: those marked complete are measured on, never learnt from."""
        images = self._project.images if self._project is not None else ()
        return frozenset(record.name for record in images if not record.complete)

    def enter(self, project: Project) -> None:
        """Take a project that was opened in place of the one before; none of its planes is shown yet."""
        self._project, self._plane = project, None

    def leave(self) -> None:
        """Hold no project any more."""
        self._project = None

    def keep(self, key: str, value: Any) -> None:
        """Keep a setting with the project; if the disk refuses, say so (it holds until the session ends)."""
        try:
            self.project.set_setting(key, value)
        except ProjectError as error:
            self._tell("error", str(error))

    # -- plane -------------------------------------------------------------------------------------

    @property
    def plane(self) -> PlaneRef | None:
        """The plane on screen."""
        return self._plane

    def required(self, ref: PlaneRef | None) -> PlaneRef:
        """Return a plane, ``None`` being the one on screen; raises ProjectError without one."""
        if (ref := ref or self._plane) is None:
            raise ProjectError("no image is shown: add an image first")
        return ref

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
        self.plane_changed.emit(ref)

    def go_to_first(self) -> None:
        """Show the first plane of the first image, if there is one."""
        self.go_to(self._first_plane())

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

    def _first_plane(self, wanted: PlaneRef | None = None) -> PlaneRef | None:
        records = self.project.images
        for record in records:
            if wanted is not None and record.name == wanted.image and wanted in record.planes():
                return wanted
        return records[0].planes()[0] if records else None

    # -- from one time to the next -----------------------------------------------------------------

    def keep_settings(self, project: Project) -> None:
        """Write which plane is shown into the project; raises ProjectError."""
        if self._plane is not None:
            project.set_setting("plane", str(self._plane))

    def resume(self) -> None:
        """Put the plane on screen that was shown last in this project; nobody is told of it yet."""
        self._plane = self._first_plane(PlaneRef.parse(self.project.setting("plane")))
        self._clock.start()

    def blank(self) -> None:
        """Show nothing; nobody is told of it."""
        self._plane = None
