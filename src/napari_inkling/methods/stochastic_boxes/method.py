"""The algorithm of *stochastic-boxes*, in the paper's order: a step is a function of a module beside it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, ClassVar

from napari_inkling.core import Checkpoint, Event, Round, TrainingData
from napari_inkling.methods._protocol import Needs
from napari_inkling.methods.stochastic_boxes.settings import FEWEST_BOXES, StochasticBoxesSettings

if TYPE_CHECKING:
    from napari_inkling.methods.stochastic_boxes.box_model import BoxModel

__all__ = ["StochasticBoxes"]


class StochasticBoxes:
    """One detector that learns in one stage from boxes and points, also within one image."""

    name: ClassVar[str] = "stochastic-boxes"
    title: ClassVar[str] = "Boxes on some cells, points on others → boxes on all, with classes"
    needs: ClassVar[Needs] = Needs(
        boxes=FEWEST_BOXES, sentence="Draw boxes around some ten cells of each class, and point the others."
    )
    Settings: ClassVar[type[StochasticBoxesSettings]] = StochasticBoxesSettings

    @property
    def Model(self) -> type[BoxModel]:  # the protocol's name; imports torch on first use
        """The class of its models."""
        from napari_inkling.methods.stochastic_boxes.box_model import BoxModel

        return BoxModel

    def fit(
        self,
        data: TrainingData,
        settings: StochasticBoxesSettings,
        *,
        device: str = "auto",
        seed: int = 0,
        start: BoxModel | None = None,
    ) -> Generator[Event, None, BoxModel]:
        """Train a detector from the boxes and points of ``data``; see :class:`Method`.

        Raises
        ------
        TooFewHintsError
            With fewer than three boxes.
        ImageError
            If the images have different channels, or one cannot be read.
        DeviceError
            If the device is not there.
        """
        # torch is imported here, in the process that trains, and never in the viewer.
        from napari_inkling.methods.stochastic_boxes import previews, steps
        from napari_inkling.methods.stochastic_boxes.task import prepare

        task = yield from prepare(data, settings, device, seed, start)  # section 2.1, Eq. 1
        if task.goes_on:
            model = task.model()
            yield Checkpoint(model)
            yield from previews.show(task, model)  # what it knows already is seen at once
        else:
            yield from previews.first_answer(task)
        yield from steps.take_steps(task)  # Algorithm 1, Eq. 2
        yield from steps.set_threshold(task)
        model = task.model()
        yield Checkpoint(model)
        yield from previews.show(task, model)
        yield Round(0, (yield from previews.validate(task, model)))
        return model
