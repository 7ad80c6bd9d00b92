"""Random crops of images and their targets: the batches that the loop takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from napari_inkling.training.loop import Batch

__all__ = ["Field", "crop_of", "jittered", "random_corner", "random_crops", "resized", "view_of"]


@dataclass(frozen=True, eq=False)
class Field:
    """A window of an image, ready for training: ``pixels`` (C, Y, X), ``marked`` places (N, 2) inside it."""

    pixels: npt.NDArray[np.float32]
    marked: npt.NDArray[np.float64]


def random_crops(
    fields: Sequence[Field],
    targets: Sequence[npt.NDArray[np.float32]],
    *,
    side: int,
    count: int,
    random: np.random.Generator,
    near_marked: float = 0.5,
    jitter: float = 0.1,
    zoom: float = 0.0,
    ignore: float = -1.0,
) -> Iterator[Batch]:
    """Yield batches of ``count`` crops of ``side`` × ``side`` pixels, without end.

    Parameters
    ----------
    fields : sequence of Field
        What is cropped; a large one more often than a small one, as the root of its area.
    targets : sequence of arrays, (K, Y, X)
        One for each field. Where a crop reaches over the edge of a small field, pixels repeat and the target
        is ``ignore``.
    side, count : int
        Edge of a crop in pixels, and how many make a batch.
    random : Generator
        Draws everything.
    near_marked : float
        Share of the crops that hold a marked place for certain; others may.
    jitter : float
        Spread of the random gain of each channel; its random offset spreads twice as far, in units of the
        channel's standard deviation.
    zoom : float
        The crops of a batch are magnified by a random factor between exp(-zoom) and exp(zoom).
    ignore : float
        The target of pixels about which nothing is known.

    Each crop is turned and mirrored at random into one of eight views.
    """
    size = np.array([f.pixels.shape[1:] for f in fields])
    weights = np.sqrt(size.prod(1))
    weights /= weights.sum()
    while True:
        images, masks = [], []
        edge = round(side * float(np.exp(random.uniform(-zoom, zoom)))) if zoom else side
        for chosen in random.choice(len(fields), count, p=weights):
            field, target = fields[chosen], targets[chosen]
            corner = random_corner(field.pixels.shape[1:], field.marked, edge, near_marked, random)
            turns, mirror = int(random.integers(4)), bool(random.integers(2))
            images.append(view_of(crop_of(field.pixels, corner, edge), turns, mirror))
            masks.append(view_of(crop_of(target, corner, edge, ignore), turns, mirror))
        pixels = resized(torch.from_numpy(np.stack(images)), side)
        wanted = torch.from_numpy(np.stack(masks))
        if edge != side:  # targets keep their values, so that *ignore* stays itself
            wanted = interpolate(wanted, (side, side), mode="nearest-exact")
        yield jittered(pixels, jitter, random), wanted


def jittered(pixels: Tensor, jitter: float, random: np.random.Generator) -> Tensor:
    """Return images (B, C, Y, X) with a random gain and offset of each channel; see :func:`random_crops`."""
    if not jitter:
        return pixels
    shape = (*pixels.shape[:2], 1, 1)
    gain = 1 + jitter * random.standard_normal(shape, dtype=np.float32)
    offset = 2 * jitter * random.standard_normal(shape, dtype=np.float32)
    return pixels * torch.from_numpy(gain) + torch.from_numpy(offset)


def resized(pixels: Tensor, side: int) -> Tensor:
    """Return square images (B, C, edge, edge) with an edge of ``side``."""
    edge = pixels.shape[-1]
    if edge == side:
        return pixels
    return interpolate(pixels, (side, side), mode="bilinear", align_corners=False, antialias=edge > side)


def random_corner(
    shape: tuple[int, int],
    marked: npt.NDArray[np.float64],
    side: int,
    near_marked: float,
    random: np.random.Generator,
) -> tuple[int, int]:
    """Return the top left corner of a crop; 0 along an axis of the image that is shorter than the crop."""
    free = np.maximum(np.array(shape) - side, 0)
    if len(marked) and random.random() < near_marked:
        place = marked[random.integers(len(marked))] + random.uniform(-side / 2.5, side / 2.5, 2)
        corner = np.clip(place - side / 2, 0, free)
    else:
        corner = random.integers(free + 1)
    return int(corner[0]), int(corner[1])


def crop_of(
    array: npt.NDArray[np.float32], corner: tuple[int, int], side: int, fill: float | None = None
) -> npt.NDArray[np.float32]:
    """Return (·, side, side) from ``corner`` on; what lies outside is ``fill``, or the edge repeated."""
    top, left = corner
    crop = array[:, top : top + side, left : left + side]
    missing = ((0, 0), (0, side - crop.shape[1]), (0, side - crop.shape[2]))
    if not any(after for _, after in missing):
        return crop
    return np.pad(crop, missing, mode="edge") if fill is None else np.pad(crop, missing, constant_values=fill)


def view_of(crop: npt.NDArray[np.float32], turns: int, mirror: bool) -> npt.NDArray[np.float32]:
    """Return a crop (·, Y, X) turned by so many quarters, anticlockwise, and then mirrored along x."""
    turned = np.rot90(crop, turns, axes=(1, 2))
    return np.ascontiguousarray(turned[:, :, ::-1] if mirror else turned)
