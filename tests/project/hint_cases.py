"""Small hints for the project's tests."""

from __future__ import annotations

from napari_inkling.core import HintSet, PlaneRef, Points

CELLS = PlaneRef("cells")


def point(y: float, x: float, name: str = "cell") -> HintSet:
    """One point, as an edit adds it."""
    return HintSet(Points([[y, x]], classes=name))


def places(hints: HintSet) -> list[tuple[float, float]]:
    """Coordinates of the points, in order."""
    return [(float(y), float(x)) for y, x in hints.points]
