"""Where masks lie, against drawings and brute force."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import Masks
from napari_inkling.core.mask_places import Clipping, clipped, masks_at, painted, points_inside
from tests.core.mask_cases import corner, drawing


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((0, 0, 4, 5), ["00000", "01001", "01101", "00000"]),
        ((1, 1, 3, 3), ["10", "11"]),
        ((2, 2, 6, 7), ["10100", "00000", "00000", "00000"]),
        ((9, 9, 10, 10), ["0"]),
    ],
)
def test_painted(box, expected):
    assert ["".join(str(int(v)) for v in row) for row in painted(corner(), box)] == expected


@pytest.mark.parametrize(
    ("place", "rows"), [((1, 1), [0]), ((1.4, 3.6), [1]), ((1, 2), []), ((0, 0), []), ((-9, 1e6), [])]
)
def test_masks_at(place, rows):
    assert masks_at(corner(), *place).tolist() == rows


def test_no_masks():
    assert masks_at(Masks(), 1, 1).tolist() == []
    assert points_inside(Masks(), np.ones((1, 2))) == []
    assert len(clipped(Masks(), corner())) == 0
    assert clipped(masks := corner(), Masks()) is masks


def test_points_inside_against_every_pixel():
    random = np.random.default_rng(0)
    labels = random.integers(0, 4, (12, 15))
    masks, places = Masks.from_labels(labels), random.uniform(-2, 16, (200, 2))
    expected = [
        [n for n, (y, x) in enumerate(np.floor(places + 0.5).astype(int))
         if 0 <= y < 12 and 0 <= x < 15 and labels[y, x] == number] for number in (1, 2, 3)
    ]  # fmt: skip
    assert [sorted(at.tolist()) for at in points_inside(masks, places)] == expected


def test_clipped_by_hand():
    suggested = Masks.from_labels(
        drawing(
            "...............",
            "1111.22.333.444",
            "1111.22.333.444",
            "1111.22.333.444",
        ),
        classes=["a", "b", "c", "d"],
        scores=[0.9, 0.8, 0.7, 0.6],
    )
    taken = Masks.from_labels(
        drawing(
            ".1........3....",
            ".1...22...3....",
            ".1...22........",
            ".1...2.......4.",
            ".1.............",
            ".1.............",
            ".1.............",
        )
    )
    left = clipped(suggested, taken)
    assert left.ids.tolist() == suggested.ids[[0, 2]].tolist()  # most of 2 was taken; 4 holds a whole cell
    assert (left.classes.tolist(), left.scores.tolist()) == (["a", "c"], [0.9, 0.7])
    assert (
        left.labels((4, 11)).tolist()
        == drawing(
            "...........",
            "..11....22.",
            "..11....222",
            "..11....222",
        ).tolist()
    )  # of 1 its largest piece


def blobs(random, count):
    corners = random.integers(0, 80, (count, 2))
    return Masks.from_crops(corners, [random.random((9, 9)) < 0.9 for _ in range(count)])


def test_clipped_against_a_painted_plane():
    random = np.random.default_rng(1)

    def plane(masks):
        return masks.labels((100, 100)) > 0

    suggested, taken = blobs(random, 60), blobs(random, 40)
    left = clipped(suggested, taken)
    others = [plane(taken.take([j])) for j in range(40)]
    for i, mask_id in enumerate(suggested.ids):
        whole = plane(suggested.take([i]))
        free = whole & ~plane(taken)
        hidden = any(2 * (whole & other).sum() > min(whole.sum(), other.sum()) for other in others)
        kept = left.with_ids([mask_id])
        assert (len(kept) == 0) == hidden
        if len(kept):
            assert not (plane(kept) & ~free).any()
            assert 2 * kept.areas[0] >= free.sum()
    assert 0 < len(left) < 60


def test_clipping_through_changes_is_as_from_scratch():
    random = np.random.default_rng(2)
    suggested, others = blobs(random, 60), blobs(random, 60)
    clipping, lefts = Clipping(suggested, suggested), []
    for share in [*random.random(20), 0.0, 1.0]:
        moved = random.random((60, 1)) < 0.1
        others = others.changed(coordinates=others.coordinates + moved * random.integers(0, 4, (60, 1)))
        taken = others.take(random.permutation(60)[: int(60 * share)])
        clipping = clipping.after(taken)
        assert clipping.left.equals(clipped(suggested, taken))
        lefts.append(len(clipping.left))
    assert (lefts[-2], len(set(lefts)) > 5) == (60, True)


def test_clipping_goes_on_where_nothing_near_changes():
    suggested = corner()
    far = Masks.from_crops([(50, 50)], [np.ones((3, 3), bool)])
    before = Clipping(suggested, suggested).after(suggested.take([0]))
    assert before.left.ids.tolist() == suggested.ids[1:].tolist()
    after = before.after(Masks.concatenate([before.taken, far]))
    assert after.left is before.left
    assert after.after(Masks()).left.equals(suggested)
