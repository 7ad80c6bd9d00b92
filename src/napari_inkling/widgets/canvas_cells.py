"""One cell in the eye: brought into view and selected, or found under a click."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from psygnal import Signal

from napari_inkling.widgets.canvas_hints import HintEditor
from napari_inkling.widgets.canvas_review import Reviewer

if TYPE_CHECKING:
    from napari_inkling.session import Session

__all__ = ["CellPicker"]


class CellPicker:
    """Goes to cells with a mask, and tells which of them was clicked.

    Parameters
    ----------
    session : Session
        Whose cells they are.
    hints : HintEditor
        Selects what a person has marked.
    review : Reviewer
        Goes to what is suggested.
    look : callable
        Marks a place (y, x), and brings it into view if it is told to.
    """

    #: A cell with a mask was clicked, or gone to (its id).
    picked = Signal(int)

    def __init__(
        self, session: Session, hints: HintEditor, review: Reviewer, look: Callable[[Any, bool], None]
    ) -> None:
        self._session, self._hints, self._review, self._look = session, hints, review, look
        review.focus_changed.connect(self._on_focus)

    def go_to(self, one: int) -> None:
        """Bring a cell into view and select it: a person's mask with its point, or a suggestion."""
        masks = self._session.annotations.hints.masks.with_ids([one])
        if not len(masks):
            self._review.focus(one)
            return
        self._review.focus(None)
        self._session.guide.look_at([one])
        self._look(masks.centres[0], True)
        self._hints.select(one)

    def pick(self, y: float, x: float) -> None:
        """Tell of the mask at a pixel, if there is one."""
        if (one := self._session.masks.at(y, x)) is not None:
            self.picked.emit(one)

    def _on_focus(self, one: int | None) -> None:
        if one is not None:
            self.picked.emit(one)
