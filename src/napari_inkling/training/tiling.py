"""Prediction of images of any size, tile by tile, as if in one piece.

A tile's result is that of the whole image when the tile is read with a margin of the network's receptive
field and starts on a multiple of its stride (Huang et al., "Tiling and stitching segmentation output for
remote sensing", 2018).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from napari_inkling.training.devices import Device
from napari_inkling.training.pieces import Pieces, finish
from napari_inkling.training.working_image import Window, WorkingImage, windows

__all__ = ["FLIPS", "Answer", "predict_tiles", "probabilities", "view_by_view"]

FloatImage = npt.NDArray[np.float32]

#: Axes that are flipped: the network's answers are averaged over the first so many of these.
FLIPS: tuple[tuple[int, ...], ...] = ((), (3,), (2,), (2, 3))


class Answer(NamedTuple):
    """Probabilities: ``mean`` (K, y, x) over the views, and ``apart`` (V, k, y, x), some of each view."""

    mean: FloatImage
    apart: FloatImage


def predict_tiles(
    net: nn.Module,
    image: WorkingImage,
    device: Device,
    *,
    margin: int = 0,
    side: int = 1024,
    views: int = 1,
    apart: int = 0,
    only: Sequence[Window] | None = None,
) -> Iterator[tuple[Window, Window, Pieces[Answer]]]:
    """Yield, for each tile, its window, the window with a margin, and the work to predict the latter.

    Parameters
    ----------
    net : nn.Module
        With the properties ``stride`` and ``reach``, in pixels.
    image : WorkingImage
        What to predict.
    device : Device
        Where.
    margin : int
        So many pixels around each tile are exact, too (for whatever looks at neighbours afterwards).
    side : int
        Edge of a tile, in working pixels; a multiple of the network's stride.
    views : int
        Over how many of :data:`FLIPS` to average.
    apart : int
        So many channels, the first ones, are returned of each view, too.
    only : sequence of Window, optional
        Leave out the tiles that touch none of these.

    Yields
    ------
    tile, window : Window
        Of the working image.
    work : Pieces
        Returns the answer in ``window``, float32; does nothing until it is asked to.
    """
    stride, reach = int(net.stride), int(net.reach)  # type: ignore[arg-type]
    halo = -(-(reach + margin) // stride) * stride
    for tile in windows(image.shape, side):
        if only is not None and not any(tile.touches(window) for window in only):
            continue
        read = tile.grown(halo, *image.shape)
        exact = tile.grown(margin, *image.shape)
        yield tile, exact, _tile(net, image, device, views, apart, read, exact)


def _tile(
    net: nn.Module, image: WorkingImage, device: Device, views: int, apart: int, read: Window, exact: Window
) -> Pieces[Answer]:
    pixels = image.read(read)
    yield
    known = yield from view_by_view(net, pixels, device, views, apart)
    rows = slice(exact.top - read.top, exact.bottom - read.top)
    columns = slice(exact.left - read.left, exact.right - read.left)
    return Answer(*(maps[..., rows, columns] for maps in known))


def probabilities(net: nn.Module, pixels: FloatImage, device: Device, views: int = 1) -> FloatImage:
    """Return sigmoid(net(pixels)) averaged over views, (C, y, x) → (K, y, x); pads to the stride."""
    return finish(view_by_view(net, pixels, device, views)).mean


def view_by_view(
    net: nn.Module, pixels: FloatImage, device: Device, views: int = 1, apart: int = 0
) -> Pieces[Answer]:
    """Do the work of :func:`probabilities`, with a pause after each view; see :func:`predict_tiles`."""
    stride = int(net.stride)  # type: ignore[arg-type]
    height, width = pixels.shape[1:]
    padded = np.pad(pixels, ((0, 0), (0, -height % stride), (0, -width % stride)), mode="edge")
    images = torch.from_numpy(padded)[None].to(device.torch_device)
    net.eval()
    answers: list[Tensor] = []
    total: Tensor | None = None
    for axes in FLIPS[:views]:
        with torch.inference_mode(), device.autocast():  # left before each pause: it is the whole thread's
            view = images.flip(axes) if axes else images
            answer = net(view.contiguous(memory_format=torch.channels_last)).float().sigmoid()
            answer = answer.flip(axes) if axes else answer
            total = answer if total is None else total + answer
            answers.append(answer[0, :apart, :height, :width].clone())
        yield
    assert total is not None, f"views = {views}, expected 1 to {len(FLIPS)}"
    mean: FloatImage = (total[0, :, :height, :width] / views).cpu().numpy()
    return Answer(mean, torch.stack(answers).cpu().numpy())
