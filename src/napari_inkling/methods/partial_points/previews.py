"""What *partial-points* shows while it trains: a first answer, then its own, and its scores."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

import numpy as np

from napari_inkling.core import Event, Points, Predictions, Preview, Step, TrainingImage
from napari_inkling.methods._showing import centre_scores, windows_to_show
from napari_inkling.methods.partial_points.detection_model import DetectionModel
from napari_inkling.methods.partial_points.survey import Outset, look_over
from napari_inkling.methods.partial_points.task import Task
from napari_inkling.training.pieces import told
from napari_inkling.training.pixel_classifier import ENOUGH_CELLS, MOST_FIELDS, PixelClassifier
from napari_inkling.training.point_fields import TrainingField, marked_cells
from napari_inkling.training.working_image import Window, WorkingImage

__all__ = ["classical_answer", "find", "last_answer", "show", "show_outlined", "validate"]


def classical_answer(outset: Outset) -> Generator[Event, None, None]:
    """Yield a first answer for the plane on screen, from a classifier that learns in a second.

    It reads that plane, and others only where few cells are marked on it: however many images there are,
    something is on screen soon. There is none if no plane with hints is on screen: then the model itself is
    the first to say something of it. The preview is not whole, as it is not the model's.
    """
    step = outset.at_work("a first look")
    yield step
    planes = _first_planes(outset)
    if not planes:
        return
    seen = yield from told(look_over(outset, planes, None), step)
    watched = [part for part in seen.fields if part.image.ref == outset.data.watch]
    chosen = seen.fields[: max(MOST_FIELDS, len(planes))]
    known = []
    for part in chosen:
        known.append(part.known_mask(len(outset.classes), outset.settings.mask, outset.settings.sigma))
        yield step
    random = np.random.default_rng(outset.seed)
    work = PixelClassifier.fitting([part.field.pixels for part in chosen], known, random)
    classifier = yield from told(work, step)
    if classifier is None:
        return
    points = []
    for part in watched:
        yield step
        working = WorkingImage(part.image, seen.scale, seen.intensity)
        points.append(classifier.points(part, working, outset.classes))
    predictions = Predictions(Points.concatenate(points), radius=seen.radius)
    yield Preview(planes[0].image.ref, predictions, whole=False)


def _first_planes(outset: Outset) -> list[TrainingImage]:
    """Return the plane on screen, and as many others with hints as it takes; none if it has no hint."""
    others = [plane for plane in outset.hinted if plane.image.ref != outset.data.watch]
    planes = outset.watched
    while planes and others and len(planes) < MOST_FIELDS:
        if sum(len(marked_cells(plane)) for plane in planes) >= ENOUGH_CELLS:
            break
        planes.append(others.pop(0))
    return planes


def last_answer(outset: Outset, model: DetectionModel) -> Generator[Event, None, None]:
    """Yield what the last model says of the plane on screen, before any other is read."""
    step = outset.at_work("a first look")
    seen = yield from told(look_over(outset, outset.watched, model), step)
    yield from show(outset, seen.fields, model, step)


def show(
    outset: Outset, fields: Sequence[TrainingField], model: DetectionModel, step: Step
) -> Generator[Event, None, None]:
    """Yield suggestions for the plane on screen; of a large plane, for the fields, where its hints are."""
    found = yield from find(outset, fields, model, step)
    if found is not None and (plane := _on_screen(outset, model)) is not None:
        yield Preview(plane.image.ref, found, whole=_windows(plane, fields, model) is None)


def find(
    outset: Outset, fields: Sequence[TrainingField], model: DetectionModel, step: Step
) -> Generator[Step, None, Predictions | None]:
    """Return what a model finds on the plane on screen, or on its fields; ``None`` if it cannot look."""
    plane = _on_screen(outset, model)
    if plane is None or (only := _windows(plane, fields, model)) == []:
        return None
    return (yield from told(model.predicting(plane.image, only, plane.hints), step))


def show_outlined(
    outset: Outset, found: Predictions, fields: Sequence[TrainingField], model: DetectionModel, step: Step
) -> Generator[Event, None, None]:
    """Yield what one model has found on the plane on screen, with the outlines that another draws there.

    Parameters
    ----------
    outset : Outset
        Of the training.
    found : Predictions
        What the first model has found.
    fields : sequence of TrainingField
        Of the plane, as the second model sees it.
    model : DetectionModel
        The second one, which draws outlines.
    step : Step
        What to tell meanwhile.
    """
    plane = _on_screen(outset, model)
    if plane is None or (only := _windows(plane, fields, model)) == []:
        return
    masks = yield from told(model.outlining(plane.image, found.points, only, plane.hints), step)
    yield Preview(plane.image.ref, replace(found, masks=masks), whole=False)


def _on_screen(outset: Outset, model: DetectionModel) -> TrainingImage | None:
    """Return the plane on screen, if there is one that a model can read."""
    data = outset.data
    plane = next((plane for plane in data.train if plane.image.ref == data.watch), None)
    return plane if plane is not None and model.description.intensity.fits(plane.image) else None


def _windows(
    plane: TrainingImage, fields: Sequence[TrainingField], model: DetectionModel
) -> list[Window] | None:
    """Return where to look on a plane: ``None`` for all of it, of a large one where its fields are."""
    about = model.description
    return windows_to_show(plane.image, about.scale, about.intensity, fields)


def validate(task: Task, model: DetectionModel) -> Generator[Step, None, dict[str, float]]:
    """Return precision, recall and F1 on the completely annotated planes, empty if there are none."""
    step = task.at_work("measuring on complete images")
    radius = model.description.radius
    return (yield from centre_scores(model, radius, task.outset.data.validation, step))
