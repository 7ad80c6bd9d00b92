"""What a round of training leaves behind beside the weights: the threshold, and what verdicts do to it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, HintSet, Points, TrainingData, TrainingImage
from napari_inkling.methods import get_method
from napari_inkling.methods.partial_points import PartialPointsSettings, task_threshold
from napari_inkling.methods.partial_points.detection_model import Description, DetectionModel
from napari_inkling.methods.partial_points.survey import Outset
from napari_inkling.supervision import nearest_point
from napari_inkling.supervision.click_threshold import steadied, strictness_of_verdicts
from napari_inkling.training.devices import resolve_device
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.pieces import finish
from napari_inkling.training.point_fields import fields_of
from tests.methods.drawing import CENTRES, RADIUS, data, image
from tests.methods.test_contract import fit


def task_with(points: Points) -> tuple[SimpleNamespace, np.ndarray]:
    """Return a training on these points, and what its network says: .5 at the first ten cells, else .1."""
    plane = TrainingImage(image(), HintSet(points))
    fields = list(fields_of(plane, Intensity.of([plane.image]), 1.0, RADIUS, ("cell",)))
    near = nearest_point(CENTRES, (104, 104))
    heights = np.where(np.arange(len(CENTRES)) < 10, 0.5, 0.1)
    answer = np.where(near.distance < RADIUS, heights[near.index], 0).astype(np.float32)[np.newaxis]
    task = SimpleNamespace(fields=fields, settings=PartialPointsSettings(), classes=("cell",))
    return task, answer


class Says(nn.Module):
    """A network that knows what it says of the one plane."""

    stride = reach = 1

    def __init__(self, answer: np.ndarray) -> None:
        super().__init__()
        self.register_buffer("logits", torch.from_numpy(answer).clip(1e-3, 1 - 1e-3).logit()[np.newaxis])

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.logits.expand(len(images), -1, -1, -1)


def going_on(
    points: Points, height: float, judged_until: int = 0, **settings: object
) -> tuple[Outset, DetectionModel]:
    """Return what a training sets out with, and a last model that draws the line at a height."""
    _, answer = task_with(points)
    plane = TrainingImage(image(), HintSet(points))
    about = Description(
        classes=("cell",),
        settings=PartialPointsSettings(views=1),
        intensity=Intensity.of([plane.image]),
        radius=RADIUS,
        scale=1.0,
        threshold=height,
        trained_steps=1,
        strictness=1.2,
        judged_until=judged_until,
    )
    device = resolve_device("cpu")
    start = DetectionModel(about, Says(answer), device)
    given = PartialPointsSettings(views=1, **settings)
    return Outset(TrainingData((plane,)), given, device, 0, ("cell",), start), start


def training(outset: Outset) -> SimpleNamespace:
    """Return a training that sets out so, with what it needs for counting."""
    task, _ = task_with(outset.data.train[0].hints.points)
    return SimpleNamespace(outset=outset, fields=task.fields, scale=1.0, at_work=outset.at_work)


def threshold(clicked_in: list[int]) -> float:
    """Return the threshold for clicks of these rounds."""
    task, answer = task_with(Points(CENTRES[: len(clicked_in)], rounds=clicked_in))
    return task_threshold.told_by_clicks(task, [answer])


def test_corrections_are_no_sample_of_the_cells():
    assert threshold([0] * 10 + [1] * 6) == threshold([0] * 10) == pytest.approx(0.11)
    assert threshold([0] * 16) == pytest.approx(0.05)  # had the last six been clicked at first


def test_few_clicks_from_before_leave_no_choice():
    assert threshold([0] * 9 + [1] * 7) == threshold([0] * 16)


# --- how many cells there are


@pytest.mark.parametrize(
    ("points", "cells"),
    [
        (Points(CENTRES[:4]), 10),  # all four are found, and six more
        (Points(CENTRES[8:13]), 13),  # three were missed
        (Points(CENTRES[:4], classes=["cell", "cell", BACKGROUND, BACKGROUND]), 8),  # two were none
        (Points(CENTRES), len(CENTRES)),  # all are marked
    ],
    ids=["found", "missed", "rejected", "all"],
)
def test_the_last_models_cells_once_corrected(points, cells):
    outset, start = going_on(points, 0.4)
    assert finish(task_threshold.count_cells(training(outset), start)) == cells


def test_cells_are_counted_on_as_much_of_the_image_as_is_learnt_from():
    outset, start = going_on(Points(CENTRES[:4]), 0.4)
    seen = training(outset)
    seen.scale = 0.5  # as many pixels at half the scale: four times the area
    assert finish(task_threshold.count_cells(seen, start)) == 4 + 4 * 6


@pytest.mark.parametrize(("height", "cells"), [(0.05, len(CENTRES)), (0.3, 10), (2.0, 4)])
def test_cells_that_maps_show(height, cells):
    task, answer = task_with(Points(CENTRES[:4]))
    task.threshold = height
    assert task_threshold.count_found(task, [answer]) == cells  # at least those marked


def test_going_on_finds_as_many_cells_as_there_are():
    task, answer = task_with(Points(CENTRES[:10]))
    task.cells = 10
    task_threshold.set_threshold(task, [answer])
    assert task.threshold == pytest.approx((0.5 * 0.1) ** 0.5, rel=1e-3)


@pytest.mark.parametrize("clicks", [10, 16])
def test_the_stage_before_counts_beside_the_clicks(clicks):
    task, answer = task_with(Points(CENTRES[:clicks]))
    task.cells, task.found_before = None, 10
    by_clicks = task_threshold.told_by_clicks(task, [answer])
    task_threshold.set_threshold(task, [answer])
    assert task.threshold == pytest.approx(steadied(by_clicks, (0.5 * 0.1) ** 0.5, clicks), rel=1e-3)
    assert task.threshold > by_clicks


@pytest.mark.parametrize(
    ("clicks", "threshold"),
    [(0, 0.4), (150, 0.2), (450, 0.1 * 2**0.5), (10**9, 0.1)],  # four times as high as clicks tell
)
def test_the_fewer_clicks_the_more_counts_what_was_found(clicks, threshold):
    assert steadied(0.1, 0.4, clicks) == pytest.approx(threshold)


# --- what verdicts on suggestions tell


def judged(*rows: tuple[int, int, str]) -> Points:
    """Points at cells, by number: the round, and "clicked", "accepted" or "rejected"."""
    at, given, what = zip(*rows, strict=True)
    return Points(
        CENTRES[list(at)],
        classes=np.array([BACKGROUND if w == "rejected" else "cell" for w in what], dtype=object),
        sources=np.array(["accepted" if w == "accepted" else "click" for w in what], dtype=object),
        rounds=given,
    )


REJECTED = judged((12, 1, "rejected"), (13, 1, "rejected"), (14, 1, "rejected"), (0, 1, "accepted"))


def heeded(points: Points, judged_until: int = 0, **settings: object) -> Description:
    """Return the last model's description with its threshold, 0.1 · 1.2, moved by these verdicts."""
    outset, start = going_on(points, 0.12, judged_until, **settings)
    return finish(task_threshold.heed_verdicts(outset, start)).description


def test_verdicts_change_the_threshold_for_good():
    heights, right = np.array([0.5, 0.1, 0.1, 0.1]), np.array([True] + [False] * 3)
    strictness = strictness_of_verdicts(heights, right, 0.12, 0, 1.2)
    assert strictness > 1.25
    about = heeded(REJECTED)
    assert about.threshold == pytest.approx(0.1 * strictness, rel=1e-2)
    assert about.strictness == pytest.approx(strictness, rel=1e-2)
    assert about.judged_until == 1


@pytest.mark.parametrize(
    ("points", "judged_until"),
    [
        (REJECTED, 1),  # learnt from already
        (judged((12, 0, "rejected"), (13, 0, "rejected")), 0),  # before there was a model
        (judged((12, 1, "clicked"), (13, 1, "clicked")), 0),  # cells that were missed
    ],
    ids=["old", "unprompted", "missed"],
)
def test_what_is_no_fresh_verdict_changes_nothing(points, judged_until):
    about = heeded(points, judged_until)
    assert (about.threshold, about.strictness) == (pytest.approx(0.12), pytest.approx(1.2))


def test_under_a_threshold_that_was_set_verdicts_count_as_learnt():
    about = heeded(REJECTED, threshold=0.2)
    assert (about.threshold, about.strictness, about.judged_until) == (0.2, pytest.approx(1.2), 1)


def test_a_training_anew_learns_from_verdicts_by_heart():
    hints = HintSet(Points.concatenate([Points(CENTRES[:10]), judged((12, 3, "accepted"))]))
    _, model = fit(get_method("partial-points"), data(hints=hints))
    assert (model.description.strictness, model.description.judged_until) == (1, 3)


def test_a_rejection_away_from_every_peak_is_no_verdict():
    nowhere = Points([(24.0, 26.0)] * 3, classes=BACKGROUND, rounds=1)
    assert heeded(nowhere).strictness == pytest.approx(1.2)


def test_peaks_in_what_is_ignored_tell_nothing():
    task, answer = task_with(Points(CENTRES[:5]))
    bare = task_threshold._peaks(task, task.fields[0], answer)
    y, x = CENTRES[7]
    ignored = Boxes([[y - 6, x - 6, y + 6, x + 6]], classes=IGNORE)
    plane = TrainingImage(image(), HintSet(Points(CENTRES[:5]), ignored))
    (part,) = fields_of(plane, Intensity.of([plane.image]), 1.0, RADIUS, ("cell",))
    found = task_threshold._peaks(task, part, answer)
    assert len(bare.places) == len(CENTRES) and len(found.places) == len(CENTRES) - 1
    assert np.hypot(*(found.places - CENTRES[7]).T).min() > RADIUS
