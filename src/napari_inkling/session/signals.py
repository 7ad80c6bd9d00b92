"""What a session tells those who listen."""

from __future__ import annotations

from psygnal import Signal

from napari_inkling.core import PlaneRef, Round, Step
from napari_inkling.session.training_state import TrainingState

__all__ = ["SessionSignals"]


class SessionSignals:
    """The signals of a :class:`~napari_inkling.session.Session`."""

    #: Another project is open; everything else is to be read anew.
    project_changed = Signal()
    #: Images came, went, or changed their marks.
    images_changed = Signal()
    #: Images were found to be missing or changed, or are in order again.
    problems_changed = Signal()
    #: Another plane is on screen (PlaneRef or None).
    plane_changed = Signal(object)
    #: The hints of this plane changed.
    hints_changed = Signal(PlaneRef)
    #: Classes came, went, or were renamed or coloured.
    classes_changed = Signal()
    #: What can be undone or redone changed.
    history_changed = Signal()
    #: The visible suggestions of this plane changed.
    suggestions_changed = Signal(PlaneRef)
    #: So many of so many masks of the plane on screen have been measured.
    measuring = Signal(int, int)
    #: All masks of the plane on screen have been measured.
    measured = Signal()
    #: The person's cell radius changed (float or None).
    radius_changed = Signal(object)
    #: A training began, moved on or ended; comes with every event of it.
    training_changed = Signal(TrainingState)
    #: A step of the running training.
    progress = Signal(Step)
    #: A round of the running training is over.
    metrics = Signal(Round)
    #: There is a new model, or another project's models.
    models_changed = Signal()
    #: Something to tell the person: "info", "warning" or "error", and the text.
    message = Signal(str, str)
