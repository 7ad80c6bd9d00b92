"""RetinaNet (Lin et al., "Focal loss for dense object detection", 2017) from torchvision's parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.retinanet import RetinaNetHead

__all__ = ["Backbone", "BoxNetwork"]


class Backbone(Protocol):
    """Images to features of several strides."""

    outputs: int
    strides: tuple[int, ...]
    reach: int


class BoxNetwork(nn.Module):
    """A backbone with a head for classes and a head for boxes; each place has the same number of anchors.

    Parameters
    ----------
    backbone : nn.Module
        A :class:`Backbone`.
    classes : int
        Number of classes K.
    sizes : sequence of sequences of float
        For each stride of the backbone, the sides of the square anchors in pixels; as many at each.
    ratios : sequence of float
        Height by width of the anchors; each size comes in each ratio, at the same area.
    normalised : bool
        Normalise the features of the heads; RetinaNet as published does not.
    """

    def __init__(
        self,
        backbone: nn.Module,
        classes: int,
        sizes: Sequence[Sequence[float]],
        ratios: Sequence[float] = (1.0,),
        *,
        normalised: bool = True,
    ) -> None:
        super().__init__()
        about = cast(Backbone, backbone)
        self.backbone, self.classes = backbone, classes
        self.strides, self.reach = about.strides, about.reach + 5 * max(about.strides)
        self._generator = AnchorGenerator(
            tuple(tuple(level) for level in sizes), tuple(tuple(ratios) for _ in sizes)
        )
        norm: Callable[..., nn.Module] | None = partial(nn.GroupNorm, 8) if normalised else None
        self.head = RetinaNetHead(about.outputs, len(sizes[0]) * len(ratios), classes, norm_layer=norm)

    @property
    def stride(self) -> int:
        """The input's height and width must be multiples of this many pixels."""
        return max(self.strides)

    def anchors(self, height: int, width: int) -> Tensor:
        """Return the anchors of an image of so many pixels, xyxy (N, 4); its top left corner is (0, 0).

        The anchors of a place are centred on it; torchvision's own are half a stride off.
        """
        weight = next(self.head.parameters())
        grids = [[height // s, width // s] for s in self.strides]
        strides = [[torch.tensor(s, device=weight.device)] * 2 for s in self.strides]
        self._generator.set_cell_anchors(torch.float32, weight.device)
        levels = self._generator.grid_anchors(grids, strides)
        return torch.cat([level + s / 2 for level, s in zip(levels, self.strides, strict=True)])

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, Y, X) → (B, N, K + 4): for each anchor logits of the K classes, then what moves its box."""
        answer = self.head(self.backbone(images))
        return torch.cat([answer["cls_logits"], answer["bbox_regression"]], dim=2)
