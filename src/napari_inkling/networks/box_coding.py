"""Boxes as a network speaks of them: xyxy, and as differences to anchors (Girshick et al., 2014)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["centres_and_sides", "decode", "encode", "encode_centres"]

#: No box is more than so many times as long as its anchor: far out the exponential would overflow.
LARGEST = math.log(1000 / 16)


def centres_and_sides(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Boxes xyxy (…, 4) → centres (x, y) and sides (width, height), each (…, 2)."""
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """Boxes, anchors, xyxy (N, 4) → (dx, dy) in sides of the anchor, and log ratios of sides; (N, 4)."""
    _, sides = centres_and_sides(boxes)
    _, anchor_sides = centres_and_sides(anchors)
    moves = encode_centres((boxes[..., :2] + boxes[..., 2:]) / 2, anchors)
    return torch.cat([moves, (sides / anchor_sides).log()], dim=-1)


def encode_centres(centres: Tensor, anchors: Tensor) -> Tensor:
    """Centres (x, y) (N, 2) and anchors xyxy (N, 4) → their distance in sides of the anchor, (N, 2)."""
    places, sides = centres_and_sides(anchors)
    return (centres - places) / sides


def decode(deltas: Tensor, anchors: Tensor) -> Tensor:
    """Return boxes xyxy (…, N, 4) for anchors (N, 4) and what :func:`encode` says of them (…, N, 4)."""
    places, sides = centres_and_sides(anchors)
    centres = places + deltas[..., :2] * sides
    halves = deltas[..., 2:].clamp(max=LARGEST).exp() * sides / 2
    return torch.cat([centres - halves, centres + halves], dim=-1)
