"""Boxes are xyxy here."""

from __future__ import annotations

import math

import pytest
import torch

from napari_inkling.networks.box_coding import LARGEST, centres_and_sides, decode, encode, encode_centres


@pytest.mark.parametrize(
    ("box", "anchor", "moves"),
    [
        ((0, 0, 10, 10), (0, 0, 10, 10), (0, 0, 0, 0)),
        ((5, 0, 15, 10), (0, 0, 10, 10), (0.5, 0, 0, 0)),
        ((0, -4, 20, 4), (0, -4, 20, 4), (0, 0, 0, 0)),
        # 20 wide and 8 high against 10 × 16, middle 5 to the right and 8 up: half a width, half a height
        ((0, -4, 20, 4), (0, 0, 10, 16), (0.5, -0.5, math.log(2), -math.log(2))),
        ((2, 3, 3, 5), (0, 0, 4, 4), (0.125, 0.5, -math.log(4), -math.log(2))),
    ],
)
def test_by_hand(box, anchor, moves):
    box, anchor, moves = (torch.tensor([row], dtype=torch.float64) for row in (box, anchor, moves))
    torch.testing.assert_close(encode(box, anchor), moves)
    torch.testing.assert_close(decode(moves, anchor), box)


def random_boxes(count: int) -> torch.Tensor:
    corners, sides = torch.rand(count, 2) * 100, torch.rand(count, 2) * 30 + 1
    return torch.cat([corners, corners + sides], dim=1).double()


def test_there_and_back():
    torch.manual_seed(0)
    boxes, anchors = random_boxes(50), random_boxes(50)
    torch.testing.assert_close(decode(encode(boxes, anchors), anchors), boxes)


def test_a_batch_is_decoded_image_by_image():
    torch.manual_seed(0)
    moves, anchors = torch.randn(3, 7, 4).double(), random_boxes(7)
    together = decode(moves, anchors)
    assert together.shape == (3, 7, 4)
    for one, alone in zip(moves, together, strict=True):
        assert torch.equal(decode(one, anchors), alone)


def test_centres_are_the_first_half_of_what_boxes_say():
    torch.manual_seed(0)
    boxes, anchors = random_boxes(20), random_boxes(20)
    centres, sides = centres_and_sides(boxes)
    torch.testing.assert_close(encode_centres(centres, anchors), encode(boxes, anchors)[:, :2])
    torch.testing.assert_close(sides, boxes[:, 2:] - boxes[:, :2])


@pytest.mark.parametrize(("move", "factor"), [(50.0, 62.5), (LARGEST, 62.5), (math.log(8), 8), (-100.0, 0)])
def test_no_box_is_endless(move, factor):
    anchor = torch.tensor([[10.0, 10.0, 14.0, 18.0]])
    box = decode(torch.tensor([[0.0, 0.0, move, 0.0]]), anchor)
    torch.testing.assert_close(box[0], torch.tensor([12.0 - 2 * factor, 10, 12 + 2 * factor, 18]))
