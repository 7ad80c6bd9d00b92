"""Boxes are xyxy here; anchors lie side by side, 10 × 10 each."""

from __future__ import annotations

import pytest
import torch

from napari_inkling.supervision.anchor_targets import (
    BACKGROUND_ANCHOR,
    IGNORED_ANCHOR,
    assign_anchors,
    near_boxes,
    overlap_of_anchors,
)

ANCHORS = torch.tensor([[x, 0.0, x + 10, 10.0] for x in (0, 10, 20, 30)])
OUT, NOT = IGNORED_ANCHOR, BACKGROUND_ANCHOR


def boxes(*rows) -> torch.Tensor:
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


@pytest.mark.parametrize(
    ("objects", "ignored", "expected"),
    [
        pytest.param((), (), [NOT, NOT, NOT, NOT], id="nothing"),
        pytest.param([(0, 0, 10, 10)], (), [0, NOT, NOT, NOT], id="exactly one"),
        pytest.param([(20, 0, 30, 10), (0, 0, 10, 10)], (), [1, NOT, 0, NOT], id="two"),
        pytest.param([(0, 0, 10, 5)], (), [0, NOT, NOT, NOT], id="IOU of a half is enough"),
        # 20 × 10 over two anchors: each has an IOU of ½; 22 wide: 10 / 22 = .45 each, both are its best
        pytest.param([(0, 0, 20, 10)], (), [0, 0, NOT, NOT], id="two anchors, one box"),
        pytest.param([(0, 0, 22, 10)], (), [0, 0, NOT, NOT], id="two equally good ones"),
        # 0 to 21: IOUs 10 / 21 and 10 / 21, 1 / 30; one to the left: 9 / 22 = .41 is between both
        pytest.param([(1, 0, 22, 10)], (), [OUT, 0, NOT, NOT], id="between both thresholds"),
        pytest.param([(3, 0, 23, 10)], (), [NOT, 0, NOT, NOT], id="7 / 23 is background, 10 / 20 is not"),
        pytest.param([(4, 4, 6, 6)], (), [0, NOT, NOT, NOT], id="a tiny box, IOU .04"),
        pytest.param([(-20, -20, 60, 40)], (), [0, 0, 0, 0], id="a huge box, equally bad for all"),
        pytest.param([(0, 50, 10, 60)], (), [NOT, NOT, NOT, NOT], id="a box that no anchor touches"),
        pytest.param([(0, 0, 10, 10), (0, 0, 10, 10)], (), [0, NOT, NOT, NOT], id="twice the same"),
        # the anchor stands for the box that it overlaps most; the other, IOU .36, has no other anchor
        pytest.param([(2, 2, 8, 8), (0, 0, 10, 9)], (), [1, NOT, NOT, NOT], id="a box within a box"),
        # both are below ½, .16 and .36: the anchor is the best of both
        pytest.param([(3, 3, 7, 7), (2, 2, 8, 8)], (), [1, NOT, NOT, NOT], id="two tiny ones"),
        pytest.param([(2, 2, 8, 8), (3, 3, 7, 7)], (), [0, NOT, NOT, NOT], id="the same, turned round"),
        pytest.param((), [(0, 0, 20, 10)], [OUT, OUT, NOT, NOT], id="ignored"),
        pytest.param((), [(0, 0, 5, 10)], [OUT, NOT, NOT, NOT], id="half of the anchor is ignored"),
        pytest.param((), [(0, 0, 4.9, 10)], [NOT, NOT, NOT, NOT], id="less than half"),
        pytest.param(
            [(0, 0, 10, 10)], [(0, 0, 20, 10)], [0, OUT, NOT, NOT], id="a box within what is ignored"
        ),
        pytest.param([(0, 0, 10, 10)], [(0, 0, 99, 99)], [0, OUT, OUT, OUT], id="all else is ignored"),
    ],
)
def test_by_hand(objects, ignored, expected):
    assert assign_anchors(ANCHORS, boxes(*objects), boxes(*ignored)).tolist() == expected


@pytest.mark.parametrize(
    ("high", "low", "expected"),
    [(0.5, 0.4, [0, 0, 0, NOT]), (0.8, 0.4, [0, OUT, OUT, NOT]), (0.3, 0.3, [0, 0, 0, 0])],
)
def test_thresholds(high, low, expected):
    anchors = boxes((0, 0, 10, 10), (0, 0, 7, 10), (0, 0, 5, 10), (0, 0, 3, 10))  # IOUs of 1, .7, .5, .3
    box = boxes((0, 0, 10, 10))
    assert assign_anchors(anchors, box, boxes(), high=high, low=low).tolist() == expected


def by_loops(anchors: torch.Tensor, objects: torch.Tensor) -> list[int]:
    def iou(a, b):
        width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
        height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
        both = width * height
        return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)

    table = [[iou(a, b) for b in objects.tolist()] for a in anchors.tolist()]
    result = []
    for own in table:
        most = max(own)
        best_of = [k for k, value in enumerate(own) if value > 0 and value == max(row[k] for row in table)]
        if most >= 0.5:
            result.append(own.index(most))
        elif best_of:
            result.append(max(best_of, key=lambda k: own[k]))
        else:
            result.append(OUT if most >= 0.4 else NOT)
    return result


@pytest.mark.parametrize("seed", range(5))
def test_against_loops(seed):
    torch.manual_seed(seed)
    corners, sides = torch.randint(0, 40, (2, 60, 2)).double()
    both = torch.cat([corners, corners + sides / 2 + 4], dim=1)
    anchors, objects = both[:50], both[50:]
    assert assign_anchors(anchors, objects, boxes().double()).tolist() == by_loops(anchors, objects)


def test_what_share_of_an_anchor_is_covered():
    shares = overlap_of_anchors(ANCHORS, boxes((0, 0, 4, 10), (8, 0, 18, 5), (-5, -5, 1, 1)))
    assert shares.tolist() == pytest.approx([0.4, 0.4, 0, 0])


# Centres at (5, 5), (15, 5), (25, 5), (35, 5), and boxes of 8 × 8 around (7, 5) and of 4 × 4 around (35, 5).
@pytest.mark.parametrize(
    ("given", "factor", "expected"),
    [
        ([(3, 1, 11, 9)], 1.0, [True, False, False, False]),
        ([(3, 1, 11, 9)], 2.0, [True, True, False, False]),  # 8 px away, which is just within
        ([(3, 1, 11, 9)], 1.9, [True, False, False, False]),
        ([(3, 1, 11, 9), (33, 3, 37, 7)], 2.0, [True, True, False, True]),
        ([(3, 11, 11, 19)], 2.0, [False] * 4),  # 10 px below
        ([], 2.0, [False] * 4),
    ],
)
def test_what_is_near(given, factor, expected):
    assert near_boxes(ANCHORS, boxes(*given), factor).tolist() == expected
