"""The non-negative risk of a classifier that has seen positive and unlabelled samples. Torch.

Source: Eq. 1 of Fujii et al., MICCAI 2021; there from Kiryo et al., "Positive-unlabeled learning with
non-negative risk estimator", NeurIPS 2017, Eq. 6.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional

__all__ = ["Surrogate", "non_negative_pu_risk"]

Surrogate = Literal["sigmoid", "logistic"]


def non_negative_pu_risk(
    positive_scores: Tensor, unlabelled_scores: Tensor, prior: float, surrogate: Surrogate = "sigmoid"
) -> Tensor:
    """Return R(g) = π·R_p⁺ + max(0, R_u⁻ - π·R_p⁻), Eq. 1.

    R_p⁺ and R_p⁻ are the mean losses of positive samples taken for positive and for negative, R_u⁻ that of
    unlabelled samples taken for negative. R_u⁻ - π·R_p⁻ estimates the risk of the negative samples, which no
    one has marked; below 0 it has been learnt by heart, and has no gradient.

    Parameters
    ----------
    positive_scores, unlabelled_scores : Tensor
        g(x), of any shape; positive is a cell. The mean loss of none is 0, so a batch may lack either.
    prior : float
        π, the share of cells among the unlabelled, above 0 and below 1.
    surrogate : "sigmoid" or "logistic"
        The loss in place of the zero-one loss: ℓ(t, y) = 1 / (1 + exp(t·y)), or ln(1 + exp(-t·y)).

    Raises
    ------
    ValueError
        If ``prior`` is not between 0 and 1, or there is no such surrogate.
    """
    if not 0 < prior < 1:
        raise ValueError(f"the prior is {prior!r}, expected a share of cells above 0 and below 1")
    cells_as_cells = _mean_loss(positive_scores, surrogate)
    cells_as_background = _mean_loss(-positive_scores, surrogate)
    unlabelled_as_background = _mean_loss(-unlabelled_scores, surrogate)
    background = unlabelled_as_background - prior * cells_as_background
    return prior * cells_as_cells + background.clamp(min=0)


def _mean_loss(margins: Tensor, surrogate: Surrogate) -> Tensor:
    """Return the mean of ℓ over margins t·y, a scalar."""
    if surrogate == "sigmoid":
        losses = (-margins.float()).sigmoid()
    elif surrogate == "logistic":
        losses = functional.softplus(-margins.float())
    else:
        raise ValueError(f'the surrogate is {surrogate!r}, expected "sigmoid" or "logistic"')
    return losses.sum() / max(1, losses.numel())
