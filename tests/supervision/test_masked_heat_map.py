"""The heat map that is known around cells alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_inkling.supervision import IGNORE, masked_heat_map, nearest_point
from napari_inkling.supervision.losses import weighted_mse


def test_by_hand():
    # σ = 2: exp(-1/8) = .8825, exp(-4/8) = .6065; a disk of 3 is nearer than 3
    found = masked_heat_map(nearest_point([(0, 1)], (1, 6)).distance, 3, sigma=2)
    np.testing.assert_allclose(found, [[0.8825, 1, 0.8825, 0.60653, IGNORE, IGNORE]], atol=1e-4)


def test_half_a_radius_wide_by_default():
    distance = np.array([[0, 2, 4]], np.float32)
    expected = masked_heat_map(distance, 6, sigma=3)
    np.testing.assert_array_equal(masked_heat_map(distance, 6), expected)


def test_without_a_cell_nothing_is_known():
    assert (masked_heat_map(nearest_point([], (4, 5)).distance, 3) == IGNORE).all()


def test_a_foreground_weight_of_one_is_the_masked_loss():
    """Mean squared error over the disks, as the paper masks it; nothing is learnt elsewhere."""
    target = masked_heat_map(nearest_point([(5, 5), (12, 20)], (20, 30)).distance, 4, sigma=2)
    logits = torch.randn(1, 1, 20, 30, requires_grad=True)
    loss = weighted_mse(logits, torch.tensor(target)[None, None], foreground_weight=1)
    loss.backward()
    disks = target != IGNORE
    squared = (logits.detach().sigmoid()[0, 0].numpy() - target)[disks] ** 2
    assert loss.item() == pytest.approx(squared.mean(), rel=1e-5)
    np.testing.assert_array_equal(logits.grad[0, 0].numpy() != 0, disks)
