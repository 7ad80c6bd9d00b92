from __future__ import annotations

import math

import pytest
import torch

from napari_inkling.methods.partial_points.mask_rounds import CENTRE_WEIGHT, _joint_losses


def test_the_losses_of_joint_heads_by_hand():
    """Three pixels, of which the last is ignored by every head; all outputs are 0.5."""
    targets = torch.tensor([[1.0, 0.0, -1.0], [1.0, 0.0, -1.0], [0.5, 0.0, -1.0]]).reshape(1, 3, 1, 3)
    losses = _joint_losses(torch.zeros(1, 3, 1, 3), targets, classes=1, foreground_weight=10.0)
    assert losses["centre"].item() == pytest.approx(CENTRE_WEIGHT * (10 * 0.25 + 0.25) / 2)
    assert losses["foreground"].item() == pytest.approx(math.log(2))
    assert losses["distance"].item() == pytest.approx((0 + 0.25) / 2)
