"""What a round of training leaves behind beside the weights: the threshold."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_inkling.core import HintSet, Points, TrainingImage
from napari_inkling.methods.partial_points import PartialPointsSettings, rounds
from napari_inkling.methods.partial_points.training_fields import fields_of
from napari_inkling.supervision import nearest_point
from napari_inkling.training.intensity import Intensity
from tests.methods.drawing import CENTRES, RADIUS, image


def threshold(clicked_in: list[int]) -> float:
    """Return the threshold for clicks of these rounds; the first ten cells answer 0.5, the rest 0.1."""
    points = Points(CENTRES[: len(clicked_in)], rounds=clicked_in)
    plane = TrainingImage(image(), HintSet(points))
    fields = list(fields_of(plane, Intensity.of([plane.image]), 1.0, RADIUS, ("cell",)))
    near = nearest_point(CENTRES, (104, 104))
    heights = np.where(np.arange(len(CENTRES)) < 10, 0.5, 0.1)
    answer = np.where(near.distance < RADIUS, heights[near.index], 0).astype(np.float32)[np.newaxis]
    task = SimpleNamespace(fields=fields, settings=PartialPointsSettings(), classes=("cell",))
    return rounds._threshold(task, [answer])


def test_corrections_are_no_sample_of_the_cells():
    assert threshold([0] * 10 + [1] * 6) == threshold([0] * 10) == pytest.approx(0.11)
    assert threshold([0] * 16) == pytest.approx(0.05)  # had the last six been clicked at first


def test_few_clicks_from_before_leave_no_choice():
    assert threshold([0] * 9 + [1] * 7) == threshold([0] * 16)
