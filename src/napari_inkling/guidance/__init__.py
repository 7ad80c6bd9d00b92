"""Where a person's next seconds help most: doubt about each suggestion, and what to annotate next. Numpy."""

from napari_inkling.guidance.doubt import REASONS, doubts, odd_shapes, reasons
from napari_inkling.guidance.what_next import Candidates, Pick, candidates_of, what_next

__all__ = [
    "REASONS",
    "Candidates",
    "Pick",
    "candidates_of",
    "doubts",
    "odd_shapes",
    "reasons",
    "what_next",
]
