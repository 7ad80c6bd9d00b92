"""Losses of a detector that learns from boxes and points at once. Torch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

__all__ = ["UsualCounts", "centre_loss", "class_balanced_weights", "class_loss", "size_loss"]

#: How much of the running mean of counts each batch leaves.
KEPT = 0.9


def class_balanced_weights(counts: Sequence[int], beta: float = 0.99) -> Tensor:
    """Return a weight for each class, (1 - β) / (1 - βⁿ) for n objects, with a mean of 1; (K,).

    The class-balanced loss of Cui et al., CVPR 2019, Eq. 2. A class without objects weighs as one with one.
    """
    number = torch.tensor([max(1, count) for count in counts], dtype=torch.float64)
    weights = (1 - beta) / (1 - beta**number)
    return (weights / weights.mean()).float()


class UsualCounts:
    """Running means of how many anchors stand for objects in a batch: what sums of losses are divided by.

    Divided by the count of each batch itself, a batch with one small cell would move the network as much as
    one that is full of cells, and background would weigh most where there is nothing else.
    """

    def __init__(self) -> None:
        self._means: dict[str, float] = {}

    def after(self, name: str, count: float) -> float:
        """Return the mean of a kind of anchors with that of one more batch, at least 1."""
        before = self._means.get(name, count)
        self._means[name] = KEPT * before + (1 - KEPT) * count
        return max(1.0, self._means[name])


def class_loss(
    logits: Tensor, wanted: Tensor, weights: Tensor, known: Tensor, count: float | None = None
) -> Tensor:
    """Return the focal loss, a sum over anchors and classes, per anchor that stands for an object.

    Parameters
    ----------
    logits, wanted : Tensor
        (B, N, K); ``wanted`` is 1 where an anchor stands for an object of the class.
    weights : Tensor
        Of each class, (K,); an object weighs as its class, background weighs 1.
    known : Tensor
        Boolean, (B, N): anchors that are ignored count for nothing.
    count : float, optional
        What the sum is divided by instead, see :class:`UsualCounts`; likewise below.
    """
    loss = sigmoid_focal_loss(logits, wanted, alpha=0.25, gamma=2.0)
    weighted = loss * torch.where(wanted > 0, weights, torch.ones_like(weights))
    total: Tensor = (weighted * known[..., None]).sum()
    return total / (wanted.sum().clamp(min=1) if count is None else count)


def size_loss(moves: Tensor, wanted: Tensor, count: float | None = None) -> Tensor:
    """Return the L1 distance of what moves anchors onto boxes, (N, 4); the first sum of Eq. 2."""
    return (moves - wanted).abs().sum() / (count or max(1, len(moves)))


def centre_loss(moves: Tensor, wanted: Tensor, doubt: Tensor, count: float | None = None) -> Tensor:
    """Return the L1 distance of what moves anchors onto points, (N, 2), by 1 + β; the second sum of Eq. 2.

    ``doubt`` (N,) is β = α / √A of each point's class, with the mean area A of the class's boxes.
    """
    return ((moves - wanted).abs().sum(dim=1) / (1 + doubt)).sum() / (count or max(1, len(moves)))
