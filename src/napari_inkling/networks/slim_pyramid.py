"""A feature pyramid small enough to train on a laptop's CPU: the default backbone of the box network."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork

__all__ = ["SlimPyramid"]

#: Channels of the stages at strides 2, 4, 8, 16, 32, 64, in units of the width.
_WIDTHS = (1, 2, 4, 6, 8, 8)


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class SlimPyramid(nn.Module):
    """Plain convolutions, halving after each stage, joined by torchvision's feature pyramid.

    Parameters
    ----------
    channels : int
        Input channels C.
    levels : int
        Levels of the pyramid, each at twice the stride of the one before.
    first : int
        Stride of the first level, 4 or 8.
    width : int
        Channels of the first stage.
    outputs : int
        Channels of every level of the pyramid.
    """

    def __init__(
        self, channels: int, levels: int = 3, first: int = 4, width: int = 16, outputs: int = 64
    ) -> None:
        super().__init__()
        self.outputs = outputs
        self.strides = tuple(first * 2**level for level in range(levels))
        widths = [width * factor for factor in _WIDTHS[: self.strides[-1].bit_length() - 1]]
        self.stem = _convolution(channels, widths[0], stride=2)
        self.stages = nn.ModuleList(
            nn.Sequential(_convolution(i, o, stride=2), _convolution(o, o)) for i, o in pairwise(widths)
        )
        self.pyramid = FeaturePyramidNetwork(widths[-levels:], outputs)

    @property
    def reach(self) -> int:
        """Receptive-field radius in pixels, with what the upper levels add to the lower ones."""
        pixels, step = 1, 2
        for _ in self.stages:
            pixels += step  # the halving convolution
            step *= 2
            pixels += step
        return pixels + 2 * step  # the pyramid's own convolution, and its doublings

    def forward(self, images: Tensor) -> list[Tensor]:
        """(B, C, Y, X) → for each stride s, features (B, outputs, Y/s, X/s)."""
        features = self.stem(images)
        stages: dict[str, Tensor] = {}
        for number, stage in enumerate(self.stages, len(self.strides) - len(self.stages)):
            features = stage(features)
            if number >= 0:
                stages[str(number)] = features
        return list(self.pyramid(stages).values())
