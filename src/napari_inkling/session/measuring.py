"""Size, shape and brightness of every cell on screen that has a mask."""

from __future__ import annotations

from pathlib import Path

from psygnal import Signal

from napari_inkling.core import FormatError, Masks, PlaneRef
from napari_inkling.evaluation import Measurements, remeasuring, write_measurements
from napari_inkling.session.annotations import Annotations
from napari_inkling.session.background import Background, Listener
from napari_inkling.session.desk import Dispatch
from napari_inkling.session.suggestions import Suggestions
from napari_inkling.session.telling import FIRST, Tell
from napari_inkling.session.workspace import Workspace

__all__ = ["Measuring"]


class Measuring:
    """Measures masks, a person's and suggested ones.

    Parameters
    ----------
    workspace : Workspace
        Which plane.
    annotations, suggestions : Annotations, Suggestions
        The masks.
    dispatch : callable or None
        Hands what was measured to the owner's thread; ``None``: it is measured at once.
    tell : callable
        Tells the person why something cannot be measured.
    """

    #: So many of so many masks of the plane on screen have been measured.
    progress = Signal(int, int)
    #: All masks of the plane on screen have been measured.
    done = Signal()

    def __init__(
        self,
        workspace: Workspace,
        annotations: Annotations,
        suggestions: Suggestions,
        dispatch: Dispatch | None,
        tell: Tell,
    ) -> None:
        self._workspace = workspace
        self._annotations = annotations
        self._suggestions = suggestions
        self._tell = tell
        self._background = Background(dispatch)
        self._measured: tuple[PlaneRef | None, Masks, Measurements] = _NOTHING
        workspace.plane_changed.connect(self.stop, priority=FIRST)
        workspace.pixels_changed.connect(self._forget_image, priority=FIRST)

    @property
    def table(self) -> Measurements:
        """What was measured on the plane on screen; empty until :attr:`done` tells of some."""
        ref, _, table = self._measured
        return table if ref == self._workspace.plane else _NOTHING[2]

    def start(self) -> None:
        """Measure the masks of the plane on screen in the background, but for those that are as they were.

        :attr:`progress` tells how far it is, :attr:`done` that it is done. Raises ImageError if there is
        no image that can be opened.
        """
        ref = self._workspace.required(None)
        masks = Masks.concatenate(
            [self._annotations.hints_of(ref).masks.cells, self._suggestions.shown(ref).masks]
        )
        _, before, known = self._measured if self._measured[0] == ref else _NOTHING

        def take(table: Measurements) -> None:
            self._measured = (ref, masks, table)
            self.done.emit()

        work = remeasuring(masks, self._workspace.project.open_image(ref), before, known)
        told = Listener(
            lambda count: self.progress.emit(count, len(masks)),
            take,
            lambda reason: self._tell("warning", f"the cells cannot be measured: {reason}"),
        )
        self._background.start(work, told)

    def stop(self) -> None:
        """Give up what :meth:`start` began."""
        self._background.stop()

    def export(self, path: Path) -> int:
        """Write what was measured on the plane on screen as CSV; returns of how many cells.

        Raises
        ------
        FormatError
            If nothing was measured, or the file cannot be written.
        """
        table = self.table
        if not len(table):
            raise FormatError("nothing was measured in this image: there are no masks")
        try:
            with path.open("w", newline="", encoding="utf-8") as file:
                return write_measurements(file, [(str(self._measured[0]), table)])
        except OSError as error:
            raise FormatError(f"{path} cannot be written: {error.strerror or error}") from error

    def _forget_image(self, name: str) -> None:
        self.stop()
        if (ref := self._measured[0]) is not None and ref.image == name:
            self._measured = _NOTHING
            self.done.emit()

    def close(self) -> None:
        """Stop, and wait until it has."""
        self._background.close()

    def forget(self) -> None:
        """Forget what was measured in the project before."""
        self.close()
        self._measured = _NOTHING


_NOTHING: tuple[PlaneRef | None, Masks, Measurements] = (None, Masks(), Measurements({"id": Masks().ids}))
