"""The published pair: one network finds centres, another tells nucleus from background."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["TwoStages"]


class TwoStages(nn.Module):
    """A detector that stays as it is, beside a segmenter of two classes that is trained.

    Parameters
    ----------
    detector : Module
        (B, C, Y, X) → logits (B, K, Y, X); has ``stride`` and ``reach``, in pixels.
    segmenter : Module
        (B, C, Y, X) → logits (B, 2, Y, X) of background and nucleus; likewise.
    """

    def __init__(self, detector: nn.Module, segmenter: nn.Module) -> None:
        super().__init__()
        self.detector = detector.requires_grad_(False)
        self.segmenter = segmenter

    @property
    def stride(self) -> int:
        """The input's height and width must be multiples of this many pixels."""
        return math.lcm(*(int(net.stride) for net in (self.detector, self.segmenter)))  # type: ignore[arg-type]

    @property
    def reach(self) -> int:
        """Receptive-field radius in pixels."""
        return max(int(net.reach) for net in (self.detector, self.segmenter))  # type: ignore[arg-type]

    def train(self, mode: bool = True) -> TwoStages:
        """Set the mode of the segmenter; the detector's normalisations stay what they are."""
        super().train(mode)
        self.detector.eval()
        return self

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, Y, X) → logits (B, K + 1, Y, X): centres, and nucleus against background.

        In training only the segmenter's own, (B, 2, Y, X).
        """
        logits: Tensor = self.segmenter(images)
        if self.training:
            return logits
        return torch.cat([self.detector(images), logits[:, 1:] - logits[:, :1]], dim=1)
