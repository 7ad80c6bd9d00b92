"""From a point to a box, at every step (Algorithm 1 of the paper on stochastic boxes). Torch."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.ops import box_iou

__all__ = ["select_boxes"]


def select_boxes(
    stochastic: Tensor,
    classes: Tensor,
    predicted: Tensor,
    probabilities: Tensor,
    *,
    least_score: float = 0.2,
    least_iou: float = 0.5,
    in_box_sizes: bool = True,
) -> Tensor:
    """Return the box that stands in for each point while anchors are assigned; xyxy (P, 4).

    Of the predictions with P(d) ≥ τ_s and IOU(S, d) ≥ τ_iou it is the one of the highest
    P(d) · exp(-‖p - u‖²) with u its centre, and without any it is the stochastic box S itself.

    Parameters
    ----------
    stochastic : Tensor
        The stochastic box S of each point p, which is its centre; xyxy (P, 4).
    classes : Tensor
        The number of each point's class, (P,).
    predicted : Tensor
        Predicted boxes, xyxy (N, 4).
    probabilities : Tensor
        Of each of them and each class, (N, K); the point's own class counts.
    least_score, least_iou : float
        τ_s and τ_iou.
    in_box_sizes : bool
        Measure the distance in sides of S. In pixels, as published, exp(-‖p - u‖²) vanishes a few pixels from
        the point, and the score P(d) no longer counts.
    """
    scores = probabilities.t()[classes]  # (P, N)
    reliable = (scores >= least_score) & (box_iou(stochastic, predicted) >= least_iou)
    chosen = reliable.any(dim=1)
    if not bool(chosen.any()):
        return stochastic
    points, sides = (stochastic[:, :2] + stochastic[:, 2:]) / 2, stochastic[:, 2:] - stochastic[:, :2]
    moves = points[:, None] - (predicted[:, :2] + predicted[:, 2:])[None] / 2  # (P, N, 2)
    if in_box_sizes:
        moves = moves / sides[:, None]
    # the logarithm of the product: in pixels the exponential itself would be zero for all
    merit = torch.where(reliable, scores.clamp(min=1e-12).log() - moves.square().sum(dim=2), -torch.inf)
    return torch.where(chosen[:, None], predicted[merit.argmax(dim=1)], stochastic)
