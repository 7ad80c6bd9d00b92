"""The job that compares: each method is trained, then asked for the same planes, one after the other."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import ClassVar, cast

from napari_inkling.core import Event, Finished, Notice, PlaneRef, Predictions, Preview, Started, Step, Tried
from napari_inkling.evaluation import cell_centres
from napari_inkling.project import Snapshot
from napari_inkling.workers.failure import describe_error
from napari_inkling.workers.jobs import PredictJob, TrainJob

__all__ = ["CompareJob"]


@dataclass(frozen=True)
class CompareJob:
    """Train several methods on the same hints, and predict the same planes with each.

    Parameters
    ----------
    trainings : tuple of TrainJob
        One for each method; their folders are not removed here.
    planes : Snapshot
        What to predict. Its hints must be those that are trained on: a model may look at them.
    """

    trainings: tuple[TrainJob, ...]
    planes: Snapshot
    noun: ClassVar[str] = "comparison"

    def run(self, newest_hints: object = None) -> Iterator[Event]:
        """Yield steps, whose ``round`` counts the methods from 0 on, and ``Tried`` after each; ``Finished``.

        A method that fails does not keep the next from its turn. What is marked meanwhile
        (``newest_hints``) is never asked for: among it are the held-out clicks.
        """
        for number, training in enumerate(self.trainings):
            try:
                yield (yield from self._try(number, training))
            except Exception as error:  # whatever it is, the person hears of it beside the other methods
                yield Tried(training.method, error=describe_error("training", error).message)
        yield Finished()

    def _try(self, number: int, training: TrainJob) -> Generator[Event, None, Tried]:
        """Train and predict; the events of both that tell how far it is."""
        predicting = PredictJob(training.out, self.planes, training.device, (training.method,))
        found: dict[PlaneRef, Predictions] = {}
        for job in (training, predicting):
            with closing(cast("Generator[Event, None, None]", job.run())) as events:
                for event in events:
                    match event:
                        case Step():
                            yield replace(event, round=number, losses={})
                        case Notice():
                            yield Notice(f"{training.method}: {event.text}")
                        case Started():
                            yield event
                        case Preview() if job is predicting:
                            found[event.image] = _centres(event.predictions)
        return Tried(training.method, found)


def _centres(predictions: Predictions) -> Predictions:
    """Return a point for each cell."""
    return Predictions(cell_centres(predictions), radius=predictions.radius)
