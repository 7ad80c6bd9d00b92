from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, HintSet, Masks, Points
from napari_inkling.methods.partial_points.seeds import seeds_beside

RADIUS = 6.0
MARKED = HintSet(Points([(20, 20), (5, 5)], classes=["cell", BACKGROUND]))


@pytest.mark.parametrize(
    ("place", "kept"),
    [
        ((20, 25.9), False),  # nearer to the person's cell than a radius
        ((20, 26.1), True),
        ((5, 7.9), False),  # nearer to the click on background than half a radius
        ((5, 8.1), True),
    ],
)
def test_what_is_found_beside_what_was_marked(place, kept):
    seeds = seeds_beside(MARKED, Points([place], scores=0.7, sources="model"), ("cell",), RADIUS)
    expected = [(20, 20), place] if kept else [(20, 20)]
    assert list(map(tuple, seeds.points.coordinates)) == expected
    assert seeds.marked.tolist() == [True, False][: len(expected)]


def test_what_is_sure():
    found = Points([(40, 40), (60, 60)], scores=[0.5, 0.4], sources="model")
    assert seeds_beside(MARKED, found, ("cell",), RADIUS).sure.tolist() == [True, True, False]


def test_a_marked_cell_of_an_unknown_class_is_of_the_first():
    hints = HintSet(Points([(1, 1), (9, 9)], classes=["lost", "b"]))
    assert seeds_beside(hints, Points(), ("a", "b"), RADIUS).points.classes.tolist() == ["a", "b"]


def test_what_a_person_drew_is_no_seed():
    drawn = np.zeros((30, 30), np.int64)
    drawn[4:9, 4:9] = 1
    hints = HintSet(MARKED.points, masks=Masks.from_labels(drawn))
    assert seeds_beside(hints, Points(), ("cell",), RADIUS).points.coordinates.tolist() == [[20, 20]]


def test_a_cell_that_is_marked_and_found_is_one():
    hints = HintSet(Points([(20, 20), (20, 29), (60, 60)]))
    found = Points([(20, 24), (20, 23), (80, 80)], scores=0.7, sources="model")
    ids = seeds_beside(hints, found, ("cell",), RADIUS).points.ids.tolist()
    # The first mark is nearest to the second centre, the second to the first; nobody found the third.
    assert ids[:2] == [found.ids[1], found.ids[0]]
    assert ids[2] not in found.ids and ids[3] == found.ids[2]
    twice = HintSet(Points([(20, 20), (20, 26)]))
    one = seeds_beside(twice, found.take([1]), ("cell",), RADIUS).points.ids.tolist()
    assert one.count(found.ids[1]) == 1 and len(set(one)) == 2
