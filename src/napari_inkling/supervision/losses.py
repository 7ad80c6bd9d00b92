"""Losses that know what *ignore* means."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["weighted_mse"]


def weighted_mse(logits: Tensor, mask: Tensor, foreground_weight: float = 10.0) -> Tensor:
    """Return the weighted mean squared error over what is not ignored, Eq. 2 of Qu et al. 2020.

    L = 1/|Ω| Σ_{i∈Ω} w_i (p_i - M_i)², with w_i = ``foreground_weight`` where M_i > 0 and 1 elsewhere.

    Parameters
    ----------
    logits : Tensor, (B, K, Y, X)
        p = sigmoid(logits).
    mask : Tensor, (B, K, Y, X)
        Extended Gaussian masks; negative values are ignored. Where all of a batch is, the loss is 0.
    foreground_weight : float
        10 in the paper.
    """
    known = mask >= 0
    weight = torch.where(mask > 0, foreground_weight, 1.0) * known
    squared = (logits.float().sigmoid() - mask) ** 2
    return (weight * squared).sum() / known.sum().clamp(min=1)
