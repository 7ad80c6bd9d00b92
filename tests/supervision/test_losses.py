from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_inkling.supervision.losses import weighted_mse


def brute_force(logits: np.ndarray, mask: np.ndarray, weight: float) -> float:
    total, count = 0.0, 0
    for logit, target in zip(logits.ravel(), mask.ravel(), strict=True):
        if target < 0:
            continue
        count += 1
        total += (weight if target > 0 else 1) * (1 / (1 + np.exp(-logit)) - target) ** 2
    return total / max(count, 1)


@pytest.mark.parametrize("weight", [1.0, 10.0])
def test_against_brute_force(weight):
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (2, 3, 5, 4))
    mask = random.choice([-1, 0, 0.4, 1], (2, 3, 5, 4))
    loss = weighted_mse(torch.tensor(logits), torch.tensor(mask), weight)
    assert loss.item() == pytest.approx(brute_force(logits, mask, weight), rel=1e-5)


def test_by_hand():
    # p = ½ everywhere: (½ - 1)²·10 and (½ - 0)²·1 over two known pixels: (2.5 + .25) / 2
    mask = torch.tensor([[[[1.0, 0.0, -1.0]]]])
    assert weighted_mse(torch.zeros(1, 1, 1, 3), mask).item() == pytest.approx(1.375)


def test_where_all_is_ignored_nothing_is_learnt():
    logits = torch.randn(1, 1, 4, 4, requires_grad=True)
    loss = weighted_mse(logits, torch.full((1, 1, 4, 4), -1.0))
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()


def test_ignored_pixels_have_no_gradient():
    logits = torch.randn(1, 1, 2, 2, requires_grad=True)
    weighted_mse(logits, torch.tensor([[[[-1.0, 0.0], [1.0, -1.0]]]])).backward()
    np.testing.assert_array_equal(logits.grad[0, 0] != 0, [[False, True], [True, False]])
