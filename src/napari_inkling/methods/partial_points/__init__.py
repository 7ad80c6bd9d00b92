"""Partial points: clicks on some cells → the centres of all cells → a mask for each.

Qu et al., "Weakly supervised deep nuclei segmentation using partial points annotation in
histopathology images", IEEE TMI 2020 ("the paper"). The preset ``as-published`` is the paper's network and
hyperparameters; the default keeps the idea and adds what makes it fast on a laptop: the cell radius is
estimated at the clicks, the image is worked on at the scale where a cell is about 10 pixels across, a small
network with averaged weights learns, and a classical classifier answers first. Stage 2 outlines the nuclei
that were given and found: by labels from each nucleus's own colour, one network for centres, foreground and
the distance from the boundary, and a watershed that parts those that touch.
"""

from __future__ import annotations

from napari_inkling.methods.partial_points.method import PartialPoints
from napari_inkling.methods.partial_points.settings import PartialPointsSettings

__all__ = ["PartialPoints", "PartialPointsSettings"]
