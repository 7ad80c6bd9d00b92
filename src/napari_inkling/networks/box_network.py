"""RetinaNet (Lin et al., "Focal loss for dense object detection", 2017) from torchvision's parts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torchvision.models.detection.retinanet import RetinaNetHead

__all__ = ["Backbone", "BoxNetwork", "LevelNorm"]


class Backbone(Protocol):
    """Images to features of several strides."""

    outputs: int
    strides: tuple[int, ...]
    reach: int


class LevelNorm(nn.Module):
    """A batch normalisation for each level of a pyramid, behind a convolution that all levels share.

    The levels' features differ in mean and deviation: one normalisation for all would predict with statistics
    that fit none of them. And a group normalisation would see the whole image, not what is near.
    """

    def __init__(self, channels: int, levels: int) -> None:
        super().__init__()
        self.of_levels = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(levels))
        #: The level that is being looked at.
        self.level = 0

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, Y, X) of the present level → the same, normalised."""
        normalised: Tensor = self.of_levels[self.level](features)
        return normalised


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
        Normalise the features of the heads by batch, each level by itself; RetinaNet as published does not.
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
        self._shapes = [_widths_and_heights(level, ratios) for level in sizes]
        norm = partial(LevelNorm, levels=len(sizes)) if normalised else None
        self.head = RetinaNetHead(about.outputs, len(sizes[0]) * len(ratios), classes, norm_layer=norm)

    @property
    def stride(self) -> int:
        """The input's height and width must be multiples of this many pixels."""
        return max(self.strides)

    def anchors(self, height: int, width: int) -> Tensor:
        """Return the anchors of an image of so many pixels, xyxy (N, 4); its top left corner is (0, 0).

        They are in the order of the answers: by level, by row and by column of the features, and by ratio
        and size of those that share a place. A place is the middle of what a feature covers.
        """
        device = next(self.head.parameters()).device
        levels = []
        for stride, shapes in zip(self.strides, self._shapes, strict=True):
            y, x = (
                (torch.arange(-(-side // stride), device=device) + 0.5) * stride for side in (height, width)
            )
            places = torch.cartesian_prod(y, x).flip(1)[:, None]  # (P, 1, 2), x and y
            halves = shapes.to(device) / 2  # (A, 2)
            levels.append(torch.cat([places - halves, places + halves], dim=2).flatten(0, 1))
        return torch.cat(levels)

    def forward(self, images: Tensor) -> Tensor:
        """(B, C, Y, X) → (B, N, K + 4): for each anchor logits of the K classes, then what moves its box."""
        levels = enumerate(self.backbone(images))
        return torch.cat([self._of_level(level, features) for level, features in levels], dim=1)

    def _of_level(self, level: int, features: Tensor) -> Tensor:
        for part in self.head.modules():
            if isinstance(part, LevelNorm):
                part.level = level
        answer = self.head([features])
        return torch.cat([answer["cls_logits"], answer["bbox_regression"]], dim=2)


def _widths_and_heights(sizes: Sequence[float], ratios: Sequence[float]) -> Tensor:
    """Return the widths and heights of the anchors of a place, (A, 2): each size in each ratio."""
    shapes = [(size / ratio**0.5, size * ratio**0.5) for ratio in ratios for size in sizes]
    return torch.tensor(shapes, dtype=torch.float32)
