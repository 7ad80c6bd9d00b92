"""The published backbone: torchvision's ResNet-50 with a feature pyramid (Lin et al., 2017)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torchvision.models import ResNet50_Weights, resnet50
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

__all__ = ["ResNet50Pyramid"]


class ResNet50Pyramid(nn.Module):
    """Features at strides 8 to 128, 256 channels each, as RetinaNet has them.

    Parameters
    ----------
    channels : int
        Input channels C. With other than three the first convolution is new.
    pretrained : bool
        Start from ImageNet weights. Where they cannot be had, the weights are random and ``notify`` is told.
    notify : callable
        Takes a sentence for the person.
    """

    outputs = 256
    strides = (8, 16, 32, 64, 128)
    #: Half of the receptive field at stride 128, rounded up.
    reach = 1024

    def __init__(
        self, channels: int, pretrained: bool = False, notify: Callable[[str], None] = lambda text: None
    ) -> None:
        super().__init__()
        net = _resnet(pretrained, notify)
        if channels != 3:
            net.conv1 = nn.Conv2d(channels, 64, 7, stride=2, padding=3, bias=False)
        self.stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool, net.layer1)
        self.stages = nn.ModuleList([net.layer2, net.layer3, net.layer4])
        self.pyramid = FeaturePyramidNetwork(
            [512, 1024, 2048], self.outputs, extra_blocks=LastLevelP6P7(self.outputs, self.outputs)
        )

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, C, Y, X) → for each stride s, features (B, 256, Y/s, X/s)."""
        features = self.stem(images)
        stages: dict[str, Tensor] = {}
        for number, stage in enumerate(self.stages):
            stages[str(number)] = features = stage(features)
        return list(self.pyramid(stages).values())


def _resnet(pretrained: bool, notify: Callable[[str], None]) -> Any:
    if not pretrained:
        return resnet50(weights=None)
    try:
        return resnet50(weights=ResNet50_Weights.IMAGENET1K_V1)
    except Exception as error:  # whatever the download raises: no network, no file, a changed address
        notify(
            "ImageNet weights of the ResNet-50 could not be downloaded "
            f"({type(error).__name__}: {error}): it starts from random weights, which costs accuracy"
        )
        return resnet50(weights=None)
