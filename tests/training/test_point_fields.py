"""Large planes are learnt from in parts, and the parts say what the whole would say."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, HintSet, Points, TrainingImage
from napari_inkling.training import working_image
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.point_fields import fields_of
from tests.methods.drawing import RADIUS, image

#: Cells on both sides of the seams at 52, and a click on background; the last cell is alone.
PLACES = np.array([(12.0, 50.0), (14.0, 55.0), (49.0, 20.0), (60.0, 57.0), (20.0, 61.0), (90.0, 9.0)])
NAMES = np.array(["round", "spiky", "round", "spiky", BACKGROUND, "round"], dtype=object)
CLASSES = ("round", "spiky")


#: Around a cell, over a seam, and at the image's corner.
IGNORED = Boxes([(40, 10, 58, 30), (45, 40, 70, 56), (-5, -5, 3, 3)], classes=IGNORE)


@pytest.mark.parametrize("mask", ["extended", "plain", "disks"])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_where_nobody_labelled_nothing_is_known(mask, scale):
    hints = HintSet(Points(PLACES, classes=NAMES), IGNORED)
    plane = TrainingImage(image(), hints)
    bare = TrainingImage(plane.image, HintSet(hints.points))
    seen = Intensity.of([plane.image])
    (part,), (other,) = (list(fields_of(p, seen, scale, RADIUS, CLASSES)) for p in (plane, bare))
    known, before = (p.known_mask(len(CLASSES), mask, 0.25) for p in (part, other))
    y, x = (np.indices(part.shape) + 0.5) / scale - 0.5  # in pixels of the image
    boxes = [(y >= y0) & (y <= y1) & (x >= x0) & (x <= x1) for y0, x0, y1, x1 in IGNORED.coordinates]
    marked = np.min([np.hypot(y - py, x - px) for py, px in hints.points.cells.coordinates], axis=0) < RADIUS
    expected = np.logical_or.reduce(boxes) & ~marked
    np.testing.assert_array_equal(part.unlabelled, expected)
    assert expected.sum() > 100
    np.testing.assert_array_equal(known, np.where(expected, -1, before))
    assert part.left_open(np.zeros(part.shape, np.int8)).dtype == np.int8
    assert other.left_open(before) is before


@pytest.mark.parametrize("mask", ["extended", "plain", "disks"])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_masks_of_the_parts_are_those_of_the_whole(monkeypatch, mask, scale):
    plane = TrainingImage(image(), HintSet(Points(PLACES, classes=NAMES), IGNORED))
    seen = Intensity.of([plane.image])

    def parts():
        return list(fields_of(plane, seen, scale, RADIUS, CLASSES))

    (whole,) = parts()
    expected = whole.known_mask(len(CLASSES), mask, 0.25)
    monkeypatch.setattr(working_image, "LARGEST_FIELD", 10)
    monkeypatch.setattr(working_image, "FIELD", round(52 * scale))
    found = parts()
    assert [part.window.shape for part in found] == [(round(52 * scale),) * 2] * 4
    for part in found:
        window = part.window
        rows, columns = slice(window.top, window.bottom), slice(window.left, window.right)
        np.testing.assert_array_equal(part.known_mask(len(CLASSES), mask, 0.25), expected[:, rows, columns])
    marked = [part.field.marked + np.array([part.window.top, part.window.left]) for part in found]
    assert sorted(map(tuple, np.concatenate(marked))) == sorted(map(tuple, whole.field.marked))
