"""What *stochastic-boxes* shows while it trains, and its scores."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from napari_inkling.core import Boxes, Event, Predictions, Preview, Step
from napari_inkling.core.box_places import cut
from napari_inkling.evaluation import average_precision, score_images
from napari_inkling.methods.stochastic_boxes.box_model import BoxModel
from napari_inkling.methods.stochastic_boxes.fields import around, pointed_cells
from napari_inkling.methods.stochastic_boxes.task import Task
from napari_inkling.training.pieces import told

__all__ = ["first_answer", "show", "validate"]


def first_answer(task: Task) -> Generator[Event, None, None]:
    """Yield the boxes that stand in for the points on screen: what is known before anything is learnt."""
    for plane in task.data.train:
        points = pointed_cells(plane)
        if plane.image.ref != task.data.watch or not len(points):
            continue
        boxes = Boxes(
            around(points.coordinates, task.of_points[plane.image.ref]),
            classes=points.classes,
            sources="model",
            scores=0.5,
        )
        inside = cut(boxes, (plane.image.height, plane.image.width))
        yield Preview(plane.image.ref, Predictions(boxes=inside), whole=False)


def show(task: Task, model: BoxModel) -> Generator[Event, None, None]:
    """Yield suggestions for the plane on screen, if there is one; of a large one, where its hints are."""
    for plane in task.data.train:
        if plane.image.ref == task.data.watch and model.description.intensity.fits(plane.image):
            only = task.windows(plane.image)
            if only == []:  # a large one without hints would take long
                continue
            work = model.predicting(plane.image, only)
            found = yield from told(work, task.at_work("looking at the image on screen"))
            yield Preview(plane.image.ref, found, whole=only is None)


def validate(task: Task, model: BoxModel) -> Generator[Step, None, dict[str, float]]:
    """Return the scores on the completely annotated planes, empty if there are none."""
    found: dict[str, Predictions] = {}
    for plane in task.data.validation:
        work = model.predicting(plane.image)
        found[str(plane.image.ref)] = yield from told(work, task.at_work("measuring on complete images"))
    if not found:
        return {}
    truth = {str(plane.image.ref): plane.hints for plane in task.data.validation}
    shown = {name: predictions.above(0.5) for name, predictions in found.items()}
    radius = float(np.sqrt(np.median([h * w for h, w in model.description.boxes])) / 2)
    scores = score_images(shown, truth, radius)
    figures = {name: float(scores[name]) for name in ("precision", "recall", "f1")}
    boxes = {name: hints.boxes.cells for name, hints in truth.items() if len(hints.boxes.cells)}
    precision = average_precision({name: found[name].boxes for name in boxes}, boxes) if boxes else {}
    return figures | {key: precision[key] for key in ("map", "map50") if precision.get(key) is not None}
