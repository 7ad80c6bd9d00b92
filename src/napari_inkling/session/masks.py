"""How a person corrects masks: they are drawn, cut, joined and deleted."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from napari_inkling.core import HintError, HintSet, Masks, PlaneRef
from napari_inkling.core.mask_edits import joined, split
from napari_inkling.core.mask_places import masks_at
from napari_inkling.session.accepting import accepted, attributes_of_cells, owned
from napari_inkling.session.annotations import Annotations
from napari_inkling.session.mask_cells import following, mask_under
from napari_inkling.session.review import Review
from napari_inkling.session.suggested_cells import with_ids
from napari_inkling.session.suggestions import Suggestions
from napari_inkling.session.workspace import Workspace

__all__ = ["MaskCorrection"]


class MaskCorrection:
    """Corrects masks, each time as one edit. A suggestion that is corrected becomes a person's mask by it.

    Parameters
    ----------
    workspace : Workspace
        Which plane by default.
    annotations : Annotations
        A person's masks, and the points and boxes of their cells.
    suggestions : Suggestions
        The suggested ones.
    review : Review
        Judges those: a corrected one counts as accepted, a deleted one is rejected.
    """

    def __init__(
        self, workspace: Workspace, annotations: Annotations, suggestions: Suggestions, review: Review
    ) -> None:
        self._workspace = workspace
        self._annotations = annotations
        self._suggestions = suggestions
        self._review = review

    def at(self, y: float, x: float, ref: PlaneRef | None = None) -> int | None:
        """Return the id of the mask at a pixel: a person's, else the one that is suggested there."""
        ref = self._workspace.required(ref)
        for masks in (self._annotations.hints_of(ref).masks, self._suggestions.shown(ref).masks):
            if len(at := masks_at(masks, y, x)):
                return int(masks.ids[at[-1]])
        return None

    def point_of(self, one: int, ref: PlaneRef | None = None) -> npt.NDArray[np.float64] | None:
        """Return the point (y, x) that marks or suggests the cell with this id, ``None`` if there is none."""
        ref = self._workspace.required(ref)
        for points in (self._annotations.hints_of(ref).points, self._suggestions.shown(ref).points):
            if len(marked := points.with_ids([one])):
                return np.asarray(marked.coordinates[0])
        return None

    def correct(
        self, before: Masks, after: Masks, label: str, of: Collection[int] = (), ref: PlaneRef | None = None
    ) -> None:
        """Replace masks of a plane by others, as one edit; the points and boxes of their cells follow.

        Parameters
        ----------
        before, after : Masks
            The masks that go, and those that come; one that changes is in both, under one id.
        label : str
            What was done.
        of : collection of int
            Ids of suggestions that ``after`` has under the same id: what else is suggested of these cells is
            accepted along with them.
        ref : PlaneRef, optional
            The plane; the one on screen by default.
        """
        ref = self._workspace.required(ref)
        hints = self._annotations.hints_of(ref)
        known, fresh = after.with_ids(before.ids), after.without_ids(before.ids)
        taken_up, made = fresh.with_ids(list(of)), fresh.without_ids(list(of))
        suggested = with_ids(self._suggestions.shown(ref, threshold=0.0), taken_up.ids)
        came = accepted(replace(suggested, masks=taken_up), time.time(), self._annotations.round, hints)
        corrected = came.masks.changed(sources="human", scores=1.0, times=0.0)
        made = made.changed(attributes=attributes_of_cells(made))
        made, _ = owned(made, hints.joined(HintSet(masks=corrected)))
        gone, follow = following(
            hints.joined(HintSet(came.points, came.boxes)),
            before,
            Masks.concatenate([known, corrected, made]),
        )
        # What has just been accepted is not there yet: it comes as it is after the edit.
        present, arriving = gone.matching(hints), HintSet(came.points, came.boxes)
        self._annotations.edit(present, arriving.replaced(gone, follow), label, ref)
        if len(taken_up):
            self._review.mark_reviewed(ref.image)

    def split(self, line: npt.ArrayLike, ref: PlaneRef | None = None) -> None:
        """Cut the mask, or the suggested mask, that lies longest under a line (N, 2) in two.

        Raises
        ------
        HintError
            If the line crosses no mask, or does not cut it in two.
        """
        ref, places = self._workspace.required(ref), np.asarray(line, dtype=np.float64).reshape(-1, 2)
        hints, suggested = self._annotations.hints_of(ref), self._suggestions.shown(ref)
        masks = Masks.concatenate([hints.masks, suggested.masks])
        if (at := mask_under(places, masks)) is None:
            raise HintError("the line crosses no mask: draw it over one, from one side to the other")
        row = masks.take([at])
        halves = split(row, places, self.point_of(int(row.ids[0]), ref))
        is_held = at < len(hints.masks)
        self.correct(
            row if is_held else Masks(), halves, "split mask", () if is_held else row.ids.tolist(), ref
        )

    def merge(self, first: int, second: int, ref: PlaneRef | None = None) -> None:
        """Make one mask of two, each a person's or a suggestion; it stays the person's first one.

        Raises
        ------
        HintError
            If one of them is not there, or they are too far apart.
        """
        ref = self._workspace.required(ref)
        held, suggested = self._annotations.hints_of(ref).masks, self._suggestions.shown(ref).masks
        wanted = dict.fromkeys((first, second))
        pair = Masks.concatenate([rows.with_ids([one]) for rows in (held, suggested) for one in wanted])
        if len(pair) != 2:
            raise HintError("two masks are needed to make one of them")
        whole = joined(pair, held.without_ids(pair.ids))
        self.correct(held.with_ids(pair.ids), whole, "merge 2 masks", suggested.with_ids(whole.ids).ids, ref)

    def delete(self, one: int, as_background: bool = False, ref: PlaneRef | None = None) -> None:
        """Delete a person's mask, or reject a suggested one; what the person clicked there stays."""
        ref = self._workspace.required(ref)
        mask = self._annotations.hints_of(ref).masks.with_ids([one])
        if len(mask):
            self.correct(mask, Masks(), "delete mask", ref=ref)
        else:
            self._review.reject([one], as_background=as_background, ref=ref)
