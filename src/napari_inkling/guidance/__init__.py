"""Where a person's next seconds help most: doubt about each suggestion, and what to annotate next. Numpy."""

from napari_inkling.guidance.doubt import doubts, odd_shapes
from napari_inkling.guidance.what_next import Candidates, Pick, candidates_of, what_next

__all__ = ["Candidates", "Pick", "candidates_of", "doubts", "odd_shapes", "what_next"]
