"""What a network of *partial-points* answers: centres alone, or outlines too."""

from __future__ import annotations

from typing import Literal

from torch import nn

from napari_inkling.methods.partial_points.settings import PartialPointsSettings
from napari_inkling.networks.pretrained import has_pretrained
from napari_inkling.networks.resnet34_unet import ResNet34UNet
from napari_inkling.networks.small_unet import SmallUNet
from napari_inkling.networks.two_stages import TwoStages

__all__ = ["Heads", "build_network", "build_part", "is_pretrained", "with_outputs"]

#: centres: a map for each class. joint: and one of foreground, and one of the distance from the boundary.
#: two-class: the centres' network, and another that tells nucleus from background (as published).
Heads = Literal["centres", "joint", "two-class"]


def build_network(
    settings: PartialPointsSettings, channels: int, classes: int, heads: Heads = "centres"
) -> nn.Module:
    """Return the network that the settings name, with random weights."""
    if heads == "two-class":
        return TwoStages(build_part(settings, channels, classes), build_part(settings, channels, 2))
    return build_part(settings, channels, classes + 2 * (heads == "joint"))


def build_part(settings: PartialPointsSettings, channels: int, outputs: int) -> nn.Module:
    """Return one U-Net with random weights."""
    if settings.network == "resnet34":
        return ResNet34UNet(channels, outputs)
    return SmallUNet(channels, outputs, settings.width)


def is_pretrained(settings: PartialPointsSettings, channels: int) -> bool:
    """Whether the network begins with weights that know something."""
    return settings.pretrained and (
        settings.network == "resnet34" or has_pretrained(channels, settings.width)
    )


def with_outputs(net: nn.Module, settings: PartialPointsSettings, channels: int, outputs: int) -> nn.Module:
    """Return a U-Net with so many outputs that begins with the weights of ``net``, the first outputs too."""
    changed = build_part(settings, channels, outputs)
    begun = changed.state_dict()
    for name, values in net.state_dict().items():
        if begun[name].shape == values.shape:
            begun[name] = values
        else:
            kept = min(len(values), outputs)
            begun[name][:kept] = values[:kept]
    changed.load_state_dict(begun)
    return changed
