"""What a running job tells. Frozen, small and picklable: they travel through a pipe, or a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from napari_inkling.core.hints import Points
from napari_inkling.core.image import PlaneRef
from napari_inkling.core.predictions import Predictions

__all__ = [
    "Checkpoint",
    "Event",
    "Failed",
    "Finished",
    "Notice",
    "Preview",
    "PseudoLabels",
    "Round",
    "Saved",
    "Started",
    "Step",
    "Tried",
]


@dataclass(frozen=True)
class Started:
    """The job runs; ``device`` in words ("CPU, 2 threads, bfloat16")."""

    device: str


@dataclass(frozen=True)
class Step:
    """Progress. ``step`` of ``steps`` counts over the whole job; ``stage`` names what goes on in words."""

    stage: str
    round: int
    step: int
    steps: int
    losses: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Preview:
    """What the model would suggest now for one plane.

    ``whole`` is False where the model that is kept has more or other things to say of the plane: a part of it
    was looked at, something quicker answered first, or what is shown is the work of two models.
    """

    image: PlaneRef
    predictions: Predictions
    whole: bool = True


@dataclass(frozen=True)
class PseudoLabels:
    """What a round takes for certain on one plane though nobody marked it, and goes on learning with.

    It replaces all that earlier rounds said, of other planes too: a round tells of each of its planes, one
    right after the other. A person may judge them while the training goes on.

    Parameters
    ----------
    image : PlaneRef
        The plane.
    round : int
        The round that chose them, counted from 1 on.
    cells : Points
        Pseudo-cells, ``sources`` all ``"model"``; ``scores`` are ranks in [0, 1], 1 the most certain.
    background : Points
        Pseudo-background, with ranks as well. The class of a row is that of the cell which it would be if a
        person disagrees, :data:`~napari_inkling.core.BACKGROUND` if the model proposes none.
    """

    image: PlaneRef
    round: int
    cells: Points = field(default_factory=Points)
    background: Points = field(default_factory=Points)


@dataclass(frozen=True)
class Round:
    """A round of the algorithm is over. ``metrics`` has f1, precision, recall where held-out truth exists."""

    round: int
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Notice:
    """Something the person should know and that stops nothing, e.g. weights that could not be had."""

    text: str


@dataclass(frozen=True)
class Checkpoint:
    """The model reached so far, to be kept if the training is stopped. The one event that never travels.

    ``model`` is a :class:`~napari_inkling.methods.Model` that further training no longer changes.
    """

    model: Any


@dataclass(frozen=True)
class Saved:
    """The model lies in this folder."""

    path: str


@dataclass(frozen=True)
class Tried:
    """A method of a comparison was trained, and this is what it finds on each plane; or why it failed.

    Of ``found`` only the points and the radius count. ``error`` is for a person, ``""`` if all went well.
    """

    method: str
    found: Mapping[PlaneRef, Predictions] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True)
class Finished:
    """The job did all it had to do. Always the last event."""


@dataclass(frozen=True)
class Failed:
    """The job ended with an error. ``error`` is for a person, ``details`` (a traceback) for a bug report."""

    error: str
    details: str = ""


Event = (
    Started | Step | Preview | PseudoLabels | Round | Notice | Checkpoint | Saved | Tried | Finished | Failed
)
