"""Prediction from the command line: plane by plane, in this process, nothing kept but the answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from napari_inkling.cli.console import note
from napari_inkling.cli.progress import progress_on
from napari_inkling.cli.sources import PlaneSource

if TYPE_CHECKING:
    from napari_inkling.core import PlaneRef, Predictions

__all__ = ["DEFAULT_THRESHOLD", "predict_planes"]

#: Models scale their scores so that this one says "a cell"; it is where the dock's slider stands at first.
DEFAULT_THRESHOLD = 0.5


def predict_planes(
    model: Path,
    planes: Sequence[PlaneSource],
    *,
    device: str = "auto",
    methods: Sequence[str] = (),
    show: bool | None = None,
    into: dict[PlaneRef, Predictions] | None = None,
) -> dict[PlaneRef, Predictions]:
    """Predict planes with a model, with a bar that names each; planes that it cannot take are left out.

    Parameters
    ----------
    model : Path
        A model's folder.
    planes : sequence of PlaneSource
        What to predict.
    device : str
        "auto", "cpu", "cuda" or "mps".
    methods : sequence of str
        Names like ``"module:Class"`` that the model may have been made by.
    show : bool or None
        Whether to show a bar; ``None``: on a terminal, elsewhere lines.
    into : dict, optional
        Filled as it goes, so that what was done is there even if a later plane cannot be read.
    """
    from napari_inkling.core import HintSet, Notice, Preview, Step
    from napari_inkling.project import Snapshot, SnapshotImage
    from napari_inkling.workers import PredictJob

    found = {} if into is None else into
    snapshot = Snapshot(
        tuple(SnapshotImage(p.ref, p.path, HintSet(), shape=p.file_shape) for p in planes), ()
    )
    job = PredictJob(str(model), snapshot, device, tuple(methods))
    with progress_on(show, unit="image") as bar:
        for event in job.run():
            if isinstance(event, Step):
                name = str(planes[min(event.step, len(planes) - 1)].ref)
                bar.show(event.step, event.steps, event.stage, name)
            elif isinstance(event, Preview):
                found[event.image] = event.predictions
            elif isinstance(event, Notice):
                note(event.text)
    return found
