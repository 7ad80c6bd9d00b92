from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.methods.partial_points.disagreement import ALIKE, UNLIKE, disagreements

PLACE = np.array([[10.0, 10.0]])
FIRST = np.array([0])


def one(views, radius=3.0, places=PLACE, channels=FIRST):
    return disagreements(np.asarray(views, np.float32), places, channels, radius).tolist()


def flat(*values: float):
    """One class; each view is the same everywhere."""
    return np.stack([np.full((1, 21, 21), value) for value in values])


@pytest.mark.parametrize(
    ("values", "variation"),
    [
        ((0.5, 0.5), 0),
        ((0.0, 0.0), 0),
        ((0.5, 0.4), 0.1 / np.sqrt(2) / 0.45),  # below ALIKE
        ((0.6, 0.2), 0.4 / np.sqrt(2) / 0.4),  # s = |a - b| / √2
        ((0.2, 0.6), 0.4 / np.sqrt(2) / 0.4),
        ((0.06, 0.02), 0.4 / np.sqrt(2) / 0.4),  # the height alone says nothing
        ((0.8, 0.0), np.sqrt(2)),
        ((0.4, 0.4, 0.4, 0.0), 0.2 / 0.3),  # s² = (3 · .1² + .3²) / 3
        ((0.4, 0.0, 0.0, 0.0), 2),  # cut off
    ],
)
def test_the_coefficient_of_variation(values, variation):
    expected = np.clip((variation - ALIKE) / (UNLIKE - ALIKE), 0, 1)
    assert one(flat(*values)) == pytest.approx([expected], abs=1e-5)


def test_a_peak_a_pixel_beside_is_the_same_one():
    views = np.zeros((2, 1, 21, 21))
    views[0, 0, 10, 10] = views[1, 0, 11, 10] = 0.9
    assert one(views) == [0]


@pytest.mark.parametrize(("away", "expected"), [(3, 0), (4, 1)])
def test_only_the_disk_of_a_cell_counts(away, expected):
    views = np.zeros((2, 1, 21, 21))
    views[0, 0, 10, 10] = views[1, 0, 10, 10 + away] = 0.9
    assert one(views) == [expected]


def test_what_counts_is_the_map_of_the_class():
    views = np.stack([np.stack([np.full((9, 9), v) for v in pair]) for pair in ((0.5, 0.3), (0.5, 0.0))])
    places = np.array([[4.0, 4.0], [4.4, 3.6]])
    assert one(views, places=places, channels=np.array([0, 1])) == [0, 1]


@pytest.mark.parametrize("place", [(0, 0), (0, 8), (8.4, 0), (8, 8)])
def test_at_an_edge(place):
    assert one(flat(0.5, 0.5)[..., :9, :9], radius=5.5, places=np.array([place])) == [0]


def test_no_place():
    assert one(flat(0.5, 0.1), places=np.empty((0, 2)), channels=np.empty(0, np.int64)) == []
