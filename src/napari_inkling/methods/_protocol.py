"""What a method is. The whole program knows methods only through this page."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self, TypeAlias, runtime_checkable

from pydantic import BaseModel, ConfigDict

from napari_inkling.core import Event, HintSet, Image, ImageKind, Predictions, TrainingData

__all__ = [
    "HeedfulMethod",
    "HintedModel",
    "Method",
    "MethodSettings",
    "Model",
    "Needs",
    "Preset",
    "StagedMethod",
    "StepwiseModel",
]

Preset = Literal["quick", "standard", "as-published"]


class Needs(BaseModel):
    """Which hints a method learns from, and how many at least; drives the recommendation in the dock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: int = 0
    boxes: int = 0
    #: Kinds of images on which it was measured to do better than other methods with the same needs, or as
    #: well, and outlines cells besides.
    suits: tuple[ImageKind, ...] = ()
    #: The same where most of the cells are marked, not a few.
    suits_most_marked: tuple[ImageKind, ...] = ()
    #: Whether its models also outline the cells.
    outlines: bool = False
    #: One sentence for the dock: "Points on some cells → finds the rest".
    sentence: str = ""


class MethodSettings(BaseModel):
    """Base of every method's settings: frozen, nothing unknown passes, units in every description."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: What each preset changes against the defaults (which are the preset "quick").
    presets: ClassVar[dict[Preset, dict[str, Any]]] = {}
    #: The settings that hold for the life of a model: training goes on only from one that has the same.
    fixed_fields: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def preset(cls, name: Preset, **overrides: Any) -> Self:
        """Return the settings of a preset; raises :class:`~napari_inkling.core.SettingsError`."""
        from napari_inkling.methods._settings import make_settings

        return make_settings(cls, name, overrides)


@runtime_checkable
class Model(Protocol):
    """What training leaves behind: weights, settings, classes, the scale it works at, the method's name."""

    method: str
    classes: tuple[str, ...]

    def predict(self, image: Image) -> Predictions:
        """Return suggestions for one plane of any size; reads it tile by tile."""
        ...

    def save(self, folder: Path) -> None:
        """Write ``model.json`` and ``model.safetensors``; never a pickle."""
        ...

    @classmethod
    def load(cls, folder: Path, device: str = "auto") -> Self:
        """Read what :meth:`save` wrote; raises :class:`~napari_inkling.core.ModelFileError`."""
        ...


@runtime_checkable
class StepwiseModel(Model, Protocol):
    """A model that can stop in the middle of a large plane. A quick one need not be."""

    def predicting(self, image: Image) -> Generator[None, None, Predictions]:
        """Do the work of :meth:`predict`; yield at least four times a second, and return the suggestions."""
        ...


@runtime_checkable
class HintedModel(StepwiseModel, Protocol):
    """A model that heeds what a person marked on the plane it looks at: points tell it where cells are."""

    def predicting_beside(self, image: Image, hints: HintSet) -> Generator[None, None, Predictions]:
        """Do the work of :meth:`predict`: each marked cell is a seed, a background click is in no mask."""
        ...


#: :class:`Model` under a name that the attribute of :class:`Method` does not hide.
AnyModel: TypeAlias = Model


@runtime_checkable
class Method(Protocol):
    """A way to learn from hints. Found by name through the entry points ``napari_inkling.methods``."""

    name: ClassVar[str]
    title: ClassVar[str]
    needs: ClassVar[Needs]
    Settings: ClassVar[type[MethodSettings]]
    Model: ClassVar[type[AnyModel]]

    def fit(
        self,
        data: TrainingData,
        settings: Any,
        *,
        device: str = "auto",
        seed: int = 0,
        start: AnyModel | None = None,
    ) -> Generator[Event, None, AnyModel]:
        """Learn, and tell how it goes at least four times a second; return the model.

        Closing the generator stops the training; the model reached so far is that of the last ``Checkpoint``.
        """
        ...


@runtime_checkable
class StagedMethod(Protocol):
    """What a :class:`Method` can tell besides, if it learns one thing after another."""

    def still_lacks(self, model: Mapping[str, Any]) -> str:
        """Tell the person what a training that was stopped left out, and what to do; ``""`` if nothing.

        ``model`` is what the model wrote into ``model.json``, with a dict under "settings". The viewer asks
        often: answer at once, and without torch.
        """
        ...


@runtime_checkable
class HeedfulMethod(Protocol):
    """What a :class:`Method` can tell besides, if a training of it heeds what a person marks meanwhile."""

    #: Whether ``fit`` asks for ``TrainingData.newest_hints``; the viewer sends them only to one that does.
    heeds_corrections: ClassVar[bool]
