"""From hints to targets (numpy) and losses (torch, in :mod:`.losses`, imported by those who train)."""

from napari_inkling.supervision.clusters import cluster_label, colour_contrast
from napari_inkling.supervision.gaussian_masks import (
    IGNORE,
    UNMARKED,
    Neighbourhood,
    add_detected_nuclei,
    extended_gaussian_mask,
    gaussian_mask,
    masked_heat_map,
    nearest_point,
    propagate_background,
)
from napari_inkling.supervision.local_mixture import LocalMixture, local_mixture_label
from napari_inkling.supervision.radius import estimate_radius
from napari_inkling.supervision.voronoi import (
    BACKGROUND,
    NUCLEUS,
    agreed,
    at_paper_scale,
    mark_background,
    voronoi_cells,
    voronoi_edges,
    voronoi_label,
)

__all__ = [
    "BACKGROUND",
    "IGNORE",
    "NUCLEUS",
    "UNMARKED",
    "LocalMixture",
    "Neighbourhood",
    "add_detected_nuclei",
    "agreed",
    "at_paper_scale",
    "cluster_label",
    "colour_contrast",
    "estimate_radius",
    "extended_gaussian_mask",
    "gaussian_mask",
    "local_mixture_label",
    "mark_background",
    "masked_heat_map",
    "nearest_point",
    "propagate_background",
    "voronoi_cells",
    "voronoi_edges",
    "voronoi_label",
]
