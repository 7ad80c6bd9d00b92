"""The correcting side of a session: masks that a person draws, cuts, joins and deletes."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from napari_inkling.core import HintError, HintSet, Masks, PlaneRef
from napari_inkling.core.mask_edits import joined, split
from napari_inkling.core.mask_places import masks_at
from napari_inkling.session.mask_cells import following, mask_under
from napari_inkling.session.review_session import ReviewSession
from napari_inkling.session.suggested_cells import accepted, attributes_of_cells, owned, with_ids

__all__ = ["MaskSession"]


class MaskSession(ReviewSession):
    """Corrects masks; see :class:`~napari_inkling.session.Session`.

    Every correction is one edit. A suggestion that is corrected becomes a person's mask by it.
    """

    def mask_at(self, y: float, x: float, ref: PlaneRef | None = None) -> int | None:
        """Return the id of the mask at a pixel: a person's, else the one that is suggested there."""
        ref = self._required(ref)
        for masks in (self.hints_of(ref).masks, self.suggestions(ref).masks):
            if len(at := masks_at(masks, y, x)):
                return int(masks.ids[at[-1]])
        return None

    def point_of(self, one: int, ref: PlaneRef | None = None) -> npt.NDArray[np.float64] | None:
        """Return the point (y, x) that marks or suggests the cell with this id, ``None`` if there is none."""
        ref = self._required(ref)
        for points in (self.hints_of(ref).points, self.suggestions(ref).points):
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
        ref = self._required(ref)
        hints = self.hints_of(ref)
        known, fresh = after.with_ids(before.ids), after.without_ids(before.ids)
        taken_up, made = fresh.with_ids(list(of)), fresh.without_ids(list(of))
        suggested = with_ids(self.suggestions(ref, threshold=0.0), taken_up.ids)
        came = accepted(replace(suggested, masks=taken_up), time.time(), self._training_round(), hints)
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
        self.edit(present, arriving.replaced(gone, follow), label, ref)
        if len(taken_up):
            self._mark_reviewed(ref.image)

    def split_mask(self, line: npt.ArrayLike, ref: PlaneRef | None = None) -> None:
        """Cut the mask, or the suggested mask, that lies longest under a line (N, 2) in two.

        Raises
        ------
        HintError
            If the line crosses no mask, or does not cut it in two.
        """
        ref, places = self._required(ref), np.asarray(line, dtype=np.float64).reshape(-1, 2)
        hints, suggested = self.hints_of(ref), self.suggestions(ref)
        masks = Masks.concatenate([hints.masks, suggested.masks])
        if (at := mask_under(places, masks)) is None:
            raise HintError("the line crosses no mask: draw it over one, from one side to the other")
        row = masks.take([at])
        halves = split(row, places, self.point_of(int(row.ids[0]), ref))
        is_held = at < len(hints.masks)
        self.correct(
            row if is_held else Masks(), halves, "split mask", () if is_held else row.ids.tolist(), ref
        )

    def merge_masks(self, first: int, second: int, ref: PlaneRef | None = None) -> None:
        """Make one mask of two, each a person's or a suggestion; it stays the person's first one.

        Raises
        ------
        HintError
            If one of them is not there, or they are too far apart.
        """
        ref = self._required(ref)
        held, suggested = self.hints_of(ref).masks, self.suggestions(ref).masks
        wanted = dict.fromkeys((first, second))
        pair = Masks.concatenate([rows.with_ids([one]) for rows in (held, suggested) for one in wanted])
        if len(pair) != 2:
            raise HintError("two masks are needed to make one of them")
        whole = joined(pair, held.without_ids(pair.ids))
        self.correct(held.with_ids(pair.ids), whole, "merge 2 masks", suggested.with_ids(whole.ids).ids, ref)

    def delete_mask(self, one: int, as_background: bool = False, ref: PlaneRef | None = None) -> None:
        """Delete a person's mask, or reject a suggested one; what the person clicked there stays."""
        ref = self._required(ref)
        mask = self.hints_of(ref).masks.with_ids([one])
        if len(mask):
            self.correct(mask, Masks(), "delete mask", ref=ref)
        else:
            self.reject([one], as_background=as_background, ref=ref)
