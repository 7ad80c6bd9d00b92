"""The layers of pseudo-labels: diamonds and squares, there only while a training chooses some."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import BACKGROUND, Points
from napari_inkling.widgets._quiet import quietly
from napari_inkling.widgets.suggestion_layers import Look, SuggestionLayer

__all__ = ["PSEUDO_BACKGROUND_NAME", "PSEUDO_CELLS_NAME", "PseudoBackgroundLayer", "PseudoCellLayer"]

PSEUDO_CELLS_NAME = "Inkling pseudo-cells"
PSEUDO_BACKGROUND_NAME = "Inkling pseudo-background"


class PseudoLabelLayer(SuggestionLayer):
    """Shows the pseudo-labels of one kind on one plane, the stronger the higher they rank."""

    def __init__(self) -> None:
        super().__init__()
        #: Whether there is to be a layer at all.
        self.needed = False

    def show_ranked(self, points: Points, radius: float) -> None:
        """Hold these instead of what was held; they are on screen after :meth:`draw`."""
        self.show(points, radius, threshold=0.0)
        if self.layer is not None:
            with quietly(self.layer):
                self.layer.features = {"rank": points.scores.copy(), "class": points.classes.copy()}

    def around(self, place: npt.NDArray[np.float64]) -> list[tuple[float, int]]:
        """Return how far, in pixels, the nearest one is from (y, x), and its id; none beyond a cell radius.

        What is hidden is not there.
        """
        seen = self.layer is not None and self.layer.visible
        if not seen or (one := self.nearest(place, self.radius)) is None:
            return []
        return [(float(np.hypot(*(self.coordinates[self.ids == one][0] - place))), one)]


class PseudoCellLayer(PseudoLabelLayer):
    """Pseudo-cells as hollow diamonds in their class's colour."""

    name, mark = PSEUDO_CELLS_NAME, "pseudo-cells"
    few = Look(1.9, "diamond", 0.22, 1.0)
    many = Look(1.0, "diamond", 0.0, 0.0)
    lighter = 0.7


class PseudoBackgroundLayer(PseudoLabelLayer):
    """Pseudo-background as squares in the grey of what is not a cell, whatever class is proposed.

    They are dark inside, so that they show on white ground, too.
    """

    name, mark = PSEUDO_BACKGROUND_NAME, "pseudo-background"
    few = Look(1.3, "square", 0.2, 1.0, 0.45)
    many = Look(0.8, "square", 0.0, 0.0)
    lighter = 0.7

    def _colours(self, classes: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return super()._colours(np.full(len(classes), BACKGROUND, object))
