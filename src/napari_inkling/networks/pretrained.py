"""Weights that ship with the program: the small network after training on synthetic tissue."""

from __future__ import annotations

from importlib.resources import as_file, files

from safetensors.torch import load_file

from napari_inkling.networks.small_unet import SmallUNet

__all__ = ["CHANNELS", "DEPTH", "WIDTH", "has_pretrained", "load_pretrained"]

#: The shipped weights are for images of so many channels, a first level of so many, and so many halvings.
CHANNELS, WIDTH, DEPTH = 3, 16, 3


def has_pretrained(channels: int, width: int, depth: int = DEPTH) -> bool:
    """Whether the shipped weights fit a small network of this shape."""
    return (channels, width, depth) == (CHANNELS, WIDTH, DEPTH)


def load_pretrained(net: SmallUNet) -> bool:
    """Give ``net`` the shipped weights, its last layer repeated for each output; False if none fit.

    They were trained by ``scripts/pretrain_small_unet.py`` on drawn tissue, no real image among it.
    """
    if not has_pretrained(net.channels, net.width, net.depth):
        return False
    with as_file(files("napari_inkling.networks") / "weights/small_unet_rgb.safetensors") as path:
        weights = load_file(path)
    for name in ("head.weight", "head.bias"):
        weights[name] = weights[name].repeat_interleave(net.outputs, 0)
    net.load_state_dict(weights)
    return True
