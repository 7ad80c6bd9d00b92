from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.supervision.boundary_distance import boundary_distance


def row(values: list[int], r1: float) -> list[float]:
    """The middle row of cells that are as high as the image."""
    return boundary_distance(np.array([values] * 9), r1)[4].tolist()


@pytest.mark.parametrize(
    ("labels", "r1", "expected"),
    [
        ([0, 1, 1, 1, 1, 1, 0], 5, [0, 0.1, 0.3, 0.5, 0.3, 0.1, 0]),
        ([0, 1, 1, 1, 1, 1, 0], 2, [0, 0.25, 0.75, 1, 0.75, 0.25, 0]),  # at most 1
        ([1, 1, 1, 2, 2, 2], 5, [0.5, 0.3, 0.1, 0.1, 0.3, 0.5]),  # touching cells have a boundary
        ([7, 7, 7], 5, [1, 1, 1]),  # the edge of the image is none
        ([0, 0, 0], 5, [0, 0, 0]),
        ([0, 3, 0], 1, [0, 0.5, 0]),
    ],
)
def test_distance_by_hand(labels, r1, expected):
    assert row(labels, r1) == pytest.approx(expected)


def test_a_disk_is_highest_in_its_middle():
    y, x = np.indices((41, 41))
    disk = (np.hypot(y - 20, x - 20) <= 12).astype(np.uint16)
    distance = boundary_distance(disk, 24)
    assert distance.dtype == np.float32
    assert np.unravel_index(distance.argmax(), distance.shape) == (20, 20)
    assert distance.max() == pytest.approx(12 / 24, abs=0.03)  # pixels have corners
    inside = np.hypot(y - 20, x - 20) < 10
    assert distance[inside] == pytest.approx((12 - np.hypot(y - 20, x - 20)[inside]) / 24, abs=0.04)
