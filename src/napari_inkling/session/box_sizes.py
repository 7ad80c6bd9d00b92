"""How large the boxes of every class are, and whether there are enough of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from napari_inkling.core import CELL, NOT_CELLS, HintSet, PlaneRef
from napari_inkling.guidance import (
    BoxAdvice,
    SizePrior,
    enough_boxes,
    mean_iou_box,
    size_priors,
    unusual_sizes,
)
from napari_inkling.session.drawn_boxes import DrawnBoxes, OnPlane, by_class, join
from napari_inkling.session.workspace import Workspace

__all__ = ["BoxSizes"]

FloatArray = npt.NDArray[np.float64]


class BoxSizes:
    """Knows the sizes of the boxes that a person drew, and advises how many more to draw.

    Boxes of :data:`~napari_inkling.core.IGNORE`, those that touch the edge of their image, and those on
    images that are held out, do not count. What is asked is worked out then, and only for the class that
    changed: so a view may ask after every hint.

    Parameters
    ----------
    workspace : Workspace
        The project with the hints.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._read: dict[PlaneRef, HintSet] = {}
        self._on_plane: dict[PlaneRef, dict[str, OnPlane]] = {}
        self._known: dict[str, _Known] = {}

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of the project, in its order."""
        project = self._workspace.opened
        every = (one.name for one in project.classes) if project is not None else ()
        return tuple(name for name in every if name not in NOT_CELLS)

    def drawn(self, name: str) -> DrawnBoxes:
        """Return the boxes of a class."""
        return self._update().get(name, _Known()).boxes

    def advice(self) -> list[BoxAdvice]:
        """Return for every class whether it has boxes enough, in the order of :attr:`classes`.

        A project's first class, "cell", is left out where others are marked and it is not.
        """
        known = self._update()
        boxed = {name for name, one in known.items() if len(one.boxes)}
        marked = boxed | {name for name, one in known.items() if one.boxes.points}
        return [
            one.advised(name, alone=not boxed - {name})
            for name, one in known.items()
            if name != CELL or name in marked or not marked
        ]

    def prior(self, name: str) -> SizePrior | None:
        """Return the density of a class's sizes; ``None`` while no class has a box."""
        known = self._update()
        if not any(len(one.boxes) for one in known.values()):
            return None
        made = size_priors({other: one.boxes.sizes for other, one in known.items()})
        for other, prior in made.items():
            known[other].keep(prior)
        return known[name].prior if name in known else None

    def mean_iou_box(self, name: str) -> FloatArray | None:
        """Return the mean-IOU box of a class, (2,) height and width in pixels; ``None`` as :meth:`prior`."""
        if (prior := self.prior(name)) is None:
            return None
        known = self._known[name]
        if known.mean_iou is None:
            known.mean_iou = mean_iou_box(prior)
        return known.mean_iou

    def unusual(self, name: str) -> npt.NDArray[np.intp]:
        """Return which of :meth:`drawn` have an unusual size, the most unusual first; (M,)."""
        if (prior := self.prior(name)) is None:
            return np.empty(0, np.intp)
        known = self._known[name]
        if known.unusual is None:
            known.unusual = unusual_sizes(prior)
        return known.unusual

    # -- what was read and worked out

    def _update(self) -> dict[str, _Known]:
        """Return what is known of every class now."""
        names, hints = self.classes, self._hints()
        if tuple(self._known) != names or not _same(hints, self._read):
            drawn = self._gather(hints)
            self._known = {name: self._known.get(name) or _Known() for name in names}
            for name, known in self._known.items():
                known.take(drawn.get(name, DrawnBoxes()))
        return self._known

    def _hints(self) -> dict[PlaneRef, HintSet]:
        """Return the hints of the planes to learn from."""
        if (project := self._workspace.opened) is None:
            return {}
        wanted = self._workspace.learnable_images
        return {ref: project.hints(ref) for ref in project.planes_with_hints() if ref.image in wanted}

    def _gather(self, hints: Mapping[PlaneRef, HintSet]) -> dict[str, DrawnBoxes]:
        """Return the boxes of every class; planes whose hints are as they were are not read again."""
        kept = {ref: self._on_plane[ref] for ref in self._read if self._read[ref] is hints.get(ref)}
        self._read = dict(hints)
        self._on_plane = {
            ref: kept.get(ref) or by_class(rows, self._shape(ref)) for ref, rows in hints.items()
        }
        found: dict[str, dict[PlaneRef, OnPlane]] = {}
        for ref, classes in self._on_plane.items():
            for name, rows in classes.items():
                found.setdefault(name, {})[ref] = rows
        return {name: join(planes) for name, planes in found.items()}

    def _shape(self, ref: PlaneRef) -> tuple[int, int]:
        height, width = self._workspace.project.image(ref.image).info.plane_shape[:2]
        return height, width


def _same(now: Mapping[PlaneRef, HintSet], before: Mapping[PlaneRef, HintSet]) -> bool:
    """Return whether these are the very same hints: every edit makes new ones."""
    return list(now) == list(before) and all(now[ref] is before[ref] for ref in now)


@dataclass
class _Known:
    """One class: its boxes, and what was worked out from them."""

    boxes: DrawnBoxes = field(default_factory=DrawnBoxes)
    advice: BoxAdvice | None = None
    prior: SizePrior | None = None
    mean_iou: FloatArray | None = None
    unusual: npt.NDArray[np.intp] | None = None

    def take(self, boxes: DrawnBoxes) -> None:
        if not np.array_equal(boxes.sizes, self.boxes.sizes):
            self.advice = None
        self.boxes = boxes

    def advised(self, name: str, alone: bool) -> BoxAdvice:
        """Return the advice; points, and what the others have, change only its words."""
        if self.advice is None:
            self.advice = enough_boxes(name, self.boxes.sizes)
        self.advice = replace(self.advice, name=name, points=self.boxes.points, alone=alone)
        return self.advice

    def keep(self, prior: SizePrior) -> None:
        """Take a prior, if it is not the one that is known."""
        if self.prior is None or not prior.equals(self.prior):
            self.prior, self.mean_iou, self.unusual = prior, None, None
