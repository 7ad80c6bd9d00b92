from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from napari_inkling.supervision import (
    agreed,
    at_paper_scale,
    mark_background,
    voronoi_cells,
    voronoi_edges,
    voronoi_label,
)

VALUES = {"#": 1, "|": 0, ".": -1}


def drawn(*rows: str) -> np.ndarray:
    return np.array([[VALUES[sign] for sign in row] for row in rows], dtype=np.int8)


# points, radius, label: # nucleus, | background, . ignored
DRAWN = {
    "two": (
        [(2, 1), (2, 4)],
        1,
        drawn("..|...", ".#|.#.", "##|###", ".#|.#.", "..|..."),
    ),
    "one has no edge": ([(1, 1)], 1, drawn(".#..", "###.", ".#..")),
    "none": (np.empty((0, 2)), 1, drawn("...", "...")),
    "neighbours keep their own pixels": ([(0, 1), (0, 2)], 2, drawn("####", "#|##", ".|#.")),
    "between pixels": ([(0.4, 0.6), (0.3, 4.4)], 0, drawn(".#|.#.", "..|...")),
    "several in one pixel are one": ([(0.1, 1), (0, 1.2), (-0.3, 0.8)], 0, drawn(".#..", "....")),
    "outside, yet with a cell": ([(1, 2), (1, -1)], 1, drawn("|.#.", "|###", "|.#.")),
}


@pytest.mark.parametrize(("points", "radius", "expected"), DRAWN.values(), ids=DRAWN.keys())
def test_drawn_by_hand(points, radius, expected):
    label = voronoi_label(voronoi_cells(points, expected.shape), radius)
    assert label.dtype == np.int8
    np.testing.assert_array_equal(label, expected)


LAYOUTS = {
    "anywhere": np.random.default_rng(0).uniform(0, 59, (40, 2)),
    "on one row": np.array([[30, x] for x in range(3, 60, 9)], float),
    "on a diagonal": np.array([[x, x] for x in range(3, 60, 9)], float),
    "on a grid": np.array([[y, x] for y in range(5, 60, 10) for x in range(5, 60, 10)], float),
}


@pytest.mark.parametrize("points", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_edges_part_the_cells_and_are_thin(points):
    index = voronoi_cells(points, (60, 60)).index
    edges = voronoi_edges(index)
    for dy, dx in [(0, 1), (1, 0), (1, 1), (1, -1)]:
        for y, x in np.ndindex(60 - dy, 60 - abs(dx)):
            x0 = x + max(0, -dx)
            if not edges[y, x0] and not edges[y + dy, x0 + dx]:
                assert index[y, x0] == index[y + dy, x0 + dx]
    beside_another = ndimage.maximum_filter(index, 3) != ndimage.minimum_filter(index, 3)
    assert edges.any() and not (edges & ~beside_another).any()


@pytest.mark.parametrize("points", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_every_point_is_a_nucleus_of_its_own_cell(points):
    cells = voronoi_cells(points, (60, 60))
    label = voronoi_label(cells)
    for number, (y, x) in enumerate(np.round(points).astype(int)):
        assert label[y, x] == 1
        assert cells.index[y, x] == number or (np.round(points[cells.index[y, x]]) == (y, x)).all()


def test_a_crop_has_the_cells_of_the_whole():
    points = np.random.default_rng(1).uniform(0, 80, (50, 2))
    whole = voronoi_label(voronoi_cells(points, (80, 80)))
    crop = voronoi_label(voronoi_cells(points - (13, 22), (41, 30)))
    np.testing.assert_array_equal(crop[:-1, :-1], whole[13:53, 22:51])  # the last edges need a look beyond


def test_points_must_be_finite():
    with pytest.raises(ValueError, match=r"point 1 is at \(nan, 2.0\)"):
        voronoi_cells([(1, 1), (np.nan, 2)], (4, 4))


def test_clicks_on_what_is_not_a_cell_are_background():
    label = mark_background(drawn(".....", "..#..", "....."), [(0.8, 0.1), (9, 9)], radius=1)
    np.testing.assert_array_equal(label, drawn("|....", "||#..", "|...."))
    np.testing.assert_array_equal(mark_background(label, np.empty((0, 2))), label)


# what two labels say, and what they say together
TOGETHER = [(1, 1, 1), (0, 0, 0), (1, 0, -1), (1, -1, 1), (0, -1, 0), (-1, -1, -1)]


@pytest.mark.parametrize(("one", "other", "both"), TOGETHER)
def test_agreed(one, other, both):
    first, second = np.full((2, 2), one, np.int8), np.full((2, 2), other, np.int8)
    for labels in [(first, second), (second, first), (first, second, np.full((2, 2), -1, np.int8))]:
        together = agreed(*labels)
        assert together.dtype == np.int8
        assert (together == both).all()


def test_lengths_scale_with_the_cells():
    assert at_paper_scale(20, 11) == 20
    assert at_paper_scale(20, 5.5) == 10
