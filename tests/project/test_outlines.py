"""Masks as polygons along the edges of their pixels, and polygons as masks."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import ndimage
from skimage.measure import points_in_poly
from tests.project.formats_cases import bitmap

from napari_inkling.project.formats.outlines import filled, is_rectangle, outlines

HAND = {
    "a pixel": (["#"], [[[(0, 0), (1, 0), (1, 1), (0, 1)]]]),
    "a row": (["###"], [[[(0, 0), (3, 0), (3, 1), (0, 1)]]]),
    "an L": (["#.", "##"], [[[(0, 0), (1, 0), (1, 1), (2, 1), (2, 2), (0, 2)]]]),
    "pixels that touch by a corner": (
        ["#.", ".#"],
        [[[(0, 0), (1, 0), (1, 1), (0, 1)]], [[(1, 1), (2, 1), (2, 2), (1, 2)]]],
    ),
    "a hole": (
        ["###", "#.#", "###"],
        [[[(0, 0), (3, 0), (3, 3), (0, 3)], [(1, 1), (1, 2), (2, 2), (2, 1)]]],
    ),
    "a hole that touches the outside by a corner": (
        ["###", "#.#", "##."],
        [[[(0, 0), (3, 0), (3, 2), (2, 2), (2, 3), (0, 3)], [(1, 1), (1, 2), (2, 2), (2, 1)]]],
    ),
}


def rotated(ring):
    """Return a ring from its smallest corner on: where it begins does not matter."""
    corners = [(int(x), int(y)) for x, y in ring]
    first = corners.index(min(corners))
    return corners[first:] + corners[:first]


@pytest.mark.parametrize(("lines", "expected"), HAND.values(), ids=HAND.keys())
def test_by_hand(lines, expected):
    found = sorted([rotated(ring) for ring in polygon] for polygon in outlines(bitmap(lines)))
    assert found == expected


def every_mask(height, width):
    for bits in product([False, True], repeat=height * width):
        if any(bits):
            yield np.array(bits).reshape(height, width)


def area(ring):
    x, y = np.asarray(ring).T
    return (x @ np.roll(y, -1) - np.roll(x, -1) @ y) / 2


def check(mask):
    polygons = outlines(mask)
    for outer, *holes in polygons:
        assert area(outer) > 0
        assert all(area(hole) < 0 for hole in holes)
        for ring in (outer, *holes):
            assert len({tuple(corner) for corner in ring.tolist()}) == len(ring) >= 4  # it never meets itself
    assert len(polygons) == ndimage.label(mask)[1]
    assert sum(area(ring) for polygon in polygons for ring in polygon) == mask.sum()
    top, left, found = filled(polygons, None)
    whole = np.zeros_like(mask)
    whole[top : top + found.shape[0], left : left + found.shape[1]] = found
    assert np.array_equal(whole, mask)


def test_every_mask_of_nine_pixels_comes_back():
    for mask in every_mask(3, 3):
        check(mask)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_large_random_masks_come_back(share):
    random = np.random.default_rng(0)
    for side in (5, 13, 40):
        mask = random.random((side, side + 3)) < share
        mask[0, 0] = mask[-1, -1] = True
        check(mask)


def test_polygons_hold_the_pixels_whose_centres_they_hold():
    random = np.random.default_rng(1)
    centres = np.stack(np.meshgrid(np.arange(30), np.arange(20)), -1).reshape(-1, 2) + 0.5
    for corners in (3, 4, 7):
        ring = random.uniform((-3, -3), (33, 23), (corners, 2))
        found = filled([[ring]], (20, 30))
        expected = points_in_poly(centres, ring).reshape(20, 30)
        image = np.zeros((20, 30), bool)
        if found:
            top, left, crop = found
            image[top : top + crop.shape[0], left : left + crop.shape[1]] = crop
        assert np.array_equal(image, expected)


@pytest.mark.parametrize(
    ("ring", "expected"),
    [
        ([(1, 1), (4, 1), (4, 3), (1, 3)], True),
        ([(4, 1), (4, 3), (1, 3), (1, 1)], True),
        ([(1, 1), (1, 3), (4, 3), (4, 1)], True),
        ([(1, 1), (4, 1), (4, 3), (1, 2.9)], False),
        ([(1, 1), (4, 1), (4, 3)], False),
        ([(1, 1), (1, 1), (4, 3), (4, 3)], False),
        ([(1, 1), (4, 1), (5, 1), (1, 1)], False),
        ([(1, 1), (4, 1), (4, 2), (4, 3), (1, 3)], False),
    ],
)
def test_rectangles(ring, expected):
    assert is_rectangle([[np.array(ring, float)]]) == expected
    assert not is_rectangle([[np.array(ring, float)]] * 2)


@pytest.mark.parametrize(
    "ring",
    [[(0.6, 0.6), (0.9, 0.6), (0.9, 0.9)], [(-5, 0), (-1, 0), (-1, 3)], [(30, 0), (40, 0), (40, 9)]],
)
def test_polygons_without_a_centre_in_them(ring):
    assert filled([[np.array(ring)]], (20, 30)) is None


def test_a_polygon_as_large_as_the_world_is_refused():
    with pytest.raises(ValueError, match=r"100000 × 100000 pixels is too large"):
        filled([[np.array([(0, 0), (1e5, 0), (1e5, 1e5)])]], None)
