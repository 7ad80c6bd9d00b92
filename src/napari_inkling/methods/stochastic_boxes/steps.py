"""The steps of *stochastic-boxes*: batches, training, what is shown meanwhile, and the threshold."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Boxes, Checkpoint, Event, HintSet, Points, Step
from napari_inkling.core.box_places import where_inside
from napari_inkling.evaluation import best_threshold, cell_centres
from napari_inkling.methods._showing import Pacing
from napari_inkling.methods.stochastic_boxes.fields import around, numbers
from napari_inkling.methods.stochastic_boxes.loss import AROUND
from napari_inkling.methods.stochastic_boxes.previews import show
from napari_inkling.methods.stochastic_boxes.task import Task
from napari_inkling.training.box_crops import box_crops
from napari_inkling.training.loop import train
from napari_inkling.training.pieces import told
from napari_inkling.training.plateau import Plateau

__all__ = ["set_threshold", "take_steps"]

FloatArray = npt.NDArray[np.float64]

#: None before so many steps: while its rate warms up, a network finds nothing.
FIRST_PREVIEW_STEP = 40
#: The threshold is chosen on at most so many planes, those with most hints.
PLANES_FOR_THRESHOLD = 12
#: With more found cells far from all marked ones than this share of these, a plane is marked in part.
PARTLY = 0.3
STAGE = "learning from boxes and points"


def take_steps(task: Task) -> Generator[Event, None, None]:
    """Train with the losses of the paper's Eq. 2; show the plane on screen every few seconds."""
    settings, plan = task.settings, task.plan
    batches = box_crops(
        [part.field for part in task.fields],
        side=settings.crop,
        count=settings.batch,
        random=task.random,
        boxed=settings.boxed,
        near_marked=settings.near_marked,
        jitter=settings.jitter,
        zoom=settings.zoom,
    )
    loss, pacing, plateau = task.loss(), Pacing(), None
    if settings.schedule == "plateau":
        plateau = Plateau(task.learner.optimizer, epoch=-(-len(task.fields) // settings.batch))
    while plan.done < plan.steps:
        for step in train(task.learner, batches, loss, 1, plan, stage=STAGE, round=0):
            yield step
            if plateau is not None:
                plateau.note(sum(step.losses.values()))
        if settings.minutes is not None:
            plan.last(settings.minutes, task.started)
        if pacing.due and FIRST_PREVIEW_STEP <= plan.done < plan.steps:
            with pacing.showing():
                model = task.model()
                yield Checkpoint(model)
                yield from show(task, model)


def _known(found: Boxes, marked: Points, sizes: FloatArray) -> Boxes:
    """Return the found boxes of which the hints tell whether they are right.

    Where many more cells are found than are marked, the others were not marked, and only what lies beside a
    marked cell, whose box is about so large, (N, 2), is known.
    """
    if not len(found):
        return found
    near = np.zeros(len(found), dtype=bool)
    near[where_inside(around(marked.coordinates, AROUND * sizes), found.centres)[1]] = True
    unmarked = int((~near & (found.scores >= 0.5)).sum())
    return found.take(near) if unmarked > PARTLY * len(marked) else found


def set_threshold(task: Task) -> Generator[Step, None, None]:
    """Choose the threshold that is best for what is known, on the planes with most hints.

    A cell is found if the middle of a box of its class is within half a side of it. So lengths are measured
    in sides, class by class.
    """
    model, step = task.model(), task.at_work("looking at the marked cells")
    hinted = sorted((plane for plane in task.data.train if plane.hints.teach), key=lambda p: -len(p.hints))
    found: dict[str, HintSet] = {}
    truth: dict[str, HintSet] = {}
    sides = np.sqrt(task.sizes.stochastic.prod(axis=1))
    for plane in hinted[:PLANES_FOR_THRESHOLD]:
        boxes = (yield from told(model.predicting(plane.image, task.windows(plane.image)), step)).boxes
        marked, ignored = cell_centres(plane.hints), plane.hints.boxes.ignored
        known = _known(boxes, marked, task.sizes.stochastic[numbers(marked, model.classes)])
        for name, side in zip(model.classes, sides, strict=True):
            key = f"{plane.image.ref} {name}"
            own, true = known.take(known.classes == name), marked.take(marked.classes == name)
            found[key] = HintSet(Points(own.centres / side, scores=own.scores))
            truth[key] = HintSet(
                Points(true.coordinates / side), ignored.changed(coordinates=ignored.coordinates / side)
            )
    score = best_threshold(found, truth, radius=0.5)
    chosen = float(np.interp(score, [0, 0.5, 1], [0, task.about.threshold, 1]))
    task.about = task.about.model_copy(update={"threshold": float(np.clip(chosen, 0.05, 0.9))})
