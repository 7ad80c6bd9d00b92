"""The algorithm of *partial-points*, in the paper's order: each step is a function of a module beside it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from napari_inkling.core import Checkpoint, Event, TrainingData
from napari_inkling.methods._protocol import Needs
from napari_inkling.methods.partial_points.settings import FEWEST_CELLS, PartialPointsSettings

if TYPE_CHECKING:
    from napari_inkling.methods.partial_points.detection_model import DetectionModel

__all__ = ["PartialPoints"]


class PartialPoints:
    """The paper's two stages: semi-supervised detection from partial points, and outlines from both."""

    name: ClassVar[str] = "partial-points"
    title: ClassVar[str] = "Points on some cells → finds the rest"
    needs: ClassVar[Needs] = Needs(
        points=FEWEST_CELLS,
        suits=("colour",),
        suits_most_marked=("colour", "fluorescence"),
        outlines=True,
        sentence="Click the middle of some cells; the rest is found.",
    )
    Settings: ClassVar[type[PartialPointsSettings]] = PartialPointsSettings

    @property
    def Model(self) -> type[DetectionModel]:  # the protocol's name; imports torch on first use
        """The class of its models."""
        from napari_inkling.methods.partial_points.detection_model import DetectionModel

        return DetectionModel

    def still_lacks(self, model: Mapping[str, Any]) -> str:
        """Say so if a model was to learn outlines, and was stopped at centres."""
        if model["settings"].get("masks") is True and model.get("heads") == "centres":
            return (
                "There are only points yet: it was stopped before outlines could be kept. Train on for them."
            )
        return ""

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
        from napari_inkling.methods.partial_points import mask_rounds, mask_stage, previews, rounds
        from napari_inkling.methods.partial_points.survey import set_out
        from napari_inkling.methods.partial_points.task import prepare
        from napari_inkling.methods.partial_points.task_threshold import count_cells, heed_verdicts

        outset = yield from set_out(data, settings, device, seed, start)
        if outset.start is not None:
            heeding = yield from heed_verdicts(outset, outset.start)
            outset = replace(outset, start=heeding)
            yield Checkpoint(heeding)
            yield from previews.last_answer(outset, heeding)  # what verdicts change is seen at once
        elif settings.warm_start:
            yield from previews.classical_answer(outset)
        task = yield from prepare(outset)
        model, maps, number = task.model(), [], -1
        if outset.start is not None and settings.threshold is None:
            task.cells = yield from count_cells(task, outset.start)
        if task.heads != "centres":
            maps = yield from rounds.predict_fields(task)

        # Stage 1: centres. A model that knows outlines already goes on with both at once.
        if task.heads == "centres":
            known = yield from rounds.known_masks(task)  # Eq. 1
            for number in range(task.rounds + 1):
                masks = (yield from rounds.updated_masks(task, known, maps)) if maps else known  # Eq. 3
                yield from rounds.train_round(task, masks, number)  # Eq. 2
                model, maps = yield from rounds.end_round(task, number)
                if rounds.out_of_time(task):
                    break
        if not settings.masks:
            return model

        # Stage 2: outlines, from the points that were given and found.
        task, nuclei = yield from mask_stage.begin(task, maps)
        labels = yield from mask_stage.label_fields(task, nuclei)  # section IV.A, Eq. 4
        targets = yield from mask_rounds.first_targets(task, nuclei, labels)
        for refining in mask_rounds.parts(task):
            if refining:
                targets = yield from mask_rounds.refined_targets(task, targets, labels, maps)
            number = task.round = number + 1
            yield from mask_rounds.train_part(task, targets, refining)  # Eqs. 5, 6, 8
            model, maps = yield from rounds.end_round(task, number)
        yield from mask_rounds.too_short(task)
        return model
