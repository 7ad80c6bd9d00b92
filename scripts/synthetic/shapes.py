"""Outlines of cells: wobbly ellipses, how they are thrown onto a field, and the label image they leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

__all__ = ["Outline", "label_image", "scatter", "soft_mask", "wobble"]

Plane = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outline:
    """An ellipse with radii (long, short) px at ``angle`` (radians from the x axis), wobbling by harmonics.

    ``amplitudes`` and ``phases`` belong to the harmonics 2, 3, 4, … of the radius, relative to it.
    """

    y: float
    x: float
    radii: tuple[float, float]
    angle: float = 0.0
    amplitudes: tuple[float, ...] = ()
    phases: tuple[float, ...] = ()

    @property
    def radius(self) -> float:
        """Radius in px of a circle of the same area, wobble apart."""
        return float(np.sqrt(self.radii[0] * self.radii[1]))

    def window(self, shape: tuple[int, int], margin: float = 4.0) -> tuple[slice, slice]:
        """Return the part of an image of this shape that the outline, and ``margin`` px around, can touch."""
        reach = max(self.radii) * (1 + sum(self.amplitudes)) + margin
        return tuple(
            slice(max(0, int(c - reach)), max(0, min(n, int(c + reach) + 2)))
            for c, n in zip((self.y, self.x), shape, strict=True)
        )  # type: ignore[return-value]

    def polar(self, window: tuple[slice, slice]) -> tuple[Plane, Plane]:
        """Return (relative radius, angle) of a window's pixels in the outline's own frame; 1 is the rim."""
        yy, xx = np.mgrid[window].astype(np.float64)
        dy, dx = yy - self.y, xx - self.x
        along = (dx * np.cos(self.angle) + dy * np.sin(self.angle)) / self.radii[0]
        across = (-dx * np.sin(self.angle) + dy * np.cos(self.angle)) / self.radii[1]
        theta = np.arctan2(across, along)
        rim = np.ones_like(theta)
        for k, (amplitude, phase) in enumerate(zip(self.amplitudes, self.phases, strict=True), start=2):
            rim += amplitude * np.cos(k * theta + phase)
        return np.hypot(along, across) / rim, theta

    def depth(self, window: tuple[slice, slice]) -> Plane:
        """Return the distance in px from the rim, positive inside, exact enough near the rim."""
        rho, _ = self.polar(window)
        rows, columns = np.gradient(rho)
        slope = np.maximum(np.hypot(rows, columns), 1 / (2 * max(self.radii)))
        return np.asarray(np.clip((1 - rho) / slope, -max(self.radii), min(self.radii)))


def wobble(rng: np.random.Generator, strength: float, harmonics: int = 4) -> dict[str, tuple[float, ...]]:
    """Return random ``amplitudes`` and ``phases`` for an :class:`Outline`; higher harmonics are weaker."""
    sizes = strength * np.abs(rng.standard_normal(harmonics)) / np.arange(1, harmonics + 1)
    return {
        "amplitudes": tuple(np.minimum(sizes, 2 * strength).tolist()),
        "phases": tuple(rng.uniform(0, 2 * np.pi, harmonics).tolist()),
    }


def scatter(
    rng: np.random.Generator,
    density: Plane,
    make: Callable[[float, float], Outline],
    count: int,
    placed: Sequence[Outline] = (),
    overlap: float = 0.05,
    tries: int = 60,
) -> list[Outline]:
    """Throw up to ``count`` outlines where ``density`` ≥ 0 is high, none over another.

    ``make(y, x)`` gives the outline at a place. At most the share ``overlap`` of a new outline may lie on
    those in ``placed`` and on earlier ones, so that some touch. Gives up after ``tries × count`` throws.
    """
    shape = (density.shape[0], density.shape[1])
    taken = label_image(placed, shape) > 0
    chances = (density / density.sum()).ravel().cumsum()
    found: list[Outline] = []
    for _ in range(tries * count):
        if len(found) == count:
            break
        y, x = np.divmod(int(np.searchsorted(chances, rng.random() * chances[-1])), shape[1])
        outline = make(y + rng.uniform(-0.5, 0.5), x + rng.uniform(-0.5, 0.5))
        window = outline.window(shape)
        inside = outline.polar(window)[0] <= 1
        if inside.sum() and (taken[window] & inside).sum() <= overlap * inside.sum():
            taken[window] |= inside
            found.append(outline)
    return found


def soft_mask(depth: Plane, softness: float) -> Plane:
    """Return how much of the outline each pixel holds, in [0, 1], from its depth in px."""
    return 1 / (1 + np.exp(-np.clip(depth / max(softness, 1e-3), -30, 30) * 2))


def label_image(
    outlines: Sequence[Outline], shape: tuple[int, int], smallest: int = 12
) -> npt.NDArray[np.uint16]:
    """Return labels 1, 2, … in the outlines' order; a later one lies on top.

    What a later outline cuts off a label's largest piece, and labels under ``smallest`` px, become 0, so
    numbers may be missing.
    """
    labels = np.zeros(shape, np.uint16)
    for number, outline in enumerate(outlines, start=1):
        window = outline.window(shape)
        labels[window][outline.polar(window)[0] <= 1] = number
    for number, window in enumerate(ndimage.find_objects(labels), start=1):
        if window is None:
            continue
        mine = labels[window] == number
        pieces, count = ndimage.label(mine)
        sizes = np.bincount(pieces.ravel())[1:]
        keep = pieces == 1 + int(sizes.argmax()) if count and sizes.max() >= smallest else np.zeros_like(mine)
        labels[window][mine & ~keep] = 0
    return labels
