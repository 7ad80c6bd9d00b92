"""What a model says of one image. Suggestions never mix with hints: accepting one writes a new hint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core.hints import Boxes, Points
from napari_inkling.core.masks import Masks

__all__ = ["DISAGREEMENT", "Predictions"]

#: The attribute by which a model may say how much its answers for mirror images of a cell differ, in [0, 1].
DISAGREEMENT = "disagreement"


@dataclass(frozen=True)
class Predictions:
    """Suggested points, boxes and masks of one plane: ``sources`` all ``"model"``, ``scores`` in [0, 1].

    They are in full-resolution pixels of the image, whatever scale the model works at. Rows of several kinds
    with one id are one cell, of one class and score.
    ``radius`` is the cell radius in pixels that the model works with, ``None`` if it knows none.
    """

    points: Points = field(default_factory=Points)
    boxes: Boxes = field(default_factory=Boxes)
    radius: float | None = None
    masks: Masks = field(default_factory=Masks)

    @property
    def kinds(self) -> tuple[Points, Boxes, Masks]:
        """The rows of every kind, in the order of :attr:`HintSet.kinds`."""
        return self.points, self.boxes, self.masks

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """The id of every row, in the order of :attr:`kinds`; shape (N,)."""
        return np.concatenate([rows.ids for rows in self.kinds])

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        """The score of every row, in the order of :attr:`kinds`; shape (N,)."""
        return np.concatenate([rows.scores for rows in self.kinds])

    def mapped(self, change: Callable[[Any], Any]) -> Predictions:
        """Return these predictions after a change that works on rows of any kind."""
        points, boxes, masks = map(change, self.kinds)
        return Predictions(points, boxes, self.radius, masks)

    def equals(self, other: Predictions) -> bool:
        """Whether both hold the same rows, in the same order, in every column, and know the same radius."""
        same = (mine.equals(theirs) for mine, theirs in zip(self.kinds, other.kinds, strict=True))
        return self.radius == other.radius and all(same)

    def above(self, score: float) -> Predictions:
        """Return only what the model is at least this sure of."""
        return self.mapped(lambda rows: rows.take(rows.scores >= score))
