"""Clicks held out of a training: a fair quarter, with all that is marked of these cells."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, Boxes, HintSet, PlaneRef, Points, TooFewHintsError
from napari_inkling.project import Snapshot, SnapshotImage
from napari_inkling.session.holding_out import hold_out

A, B, C = PlaneRef("a"), PlaneRef("b"), PlaneRef("c")


def clicks(count, classes="cell", **columns):
    return Points([(10.0 * i, 5) for i in range(count)], classes=classes, **columns)


def plane(ref, points=None, complete=False, **hints):
    return SnapshotImage(ref, f"{ref}.tif", HintSet(points or Points(), **hints), complete)


def of(*images, watch=A):
    return Snapshot(images, ("cell", "other"), watch)


def held_ids(held):
    return sorted(i for hints in held.to_find.values() for i in hints.ids.tolist())


def test_a_quarter_is_held_out_and_the_rest_trains():
    snapshot = of(plane(A, clicks(40)), plane(B, clicks(20)), plane(C))
    held = hold_out(snapshot)
    assert not held.exact
    assert held.training.watch is None
    assert {ref: len(hints) for ref, hints in held.to_find.items()} == {A: 10, B: 5}
    assert [len(item.hints) for item in held.training.images] == [30, 15, 0]
    assert [item.ref for item in held.planes.images] == [A, B]
    for item in held.planes.images:
        both = [*item.hints.ids.tolist(), *held.to_find[item.ref].ids.tolist()]
        before = next(i for i in snapshot.images if i.ref == item.ref)
        assert sorted(both) == sorted(before.hints.ids.tolist())
    assert {ref: len(hints) for ref, hints in held.trained_on.items()} == {A: 30, B: 15}


def test_every_class_has_its_share():
    mixed = Points.concatenate([clicks(32, "cell"), clicks(8, "other")])
    held = hold_out(of(plane(A, mixed)))
    assert Counter(held.to_find[A].classes) == {"cell": 8, "other": 2}


def test_the_seed_decides_and_every_click_has_its_chance():
    snapshot = of(plane(A, clicks(20)))
    assert held_ids(hold_out(snapshot, 3)) == held_ids(hold_out(snapshot, 3))
    assert held_ids(hold_out(snapshot, 3)) != held_ids(hold_out(snapshot, 4))
    times = Counter(i for seed in range(200) for i in held_ids(hold_out(snapshot, seed)))
    assert len(times) == 20
    assert min(times.values()) > 25 and max(times.values()) < 80  # 50 on average


def test_the_same_id_on_another_image_is_another_cell():
    same = clicks(20)
    held = hold_out(of(plane(A, same), plane(B, same)))
    assert held.count == 10
    assert [len(item.hints) for item in held.training.images] == [15, 15]


def test_at_least_five_are_held_out():
    assert hold_out(of(plane(A, clicks(10)))).count == 5


@pytest.mark.parametrize(
    "points",
    [
        clicks(9),
        Points.concatenate([clicks(9), clicks(5, sources="accepted")]),
        Points.concatenate([clicks(9), clicks(5, classes=BACKGROUND)]),
    ],
)
def test_too_few_clicks_are_refused(points):
    with pytest.raises(TooFewHintsError, match="at least 10 clicks on cells, and there are 9: mark 1 more"):
        hold_out(of(plane(A, points)))


def test_what_is_not_a_persons_click_on_a_cell_stays():
    other = Points.concatenate([clicks(20, classes=BACKGROUND), clicks(20, sources="accepted")])
    held = hold_out(of(plane(A, Points.concatenate([clicks(20), other]))))
    assert set(held_ids(held)).isdisjoint(other.ids.tolist())
    assert set(other.ids.tolist()) <= set(held.training.images[0].hints.ids.tolist())


def test_with_a_click_goes_the_box_of_its_cell():
    points = clicks(20)
    corners = np.hstack([points.coordinates - 4, points.coordinates + 4])
    held = hold_out(of(plane(A, points, boxes=Boxes(corners, ids=points.ids))))
    left = held.training.images[0].hints
    assert (len(left.points), len(left.boxes)) == (15, 15)
    assert set(left.boxes.ids.tolist()).isdisjoint(held_ids(held))
    assert held.count == 5


def test_complete_images_are_taken_instead():
    snapshot = of(plane(A, clicks(20)), plane(B, clicks(12), complete=True))
    held = hold_out(snapshot)
    assert held.exact and held.count == 12 and held.trained_on == {}
    assert held.training == replace(snapshot, watch=None)
    assert [item.ref for item in held.planes.images] == [B]


def test_a_complete_image_with_few_cells_is_left_alone():
    few = plane(B, clicks(9), complete=True)
    held = hold_out(of(plane(A, clicks(20)), few))
    assert not held.exact
    assert list(held.to_find) == [A]
    assert held.training.images[1] is few
