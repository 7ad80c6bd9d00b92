"""The algorithm of *partial-points*, in the paper's order: each step is a function of a module beside it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, ClassVar

from napari_inkling.core import Checkpoint, Event, Notice, Round, TooFewHintsError, TrainingData
from napari_inkling.methods._protocol import Needs
from napari_inkling.methods.partial_points.settings import PartialPointsSettings

if TYPE_CHECKING:
    from napari_inkling.methods.partial_points.detection_model import DetectionModel

__all__ = ["PartialPoints"]


class PartialPoints:
    """The paper's two stages: semi-supervised detection from partial points, and outlines from both."""

    name: ClassVar[str] = "partial-points"
    title: ClassVar[str] = "Points on some cells → finds the rest"
    needs: ClassVar[Needs] = Needs(points=2, sentence="Click the middle of some cells; the rest is found.")
    Settings: ClassVar[type[PartialPointsSettings]] = PartialPointsSettings

    @property
    def Model(self) -> type[DetectionModel]:  # the protocol's name; imports torch on first use
        """The class of its models."""
        from napari_inkling.methods.partial_points.detection_model import DetectionModel

        return DetectionModel

    def fit(
        self,
        data: TrainingData,
        settings: PartialPointsSettings,
        *,
        device: str = "auto",
        seed: int = 0,
        start: DetectionModel | None = None,
    ) -> Generator[Event, None, DetectionModel]:
        """Train a detector from the points (and box centres) of ``data``; see :class:`Method`.

        Raises
        ------
        TooFewHintsError
            With fewer than two marked cells.
        ImageError
            If the images have different channels, or one cannot be read.
        DeviceError
            If the device is not there.
        """
        # torch is imported here, in the process that trains, and never in the viewer.
        from napari_inkling.evaluation import cell_centres
        from napari_inkling.methods.partial_points import mask_rounds as outlines
        from napari_inkling.methods.partial_points import mask_stage, previews, rounds
        from napari_inkling.methods.partial_points.survey import set_out
        from napari_inkling.methods.partial_points.task import prepare
        from napari_inkling.methods.partial_points.training_fields import marked_cells

        cells = sum(len(marked_cells(plane)) for plane in data.train)
        outside = sum(len(cell_centres(plane.hints)) for plane in data.train) - cells
        if cells < self.needs.points:
            beside = f" ({outside} more lie outside of their image)" if outside else ""
            raise TooFewHintsError(
                f"{cells} cell{'s are' if cells != 1 else ' is'} marked{beside}, but partial-points needs "
                f"at least {self.needs.points}: click the middle of some cells"
            )
        outset = yield from set_out(data, settings, device, seed, start)
        if outside:
            yield Notice(f"cells marked outside of their image are left out: {outside}")
        if settings.warm_start and not outset.trained_before:
            yield from previews.classical_answer(outset)
        task = yield from prepare(outset)

        # Stage 1: centres. A model that knows outlines already goes on with both at once.
        known = yield from rounds.known_masks(task)  # Eq. 1
        maps = (yield from rounds.predict_fields(task)) if task.trained_before else []
        if task.trained_before:
            yield from rounds.heed_verdicts(task, maps)
        model = task.model()
        number = -1
        for number in range(task.rounds + 1 if task.heads == "centres" else 0):
            masks = (yield from rounds.updated_masks(task, known, maps)) if maps else known  # Eq. 3
            yield from rounds.train_round(task, masks, number)  # Eq. 2
            maps = yield from rounds.predict_fields(task)
            model = task.model()
            yield Checkpoint(model)
            yield from previews.show(task, model)
            yield Round(number, (yield from previews.validate(task, model)))
            if rounds.out_of_time(task):
                break
        if not settings.masks:
            return model

        # Stage 2: outlines, from the points that were given and found.
        task, nuclei = yield from mask_stage.begin(task, maps)
        labels = yield from mask_stage.label_fields(task, nuclei)  # section IV.A, Eq. 4
        targets = yield from outlines.first_targets(task, nuclei, labels)
        for refining in outlines.parts(task):
            if refining:
                targets = yield from outlines.refined_targets(task, targets, labels, maps)
            number = task.round = number + 1
            yield from outlines.train_part(task, targets, refining)  # Eqs. 5, 6, 8
            maps = yield from rounds.predict_fields(task)
            model = task.model()
            yield Checkpoint(model)
            yield from previews.show(task, model)
            yield Round(number, (yield from previews.validate(task, model)))
        return model
