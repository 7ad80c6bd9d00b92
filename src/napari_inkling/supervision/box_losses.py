"""Losses of a detector that learns from boxes and points at once. Torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

__all__ = ["centre_loss", "class_balanced_weights", "class_loss", "size_loss"]


def class_balanced_weights(counts: Sequence[int], beta: float = 0.99) -> Tensor:
    """Return a weight for each class, (1 - β) / (1 - βⁿ) for n objects, with a mean of 1; (K,).

    The class-balanced loss of Cui et al., CVPR 2019, Eq. 2. A class without objects weighs as one with one.
    """
    number = torch.tensor([max(1, count) for count in counts], dtype=torch.float64)
    weights = (1 - beta) / (1 - beta**number)
    return (weights / weights.mean()).float()


def class_loss(logits: Tensor, wanted: Tensor, weights: Tensor, known: Tensor) -> Tensor:
    """Return the focal loss, a sum over anchors and classes, per anchor that stands for an object.

    Parameters
    ----------
    logits, wanted : Tensor
        (B, N, K); ``wanted`` is 1 where an anchor stands for an object of the class.
    weights : Tensor
        Of each class, (K,); an object weighs as its class, background weighs 1.
    known : Tensor
        Boolean, (B, N): anchors that are ignored count for nothing.
    """
    loss = sigmoid_focal_loss(logits, wanted, alpha=0.25, gamma=2.0)
    weighted = loss * torch.where(wanted > 0, weights, torch.ones_like(weights))
    total: Tensor = (weighted * known[..., None]).sum()
    return total / wanted.sum().clamp(min=1)


def size_loss(moves: Tensor, wanted: Tensor) -> Tensor:
    """Return the L1 distance of what moves anchors onto boxes, (N, 4); the first sum of Eq. 2."""
    return (moves - wanted).abs().sum() / max(1, len(moves))


def centre_loss(moves: Tensor, wanted: Tensor, doubt: Tensor) -> Tensor:
    """Return the L1 distance of what moves anchors onto points, (N, 2), by 1 + β; the second sum of Eq. 2.

    ``doubt`` (N,) is β = α / √A of each point's class, with the mean area A of the class's boxes.
    """
    return ((moves - wanted).abs().sum(dim=1) / (1 + doubt)).sum() / max(1, len(moves))
