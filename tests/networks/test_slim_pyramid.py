from __future__ import annotations

import pytest
import torch

from napari_inkling.networks.slim_pyramid import SlimPyramid


@pytest.mark.parametrize(
    ("levels", "first", "strides"),
    [(1, 4, (4,)), (2, 4, (4, 8)), (3, 4, (4, 8, 16)), (4, 4, (4, 8, 16, 32)), (3, 8, (8, 16, 32))],
)
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_a_level_for_each_stride(levels, first, strides, channels):
    net = SlimPyramid(channels, levels, first, width=4, outputs=8).eval()
    assert net.strides == strides
    shapes = [tuple(level.shape) for level in net(torch.zeros(2, channels, 64, 96))]
    assert shapes == [(2, 8, 64 // stride, 96 // stride) for stride in strides]


# Halving costs 1 pixel of the scale before it, a stage's second convolution 1 of its own; the pyramid adds
# a convolution and its doublings, 2 of the coarsest scale.
@pytest.mark.parametrize(
    ("levels", "reach"),
    [(1, 1 + (2 + 4) + 2 * 4), (2, 1 + (2 + 4) + (4 + 8) + 2 * 8), (3, 1 + 6 + 12 + (8 + 16) + 2 * 16)],
)
def test_reach_by_hand(levels, reach):
    assert SlimPyramid(1, levels, width=4, outputs=8).reach == reach
