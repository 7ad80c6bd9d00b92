"""Which anchors stand for which object: boxes, points in place of boxes, and what is ignored. Torch."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import box_area, box_iou

__all__ = ["BACKGROUND_ANCHOR", "IGNORED_ANCHOR", "assign_anchors", "near_boxes", "overlap_of_anchors"]

#: What an anchor is matched to that stands for no object, and one about which nothing is known.
IGNORED_ANCHOR, BACKGROUND_ANCHOR = -1, -2
#: An anchor is ignored of which this share lies in an ignored box.
IGNORED_SHARE = 0.5


def assign_anchors(
    anchors: Tensor, boxes: Tensor, ignored: Tensor, *, high: float = 0.5, low: float = 0.4
) -> Tensor:
    """Return the number of the box that each anchor stands for, or what is said above; (N,).

    An anchor stands for the box that it overlaps most, if their IOU is at least ``high``; below ``low`` it is
    background, between the two it is ignored. Whatever its IOU, the best anchors of each box stand for it,
    unless one overlaps another box by ``high`` or is the best one of another, too, that it overlaps more
    (RetinaNet, section 4.1; Ren et al., "Faster R-CNN", section 3.1.2).

    Parameters
    ----------
    anchors : Tensor
        xyxy, (N, 4).
    boxes : Tensor
        xyxy, (M, 4).
    ignored : Tensor
        Boxes, xyxy (I, 4), around what nobody labelled.
    high, low : float
        IOUs, both in [0, 1].
    """
    matched = torch.full((len(anchors),), BACKGROUND_ANCHOR, device=anchors.device)
    if len(ignored):
        matched[overlap_of_anchors(anchors, ignored) >= IGNORED_SHARE] = IGNORED_ANCHOR
    if not len(boxes):
        return matched
    iou = box_iou(boxes, anchors)  # (M, N)
    best, number = iou.max(dim=0)
    matched[(best >= low) & (best < high)] = IGNORED_ANCHOR
    matched = torch.where(best >= high, number, matched)
    of_box = iou.max(dim=1, keepdim=True).values
    mutual, box = torch.where((iou == of_box) & (of_box > 0), iou, 0).max(dim=0)  # of an anchor's boxes
    return torch.where((mutual > 0) & (best < high), box, matched)


def overlap_of_anchors(anchors: Tensor, boxes: Tensor) -> Tensor:
    """Return the largest share of each anchor, xyxy (N, 4), that lies in one of the boxes (M, 4); (N,)."""
    corners = torch.maximum(anchors[:, None, :2], boxes[None, :, :2])
    sides = (torch.minimum(anchors[:, None, 2:], boxes[None, :, 2:]) - corners).clamp(min=0)
    shares: Tensor = sides.prod(dim=2) / box_area(anchors)[:, None]
    return shares.max(dim=1).values


def near_boxes(anchors: Tensor, boxes: Tensor, factor: float) -> Tensor:
    """Return which anchors, xyxy (N, 4), have their centre in a box (M, 4) enlarged by a factor; (N,)."""
    places, middles = (anchors[:, :2] + anchors[:, 2:]) / 2, (boxes[:, :2] + boxes[:, 2:]) / 2
    reach = (boxes[:, 2:] - boxes[:, :2]) * factor / 2
    inside = ((places[:, None] - middles[None]).abs() <= reach[None]).all(dim=2)
    return inside.any(dim=1)
