"""Boxes of rows are y0, x0, y1, x1 here; those of batches are xyxy."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from napari_inkling.training.box_crops import (
    BOX,
    EMPTY,
    IGNORED,
    NOTHING,
    POINT,
    BoxField,
    BoxRows,
    box_crops,
    cut_rows,
    turned_rows,
)
from napari_inkling.training.crops import view_of


def rows(*given) -> BoxRows:
    """Each: a box, its class, its kind."""
    boxes, classes, kinds = zip(*given, strict=True) if given else ((), (), ())
    return BoxRows(
        np.array(boxes, float).reshape(-1, 4), np.array(classes, np.int64), np.array(kinds, np.int64)
    )


def as_tuples(found: BoxRows) -> list[tuple]:
    columns = zip(found.boxes.tolist(), found.classes.tolist(), found.kinds.tolist(), strict=True)
    return [(tuple(box), number, kind) for box, number, kind in columns]


def field(height: int, width: int, *given) -> BoxField:
    """Dark, but for bright boxes."""
    pixels = np.zeros((1, height, width), np.float32)
    for (y0, x0, y1, x1), _, _ in given:
        pixels[0, max(0, y0) : max(0, y1), max(0, x0) : max(0, x1)] = 1
    return BoxField(pixels, rows(*given))


def crops(fields, *, seed=0, **more):
    settings = {"side": 16, "count": 4, "random": np.random.default_rng(seed), "jitter": 0.0, **more}
    return box_crops(fields, **settings)


# --- cutting: a crop of 20 × 20 whose top left corner is at (10, 30) of an image of 100 × 100


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(((12, 35, 18, 45), 1, BOX), ((2, 5, 8, 15), 1, BOX), id="inside"),
        pytest.param(((0, 30, 30, 40), 1, BOX), ((0, 0, 20, 10), 1, BOX), id="two thirds are left"),
        pytest.param(((-10, 35, 18, 45), 1, BOX), ((0, 5, 8, 15), 0, IGNORED), id="8 of 28 rows are left"),
        pytest.param(((-10, 35, 19, 45), 1, BOX), ((0, 5, 9, 15), 1, BOX), id="9 of 29"),
        pytest.param(((0, 0, 99, 99), 1, BOX), ((0, 0, 20, 20), 0, IGNORED), id="much larger than the crop"),
        pytest.param(((12, 35, 18, 45), 1, POINT), ((2, 5, 8, 15), 1, POINT), id="a point"),
        pytest.param(((8, 28, 14, 34), 1, POINT), ((-2, -2, 4, 4), 1, POINT), id="a point's box is not cut"),
        pytest.param(((6, 35, 14, 45), 1, POINT), ((-4, 5, 4, 15), 1, POINT), id="a point on the edge"),
        pytest.param(((5, 35, 14, 45), 1, POINT), ((0, 5, 4, 15), 0, IGNORED), id="a point beyond it"),
        pytest.param(((26, 35, 34, 45), 1, POINT), ((16, 5, 20, 15), 0, IGNORED), id="on the far edge"),
        pytest.param(((8, 28, 14, 34), 0, EMPTY), ((-2, -2, 4, 4), 0, EMPTY), id="a click on no cell"),
        pytest.param(((0, 0, 15, 40), 0, IGNORED), ((0, 0, 5, 10), 0, IGNORED), id="ignored"),
    ],
)
def test_a_row_of_a_crop(before, after):
    ((box, number, kind),) = as_tuples(cut_rows(rows(before), (100, 100), (10, 30), 20))
    assert (box, kind) == (after[0], after[2])
    assert kind == IGNORED or number == after[1]


@pytest.mark.parametrize("kind", [BOX, POINT, EMPTY, IGNORED])
@pytest.mark.parametrize("box", [(0, 35, 10, 45), (30, 35, 40, 45), (12, 0, 18, 30), (12, 50, 18, 60)])
def test_what_lies_beside_a_crop_is_not_in_it(box, kind):
    assert len(cut_rows(rows((box, 1, kind)), (100, 100), (10, 30), 20)) == 0


def test_a_click_on_no_cell_beyond_the_edge_says_nothing():
    assert len(cut_rows(rows(((5, 35, 14, 45), 0, EMPTY)), (100, 100), (10, 30), 20)) == 0


@pytest.mark.parametrize(
    ("shape", "beyond"),
    [
        ((30, 50), []),
        ((25, 50), [(15, 0, 20, 20)]),
        ((30, 33), [(0, 3, 20, 20)]),
        ((25, 33), [(15, 0, 20, 20), (0, 3, 20, 20)]),
    ],
)
def test_what_lies_beyond_the_image_is_ignored(shape, beyond):
    found = as_tuples(cut_rows(rows(), shape, (10, 30), 20))
    assert found == [(box, 0, IGNORED) for box in beyond]


# --- turning


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_boxes_turn_with_their_pixels(turns, mirror):
    drawn = field(16, 16, ((1, 2, 4, 9), 0, BOX))
    ((box, _, _),) = as_tuples(turned_rows(drawn.rows, 16, turns, mirror))
    seen = np.argwhere(view_of(drawn.pixels, turns, mirror)[0])
    assert box == (*seen.min(0), *(seen.max(0) + 1))


def test_turning_by_hand():
    # one quarter anticlockwise takes the top right corner to the top left one
    def turned(turns, mirror):
        return as_tuples(turned_rows(rows(((0, 7, 2, 10), 0, BOX)), 10, turns, mirror))[0][0]

    assert turned(1, False) == (0, 0, 3, 2)
    assert turned(2, False) == (8, 0, 10, 3)
    assert turned(0, True) == (0, 0, 2, 3)
    assert turned(1, True) == (0, 8, 3, 10)


# --- batches


def bright(image: torch.Tensor) -> list[float]:
    """Return the xyxy extent of what is at least half bright."""
    y, x = torch.nonzero(image[0] >= 0.5).T
    return [x.min().item(), y.min().item(), x.max().item() + 1, y.max().item() + 1]


@pytest.mark.parametrize("zoom", [0.0, 0.4])
def test_a_bright_rectangle_lies_under_its_box(zoom):
    drawn = field(90, 120, ((30, 50, 42, 70), 2, BOX))
    compared = 0
    for seed in range(8):
        images, lists = next(crops([drawn], seed=seed, side=64, near_marked=1.0, zoom=zoom))
        assert images.shape == (4, 1, 64, 64) and lists.shape[::2] == (4, 6)
        for image, own in zip(images, lists, strict=True):
            boxes = own[own[:, 5] == BOX]
            if len(boxes):
                compared += 1
                assert boxes[0, :4].tolist() == pytest.approx(bright(image), abs=1.0 if zoom else 0)
                assert boxes[0, 4] == 2
    assert compared > 24


def test_all_eight_views_come():
    drawn = field(16, 16, ((1, 2, 4, 9), 0, BOX))
    boxes = {tuple(own[0, :4].tolist()) for _, lists in islice(crops([drawn]), 30) for own in lists}
    assert len(boxes) == 8


def test_shorter_lists_end_with_nothing():
    one = field(16, 16, ((1, 1, 4, 4), 0, BOX))
    three = field(16, 16, *[((i, 1, i + 3, 4), 1, POINT) for i in range(3)])
    _, lists = next(crops([one, three], count=20))
    assert lists.shape == (20, 3, 6)
    for own in lists:
        kinds = own[:, 5].tolist()
        assert kinds in ([BOX, NOTHING, NOTHING], [POINT] * 3)


def test_crops_without_any_row_still_make_a_batch():
    images, lists = next(crops([field(16, 16)]))
    assert images.shape == (4, 1, 16, 16) and (lists[..., 5] == NOTHING).all() and lists.shape == (4, 1, 6)


@pytest.mark.parametrize(("height", "width"), [(5, 5), (1, 1), (40, 7)])
def test_beyond_a_small_field_all_is_ignored(height, width):
    drawn = field(height, width, ((0, 0, 1, 1), 0, BOX))
    for seed in range(5):
        _, lists = next(crops([drawn], seed=seed))
        for own in lists:
            covered = np.zeros((16, 16), int)
            for x0, y0, x1, y1 in own[own[:, 5] == IGNORED, :4].int().tolist():
                covered[y0:y1, x0:x1] = 1
            assert covered.sum() == 16 * 16 - min(16, height) * min(16, width)


@pytest.mark.parametrize(
    ("boxed", "share"), [(0.0, 1 / 4), (0.25, 1 / 4), (0.5, 1 / 2), (0.9, 0.9)]
)  # without any wish, one field of four
def test_the_share_of_crops_from_fields_with_boxes(boxed, share):
    marked = [((1, 1, 4, 4), 0, BOX)], *[[((1, 1, 4, 4), 0, POINT)]] * 3
    batches = crops([field(16, 16, *one) for one in marked], count=50, boxed=boxed)
    kinds = torch.cat([lists[:, 0, 5] for _, lists in islice(batches, 8)])
    assert (kinds == BOX).float().mean().item() == pytest.approx(share, abs=0.08)


@pytest.mark.parametrize("kind", [BOX, POINT])
def test_where_all_fields_are_alike_none_is_preferred(kind):
    small, large = field(16, 16, ((0, 0, 9, 9), 0, kind)), field(64, 64, ((0, 0, 9, 9), 1, kind))
    batches = crops([small, large], count=50, boxed=0.9, near_marked=1.0)
    numbers = torch.cat([lists[:, 0, 4] for _, lists in islice(batches, 8)])
    assert (numbers == 1).float().mean().item() == pytest.approx(4 / 5, abs=0.08)  # as the root of its area


def test_the_same_seed_gives_the_same_crops():
    fields = [field(40, 50, ((3, 4, 9, 12), 0, BOX)), field(30, 30, ((3, 4, 9, 12), 0, POINT))]
    one, same, other = (next(crops(fields, seed=s, jitter=0.1, zoom=0.2)) for s in (1, 1, 2))
    assert torch.equal(one[0], same[0]) and torch.equal(one[1], same[1])
    assert one[1].shape != other[1].shape or not torch.equal(one[1], other[1])


def test_jitter_leaves_the_rows_alone():
    drawn = [field(16, 16, ((3, 4, 9, 12), 0, BOX))]
    images, lists = next(crops(drawn, jitter=0.5))
    plain, same = next(crops(drawn))
    torch.testing.assert_close(lists, same)
    assert not torch.allclose(images, plain)
