"""Two ways to count pixels.

Inkling, like napari, puts (0, 0) at the centre of the first pixel, so that this pixel reaches from -0.5 to
0.5. COCO, Pascal VOC as today's programs write it, and their readers put boxes between corners: the first
pixel reaches from 0 to 1. Hence the half pixel. COCO's keypoints and our CSV name pixels by their centres:
nothing to convert.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Box", "from_corners", "to_corners"]

#: y0, x0, y1, x1
Box = tuple[float, float, float, float]


def from_corners(x0: float, y0: float, x1: float, y1: float) -> Box:
    """Return a box (y0, x0, y1, x1) for edges counted from the image's corner."""
    return y0 - 0.5, x0 - 0.5, y1 - 0.5, x1 - 0.5


def to_corners(box: Sequence[float]) -> tuple[float, float, float, float]:
    """Return x0, y0, x1, y1 counted from the image's corner."""
    y0, x0, y1, x1 = (float(v) + 0.5 for v in box)
    return x0, y0, x1, y1
