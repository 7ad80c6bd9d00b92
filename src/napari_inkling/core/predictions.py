"""What a model says of one image. Suggestions never mix with hints: accepting one writes a new hint."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_inkling.core.hints import Boxes, Points

__all__ = ["Predictions"]


@dataclass(frozen=True)
class Predictions:
    """Suggested points and boxes of one plane, with ``sources`` all ``"model"`` and ``scores`` in [0, 1].

    ``points`` and ``boxes`` use full-resolution pixels of the image, whatever scale the model works at.
    ``radius`` is the cell radius in pixels that the model works with, ``None`` if it knows none.
    """

    points: Points = field(default_factory=Points)
    boxes: Boxes = field(default_factory=Boxes)
    radius: float | None = None

    def above(self, score: float) -> Predictions:
        """Return only what the model is at least this sure of."""
        return Predictions(
            self.points.take(self.points.scores >= score),
            self.boxes.take(self.boxes.scores >= score),
            self.radius,
        )
