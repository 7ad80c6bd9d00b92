"""Where a person's next seconds help most: what to annotate next, and how many boxes are enough. Numpy."""

from napari_inkling.guidance.doubt import REASONS, doubts, odd_shapes, odd_sizes, reasons, unsure
from napari_inkling.guidance.enough_boxes import ENOUGH, FEWEST_ENOUGH, BoxAdvice, enough_boxes
from napari_inkling.guidance.image_kind import IMAGE_KINDS, image_kind
from napari_inkling.guidance.size_divergence import DivergenceCurve, divergence_curve, kl_divergence
from napari_inkling.guidance.size_prior import SizePrior, size_priors
from napari_inkling.guidance.stochastic_boxes import mean_box, mean_iou_box
from napari_inkling.guidance.unusual_sizes import unusual_sizes
from napari_inkling.guidance.what_next import NO_REASON, Candidates, Pick, candidates_of, what_next

__all__ = [
    "ENOUGH",
    "FEWEST_ENOUGH",
    "IMAGE_KINDS",
    "NO_REASON",
    "REASONS",
    "BoxAdvice",
    "Candidates",
    "DivergenceCurve",
    "Pick",
    "SizePrior",
    "candidates_of",
    "divergence_curve",
    "doubts",
    "enough_boxes",
    "image_kind",
    "kl_divergence",
    "mean_box",
    "mean_iou_box",
    "odd_shapes",
    "odd_sizes",
    "reasons",
    "size_priors",
    "unsure",
    "unusual_sizes",
    "what_next",
]
