"""What a person makes of suggestions: they are accepted, rejected, or brought back."""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np
from psygnal import Signal

from napari_inkling.core import HintSet, PlaneRef, Predictions, ProjectError
from napari_inkling.session.accepting import accepted, as_a_persons, background_at, owners
from napari_inkling.session.annotations import Annotations
from napari_inkling.session.clock import Source
from napari_inkling.session.images import Images
from napari_inkling.session.suggested_cells import count_cells, positions, with_ids, within
from napari_inkling.session.suggestions import Suggestions
from napari_inkling.session.telling import Tell
from napari_inkling.session.workspace import Workspace

__all__ = ["Review"]


class Review:
    """Judges suggestions, each time as one edit; an image that has none left counts as reviewed.

    Parameters
    ----------
    workspace : Workspace
        Which plane by default.
    annotations : Annotations
        What a judgement becomes.
    images : Images
        Which are marked as reviewed.
    suggestions : Suggestions
        What there is to judge.
    tell : callable
        Tells the person that an image could not be marked.
    """

    #: A person is about to judge these suggestions one by one (their ids, the plane).
    judging = Signal(object, PlaneRef)

    def __init__(
        self,
        workspace: Workspace,
        annotations: Annotations,
        images: Images,
        suggestions: Suggestions,
        tell: Tell,
    ) -> None:
        self._workspace = workspace
        self._annotations = annotations
        self._images = images
        self._suggestions = suggestions
        self._tell = tell

    def accept(self, ids: Iterable[int], ref: PlaneRef | None = None) -> int:
        """Make hints of the visible suggestions with these ids; returns how many, one undo takes all back."""
        ref = self._workspace.required(ref)
        chosen = with_ids(self._suggestions.shown(ref), np.fromiter(ids, np.int64))
        self.judging.emit(chosen.ids, ref)
        return self._accept(ref, chosen)

    def accept_as(self, one: int, name: str, ref: PlaneRef | None = None) -> bool:
        """Make hints of a visible suggestion, as a cell of a class; returns whether it was there.

        If the model, or the person before, said another class, the hints count as the person's.
        """
        ref = self._workspace.required(ref)
        chosen = with_ids(self._suggestions.shown(ref), np.array([one]))
        if not len(chosen.ids):
            return False
        self.judging.emit(chosen.ids, ref)
        held, every = self._annotations.hints_of(ref), self._suggestions.shown(ref, threshold=0.0)
        came = accepted(chosen, time.time(), self._annotations.round, held, every)
        other = chosen.mapped(lambda rows: rows.take(rows.classes != name))
        if len(other.ids):
            came = came.mapped(lambda rows: rows.changed(sources="human", scores=1.0, times=0.0))
        pointed = held.points.with_ids(came.ids)
        was = HintSet(pointed.take(pointed.classes != name))
        after = was.joined(came).mapped(lambda rows: rows.changed(classes=name))
        source: Source = "human" if len(other.ids) else "accepted"
        if self._annotations.edit(
            was, as_a_persons(was, after), f"accept 1 suggestion as {name}", ref, source
        ):
            self.mark_reviewed(ref.image)
        return True

    def accept_above(self, ref: PlaneRef | None = None) -> int:
        """Accept everything that is shown, that is, above the threshold."""
        ref = self._workspace.required(ref)
        return self._accept(ref, self._suggestions.shown(ref))

    def accept_in(self, y0: float, x0: float, y1: float, x1: float, ref: PlaneRef | None = None) -> int:
        """Accept what is shown within a rectangle of a plane, in pixels."""
        ref = self._workspace.required(ref)
        return self._accept(ref, within(self._suggestions.shown(ref), y0, x0, y1, x1))

    def is_marked(self, one: int, ref: PlaneRef | None = None) -> bool:
        """Whether a suggestion is the outline, or the box, of a cell that the person marked."""
        ref = self._workspace.required(ref)
        shown, hints = self._suggestions.shown(ref), self._annotations.hints_of(ref)
        # By itself first: to ask of thousands of outlines which is whose takes a tenth of a second.
        return one in owners(with_ids(shown, [one]), hints) and one in owners(shown, hints)

    def _accept(self, ref: PlaneRef, chosen: Predictions) -> int:
        if not (count := count_cells(chosen)):
            return 0
        annotations = self._annotations
        every = self._suggestions.shown(ref, threshold=0.0)
        hints = accepted(chosen, time.time(), annotations.round, annotations.hints_of(ref), every)
        label = f"accept {_words(count)}"
        if not annotations.edit(HintSet(), hints, label, ref, source="accepted"):
            return 0
        self.mark_reviewed(ref.image)
        return count

    def reject(self, ids: Iterable[int], as_background: bool = False, ref: PlaneRef | None = None) -> int:
        """Hide suggestions for good, in later previews too; returns how many, one undo takes all back.

        With ``as_background`` each becomes a background point ("not a cell") that training learns from;
        without, :meth:`restore_rejected` brings them back, too.
        """
        ref = self._workspace.required(ref)
        chosen = with_ids(self._suggestions.shown(ref, threshold=0.0), np.fromiter(ids, np.int64))
        if not (count := count_cells(chosen)):
            return 0
        self.judging.emit(chosen.ids, ref)
        label = f"reject {_words(count)}"
        if as_background:
            held = self._annotations.edit(HintSet(), background_at(chosen), label, ref)
        else:
            held = self._annotations.reject(ref, positions(chosen), label)
        if not held:
            return 0
        self.mark_reviewed(ref.image)
        return count

    def rejected_count(self, ref: PlaneRef | None = None) -> int:
        """Return how many suggestions of a plane :meth:`restore_rejected` would show again."""
        ref = ref or self._workspace.plane
        return 0 if ref is None else len(self._workspace.project.rejected(ref))

    def restore_rejected(self, ref: PlaneRef | None = None) -> int:
        """Show again what was rejected on a plane without becoming background; returns how many.

        One undo takes it back.
        """
        ref = self._workspace.required(ref)
        if not (count := self.rejected_count(ref)):
            return 0
        held = self._annotations.restore_rejected(ref, f"bring back {_words(count)}")
        return count if held else 0

    def mark_reviewed(self, image: str) -> None:
        """Mark an image as reviewed once nothing that is shown is left to judge on any of its planes."""
        record = self._workspace.project.image(image)
        if record.reviewed or not all(map(self._suggestions.is_judged, record.planes())):
            return
        try:
            self._images.update(image, reviewed=True)
        except ProjectError as error:
            self._tell("error", str(error))


def _words(count: int) -> str:
    return f"{count:,} suggestion{'s' * (count > 1)}"
