"""When suggestions come on screen: at once when a person did something, at a pace while a training runs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from napari_inkling.core import PlaneRef, Predictions
from napari_inkling.session import count_cells, without_masks
from napari_inkling.widgets._beat import BEAT_MS, Beat
from napari_inkling.widgets._timers import single_shot
from napari_inkling.widgets.box_layers import SuggestedBoxes
from napari_inkling.widgets.mask_layers import SuggestedMasks
from napari_inkling.widgets.suggestion_layers import SuggestionLayer

if TYPE_CHECKING:
    from napari_inkling.session import Session

__all__ = ["ShownSuggestions"]

#: While training, more than so many suggestions are replaced every two seconds at most: without a GPU a
#: repaint of 5,000 takes some 40 ms, and the window should answer in between.
FEW = 300
PAUSE_SECONDS = 2.0
#: So long after suggestions were taken over they are drawn: what else waits comes in between.
DRAW_MS = 10


class ShownSuggestions:
    """Keeps the layers of suggestions as the session has them.

    Parameters
    ----------
    session : Session
        Whose suggestions they are.
    beat : Beat
        When the panels show what a training changes; the canvas takes turns with them.
    rings, boxes, masks : SuggestionLayer, SuggestedBoxes, SuggestedMasks
        The layers: boxes where there is no outline, and rings where there is no box.
    shape : callable
        Returns rows and columns of the image shown.
    """

    #: They are on screen, or will be in a moment.
    shown = Signal()
    #: The model has found another cell radius.
    radius_found = Signal()

    def __init__(
        self,
        session: Session,
        beat: Beat,
        rings: SuggestionLayer,
        boxes: SuggestedBoxes,
        masks: SuggestedMasks,
        shape: Callable[[], tuple[int, int]],
    ) -> None:
        self._session, self._beat = session, beat
        self._rings, self._boxes, self._masks = rings, boxes, masks
        self._shape = shape
        self.ref: PlaneRef | None = None
        self._shown_at = -math.inf
        self._preview = np.empty(0, np.int64)  # ids of the last one
        self._show_soon = single_shot(self.show)
        self._draw_soon = single_shot(self._draw, DRAW_MS)

    def show(self) -> None:
        """Show now what is left to judge on the plane."""
        self._show_soon.stop()
        self._beat.forget(self._show_between_beats)
        if self._rings.layer is None:
            return
        self._draw_soon.start()
        session = self._session
        if self.ref is None:  # the last image has gone
            self._put(Predictions(), self._rings.radius, (0, 0))
            return
        radius = session.radius.at(self.ref)
        if radius != self._rings.radius:
            self.radius_found.emit()
        self._put(session.suggestions.shown(self.ref), radius, self._shape())
        self._show_soon.stop()
        self._shown_at = time.monotonic()
        self.shown.emit()

    def _put(self, found: Predictions, radius: float, shape: tuple[int, int]) -> None:
        threshold, bare = self._session.suggestions.threshold, without_masks(found)
        self._rings.show(bare.points.without_ids(bare.boxes.ids), radius, threshold)
        self._boxes.show(bare.boxes, threshold)
        self._masks.show(found.masks, shape)

    def _draw(self) -> None:
        self._rings.draw()
        self._boxes.draw()

    def show_soon(self) -> None:
        """Show them in the next turn of the event loop."""
        self._show_soon.start(0)

    def changed(self, ref: PlaneRef) -> None:
        """Show what has changed on a plane, if that is on screen: soon, or when its turn comes."""
        if ref != self.ref or self._rings.layer is None:
            return
        since = time.monotonic() - self._shown_at
        if self._is_preview(ref) and self._is_large and since < 2 * PAUSE_SECONDS:
            self._beat.ask(self._show_between_beats)
        else:
            self.show_soon()

    def close(self) -> None:
        """Show nothing any more."""
        for timer in (self._show_soon, self._draw_soon):
            timer.stop()
            timer.deleteLater()

    def _show_between_beats(self) -> None:
        """Show what waits half a beat later, so that panels and canvas take turns, or ask again."""
        if self._is_large and time.monotonic() - self._shown_at < PAUSE_SECONDS - BEAT_MS / 1000:
            self._beat.ask(self._show_between_beats)
        else:
            self._show_soon.start(BEAT_MS // 2)

    def _is_preview(self, ref: PlaneRef) -> bool:
        """Whether these suggestions came from the model; what a person makes of them is shown at once."""
        ids = self._session.suggestions.shown(ref, threshold=0.0).ids
        if np.isin(ids, self._preview).all():
            return False
        self._preview = ids
        return True

    @property
    def _is_large(self) -> bool:
        """Whether there are so many suggestions that the previews of a training are not all shown."""
        return self._session.training.active and count_cells(self._session.suggestions.shown()) > FEW
