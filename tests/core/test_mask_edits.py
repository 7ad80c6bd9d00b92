"""Brush, erase, split and join, drawn by hand."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import HintError, Masks
from napari_inkling.core.mask_edits import joined, reshaped, split
from tests.core.mask_cases import drawing

BLOCK = drawing("11111111", "11111111", "11111111")


def one(*rows: str, **columns: object) -> Masks:
    """Return a mask of the digit 1, or one row for each digit."""
    return Masks.from_labels(drawing(*rows), **columns)


def reshape(mask: Masks, *rows: str, owner: object = None) -> Masks:
    return reshaped(mask, (0, 0), drawing(*rows) > 0, owner)


def test_a_mask_that_grows_stays_itself_and_becomes_the_persons():
    before = one("111", "11.", classes="wbc", sources="accepted", scores=0.7, times=9.0, seconds=2.0)
    after = reshape(before, "1111", "1111")
    assert after.labels((2, 4)).tolist() == [[1] * 4] * 2
    assert after.ids.tolist() == before.ids.tolist()
    assert (after.classes[0], after.sources[0], after.scores[0]) == ("wbc", "human", 1.0)
    assert (after.times[0], after.seconds[0]) == (9.0, 2.0)


@pytest.mark.parametrize(
    ("now", "owner", "kept", "others"),
    [
        (("11.11111", "11.11111", "11.11111"), None, 15, [6]),  # the larger piece stays the cell
        (("11.11111", "11.11111", "11.11111"), (1, 0), 6, [15]),  # unless its point lies in the other
        (("11.11111", "11.11111", "11.11111"), (1, 2), 15, [6]),  # the point lies in neither
        (("11.11111", "11.11111", "11.11111"), (40, 2), 15, [6]),
        (("11.11111", "11.11111", "...11111"), None, 15, []),  # four pixels vanish
        (("11.11111", "11.11111", "..1....."), None, 15, []),  # a corner connects: 5 + 10 pixels
        (("111.1111", "111.1111", "........"), None, 8, [6]),
        (("........", "........", "........"), None, None, []),
        (("........", "...11...", "........"), None, None, []),  # too little is left: it has gone
    ],
)  # fmt: skip
def test_what_is_left_in_pieces(now, owner, kept, others):
    before = one("11111111", "11111111", "11111111", classes="rbc")
    after = reshape(before, *now, owner=owner)
    areas = after.areas.tolist()
    if kept is None:
        assert areas == []
        return
    assert (areas[0], areas[1:]) == (kept, others)
    assert after.ids[0] == before.ids[0]
    assert set(after.ids[1:]).isdisjoint(before.ids)
    assert set(after.classes) == {"rbc"}


def test_a_mask_that_was_tiny_may_stay_so():
    assert reshape(one("11"), "111").areas.tolist() == [3]
    assert len(reshape(one("111"), "1..")) == 0


def test_new_pieces_have_no_time_yet():
    before = one("11111111", "11111111", "11111111", times=5.0, seconds=3.0, attributes={"stage": ["late"]})
    after = reshape(before, "111.1111", "111.1111", "111.1111")
    assert after.times.tolist() == [5.0, 0.0]
    assert after.seconds.tolist() == [3.0, 0.0]
    assert after.attributes["stage"].tolist() == ["late", "late"]


@pytest.mark.parametrize(
    ("line", "areas"),
    [
        ([(-1, 2), (3, 2)], [18, 6]),  # the line's column goes with one of its sides
        ([(3, 2), (-1, 2)], [18, 6]),
        ([(-2, 4.4), (9, 4.4)], [15, 9]),
        ([(-1, 4), (1, 4), (1, 3), (3, 3)], [14, 10]),  # a line with corners
    ],
)
def test_a_line_cuts_in_two(line, areas):
    before = Masks.from_labels(BLOCK, classes="rbc")
    after = split(before, line)
    assert len(after) == 2
    assert after.ids[0] == before.ids[0] != after.ids[1]
    assert after.areas[0] >= after.areas[1]
    assert sum(after.areas) == 24
    assert (after.labels((3, 8)) > 0).all()
    assert after.areas.tolist() == areas


def test_the_straight_cut_by_hand():
    after = split(one("1111111", "1111111", "1111111"), [(-1, 4), (3, 4)])
    first, second = (after.take([i]).labels((3, 7)).any(0) for i in (0, 1))
    assert first.tolist() == [True] * 5 + [False] * 2
    assert second.tolist() == [False] * 5 + [True] * 2


def test_the_piece_with_the_point_stays_the_cell():
    before = one("1111111", "1111111", "1111111")
    after = split(before, [(-1, 4), (3, 4)], owner=(1, 6))
    assert after.ids[0] == before.ids[0]
    assert after.take([0]).labels((3, 7))[1, 6] == 1


@pytest.mark.parametrize(
    "line",
    [
        [(-1, 3), (1, 3)],  # not through
        [(9, 9), (12, 12)],  # beside it
        [(-1, 0), (3, 0)],  # cuts off nothing: three pixels in a column are the line itself
        [(1, 1)],
        [(1, 1), (1, 1)],
    ],
)
def test_a_line_that_does_not_cut(line):
    with pytest.raises(HintError, match="from one side to the other"):
        split(Masks.from_labels(BLOCK), line)


def test_a_line_through_both_arms_still_makes_two():
    horseshoe = (
        "111...111",
        "111...111",
        "111...111",
        "111111111",
        "111111111",
    )
    after = split(one(*horseshoe), [(2, -1), (2, 9)])
    assert len(after) == 2
    assert sum(after.areas) == 36
    for i in (0, 1):
        from scipy import ndimage

        assert ndimage.label(after.crop(i), np.ones((3, 3)))[1] == 1


def test_a_mask_in_two_parts_is_cut_where_the_line_is():
    parts = ("1111111", "1111111", ".......", "1111111", "1111111")
    after = split(one(*parts), [(-1, 3), (1.4, 3)])
    assert len(after) == 2
    assert sum(after.areas) == 28
    assert 14 in [int((after.take([i]).labels((5, 7))[3:] > 0).sum()) for i in (0, 1)]


def test_a_diagonal_line_leaves_no_corner_open():
    square = Masks.from_labels(np.ones((12, 12), int))
    for line in ([(-1, -1), (12, 12)], [(-1, 12), (12, -1)], [(-1, 3), (5, 6), (12, 9)]):
        after = split(square, line)
        assert len(after) == 2
        assert min(after.areas) > 30


def test_join_two_that_touch():
    before = one("1122", "1122", classes=["wbc", "rbc"])
    after = joined(before)
    assert after.ids.tolist() == before.ids[:1].tolist()
    assert after.labels((2, 4)).tolist() == [[1] * 4] * 2
    assert (after.classes[0], after.sources[0]) == ("wbc", "human")


def test_join_over_a_gap_fills_it_but_takes_nothing_from_others():
    before = one("11..22", "11..22", "11..22")
    assert joined(before).areas.tolist() == [18]
    between = Masks.from_crops([(0, 2)], [drawing("11") > 0])
    assert joined(before, between).areas.tolist() == [16]
    assert joined(before, Masks()).areas.tolist() == [18]


def test_join_at_a_corner_needs_no_filling():
    assert joined(one("11..", "11..", "..22", "..22")).areas.tolist() == [8]


def test_what_is_too_far_apart_is_not_joined():
    far = np.zeros((3, 30), int)
    far[:, :3], far[:, 20:] = 1, 2
    with pytest.raises(HintError, match="18 pixels lie between the two masks, expected at most 10"):
        joined(Masks.from_labels(far))
