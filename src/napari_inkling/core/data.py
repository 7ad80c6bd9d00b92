"""What a method trains on: a frozen snapshot of images and hints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from napari_inkling.core.hints import HintSet
from napari_inkling.core.image import Image, PlaneRef

__all__ = ["NewestHints", "TrainingData", "TrainingImage", "nothing_new"]

#: Returns the hints of the planes that changed since the training data were put together; at once.
NewestHints = Callable[[], Mapping[PlaneRef, HintSet]]


def nothing_new() -> Mapping[PlaneRef, HintSet]:
    """Return no plane: nobody marks anything meanwhile."""
    return {}


@dataclass(frozen=True)
class TrainingImage:
    """One plane and what a person said of it. ``complete``: every cell of it is marked (validation truth)."""

    image: Image
    hints: HintSet = field(default_factory=HintSet)
    complete: bool = False


@dataclass(frozen=True)
class TrainingData:
    """Everything a ``fit`` may look at.

    Parameters
    ----------
    train : tuple of TrainingImage
        Planes to learn from; a method may leave those without hints aside.
    validation : tuple of TrainingImage
        Held apart, completely annotated: only measured on, never learnt from.
    classes : tuple of str
        The project's classes, without background.
    watch : PlaneRef or None
        The plane that is on screen: previews are made for it.
    newest_hints : callable
        Returns all hints, as they are now, of each plane whose hints changed since; every such plane, also
        one that was returned before or that is not among ``train``. A method that asks for them says so
        by ``heeds_corrections``, see :class:`~napari_inkling.methods.HeedfulMethod`.
    """

    train: tuple[TrainingImage, ...]
    validation: tuple[TrainingImage, ...] = ()
    classes: tuple[str, ...] = ("cell",)
    watch: PlaneRef | None = None
    newest_hints: NewestHints = field(default=nothing_new, compare=False, repr=False)
