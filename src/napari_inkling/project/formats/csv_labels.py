"""What the labels of another program's table of boxes say besides a class.

Annotators whose tool only draws boxes mark points as boxes of next to no size, and what they leave unlabelled
as boxes of their own; the data set UMID of urine sediment (Goswami et al., arXiv:2111.10374) has both.
"""

from __future__ import annotations

from dataclasses import replace

from napari_inkling.core import IGNORE
from napari_inkling.project.formats.result import Tally
from napari_inkling.project.formats.rows import Row

__all__ = ["POINT", "POINT_SIDE", "as_meant"]

#: A small box whose label begins like this is a point of the class that follows.
POINT = "point-"
#: Pixels; a box with a longer side is a box, whatever its label.
POINT_SIDE = 4.0
#: Labels, in lower case, of boxes around what nobody labelled.
_UNLABELLED = ("ignore", "missedlabel")


def as_meant(row: Row, tally: Tally, where: str) -> Row:
    """Return a box as what its label says: a point at its centre, a box to ignore, or the box it is."""
    name, (y0, x0, y1, x1) = row.class_name, row.coordinates
    if name.lower() in _UNLABELLED:
        if name != IGNORE:
            tally.add(
                f"took a box labelled {name!r} as one to ignore: neither a cell nor background",
                f"took {{n}} boxes labelled {name!r} as ones to ignore: neither cells nor background",
                where,
            )
        return replace(row, class_name=IGNORE)
    is_small = 0 <= y1 - y0 <= POINT_SIDE and 0 <= x1 - x0 <= POINT_SIDE
    if name.lower().startswith(POINT) and len(name) > len(POINT) and is_small:
        tally.add(
            f"took a box of at most {POINT_SIDE:g} pixels as a point, as its label {POINT}… says",
            f"took {{n}} boxes of at most {POINT_SIDE:g} pixels as points, as their labels {POINT}… say",
            where,
        )
        place = ((y0 + y1) / 2, (x0 + x1) / 2)
        return replace(row, kind="point", coordinates=place, class_name=name[len(POINT) :])
    return row
