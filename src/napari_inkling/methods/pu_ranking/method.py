"""The algorithm of *pu-ranking*, in the paper's order: a step is a function of a module beside it."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, ClassVar

from napari_inkling.core import Event, TrainingData
from napari_inkling.methods._protocol import Needs
from napari_inkling.methods.pu_ranking.settings import FEWEST_CELLS, PuRankingSettings

if TYPE_CHECKING:
    from napari_inkling.methods.pu_ranking.peak_model import PeakModel

__all__ = ["PuRanking"]


class PuRanking:
    """A detector that goes on with the unmarked places that are surest to be cells, or background."""

    name: ClassVar[str] = "pu-ranking"
    title: ClassVar[str] = "Points on a few cells → the rest, by ranking what is unmarked"
    needs: ClassVar[Needs] = Needs(
        points=FEWEST_CELLS,
        suits=("transmitted", "fluorescence"),
        suits_most_marked=("transmitted",),
        sentence="Click the middle of a few cells; what is unmarked may be cells.",
    )
    Settings: ClassVar[type[PuRankingSettings]] = PuRankingSettings
    #: What a person marks during the training counts from the next round on.
    heeds_corrections: ClassVar[bool] = True

    @property
    def Model(self) -> type[PeakModel]:  # the protocol's name; imports torch on first use
        """The class of its models."""
        from napari_inkling.methods.pu_ranking.peak_model import PeakModel

        return PeakModel

    def fit(
        self,
        data: TrainingData,
        settings: PuRankingSettings,
        *,
        device: str = "auto",
        seed: int = 0,
        start: PeakModel | None = None,
    ) -> Generator[Event, None, PeakModel]:
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
        from napari_inkling.methods.pu_ranking import candidates, rounds
        from napari_inkling.methods.pu_ranking.task import prepare

        task = yield from prepare(data, settings, device, seed, start)
        yield from rounds.begin(task)
        if not task.goes_on or not settings.rounds:
            targets = yield from rounds.targets(task)  # the masked heat map
            yield from rounds.train_round(task, targets)
            yield from rounds.end_round(task)
        for number in range(1, settings.rounds + 1):
            if task.plan.done and task.is_out_of_time:
                break
            yield from rounds.heed_corrections(task, number)
            found = yield from candidates.find(task)  # peaks, and their features (Eq. 1)
            chosen = yield from candidates.choose(task, found)  # P-classification (Eq. 2)
            yield from rounds.tell(task, found, chosen)
            targets = yield from rounds.targets(task, found, chosen)
            yield from rounds.train_round(task, targets)
            yield from rounds.end_round(task, chosen)
        return task.model()
