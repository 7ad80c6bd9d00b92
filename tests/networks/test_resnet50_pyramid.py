from __future__ import annotations

import pytest
import torch
from torchvision.models import ResNet50_Weights, resnet50
from torchvision.models.resnet import Bottleneck, ResNet

from napari_inkling.networks import resnet50_pyramid
from napari_inkling.networks.box_network import BoxNetwork
from napari_inkling.networks.resnet50_pyramid import ResNet50Pyramid


def shallow(**more) -> ResNet:
    """A ResNet-50 with one block in each stage: the same shapes, a tenth of the work."""
    return ResNet(Bottleneck, [1, 1, 1, 1], **more)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(resnet50_pyramid, "resnet50", lambda weights=None: shallow())


@pytest.fixture(scope="module")
def published() -> ResNet:
    return resnet50(weights=None)


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize(("height", "width"), [(128, 256), (160, 128)])
def test_an_answer_for_each_anchor(small, channels, height, width):
    net = BoxNetwork(ResNet50Pyramid(channels), 2, [[8.0 * 2**k] for k in range(5)], normalised=False).eval()
    assert net.stride == 128
    with torch.inference_mode():
        answers = net(torch.zeros(1, channels, height, width))
    assert answers.shape == (1, len(net.anchors(height, width)), 2 + 4)


def test_the_published_depth():
    blocks = [len(stage) for stage in ResNet50Pyramid(3).stages]
    assert blocks == [4, 6, 3]


@pytest.mark.parametrize("channels", [1, 3])
def test_weights_are_loaded(monkeypatch, published, channels):
    """By torchvision's own code, but for the download."""
    asked = []

    def instead_of_a_download(self, *args, **more):
        asked.append(self)
        return published.state_dict()

    monkeypatch.setattr(ResNet50_Weights, "get_state_dict", instead_of_a_download)
    net = ResNet50Pyramid(channels, pretrained=True, notify=lambda text: pytest.fail(text))
    assert asked == [ResNet50_Weights.IMAGENET1K_V1]
    theirs = (published.layer1, published.layer2, published.layer3, published.layer4)
    for ours, other in zip((net.stem[4], *net.stages), theirs, strict=True):
        assert all(map(torch.equal, ours.state_dict().values(), other.state_dict().values()))
    first = net.stem[0].weight
    assert first.shape[1] == channels
    assert torch.equal(first, published.conv1.weight) is (channels == 3)


def test_weights_that_cannot_be_downloaded_are_told(monkeypatch):
    asked = []

    def without_network(*, weights=None):
        asked.append(weights)
        if weights is not None:
            raise OSError("no route to host")
        return shallow()

    monkeypatch.setattr(resnet50_pyramid, "resnet50", without_network)
    told: list[str] = []
    ResNet50Pyramid(3, pretrained=True, notify=told.append)
    assert asked == [ResNet50_Weights.IMAGENET1K_V1, None]
    assert len(told) == 1 and "could not be downloaded (OSError: " in told[0] and "random weights" in told[0]


def test_without_pretraining_nothing_is_downloaded(monkeypatch):
    monkeypatch.setattr(
        resnet50_pyramid, "resnet50", lambda *, weights: shallow() if weights is None else None
    )
    ResNet50Pyramid(3, notify=lambda text: pytest.fail(text))
