"""Large planes are learnt from in parts, and the parts say what the whole would say."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, HintSet, Points, TrainingImage
from napari_inkling.methods.partial_points import PartialPointsSettings, training_fields
from napari_inkling.methods.partial_points.training_fields import fields_of
from napari_inkling.training.intensity import Intensity
from tests.methods.drawing import RADIUS, image

#: Cells on both sides of the seams at 52, and a click on background; the last cell is alone.
PLACES = np.array([(12.0, 50.0), (14.0, 55.0), (49.0, 20.0), (60.0, 57.0), (20.0, 61.0), (90.0, 9.0)])
NAMES = np.array(["round", "spiky", "round", "spiky", BACKGROUND, "round"], dtype=object)
CLASSES = ("round", "spiky")


@pytest.mark.parametrize("mask", ["extended", "plain"])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_masks_of_the_parts_are_those_of_the_whole(monkeypatch, mask, scale):
    plane = TrainingImage(image(), HintSet(Points(PLACES, classes=NAMES)))
    settings = PartialPointsSettings(mask=mask)
    seen = Intensity.of([plane.image])

    def parts():
        return list(fields_of(plane, seen, scale, RADIUS, CLASSES))

    (whole,) = parts()
    expected = whole.known_mask(settings, len(CLASSES))
    monkeypatch.setattr(training_fields, "LARGEST_FIELD", 10)
    monkeypatch.setattr(training_fields, "FIELD", round(52 * scale))
    found = parts()
    assert [part.window.shape for part in found] == [(round(52 * scale),) * 2] * 4
    for part in found:
        window = part.window
        rows, columns = slice(window.top, window.bottom), slice(window.left, window.right)
        np.testing.assert_array_equal(part.known_mask(settings, len(CLASSES)), expected[:, rows, columns])
    marked = [part.field.marked + np.array([part.window.top, part.window.left]) for part in found]
    assert sorted(map(tuple, np.concatenate(marked))) == sorted(map(tuple, whole.field.marked))
