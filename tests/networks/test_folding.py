from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from napari_inkling.networks.folding import folded
from napari_inkling.networks.resnet34_unet import ResNet34UNet
from napari_inkling.networks.small_unet import SmallUNet


def trained_looking(net: nn.Module) -> nn.Module:
    """Give the batch normalisations statistics as after a training."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
    return net


@pytest.mark.parametrize("make", [lambda: SmallUNet(3, 2, width=4), lambda: ResNet34UNet(3, 2)])
def test_a_folded_network_gives_the_same_answers(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    net = trained_looking(make()).double().eval()
    images = torch.randn(2, 3, 32, 64, dtype=torch.float64)
    quick = folded(net)
    with torch.inference_mode():
        torch.testing.assert_close(quick(images), net(images), rtol=1e-6, atol=1e-6)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in quick.modules())


def test_the_network_itself_stays_as_it_is() -> None:
    net = SmallUNet(1, 1, width=4).train()
    names = list(net.state_dict())
    folded(net)
    assert list(net.state_dict()) == names
    assert net.training


def test_what_is_no_convolution_with_normalisation_is_left_alone() -> None:
    net = nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 1, 1), nn.ReLU(), nn.BatchNorm2d(1))
    kinds = [type(layer) for layer in folded(net)]
    assert kinds == [nn.BatchNorm2d, nn.Conv2d, nn.ReLU, nn.BatchNorm2d]
