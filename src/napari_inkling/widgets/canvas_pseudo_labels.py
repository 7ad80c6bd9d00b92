"""Pseudo-labels on the canvas: shown while a training chooses some, and judged under the mouse."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from napari_inkling.core import PlaneRef
from napari_inkling.widgets._timers import single_shot
from napari_inkling.widgets.canvas_review import Reviewer
from napari_inkling.widgets.canvas_stack import LayerStack
from napari_inkling.widgets.canvas_tools import Toolbox
from napari_inkling.widgets.pseudo_label_layers import (
    PseudoBackgroundLayer,
    PseudoCellLayer,
    PseudoLabelLayer,
)

if TYPE_CHECKING:
    from napari_inkling.session import Session

__all__ = ["ShownPseudoLabels"]

Pixel = npt.NDArray[np.float64]
NOTHING: tuple[float, int | None] = (np.inf, None)


class ShownPseudoLabels:
    """Keeps the layers of pseudo-labels as the session has them, and hands on what a person says of them.

    There are layers only while a training runs that heeds it. They come when it starts, not with the first
    pseudo-labels: nobody draws at that moment.

    Parameters
    ----------
    session : Session
        Whose pseudo-labels they are.
    review : Reviewer
        Knows the suggestions, which are judged with the same keys.
    pointed_at : callable
        Returns the pixel (y, x) under the mouse, ``None`` if it points at nothing.
    current_class : callable
        Returns the class that is marked next.
    """

    def __init__(
        self,
        session: Session,
        review: Reviewer,
        pointed_at: Callable[[], Pixel | None],
        current_class: Callable[[], str],
    ) -> None:
        self._session, self._review = session, review
        self._pointed_at = pointed_at
        self._current_class = current_class
        self.cells, self.background = PseudoCellLayer(), PseudoBackgroundLayer()
        self.ref: PlaneRef | None = None
        self._show_soon = single_shot(self.show)

    @property
    def parts(self) -> tuple[PseudoLabelLayer, PseudoLabelLayer]:
        """The layers, from above."""
        return self.cells, self.background

    # -- what is on screen

    def follow(self, stack: LayerStack, tools: Toolbox) -> None:
        """Make the layers when a training begins that heeds a person, and take them away when it ends."""
        needed = self._session.training.heeds_corrections
        if needed == self.cells.needed:
            return
        for part in self.parts:
            part.needed = needed
        with tools.undisturbed():
            if not needed:
                stack.clear(self.parts)
            elif self.ref is not None:
                stack.complete(self.parts)
        self.show()

    def show(self) -> None:
        """Show now what is left to judge on the plane."""
        self._show_soon.stop()
        if self.ref is None or not self.cells.needed:
            return
        radius = self._session.radius.at(self.ref)
        for part, points in zip(self.parts, self._session.pseudo_labels.shown(self.ref), strict=True):
            part.show_ranked(points, radius)
            part.draw()

    def show_soon(self) -> None:
        """Show it in the next turn of the event loop."""
        self._show_soon.start(0)

    def changed(self, ref: PlaneRef) -> None:
        """Show soon what has changed on a plane, if that is on screen."""
        if ref == self.ref:
            self.show_soon()

    def lost(self, layer: object) -> None:
        """Take note that a layer was removed from the viewer, by whomever."""
        for part in self.parts:
            if part.layer is layer:
                part.layer = None

    def close(self) -> None:
        """Show nothing any more."""
        self._show_soon.stop()
        self._show_soon.deleteLater()

    # -- what a person says

    def at(self, place: Pixel) -> int | None:
        """Return the pseudo-label around (y, x), unless a suggestion there is nearer."""
        distance, one = min((found for part in self.parts for found in part.around(place)), default=NOTHING)
        suggested = self._review.at(place)
        middle = None if suggested is None else self._review.place_of(suggested)
        return one if middle is None or distance <= np.hypot(*(middle - place)) else None

    def accept(self, place: Pixel | None = None) -> bool:
        """Accept the pseudo-label at (y, x), or under the mouse; returns whether there is one."""
        return self._judge(place, self._session.pseudo_labels.accept)

    def strike(self, place: Pixel | None = None) -> bool:
        """Strike the pseudo-label at (y, x), or under the mouse; returns whether there is one."""
        name = self._current_class()
        return self._judge(place, lambda one: self._session.pseudo_labels.strike(one, name))

    def _judge(self, place: Pixel | None, verdict: Callable[[int], object]) -> bool:
        place = self._pointed_at() if place is None else place
        if place is None or (one := self.at(place)) is None:
            return False
        verdict(one)
        return True
