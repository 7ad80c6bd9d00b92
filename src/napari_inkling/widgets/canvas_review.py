"""Judging suggestions on the canvas: which is meant, where to look next, what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from napari_inkling.core import Boxes
from napari_inkling.core.mask_places import masks_at
from napari_inkling.widgets._timers import single_shot
from napari_inkling.widgets.box_layers import SuggestedBoxes
from napari_inkling.widgets.suggestion_layers import SuggestionLayer

if TYPE_CHECKING:
    from napari_inkling.session import Session

__all__ = ["Reviewer"]

#: So long after a move of the mouse it is asked what lies under it.
POINT_MS = 40


class Reviewer:
    """Steps through the suggestions of the plane on screen, the doubtful ones first.

    Parameters
    ----------
    session : Session
        Whose suggestions they are.
    rings, boxes : SuggestionLayer, SuggestedBoxes
        What is on screen.
    look : callable
        Marks a place (y, x), and brings it into view if it is told to; ``None`` takes the mark away. The
        third argument is the box around the cell, if there is one.
    pointed_at : callable
        Returns the pixel (y, x) under the mouse, ``None`` if it points at nothing.
    """

    #: Another suggestion is in focus (its id, or None).
    focus_changed = Signal(object)
    #: The person asked for the next or the previous one, and it is in focus.
    stepped = Signal()
    #: The mouse points at another suggestion (its id, or None), which a key would judge.
    moved_onto = Signal(object)

    def __init__(
        self,
        session: Session,
        rings: SuggestionLayer,
        boxes: SuggestedBoxes,
        look: Callable[[Any, bool, Any], None],
        pointed_at: Callable[[], npt.NDArray[np.float64] | None],
    ) -> None:
        self._session = session
        self._rings, self._boxes = rings, boxes
        self._look = look
        self._pointed_at = pointed_at
        self._place: npt.NDArray[np.float64] | None = None
        self._rank = 0
        self._judged: list[int] = []
        self.focused: int | None = None
        #: The suggestion under the mouse, as it was told last.
        self.under_mouse: int | None = None
        self._point_soon = single_shot(self._tell_under_mouse, POINT_MS)
        #: Whether a class that is chosen is meant for the one in focus: nothing was marked since.
        self.awaits_class = False
        #: Why the one in focus is worth a look, in words; ``""`` if there is no strong reason.
        self.why = ""
        #: Whether rejecting also makes a "not a cell" hint, unless a key says so itself.
        self.marks_background = False

    def order(self) -> npt.NDArray[np.int64]:
        """Return the ids of all that is shown, what is worth a look first, by doubt."""
        return self._session.guide.order()

    def focus(self, wanted: int | None, move: bool = True, why: str = "") -> None:
        """Look at a suggestion, which counts as looked at from now on, or at none.

        ``why`` is the reason to do so; by default that of the doubt about it, if there is much.
        """
        place = None if wanted is None else self.place_of(wanted)
        self.focused, self._place = (None, None) if place is None else (wanted, place)
        if self.focused is not None:
            at = np.flatnonzero(self.order() == self.focused)
            self._rank = int(at[0]) if len(at) else self._rank
            self._session.guide.look_at([self.focused])
        self.why = "" if self.focused is None else why or self._session.guide.reason(self.focused)
        self.awaits_class = self.focused is not None
        self._look(self._place, move, self.box.coordinates[0] if len(self.box) else None)
        self.under_mouse = self._under_mouse()  # nothing, if the view has moved under the mouse
        self.focus_changed.emit(self.focused)

    def step(self, by: int) -> None:
        """Go to the next (1) or the previous (-1) suggestion in the order of doubt."""
        order = self.order()
        if not len(order):
            self.focus(None)
            return
        at = np.flatnonzero(order == self.focused)
        # Where the focused one has gone, the next one has moved up to its place.
        rank = int(at[0]) + by if len(at) else self._rank + min(by, 0)
        self._rank = rank % len(order)
        self.focus(int(order[self._rank]))
        self.stepped.emit()

    def start_over(self) -> None:
        """Look at none, and at the most doubtful next."""
        self._rank, self._judged = 0, []
        self.focus(None)

    def go_on(self) -> None:
        """Go to what is worth looking at most, in any image."""
        if (target := self._session.guide.next_target()) is None:
            self._session.message.emit("info", self._why_nothing())
            return
        self._session.go_to(target.plane)
        self.focus(target.id, why=target.reason)
        self.stepped.emit()

    def _why_nothing(self) -> str:
        if not self._session.suggestions.planes:
            return "There is nothing to look at yet: train first."
        words = "Nothing is left to look at: every suggestion above the slider is judged, looked at, or sure."
        if unseen := len(self._session.prediction.unpredicted_planes):
            words += f" {unseen:,} image{'s have' if unseen > 1 else ' has'} not been searched by the model."
        return words

    def place_of(self, wanted: int) -> npt.NDArray[np.float64] | None:
        """Return where (y, x) a suggestion is, ``None`` if it is not shown."""
        suggestions = self._session.suggestions.shown()
        for rows, places in ((suggestions.points, suggestions.points.coordinates),
                             (suggestions.boxes, suggestions.boxes.centres),
                             (suggestions.masks, suggestions.masks.centres)):  # fmt: skip
            if len(at := np.flatnonzero(rows.ids == wanted)):
                return np.asarray(places[at[0]])
        return None

    def return_to_undone(self) -> None:
        """Go back to the one judged last if that was undone just now: the next verdict is meant for it.

        Only while one steps through the suggestions, which is while one of them is in focus.
        """
        if self._judged and self.place_of(self._judged[-1]) is not None:
            back = self._judged.pop()
            if self.focused is not None:
                self.focus(back)

    @property
    def box(self) -> Boxes:
        """The box in focus, one row; none if what is in focus is no box."""
        return self._boxes.row(self.focused)

    def refreshed(self) -> None:
        """Keep the focus when other suggestions came: on the one that is now where the old one was."""
        self.mouse_moved()
        if self._place is None or self.place_of(self.focused or -1) is not None:
            return
        waits = self.awaits_class
        self.focus(self.at(self._place), move=False)
        self.awaits_class &= waits

    def meant(self) -> int | None:
        """Return the suggestion under the mouse, else the one in focus."""
        pointed = self._under_mouse()
        return self.focused if pointed is None else pointed

    def mouse_moved(self, *_: Any) -> None:
        """Tell in a moment which suggestion the mouse points at, if that is another one, or none."""
        if not self._point_soon.isActive():
            self._point_soon.start()

    def _tell_under_mouse(self) -> None:
        if (now := self._under_mouse()) != self.under_mouse:
            self.under_mouse = now
            self.moved_onto.emit(now)

    def _under_mouse(self) -> int | None:
        place = self._pointed_at()
        return None if place is None else self.at(place)

    def close(self) -> None:
        """Tell nothing any more."""
        self._point_soon.stop()
        self._point_soon.deleteLater()

    def at(self, place: npt.NDArray[np.float64]) -> int | None:
        """Return the suggestion whose mask, box or ring is around (y, x)."""
        masks = self._session.suggestions.shown().masks
        if len(under := masks_at(masks, *place)):
            return int(masks.ids[under[-1]])
        box = self._boxes.at(place)
        return self._rings.nearest(place, self._rings.radius) if box is None else box

    def accept(self) -> int:
        """Make a hint of the suggestion that is meant; returns how many were accepted."""
        return self._judge(lambda one: self._session.review.accept([one]))

    def accept_as(self, name: str) -> bool:
        """Accept the one in focus as a cell of this class, and go on; returns whether one waited for it."""
        if not self.awaits_class or self.focused is None:
            return False
        accepted = self._judge(lambda one: int(self._session.review.accept_as(one, name)), self.focused)
        if accepted:
            self._session.message.emit("info", f"Accepted as {name}. Undo takes it back.")
        return bool(accepted)

    def reject(self, as_background: bool = False) -> int:
        """Reject the suggestion that is meant; returns how many were rejected."""
        background = as_background or self.marks_background
        return self._judge(lambda one: self._session.review.reject([one], as_background=background))

    def accept_above(self) -> None:
        """Accept everything that is shown, and say how much that was."""
        self._accept_many(self._session.review.accept_above)

    def accept_in(self, y0: float, x0: float, y1: float, x1: float) -> None:
        """Accept what is shown within a rectangle, in pixels, and say how much that was."""
        self._accept_many(lambda: self._session.review.accept_in(y0, x0, y1, x1))

    def _accept_many(self, accept: Callable[[], int]) -> None:
        """Accept what nobody looks at one by one; a first guess is too rough for that."""
        if self._session.training.guesses:
            self._session.message.emit("info", "This is a first guess: train first, or judge one by one.")
            return
        count = accept()
        words = f"Accepted {count:,} suggestion{'s' * (count != 1)}. Undo takes all of them back."
        self._session.message.emit("info", words if count else "Nothing was accepted.")

    def _judge(self, verdict: Callable[[int], int], meant: int | None = None) -> int:
        meant = self.meant() if meant is None else meant
        if meant is None:
            self._session.message.emit("info", "No suggestion is meant: point at one, or go to one first.")
            return 0
        was_focused, rank = meant == self.focused, self._rank
        if was_focused:  # not to be kept on a neighbour when the suggestions change
            self.focused, self._place = None, None
        if count := verdict(meant):
            self._judged.append(meant)
        if was_focused:
            order = self.order()
            self._rank = rank
            self.focus(int(order[min(rank, len(order) - 1)]) if len(order) else None)
        return count
