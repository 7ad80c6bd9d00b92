from __future__ import annotations

import pytest
import torch

from napari_inkling.networks.small_unet import SmallUNet


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_stride(depth):
    net = SmallUNet(2, depth=depth, width=4).eval()
    assert net.stride == 2**depth
    side = 3 * net.stride
    assert net(torch.zeros(1, 2, side, 2 * side)).shape == (1, 1, side, 2 * side)


@pytest.mark.parametrize(("channels", "outputs"), [(1, 1), (3, 2), (5, 4)])
def test_channels_and_outputs(channels, outputs):
    assert SmallUNet(channels, outputs, width=4)(torch.zeros(2, channels, 16, 8)).shape == (2, outputs, 16, 8)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_nothing_beyond_the_reach_matters(depth):
    """The gradient of one output with respect to all inputs, at every alignment to the stride."""
    torch.manual_seed(0)
    net = SmallUNet(1, width=4, depth=depth).eval().double()
    for parameter in net.parameters():  # positive, so that no ReLU cuts a path off
        parameter.data.abs_()
    side = -(-(2 * net.reach + 20) // net.stride) * net.stride
    furthest = 0
    for place in range(side // 2, side // 2 + net.stride):
        for swap in (lambda x: x, lambda x: x.mT):  # narrow images: lying, then upright
            image = torch.rand(1, 1, net.stride, side, dtype=torch.float64, requires_grad=True)
            swap(net(swap(image)))[0, 0, 0, place].backward()
            furthest = max(furthest, int((image.grad[0, 0].nonzero()[:, 1] - place).abs().max()))
    assert furthest <= net.reach
    assert furthest >= 0.7 * net.reach  # nor are tiles read with far too wide a margin


# Down, a level costs two convolutions and the other pixel of a pair; up, the same the other way round.
@pytest.mark.parametrize(
    ("depth", "reach"), [(1, (2 + 1) + 2 * 2 + (2 + 2)), (2, (2 + 1) + (4 + 2) + 8 + (4 + 4) + (2 + 2))]
)
def test_reach_by_hand(depth, reach):
    assert SmallUNet(1, depth=depth).reach == reach


def test_same_seed_same_weights():
    def weights() -> list[torch.Tensor]:
        torch.manual_seed(5)
        return list(SmallUNet(3).state_dict().values())

    assert all(torch.equal(a, b) for a, b in zip(weights(), weights(), strict=True))


def test_about_half_a_million_parameters():
    assert sum(p.numel() for p in SmallUNet(3).parameters()) == pytest.approx(0.5e6, rel=0.1)
