"""What *partial-points* shows while it trains: a classical first answer, then its own, and its scores."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from napari_inkling.core import Event, Points, Predictions, Preview, Step
from napari_inkling.evaluation import score_images
from napari_inkling.methods.partial_points.detection_model import DetectionModel, calibrated, find_centres
from napari_inkling.methods.partial_points.task import Task
from napari_inkling.methods.partial_points.training_fields import TrainingField, is_one_field
from napari_inkling.methods.partial_points.warm_start import PixelClassifier
from napari_inkling.training.pieces import told
from napari_inkling.training.working_image import WorkingImage

__all__ = ["classical_answer", "show", "validate"]

#: The first answer learns from so many fields, that on screen first.
FIELDS_AT_FIRST = 4
#: Probability of the pixel classifier from which on a pixel counts as the middle of a cell, and the lowest
#: that is suggested.
CLASSICAL_THRESHOLD, CLASSICAL_LOWEST = 0.6, 0.3


def classical_answer(task: Task) -> Generator[Event, None, None]:
    """Yield a first answer for the plane on screen, from a classifier that learns in a second.

    There is none if no plane with hints is on screen: then the model itself is the first to say something of
    it. The preview is not whole, as it is not the model's.
    """
    watched = [part for part in task.fields if part.image.ref == task.data.watch]
    if not watched:
        return
    others = [part for part in task.fields if part.image.ref != task.data.watch]
    chosen = (watched + others)[:FIELDS_AT_FIRST]
    known = [part.known_mask(task.settings, len(task.classes)) for part in chosen]
    random = np.random.default_rng(task.seed)  # its own: the training's draws do not depend on it
    work = PixelClassifier.fitting([part.field.pixels for part in chosen], known, random)
    classifier = yield from told(work, task.at_work("a first look"))
    if classifier is None:
        return
    points = []
    for part in watched:
        yield task.at_work("a first look")
        points.append(_classical_points(task, part, classifier))
    predictions = Predictions(Points.concatenate(points), radius=task.radius)
    yield Preview(watched[0].image.ref, predictions, whole=False)


def _classical_points(task: Task, part: TrainingField, classifier: PixelClassifier) -> Points:
    """Return what the classifier finds in a field; each cell has the likeliest class at its middle."""
    probability = classifier.probability(part.field.pixels)
    found = find_centres(probability, part.r1, task.settings, CLASSICAL_LOWEST)
    working = WorkingImage(part.image, task.scale, task.intensity)
    return Points(
        working.to_image(found.places + np.array([part.window.top, part.window.left])),
        classes=np.array(task.classes, dtype=object)[found.channels],
        sources="model",
        scores=np.clip(calibrated(found.heights, CLASSICAL_THRESHOLD), 0, 1),
    )


def show(task: Task, model: DetectionModel) -> Generator[Event, None, None]:
    """Yield suggestions for the plane on screen; of a large plane, for the parts where its hints are."""
    plane = next((plane for plane in task.data.train if plane.image.ref == task.data.watch), None)
    if plane is None:
        return
    ref = plane.image.ref
    whole = is_one_field(WorkingImage(plane.image, task.scale, task.intensity))
    only = None if whole else [part.window for part in task.fields if part.image.ref == ref]
    if whole or only:
        work = model.predicting(plane.image, only, plane.hints)
        predictions = yield from told(work, task.at_work("looking at the image on screen"))
        yield Preview(ref, predictions, whole)


def validate(task: Task, model: DetectionModel) -> Generator[Step, None, dict[str, float]]:
    """Return precision, recall and F1 on the completely annotated planes, empty if there are none."""
    found: dict[str, Predictions] = {}
    for plane in task.data.validation:
        work = model.predicting(plane.image)
        predictions = yield from told(work, task.at_work("measuring on complete images"))
        found[str(plane.image.ref)] = predictions.above(0.5)
    if not found:
        return {}
    truth = {str(plane.image.ref): plane.hints for plane in task.data.validation}
    scores = score_images(found, truth, model.description.radius)
    return {name: float(scores[name]) for name in ("precision", "recall", "f1")}
