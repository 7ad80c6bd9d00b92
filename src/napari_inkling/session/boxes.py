"""How a person corrects boxes, and suggestions that are boxes."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Boxes, HintError, HintSet, PlaneRef
from napari_inkling.core.box_places import cut
from napari_inkling.session.accepting import accepted, as_a_persons, joined_to_points
from napari_inkling.session.annotations import Annotations
from napari_inkling.session.review import Review
from napari_inkling.session.suggested_cells import with_ids
from napari_inkling.session.suggestions import Suggestions
from napari_inkling.session.workspace import Workspace

__all__ = ["BoxCorrection"]


class BoxCorrection:
    """Corrects boxes, each time as one edit. What a person has changed counts as the person's own.

    Parameters
    ----------
    workspace : Workspace
        Which plane by default.
    annotations : Annotations
        A person's boxes, and the points of their cells.
    suggestions : Suggestions
        The suggested ones.
    review : Review
        Notes that an image is reviewed when none is left.
    """

    def __init__(
        self, workspace: Workspace, annotations: Annotations, suggestions: Suggestions, review: Review
    ) -> None:
        self._workspace = workspace
        self._annotations = annotations
        self._suggestions = suggestions
        self._review = review

    def edit(self, before: HintSet, after: HintSet, label: str, ref: PlaneRef | None = None) -> None:
        """Replace points and boxes by what a person drew, moved or reclassed, as one edit.

        A box around a cell that was only pointed at, under the same class, becomes that cell's.
        """
        ref = self._workspace.required(ref)
        others = self._annotations.hints_of(ref).replaced(before, HintSet())
        drawn = joined_to_points(after.boxes.without_ids(before.boxes.ids), others)
        boxes = Boxes.concatenate([after.boxes.with_ids(before.boxes.ids), drawn])
        self._annotations.edit(before, as_a_persons(before, replace(after, boxes=boxes)), label, ref)

    def correct(self, suggested: Boxes, box: npt.ArrayLike, ref: PlaneRef | None = None) -> int:
        """Make a person's box of a suggested one, with other edges; returns its id.

        What else is suggested of the cell is accepted along with it.

        Parameters
        ----------
        suggested : Boxes
            One row, as it was suggested when the person began; a preview may have replaced it since.
        box : (4,) array
            y0, x0, y1, x1 in pixels; it is cut at the edge of the image.
        ref : PlaneRef, optional
            The plane; the one on screen by default.

        Raises
        ------
        HintError
            If less than a pixel each way lies in the image.
        """
        ref = self._workspace.required(ref)
        every = self._suggestions.shown(ref, threshold=0.0)
        moved = self._inside(suggested, np.asarray(box, dtype=np.float64), ref)
        now = replace(every, boxes=Boxes.concatenate([every.boxes.without_ids(moved.ids), moved]))
        hints = self._annotations.hints_of(ref)
        came = accepted(with_ids(now, moved.ids), time.time(), self._annotations.round, hints, now)
        came = replace(came, boxes=came.boxes.changed(sources="human", scores=1.0, times=0.0))
        self._review.judging.emit(moved.ids, ref)
        self._annotations.edit(HintSet(), came, "correct box", ref)
        self._review.mark_reviewed(ref.image)
        return int(came.boxes.ids[0])

    def _inside(self, suggested: Boxes, box: npt.NDArray[np.float64], ref: PlaneRef) -> Boxes:
        height, width = self._workspace.project.image(ref.image).info.plane_shape[:2]
        if (box[2:] > box[:2]).all() and len(
            moved := cut(suggested.changed(coordinates=[box]), (height, width))
        ):
            return moved
        edges = ", ".join(f"{edge:.1f}" for edge in box.tolist())
        raise HintError(
            f"the box ({edges}) is too small inside the image, which has {height} × {width} pixels: expected "
            "y0, x0, y1, x1 with a pixel between the edges at least"
        )
