from __future__ import annotations

import sys

import pytest
import torch

from napari_inkling.core import SettingsError
from napari_inkling.networks.resnet34_unet import ResNet34UNet

smp = pytest.importorskip("segmentation_models_pytorch")


def test_shapes():
    net = ResNet34UNet(2, outputs=3).eval()
    with torch.inference_mode():
        assert net(torch.zeros(1, 2, net.stride, 2 * net.stride)).shape == (1, 3, 32, 64)


def test_weights_that_cannot_be_downloaded_are_told(monkeypatch):
    asked = []

    def without_network(*args, encoder_weights, **more):
        asked.append(encoder_weights)
        if encoder_weights:
            raise OSError("no route to host")
        return torch.nn.Identity()

    monkeypatch.setattr(smp, "Unet", without_network)
    told: list[str] = []
    ResNet34UNet(3, pretrained=True, notify=told.append)
    assert asked == ["imagenet", None]
    assert len(told) == 1 and "could not be downloaded (OSError: " in told[0] and "random weights" in told[0]


def test_without_pretraining_nothing_is_downloaded(monkeypatch):
    asked = []
    monkeypatch.setattr(
        smp, "Unet", lambda *a, encoder_weights, **k: asked.append(encoder_weights) or torch.nn.Identity()
    )
    ResNet34UNet(3, notify=lambda text: pytest.fail(text))
    assert asked == [None]


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "segmentation_models_pytorch", None)
    with pytest.raises(SettingsError, match="napari-inkling\\[published\\]"):
        ResNet34UNet(3)
