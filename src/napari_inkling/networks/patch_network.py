"""A small classifier of patches, whose last layer but one gives features."""

from __future__ import annotations

from torch import Tensor, nn

__all__ = ["PatchNetwork"]


class PatchNetwork(nn.Module):
    """Three convolutions, each halving, and the mean over the patch; one score.

    Parameters
    ----------
    channels : int
        Input channels C.
    width : int
        Channels of the first convolution; the others have twice and four times as many.
    """

    def __init__(self, channels: int, width: int = 16) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((channels, width), (width, 2 * width), (2 * width, 4 * width)):
            layers += [
                nn.Conv2d(inputs, outputs, 3, padding=1, bias=False),
                nn.BatchNorm2d(outputs),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2, ceil_mode=True),
            ]
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.score = nn.Linear(4 * width, 1)

    def features(self, patches: Tensor) -> Tensor:
        """(B, C, Y, X) → (B, 4·width)."""
        result: Tensor = self.body(patches)
        return result

    def forward(self, patches: Tensor) -> Tensor:
        """(B, C, Y, X) → scores (B,), positive for a cell."""
        scores: Tensor = self.score(self.features(patches))[:, 0]
        return scores
