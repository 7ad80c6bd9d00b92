"""The session: one object that the dock and the command line drive alike."""

from napari_inkling.session._session import Session
from napari_inkling.session.guiding_session import Looked, Target
from napari_inkling.session.recommend import HintCounts, Recommendation
from napari_inkling.session.suggested_cells import by_doubt
from napari_inkling.session.training_state import Status, TrainingState

__all__ = [
    "HintCounts",
    "Looked",
    "Recommendation",
    "Session",
    "Status",
    "Target",
    "TrainingState",
    "by_doubt",
]
