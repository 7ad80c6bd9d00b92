"""What a person drew among the labels of pixels, and which nucleus a pixel belongs to."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import Masks
from napari_inkling.methods.partial_points.pixel_labels import (
    PixelLabels,
    drawn_labels,
    instances_of,
    with_drawn,
)
from napari_inkling.supervision import BACKGROUND, IGNORE, NUCLEUS, voronoi_cells
from napari_inkling.training.crops import Field
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.point_fields import TrainingField, Verdicts
from napari_inkling.training.working_image import WorkingImage
from tests.methods.drawing import image

#: One row of twelve pixels, in it two cells that meet between the sixth and the seventh.
CELLS = voronoi_cells(np.array([(0.0, 2.0), (0.0, 9.0)]), (1, 12))
NOTHING = np.full((1, 12), IGNORE, np.int8)


def drawn(*columns: int, value: int = 1) -> np.ndarray:
    labels = np.zeros((1, 12), np.int64)
    labels[0, list(columns)] = value
    return labels


@pytest.mark.parametrize(
    ("columns", "r1", "nucleus", "background"),
    [
        ([], 2, [], []),
        ([2], 1, [2], [1, 3]),
        ([1, 2], 2, [1, 2], [0, 3, 4]),
        ([3, 4], 3, [3, 4], [0, 1, 2, 5]),  # not beyond the cell
        ([4, 5, 6], 2, [4, 5, 6], [2, 3]),  # most of it lies in the first cell
        ([8, 10], 1, [8, 10], [7, 9, 11]),
    ],
)
def test_around_what_was_drawn_is_background(columns, r1, nucleus, background):
    label = with_drawn(NOTHING, CELLS, drawn(*columns), r1)
    assert np.flatnonzero(label[0] == NUCLEUS).tolist() == nucleus
    assert np.flatnonzero(label[0] == BACKGROUND).tolist() == background


def test_what_was_drawn_overrides_what_was_thought():
    thought = np.array([[1, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0]], np.int8)
    assert with_drawn(thought, CELLS, drawn(2), 1).tolist() == [[1, 0, 1, 0, 1, 1, 0, 1, 1, 1, 1, 0]]


def test_pixels_of_a_nucleus_belong_to_its_cell_or_to_what_was_drawn():
    label = np.array([[0, 1, 1, 0, -1, -1, -1, 0, 1, 1, 1, 1]], np.int8)
    labels = PixelLabels(label, None, CELLS, drawn(10, 11))
    assert instances_of(labels).tolist() == [[0, 1, 1, 0, 0, 0, 0, 0, 2, 2, 4, 4]]


@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("corner", [0, 8])
def test_drawn_masks_at_the_working_scale(scale, corner):
    painted = np.zeros((104, 104), np.int64)
    painted[20:40, 30:52], painted[60:70, 10:30] = 1, 2
    working = WorkingImage(image(), scale, Intensity.of([image()]))
    window = working.whole.grown(-corner, *working.shape) if corner else working.whole
    pixels = working.read(window)
    none = np.empty((0, 2))
    nobody = Verdicts(none, np.empty(0, bool), np.empty(0, np.int64))
    part = TrainingField(image(), window, Field(pixels, none), none, np.empty(0, np.int64), none,
                         np.empty(0, bool), nobody, 6.0, np.empty((0, 4)))  # fmt: skip
    found = drawn_labels(Masks.from_labels(painted), working, part)
    step = round(1 / scale)
    assert found.shape == part.shape
    middle = painted[step // 2 :: step, step // 2 :: step][
        window.top : window.bottom, window.left : window.right
    ]
    assert (found == middle).mean() > 0.99  # half-way pixels round either way
    assert set(np.unique(found)) == {0, 1, 2}
