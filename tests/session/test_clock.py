"""How long a person annotates: laps, and who gets the seconds of an edit."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, Boxes, HintSet, Masks, Points
from napari_inkling.session.clock import AnnotationClock, seconds_each, timed


@pytest.mark.parametrize(
    ("ticks", "laps"),
    [
        ([0.0, 1.5, 2.0], [1.5, 0.5]),
        ([0.0, 30.0, 31.0], [10.0, 1.0]),
        ([5.0, 5.0], [0.0]),
    ],
)
def test_clock(ticks: list[float], laps: list[float]) -> None:
    now = iter(ticks)
    clock = AnnotationClock(idle=10.0, clock=lambda: next(now))
    clock.start()
    assert [clock.lap() for _ in laps] == laps


def test_clock_that_was_never_started() -> None:
    now = iter([3.0, 4.0])
    clock = AnnotationClock(clock=lambda: next(now))
    assert [clock.lap(), clock.lap()] == [0.0, 1.0]


def test_the_time_of_an_edit_is_shared_by_a_persons_new_rows_of_every_kind() -> None:
    pixel = np.ones((1, 1), bool)
    there = HintSet(masks=Masks.from_crops([[0, 0]], [pixel], ids=[1]))
    after = HintSet(
        Points([[1, 2]]),
        Boxes([[0, 0, 1, 1]], sources="accepted"),
        Masks.from_crops([[0, 0], [5, 5]], [pixel] * 2, ids=[1, 2]),
    )
    rows = timed(there, after, 6.0, round=2)
    assert [kind.seconds.tolist() for kind in rows.kinds] == [[3.0], [0.0], [0.0, 3.0]]
    assert [kind.rounds.tolist() for kind in rows.kinds] == [[2], [0], [0, 2]]
    assert [kind.times.astype(bool).tolist() for kind in rows.kinds] == [[True], [False], [False, True]]


def test_what_a_correction_took_is_added_to_its_mask() -> None:
    shapes = [np.ones((2, 2)), np.ones((3, 3))]
    there = Masks.from_crops([[0, 0], [9, 9]], [shapes[0]] * 2, ids=[1, 2], seconds=[5.0, 1.0])
    after = Masks.from_crops(
        [[0, 0], [9, 9], [20, 20]], [shapes[1], *shapes], ids=[1, 2, 3], seconds=[5.0, 1.0, 0]
    )
    after = after.with_ids([1, 3])
    rows = timed(HintSet(masks=there.with_ids([1])), HintSet(masks=after), 4.0)
    assert rows.masks.seconds.tolist() == [7.0, 2.0]  # one corrected, one new


def test_what_is_accepted_takes_its_share() -> None:
    points = Points([[1, 2], [3, 4]], sources=["accepted", "human"], times=7.0)
    rows = timed(HintSet(), HintSet(points), 4.0, source="accepted")
    assert rows.points.seconds.tolist() == [4.0, 0.0]
    assert rows.points.times.tolist() == [7.0, 7.0]


def test_the_mean_of_each_kind_of_hint() -> None:
    pixel = [np.ones((1, 1))]
    places = np.zeros((6, 2))
    classes = ["cell", "cell", BACKGROUND, "cell", "cell", "cell"]
    points = Points(places, classes, ids=[1, 2, 3, 4, 5, 6], seconds=[1, 2, 0.5, 0.25, 0, 0],
                    sources=["human", "human", "human", "accepted", "accepted", "imported"])  # fmt: skip
    accepted = Masks.from_crops([[0, 0]], pixel, ids=[4], seconds=0.25, sources="accepted")
    drawn = Masks.from_crops([[5, 5]], pixel, ids=[5], seconds=8)
    first = HintSet(points, Boxes([[0, 0, 1, 1]], seconds=7), accepted)
    found = seconds_each([first, HintSet(masks=drawn), HintSet()])
    assert found == {
        "point": (2, 1.5), "not a cell": (1, 0.5), "accepted": (1, 0.5), "box": (1, 7), "mask": (1, 8),
    }  # fmt: skip
    assert seconds_each([]) == {}
