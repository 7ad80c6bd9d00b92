"""A U-Net small enough to train on a laptop's CPU in about a minute."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["SmallUNet"]


class _Block(nn.Sequential):
    """Two 3 × 3 convolutions, each with batch normalisation and ReLU: (B, i, Y, X) → (B, o, Y, X)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        layers: list[nn.Module] = []
        for channels in (inputs, outputs):
            layers += [
                nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


class SmallUNet(nn.Module):
    """U-Net with ``depth`` halvings and ``width``, 2·width, … channels; logits at input resolution.

    Parameters
    ----------
    channels : int
        Input channels C.
    outputs : int
        Output channels, logits.
    width : int
        Channels of the first level.
    depth : int
        Number of halvings; height and width of the input must be multiples of :attr:`stride`.
    """

    def __init__(self, channels: int, outputs: int = 1, width: int = 16, depth: int = 3) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(depth + 1)]
        self.channels, self.outputs, self.width, self.depth = channels, outputs, width, depth
        self.down = nn.ModuleList(_Block(i, o) for i, o in zip([channels, *widths], widths, strict=False))
        self.up = nn.ModuleList(
            _Block(widths[level] + widths[level + 1], widths[level]) for level in reversed(range(depth))
        )
        self.head = nn.Conv2d(width, outputs, 1)

    @property
    def stride(self) -> int:
        """The input's height and width must be multiples of this many pixels."""
        return int(2**self.depth)

    @property
    def reach(self) -> int:
        """Receptive-field radius: no output depends on inputs further away than this many pixels."""
        pixels, step = 0, 1
        for _ in range(self.depth):  # on the way down: two convolutions, then halving
            pixels += 2 * step + step
            step *= 2
        pixels += 2 * step
        for _ in range(self.depth):  # on the way up: nearest-neighbour doubling, two convolutions
            pixels += step
            step //= 2
            pixels += 2 * step
        return pixels

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, Y, X) → logits (B, outputs, Y, X)."""
        logits: Tensor = self.head(self.levels(images)[-1])
        return logits

    def levels(self, images: Tensor) -> list[Tensor]:
        """(B, C, Y, X) → features of each level from the coarsest up, (B, ·, Y/2ᵏ, X/2ᵏ), k falling to 0."""
        skips: list[Tensor] = []
        features = images
        for level, block in enumerate(self.down):
            if level:
                features = nn.functional.max_pool2d(features, 2)
            features = block(features)
            skips.append(features)
        levels = [skips.pop()]
        for block in self.up:
            features = nn.functional.interpolate(features, scale_factor=2.0, mode="nearest")
            features = block(torch.cat([skips.pop(), features], dim=1))
            levels.append(features)
        return levels
