"""Losses that know what *ignore* means."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from napari_inkling.supervision.gaussian_masks import UNMARKED

__all__ = ["partial_cross_entropy", "weak_label_losses", "weighted_mse"]


def weighted_mse(
    logits: Tensor, mask: Tensor, foreground_weight: float = 10.0, unmarked_weight: float = 0.0
) -> Tensor:
    """Return the weighted mean squared error over what is not ignored, Eq. 2 of Qu et al. 2020.

    L = 1/|Ω| Σ_{i∈Ω} w_i (p_i - M_i)², with w_i = ``foreground_weight`` where M_i > 0 and 1 elsewhere.
    What is unmarked is not in the paper: background of w_i = ``unmarked_weight``, and so much of it in |Ω|.

    Parameters
    ----------
    logits : Tensor, (B, K, Y, X)
        p = sigmoid(logits).
    mask : Tensor, (B, K, Y, X)
        Extended Gaussian masks; negative values other than :data:`~.gaussian_masks.UNMARKED` are ignored.
        Where all of a batch is, the loss is 0.
    foreground_weight : float
        10 in the paper.
    unmarked_weight : float
        From 0, where it says nothing, to 1, where all that is unmarked is background.
    """
    known = (mask >= 0) + unmarked_weight * (mask == UNMARKED)
    weight = torch.where(mask > 0, foreground_weight, 1.0) * known
    squared = (logits.float().sigmoid() - mask.clamp(min=0)) ** 2
    return (weight * squared).sum() / known.sum().clamp(min=1)


def partial_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean cross-entropy over what is not ignored, Eq. 5 of Qu et al. 2020.

    Parameters
    ----------
    logits : Tensor, (B, 2, Y, X) or (B, 1, Y, X)
        Of background and nucleus (softmax), or of nucleus alone (sigmoid): two logits a, b say the same as
        the one logit b - a.
    labels : Tensor, (B, Y, X)
        1 nucleus, 0 background; negative values are ignored. Where all of a batch is, the loss is 0.

    Raises
    ------
    ValueError
        If there are not one or two logits per pixel, or the shapes do not fit.
    """
    kinds = logits.shape[1] if logits.ndim == 4 else 0
    if kinds not in (1, 2) or labels.shape != logits.shape[:1] + logits.shape[2:]:
        raise ValueError(
            f"logits have shape {tuple(logits.shape)} and labels {tuple(labels.shape)}, "
            "expected (B, 2, Y, X) or (B, 1, Y, X) and (B, Y, X)"
        )
    scores = logits.float()
    nucleus = scores[:, 0] if kinds == 1 else scores[:, 1] - scores[:, 0]
    known = labels >= 0
    entropy = functional.binary_cross_entropy_with_logits(
        nucleus, labels.clamp(min=0).to(nucleus.dtype), reduction="none"
    )
    return (entropy * known).sum() / known.sum().clamp(min=1)


def weak_label_losses(
    logits: Tensor, voronoi: Tensor, cluster: Tensor | None, alpha: float = 0.5
) -> dict[str, Tensor]:
    """Return L_ce = α·L_vor + (1 - α)·L_cluster as its two summands, Eq. 6 of Qu et al. 2020.

    Parameters
    ----------
    logits : Tensor, (B, 2, Y, X) or (B, 1, Y, X)
        See :func:`partial_cross_entropy`.
    voronoi, cluster : Tensor, (B, Y, X)
        Labels; without a cluster label the Voronoi label has all the weight.
    alpha : float
        Weight α of the Voronoi label, from 0 to 1; 0.5 in the paper.
    """
    if cluster is None:
        return {"voronoi": partial_cross_entropy(logits, voronoi)}
    return {
        "voronoi": alpha * partial_cross_entropy(logits, voronoi),
        "cluster": (1 - alpha) * partial_cross_entropy(logits, cluster),
    }
