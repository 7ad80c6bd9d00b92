"""How large cells are: as the person says, else as the model works with, else a default."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from napari_inkling.core import PlaneRef
from napari_inkling.project import Project
from napari_inkling.session.annotations import Annotations
from napari_inkling.session.telling import FIRST
from napari_inkling.session.workspace import Workspace
from napari_inkling.supervision import estimate_radius

__all__ = ["DEFAULT_RADIUS", "CellRadius"]

#: Cell radius in pixels while neither the person, nor the model, nor the hints tell one.
DEFAULT_RADIUS = 8.0
#: From so many cells the radius is estimated in the viewer; a method looks at more of them.
LATEST_CELLS = 10


class CellRadius:
    """The cell radius in pixels.

    Parameters
    ----------
    workspace : Workspace
        Keeps what the person chose with the project.
    annotations : Annotations
        The cells that an estimate looks at.
    """

    #: The person's cell radius changed (float or None).
    changed = Signal(object)

    def __init__(self, workspace: Workspace, annotations: Annotations) -> None:
        self._workspace = workspace
        self._annotations = annotations
        self._chosen: float | None = None
        self._of_model: dict[PlaneRef, float | None] = {}
        self._estimate: tuple[PlaneRef, npt.NDArray[np.float64], float | None] | None = None
        workspace.pixels_changed.connect(self._forget_image, priority=FIRST)

    @property
    def chosen(self) -> float | None:
        """The radius that the person set; ``None`` leaves it to the method."""
        return self._chosen

    @chosen.setter
    def chosen(self, value: float | None) -> None:
        self._chosen = None if value is None else max(0.5, float(value))
        self._workspace.keep("radius", self._chosen)
        self.changed.emit(self._chosen)

    def learn(self, ref: PlaneRef, radius: float | None) -> None:
        """Take note of the radius that the model works with on a plane, ``None`` if it knows none."""
        self._of_model[ref] = radius

    def at(self, ref: PlaneRef) -> float:
        """Return the radius in force on a plane: the person's, else the model's, else a default."""
        if self._chosen is not None:
            return self._chosen
        return self._of_model.get(ref) or DEFAULT_RADIUS

    def anywhere(self) -> float | None:
        """Return the person's radius, else that of the model on any plane, ``None`` if there is neither."""
        return self._chosen or next((radius for radius in self._of_model.values() if radius), None)

    def estimate(self, ref: PlaneRef | None = None) -> float:
        """Return the radius that a plane shows at the cells marked last.

        Where the pixels do not tell, it is that of :meth:`at`. Raises ImageError if there are none.
        """
        ref = self._workspace.required(ref)
        hints = self._annotations.hints_of(ref)
        marked = np.concatenate([hints.points.cells.coordinates, hints.boxes.cells.centres])[-LATEST_CELLS:]
        known = self._estimate  # a stroke of a brush marks no other cells
        if known is None or known[0] != ref or not np.array_equal(known[1], marked):
            project = self._workspace.project
            found = estimate_radius([(project.open_image(ref), marked)]) if len(marked) else None
            self._estimate = known = (ref, marked, found)
        return known[2] or self.at(ref)

    def _forget_image(self, name: str) -> None:
        self._of_model = {ref: radius for ref, radius in self._of_model.items() if ref.image != name}
        self._estimate = None

    def take_up(self, project: Project) -> None:
        """Take the radius that the person chose for another project."""
        self._chosen = project.setting("radius")
        self._of_model, self._estimate = {}, None
