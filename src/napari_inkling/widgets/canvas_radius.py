"""How large cells are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from napari_inkling.core import PlaneRef
from napari_inkling.widgets.canvas_hints import telling
from napari_inkling.widgets.radius_circle import Guides

if TYPE_CHECKING:
    from napari_inkling.session import Session

__all__ = ["DrawnRadius"]


class DrawnRadius:
    """The radius in pixels at which hints and guides are drawn.

    Parameters
    ----------
    session : Session
        Knows the radius of a cell.
    hints : sequence
        What takes it, by its attribute ``radius``.
    guides : Guides
        Takes it, too, and keeps it where no image is shown.
    """

    def __init__(self, session: Session, hints: Sequence[Any], guides: Guides) -> None:
        self._session, self._hints, self._guides = session, hints, guides

    def at(self, ref: PlaneRef | None) -> float:
        """Return the radius that the person set, else the model's, else what the image shows at the hints."""
        session = self._session
        if ref is not None and session.radius.chosen is None and ref not in session.suggestions.planes:
            with telling(session):
                return round(session.radius.estimate(ref), 1)
        return self._guides.radius if ref is None else session.radius.at(ref)

    def take(self, ref: PlaneRef | None) -> None:
        """Draw with the radius of a plane from now on."""
        radius = self.at(ref)
        for part in (*self._hints, self._guides):
            part.radius = radius
