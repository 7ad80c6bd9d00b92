"""*pu-ranking*: points on some cells, and the surest of the others chosen by ranking.

Fujii et al., "Cell detection from imperfect annotation by pseudo label selection using P-classification",
MICCAI 2021 ("the paper"). A few cells are marked; what is not marked is unlabelled, never simply background:
the default takes it for a little background, the more cells are marked. Round by round the unmarked places
are ranked by how much they look like marked cells; the top become pseudo-cells, the bottom pseudo-background,
and the detector goes on learning with both. The preset ``as-published`` is the paper's; the default ranks by
the detector's own features instead of a second network's, and chooses as many as there are at least by the
estimated share of cells, few at first.
"""

from __future__ import annotations

from napari_inkling.methods.pu_ranking.method import PuRanking
from napari_inkling.methods.pu_ranking.settings import PuRankingSettings

__all__ = ["PuRanking", "PuRankingSettings"]
