"""What the running training takes for certain though nobody marked it, and what a person makes of it."""

from __future__ import annotations

import time
from collections.abc import Collection

import numpy as np
from psygnal import Signal

from napari_inkling.core import HintSet, PlaneRef, Points, Predictions, PseudoLabels
from napari_inkling.session.accepting import accepted, background_at
from napari_inkling.session.annotations import Annotations
from napari_inkling.session.cell_radius import CellRadius
from napari_inkling.session.suggested_cells import with_classes, without_known
from napari_inkling.session.telling import FIRST, LAST
from napari_inkling.session.workspace import Workspace

__all__ = ["PseudoLabelReview"]

NOWHERE = np.empty((0, 2))


class PseudoLabelReview:
    """Holds the pseudo-labels of the newest round, and says which are left to judge.

    They are never stored: like suggestions they are what the training said, minus what is near a hint. So
    undoing a judgement brings one back, as long as no newer round has come. A suggestion that was rejected
    without a hint hides none, because the training does not know of it.

    Parameters
    ----------
    workspace : Workspace
        Which project, and which plane by default.
    annotations : Annotations
        What a judgement becomes; what hides pseudo-labels.
    radius : CellRadius
        How far that reaches.
    """

    #: The visible pseudo-labels of this plane changed.
    changed = Signal(PlaneRef)
    #: A person judges those at these coordinates (N, 2) of a plane; before it happens.
    judging = Signal(object, PlaneRef)

    def __init__(self, workspace: Workspace, annotations: Annotations, radius: CellRadius) -> None:
        self._workspace = workspace
        self._annotations = annotations
        self._radius = radius
        self._chosen: dict[PlaneRef, PseudoLabels] = {}
        annotations.hints_changed.connect(self._tell, priority=LAST)
        annotations.classes_changed.connect(self._tell_all, priority=LAST)
        radius.changed.connect(self._tell_all, priority=LAST)
        workspace.pixels_changed.connect(self._forget_image, priority=FIRST)

    # -- what there is -----------------------------------------------------------------------------

    @property
    def round(self) -> int:
        """The newest round that chose some; 0 if there is none."""
        return max((chosen.round for chosen in self._chosen.values()), default=0)

    @property
    def planes(self) -> tuple[PlaneRef, ...]:
        """The planes that the newest round told of."""
        return tuple(self._chosen)

    @property
    def counts(self) -> tuple[int, int]:
        """How many pseudo-cells, and how much pseudo-background, the newest round chose on all planes."""
        every = self._chosen.values()
        return sum(len(chosen.cells) for chosen in every), sum(len(chosen.background) for chosen in every)

    def shown(self, ref: PlaneRef | None = None) -> tuple[Points, Points]:
        """Return pseudo-cells and pseudo-background left to judge on a plane (that on screen by default)."""
        if (ref := ref or self._workspace.plane) is None or (chosen := self._chosen.get(ref)) is None:
            return Points(), Points()
        return self._left(ref, chosen.cells), self._left(ref, chosen.background)

    def _left(self, ref: PlaneRef, points: Points) -> Points:
        named = with_classes(Predictions(points), self._workspace.project.class_today)
        return without_known(named, self._annotations.hints_of(ref), NOWHERE, self._radius.at(ref)).points

    # -- what a person makes of it -----------------------------------------------------------------

    def accept(self, one: int, ref: PlaneRef | None = None) -> bool:
        """Make a hint of the pseudo-label with this id: a cell, or "not a cell".

        Returns whether it was there and the hint is held; one undo takes it back.
        """
        ref = self._workspace.required(ref)
        cell, background = (points.with_ids([one]) for points in self.shown(ref))
        self.judging.emit(np.concatenate([cell.coordinates, background.coordinates]), ref)
        edit = self._annotations.edit
        if len(cell):
            held, round = self._annotations.hints_of(ref), self._annotations.round
            hints = accepted(Predictions(cell), time.time(), round, held)
            return edit(HintSet(), hints, "accept 1 pseudo-cell", ref, source="accepted")
        if len(background):
            return edit(HintSet(), background_at(Predictions(background)), "accept 1 pseudo-background", ref)
        return False

    def strike(self, one: int, name: str, ref: PlaneRef | None = None) -> bool:
        """Make a hint of the opposite: "not a cell" of a pseudo-cell, a cell of pseudo-background.

        That is of the class that the training proposes, else of the class ``name``. Returns whether it was
        there and the hint is held; one undo takes it back.
        """
        ref = self._workspace.required(ref)
        cell, background = (points.with_ids([one]) for points in self.shown(ref))
        self.judging.emit(np.concatenate([cell.coordinates, background.coordinates]), ref)
        edit = self._annotations.edit
        if len(cell):
            return edit(HintSet(), background_at(Predictions(cell)), "strike 1 pseudo-cell", ref)
        if len(background):
            hints = HintSet(self._as_cell(background, name))
            return edit(HintSet(), hints, "strike 1 pseudo-background", ref)
        return False

    def _as_cell(self, background: Points, name: str) -> Points:
        known = [info.name for info in self._workspace.project.classes]
        classes = [proposed if proposed in known else name for proposed in background.classes]
        return Points(background.coordinates, classes=classes)

    # -- what changes it ---------------------------------------------------------------------------

    def put(self, chosen: PseudoLabels) -> None:
        """Hold what a round chose on a plane; what earlier rounds chose, on any plane, goes."""
        if chosen.round < self.round:
            return
        older = [ref for ref, held in self._chosen.items() if held.round < chosen.round]
        self._drop([ref for ref in older if ref != chosen.image])
        self._chosen[chosen.image] = chosen
        self.changed.emit(chosen.image)

    def forget(self) -> None:
        """Hold none any more: the training is over."""
        self._drop(self.planes)

    def _forget_image(self, name: str) -> None:
        self._drop([ref for ref in self.planes if ref.image == name])

    def _drop(self, refs: Collection[PlaneRef]) -> None:
        for ref in refs:
            del self._chosen[ref]
        for ref in refs:
            self.changed.emit(ref)

    def _tell(self, ref: PlaneRef) -> None:
        if ref in self._chosen:
            self.changed.emit(ref)

    def _tell_all(self) -> None:
        for ref in self.planes:
            self.changed.emit(ref)
