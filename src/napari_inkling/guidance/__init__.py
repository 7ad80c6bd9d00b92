"""Where a person's next seconds help most: doubt about each suggestion, and what to annotate next. Numpy."""

from napari_inkling.guidance.doubt import doubts, odd_shapes
from napari_inkling.guidance.what_next import Candidates, Pick, what_next

__all__ = ["Candidates", "Pick", "doubts", "odd_shapes", "what_next"]
