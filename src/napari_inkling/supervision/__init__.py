"""From hints to targets (numpy) and losses (torch, in :mod:`.losses`, imported by those who train)."""

from napari_inkling.supervision.gaussian_masks import (
    IGNORE,
    Neighbourhood,
    add_detected_nuclei,
    extended_gaussian_mask,
    gaussian_mask,
    nearest_point,
    propagate_background,
)
from napari_inkling.supervision.radius import estimate_radius

__all__ = [
    "IGNORE",
    "Neighbourhood",
    "add_detected_nuclei",
    "estimate_radius",
    "extended_gaussian_mask",
    "gaussian_mask",
    "nearest_point",
    "propagate_background",
]
