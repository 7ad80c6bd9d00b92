"""The dense-CRF pairwise term as a loss, in tensor operations on shifted images.

Source: Qu et al., IEEE TMI 2020 (here "the paper"), section IV.C, Eqs. 8-10; the relaxation is that of Tang
et al., "On regularized losses for weakly-supervised CNN segmentation", ECCV 2018. The paper filters on a
permutohedral lattice; here, all pairs of pixels that lie apart by one shift (dy, dx) are done at once, and
some dozens of shifts, placed once and for all with the density of the Gaussian, stand for those of a window.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["SHIFTS", "crf_loss", "gaussian_shifts"]

#: Shifts that stand for a window; about 0.3 s per megapixel on one core.
SHIFTS = 96
#: Pixels that the CPU works on at once, so that they stay in its cache.
BLOCK = 2**18

#: Steps (dy, dx) of one half-plane, each with its weight: each stands for -(dy, dx) too.
Shifts = tuple[tuple[int, int, float], ...]


def crf_loss(
    probability: Tensor,
    image: Tensor,
    sigma_position: float = 9.0,
    sigma_colour: float = 0.1,
    window: int | None = None,
    shifts: int | None = SHIFTS,
) -> Tensor:
    """Return L_pair = 1/N Σ_ij y_i (1 - y_j) W_ij, the relaxed pairwise term of Eqs. 8-10.

    W_ij = exp(-|p_i - p_j|² / 2σ_position² - |I_i - I_j|² / 2σ_colour²); pairs i = j count, as written, and
    pairs across images do not. N, the number of pixels of the batch, makes the mean of the paper's sum.

    Parameters
    ----------
    probability : Tensor, (B, 1, Y, X) or (B, 2, Y, X)
        y, of nucleus, or of background and nucleus. Gradients reach it, and not the image.
    image : Tensor, (B, C, Y, X)
        Colours in the unit of ``sigma_colour``: from 0 to 1 for the paper's.
    sigma_position : float
        In pixels; 9 in the paper, for nuclei of r1 = 8 and 11 px.
    sigma_colour : float
        0.1 (MO data set) or 0.2 (LC) in the paper.
    window : int, optional
        Pairs further apart than this along rows or columns do not count; ⌈3·sigma_position⌉ if not given,
        which cuts off 0.4 % of the loss (``benchmarks/crf.py``, on stained tissue).
    shifts : int, optional
        How many shifts stand for those of the window; ``None``: all of them, exactly, at their cost. Weights
        sum to those of the window, so that the loss keeps its size. With 96, against all pairs there are, it
        is off by 0.5 % and its gradient by 2.3 % of its length (there, too).

    Raises
    ------
    ValueError
        If shapes do not fit or a width is not positive.
    """
    if probability.ndim != 4 or image.ndim != 4 or probability.shape[1] not in (1, 2):
        raise ValueError(
            f"probability has shape {tuple(probability.shape)} and image {tuple(image.shape)}, "
            "expected (B, 1, Y, X) or (B, 2, Y, X), and (B, C, Y, X)"
        )
    if probability.shape[:1] + probability.shape[2:] != image.shape[:1] + image.shape[2:]:
        raise ValueError(
            f"probability {tuple(probability.shape)} and image {tuple(image.shape)} differ in size"
        )
    if not (sigma_position > 0 and sigma_colour > 0):
        raise ValueError(f"sigma_position {sigma_position} and sigma_colour {sigma_colour} must be positive")
    reach = math.ceil(3 * sigma_position) if window is None else window
    exact = torch.float64 if probability.dtype == torch.float64 else torch.float32
    colours = image.detach().to(exact) / (sigma_colour * math.sqrt(2))
    loss: Tensor = _PairwiseTerm.apply(
        probability[:, -1].to(exact), colours, gaussian_shifts(sigma_position, reach, shifts)
    )
    return loss


def gaussian_shifts(sigma: float, window: int, count: int | None = None) -> Shifts:
    """Return shifts within a window, weighted with exp(-(dy² + dx²) / 2σ²).

    With ``count``, about so many, each with the same share of the window's weight, on a sunflower spiral
    whose density is the Gaussian's: the k-th lies at radius σ·√(-2 ln(1 - (k + ½)/count)), a golden angle on
    from the one before. All shifts are returned where they are no more than that.
    """
    every = {
        (dy, dx): math.exp(-(dy * dy + dx * dx) / (2 * sigma * sigma))
        for dy in range(window + 1)
        for dx in range(-window, window + 1)
        if dy > 0 or dx > 0
    }
    if count is None or len(every) <= count:
        return tuple((dy, dx, weight) for (dy, dx), weight in every.items())
    times: dict[tuple[int, int], int] = {}
    for k in range(count):
        radius = sigma * math.sqrt(-2 * math.log(1 - (k + 0.5) / count))
        angle = k * math.pi * (3 - math.sqrt(5))
        dy, dx = round(radius * math.sin(angle)), round(radius * math.cos(angle))
        shift = (dy, dx) if (dy, dx) > (0, 0) else (-dy, -dx)
        if shift in every:
            times[shift] = times.get(shift, 0) + 1
    share = sum(every.values()) / max(1, sum(times.values()))
    return tuple((dy, dx, n * share) for (dy, dx), n in times.items())


class _PairwiseTerm(torch.autograd.Function):
    """L_pair of y (B, Y, X) and scaled colours (B, C, Y, X).

    With u = 1 - 2y, a pair i ≠ j adds y_i (1 - y_j) + y_j (1 - y_i) = (1 - u_i u_j) / 2 times W_ij, and a
    pixel with itself (1 - u_i²) / 4. So one bilateral filtering F = W u gives the loss and its gradient, F/N.
    """

    @staticmethod
    def forward(ctx: Any, nucleus: Tensor, colours: Tensor, shifts: Shifts) -> Tensor:
        u = 1 - 2 * nucleus
        filtered, total = _bilateral(u, colours, shifts)
        count = max(1, u.numel())
        ctx.save_for_backward(filtered / count)
        product = (u.double() * filtered.double()).sum()
        return ((total / 2 + (u.numel() - product) / 4) / count).to(nucleus.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        (gradient,) = ctx.saved_tensors
        return upstream * gradient, None, None


def _bilateral(u: Tensor, colours: Tensor, shifts: Shifts) -> tuple[Tensor, Tensor]:
    """Return Σ_j W_ij u_j (B, Y, X), with W_ii = 1, and the sum of W over pairs i ≠ j, each counted once."""
    filtered = u.clone()
    total = torch.zeros((), dtype=torch.float64, device=u.device)
    blocks = list(_blocks(u))
    largest = max((u[block].numel() for block in blocks), default=0)
    room = torch.empty(2, largest, dtype=u.dtype, device=u.device)
    for images, rows in blocks:
        for dy, dx, weight in shifts:
            here, there = _pairs(u, images, rows, dy, dx)
            shape = u[here].shape
            difference, affinity = (part[: shape.numel()].view(shape) for part in room)
            affinity.zero_()
            for channel in colours.unbind(1):
                torch.sub(channel[here], channel[there], out=difference)
                affinity.addcmul_(difference, difference, value=-1)
            affinity.exp_()
            total += weight * affinity.sum()
            filtered[here].addcmul_(affinity, u[there], value=weight)
            filtered[there].addcmul_(affinity, u[here], value=weight)
    return filtered, total


def _blocks(u: Tensor) -> Iterator[tuple[slice, slice]]:
    """Images and rows that are done together: on the CPU few enough, on a GPU all."""
    count, height, width = u.shape
    most = BLOCK if u.device.type == "cpu" else max(1, u.numel())
    images, rows = max(1, most // max(1, height * width)), max(1, most // max(1, width))
    for first in range(0, count, images):
        for top in range(0, height, rows):
            yield slice(first, min(first + images, count)), slice(top, min(top + rows, height))


def _pairs(
    u: Tensor, images: slice, rows: slice, dy: int, dx: int
) -> tuple[tuple[slice, slice, slice], tuple[slice, slice, slice]]:
    """Where the pixels of a block are that have a partner at (dy, dx), and where those partners are."""
    height, width = u.shape[1:]
    bottom = max(rows.start, min(rows.stop, height - dy))
    left, right = max(0, -dx), max(0, width - max(0, dx))
    here = images, slice(rows.start, bottom), slice(left, max(left, right))
    there = images, slice(rows.start + dy, bottom + dy), slice(left + dx, max(left, right) + dx)
    return here, there
