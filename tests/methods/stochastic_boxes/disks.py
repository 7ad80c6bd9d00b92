"""Drawn disks of two classes, bright small ones and dark larger ones, with boxes on some."""

from __future__ import annotations

import numpy as np

from napari_inkling.core import Boxes, HintSet, Image, PlaneRef, Points

CLASSES = ("bright", "dark")
#: Half the side of a cell's box in pixels, and how much it differs from the ground; by class.
RADII, CONTRAST = (6.0, 9.0), (90, -60)


def disks(seed: int = 0, side: int = 160) -> tuple[Image, Boxes]:
    """Return an image (side, side) and the boxes of all of its cells; no two overlap."""
    random = np.random.default_rng(seed)
    rows, columns = np.indices((side, side))
    array, boxes, names = random.normal(110, 6, (side, side)), [], []
    for y in range(16, side - 12, 26):
        for x in range(16, side - 12, 26):
            number = int(random.integers(2))
            middle = np.array([y, x]) + random.uniform(-2, 2, 2)
            distance = np.hypot(rows - middle[0], columns - middle[1])
            array += CONTRAST[number] * np.clip(RADII[number] + 0.5 - distance, 0, 1)
            boxes.append([*(middle - RADII[number] - 0.5), *(middle + RADII[number] + 0.5)])
            names.append(CLASSES[number])
    plane = Image(PlaneRef(f"disks {seed}"), array.clip(0, 255).astype(np.uint8))
    return plane, Boxes(boxes, classes=np.array(names, object))


def boxes_and_points(cells: Boxes, every: int = 3) -> HintSet:
    """Return a box for one cell in so many, and a point for each of the others."""
    is_boxed = np.arange(len(cells)) % every == 0
    others = cells.take(~is_boxed)
    return HintSet(Points(others.centres, classes=others.classes), cells.take(is_boxed))
