from __future__ import annotations

import pytest
import torch

from napari_inkling.networks.pretrained import load_pretrained
from napari_inkling.networks.small_unet import SmallUNet


def state(net: SmallUNet) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in net.state_dict().items()}


@pytest.mark.parametrize("outputs", [1, 3])
def test_weights_for_colour_images(outputs):
    net = SmallUNet(3, outputs)
    before = state(net)
    assert load_pretrained(net) is True
    convolutions = [name for name, value in before.items() if value.ndim == 4]
    assert not any(torch.equal(before[name], net.state_dict()[name]) for name in convolutions)
    assert all(torch.isfinite(value).all() for value in net.state_dict().values())


def test_each_output_starts_alike():
    net = SmallUNet(3, 3)
    load_pretrained(net)
    answer = net.eval()(torch.rand(1, 3, 16, 16))
    assert torch.equal(answer[:, 0], answer[:, 1]) and torch.equal(answer[:, 0], answer[:, 2])


@pytest.mark.parametrize(
    "net",
    [SmallUNet(1), SmallUNet(5), SmallUNet(3, width=8), SmallUNet(3, depth=2)],
    ids=["grey", "five channels", "narrow", "shallow"],
)
def test_other_networks_are_left_alone(net):
    before = state(net)
    assert load_pretrained(net) is False
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_the_file_is_small_enough_to_ship():
    from importlib.resources import files

    assert len((files("napari_inkling.networks") / "weights/small_unet_rgb.safetensors").read_bytes()) < 4e6
