"""The session: one object that the dock and the command line drive alike, by its parts.

::

    Session                        makes the parts, and opens and closes projects for them
    ─────────────────────────────────────────────────────────────────────────────────────────────
    training                       trains a method          ──► prediction, advice, suggestions,
                                                                pseudo_labels, corrections
    comparing                      compares methods         ──► prediction, advice
    masks, boxes                   correct these            ──► review, suggestions
    ─────────────────────────────────────────────────────────────────────────────────────────────
    prediction                     predicts more planes     ──► suggestions
    review                         accepts and rejects      ──► suggestions, images
    guide                          says what comes next     ──► suggestions
    measuring                      measures cells           ──► suggestions
    files                          imports and exports      ──► suggestions
    advice                         recommends a method      ──► marked_cells, image_kinds
    box_sizes                      says how many boxes are enough
    ─────────────────────────────────────────────────────────────────────────────────────────────
    suggestions                    what is left to judge    ──► radius
    pseudo_labels                  judged while it trains   ──► radius
    corrections                    sends hints as they come
    marked_cells                   how many are marked      ──► radius
    ─────────────────────────────────────────────────────────────────────────────────────────────
    radius                         how large cells are
    images                         adds, marks and checks images
    image_kinds                    what kind of picture they are
    ─────────────────────────────────────────────────────────────────────────────────────────────
    annotations                    hints, rejections and classes, in the journal; undo
    ─────────────────────────────────────────────────────────────────────────────────────────────
    workspace                      the open project, and the plane on screen

A part is handed those that it needs, and only from below (``make lint`` checks it): besides those after its
arrow it may know ``radius``, ``annotations`` and ``workspace``. What goes up goes by signals, which are class
attributes of the part that tells them. What a person is to read, every part hands to :attr:`Session.message`.
"""

from napari_inkling.session._session import Session
from napari_inkling.session.cell_radius import DEFAULT_RADIUS
from napari_inkling.session.clock import seconds_each
from napari_inkling.session.comparison_state import ComparisonState, f1_words, rests_on, short_name, verdict
from napari_inkling.session.continuing import still_lacks, why_anew
from napari_inkling.session.recommend import Recommendation
from napari_inkling.session.suggested_cells import (
    count_cells,
    scored,
    with_ids,
    without_known,
    without_masks,
)
from napari_inkling.session.training_state import TrainingState

__all__ = [
    "DEFAULT_RADIUS",
    "ComparisonState",
    "Recommendation",
    "Session",
    "TrainingState",
    "count_cells",
    "f1_words",
    "rests_on",
    "scored",
    "seconds_each",
    "short_name",
    "still_lacks",
    "verdict",
    "why_anew",
    "with_ids",
    "without_known",
    "without_masks",
]
