"""The measuring side of a session: size, shape and brightness of every cell that has a mask."""

from __future__ import annotations

from pathlib import Path

from napari_inkling.core import FormatError, Masks, PlaneRef
from napari_inkling.evaluation import Measurements, remeasuring, write_measurements
from napari_inkling.project import Project
from napari_inkling.session.background import Background, Listener
from napari_inkling.session.desk import Desk
from napari_inkling.session.guiding_session import GuidingSession

__all__ = ["MeasuringSession"]


class MeasuringSession(GuidingSession):
    """Measures masks, a person's and suggested ones; see :class:`~napari_inkling.session.Session`."""

    def __init__(self, desk: Desk, method: str | None, predict_on_visit: bool) -> None:
        super().__init__(desk, method, predict_on_visit)
        self._measuring = Background(desk.dispatch)
        self._measured: tuple[PlaneRef | None, Masks, Measurements] = _NOTHING

    @property
    def measurements(self) -> Measurements:
        """What was measured on the plane on screen; empty until :attr:`measured` tells of some."""
        ref, _, table = self._measured
        return table if ref == self._plane else _NOTHING[2]

    def measure(self) -> None:
        """Measure the masks of the plane on screen in the background, but for those that are as they were.

        :attr:`measuring` tells how far it is, :attr:`measured` that it is done. Raises ImageError if there is
        no image that can be opened.
        """
        ref = self._required(None)
        masks = Masks.concatenate([self.hints_of(ref).masks, self.suggestions(ref).masks])
        _, before, known = self._measured if self._measured[0] == ref else _NOTHING

        def take(table: Measurements) -> None:
            self._measured = (ref, masks, table)
            self.measured.emit()

        work = remeasuring(masks, self.project.open_image(ref), before, known)
        told = Listener(
            lambda count: self.measuring.emit(count, len(masks)),
            take,
            lambda reason: self.message.emit("warning", f"the cells cannot be measured: {reason}"),
        )
        self._measuring.start(work, told)

    def stop_measuring(self) -> None:
        """Give up what :meth:`measure` began."""
        self._measuring.stop()

    def export_measurements(self, path: Path) -> int:
        """Write what was measured on the plane on screen as CSV; returns of how many cells.

        Raises
        ------
        FormatError
            If nothing was measured, or the file cannot be written.
        """
        table = self.measurements
        if not len(table):
            raise FormatError("nothing was measured in this image: there are no masks")
        try:
            with path.open("w", newline="", encoding="utf-8") as file:
                return write_measurements(file, [(str(self._measured[0]), table)])
        except OSError as error:
            raise FormatError(f"{path} cannot be written: {error.strerror or error}") from error

    def _plane_changed(self) -> None:
        self._measuring.stop()
        super()._plane_changed()

    def _take_up(self, project: Project) -> None:
        self._measuring.close()
        self._measured = _NOTHING
        super()._take_up(project)


_NOTHING: tuple[PlaneRef | None, Masks, Measurements] = (None, Masks(), Measurements({"id": Masks().ids}))
