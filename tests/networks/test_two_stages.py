from __future__ import annotations

import torch
from torch import nn

from napari_inkling.networks.small_unet import SmallUNet
from napari_inkling.networks.two_stages import TwoStages


def pair() -> TwoStages:
    torch.manual_seed(0)
    return TwoStages(SmallUNet(3, 2, width=4), SmallUNet(3, 2, width=8))


def test_it_tells_centres_and_nuclei() -> None:
    net, images = pair().eval(), torch.randn(2, 3, 32, 48)
    with torch.inference_mode():
        logits = net(images)
        centres, two = net.detector(images), net.segmenter(images)
    assert logits.shape == (2, 3, 32, 48)
    torch.testing.assert_close(logits[:, :2], centres)
    torch.testing.assert_close(logits[:, 2].sigmoid(), two.softmax(1)[:, 1])


def test_in_training_it_is_the_segmenter() -> None:
    net, images = pair().train(), torch.randn(2, 3, 32, 48)
    torch.testing.assert_close(net(images), net.segmenter(images))


def test_the_detector_stays_as_it_is() -> None:
    net = pair().train()
    before = {name: values.clone() for name, values in net.detector.state_dict().items()}
    net(torch.randn(2, 3, 32, 48)).sum().backward()
    assert all(torch.equal(before[name], values) for name, values in net.detector.state_dict().items())
    assert all(weight.grad is None for weight in net.detector.parameters())
    assert all(weight.grad is not None for weight in net.segmenter.parameters())


def test_it_needs_what_both_need() -> None:
    wide = SmallUNet(1, 1, width=4)

    class Narrow(nn.Module):
        stride, reach = 3, 500

    net = TwoStages(wide, Narrow())
    assert net.stride == 3 * wide.stride
    assert net.reach == 500
