from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.training.instances import component_instances, seeded_holes, seeded_instances

#: Two hills that touch in column 4, and one that nobody seeds.
HEIGHT = np.array([[0, 1, 2, 1, 0.5, 1, 3, 1, 0, 0, 2, 0]] * 3, dtype=float)
INSIDE = (HEIGHT > 0).astype(float)


def row(labels: np.ndarray) -> list[int]:
    assert (labels == labels[0]).all()
    return labels[0].tolist()


def test_cells_that_touch_are_parted_in_the_valley():
    labels = seeded_instances(INSIDE, HEIGHT, [(1, 2), (1, 6)])
    assert labels.dtype == np.int32
    assert row(labels)[:4] == [0, 1, 1, 1]
    assert row(labels)[5:] == [2, 2, 2, 0, 0, 0, 0]
    assert row(labels)[4] in (1, 2)


def test_labels_name_the_seeds():
    labels = seeded_instances(INSIDE, HEIGHT, [(1, 10), (-5, 2), (1, 2), (1, 99)])
    assert set(np.unique(labels).tolist()) == {0, 1, 3}
    assert labels[1, 10] == 1 and labels[1, 2] == 3


@pytest.mark.parametrize("seeds", [(), [(9, 9)]])
def test_without_a_seed_there_is_nothing(seeds):
    assert not seeded_instances(INSIDE, HEIGHT, seeds).any()


def test_a_seed_outside_of_the_foreground_has_its_own_pixel():
    labels = seeded_instances(np.zeros_like(INSIDE), HEIGHT, [(1, 8)])
    assert np.argwhere(labels).tolist() == [[1, 8]]


def test_of_two_seeds_in_a_pixel_the_first_counts():
    assert seeded_instances(INSIDE, HEIGHT, [(1, 2.2), (1, 1.8)])[1, 2] == 1


def test_no_mask_covers_a_click_on_background():
    labels = seeded_instances(INSIDE, HEIGHT, [(1, 2), (1, 6)], background=[(1, 1), (0, 6), (1, 6), (50, 50)])
    assert labels[1, 1] == labels[0, 6] == labels[1, 6] == 0
    assert labels[1, 2] == 1
    assert not (labels == 2).any()  # its own seed was denied


@pytest.mark.parametrize(("threshold", "pixels"), [(0.5, 2), (0.6, 1), (0.9, 1)])
def test_the_threshold_bounds_the_masks(threshold, pixels):
    foreground = np.array([[0.9, 0.5, 0.1]])
    assert (seeded_instances(foreground, foreground, [(0, 0)], threshold=threshold) > 0).sum() == pixels


# Three rings: their holes are at columns 2, 7 and 12 to 14; the last one is open below.
RINGS = (
    np.array(
        [
            list("................."),
            list(".###..###..#####."),
            list(".#.#..#.#..#...#."),
            list(".###..###..##.##."),
        ]
    )
    == "#"
)


@pytest.mark.parametrize(
    ("seeds", "far", "filled"),
    [
        ([(2, 2)], (), [(2, 2)]),
        ([(2, 2.4), (2, 7)], (), [(2, 2), (2, 7)]),
        ([(2, 2), (2, 7)], [(2, 7)], [(2, 2)]),  # that hole reaches too far
        ([(2, 1), (0, 0), (9, 9)], (), []),  # on a ring, beside all, outside of the image
        ([(2, 13)], (), []),  # not closed
        ((), (), []),
    ],
)
def test_a_hole_with_a_seed_is_the_middle_of_a_cell(seeds, far, filled):
    near = np.ones(RINGS.shape, bool)
    for place in far:
        near[place] = False
    assert np.argwhere(seeded_holes(RINGS, seeds, near)).tolist() == [list(place) for place in filled]


def test_maps_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"foreground has shape \(3, 12\), but height has \(2, 2\)"):
        seeded_instances(INSIDE, np.zeros((2, 2)), [(0, 0)])


#: Two components that touch by a corner only, and one alone; each named by its first pixel, row by row.
FOREGROUND = np.array(
    [
        [0.9, 0.9, 0.0, 0.5],
        [0.0, 0.0, 0.4, 0.0],
        [0.7, 0.0, 0.0, 0.6],
    ]
)


@pytest.mark.parametrize(
    ("threshold", "background", "expected"),
    [
        (0.5, (), [[1, 1, 0, 2], [0, 0, 0, 0], [3, 0, 0, 4]]),
        (0.55, (), [[1, 1, 0, 0], [0, 0, 0, 0], [2, 0, 0, 3]]),
        (0.5, [(0, 1.2), (1, 1), (9, 9)], [[0, 0, 0, 1], [0, 0, 0, 0], [2, 0, 0, 3]]),
        (0.95, (), [[0] * 4] * 3),
    ],
)
def test_components_are_numbered_row_by_row(threshold, background, expected):
    labels = component_instances(FOREGROUND, threshold, background)
    assert labels.dtype == np.int32
    assert labels.tolist() == expected
