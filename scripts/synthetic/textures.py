"""Noise with the looks of chromatin, cytoplasm, collagen and camera sensors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

__all__ = ["add_camera_noise", "fibres", "grain", "smooth_noise", "soften_colour", "unit_range"]

Plane = npt.NDArray[np.float64]


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int], sigma: float) -> Plane:
    """Return Gaussian noise of correlation length ``sigma`` px, mean 0, standard deviation 1."""
    # Filtered on a wider field, so that the borders look like the middle and nothing repeats.
    margin = int(3 * sigma) + 1
    wide = ndimage.gaussian_filter(rng.standard_normal((shape[0] + 2 * margin, shape[1] + 2 * margin)), sigma)
    wide = (wide - wide.mean()) / wide.std()
    return np.asarray(wide[margin:-margin, margin:-margin])


def grain(rng: np.random.Generator, shape: tuple[int, int], sigmas: tuple[float, ...]) -> Plane:
    """Return the mean of noises of several correlation lengths, standard deviation 1."""
    total = sum((smooth_noise(rng, shape, s) for s in sigmas), np.zeros(shape))
    return np.asarray(total / total.std())


def fibres(rng: np.random.Generator, angle: Plane, length: int, sigma: float = 0.7) -> Plane:
    """Return noise smeared along ``angle`` (radians, from the x axis): a line integral convolution.

    ``length`` is how far it is smeared to either side, in px. Mean 0, standard deviation 1.
    """
    shape = (angle.shape[0], angle.shape[1])
    noise = smooth_noise(rng, shape, sigma)
    grid = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    total = noise.copy()
    for sign in (-1.0, 1.0):
        at = grid.copy()
        for _ in range(length):
            local = ndimage.map_coordinates(angle, at, order=0, mode="nearest")
            at += sign * np.stack([np.sin(local), np.cos(local)])
            total += ndimage.map_coordinates(noise, at, order=1, mode="reflect")
    return np.asarray((total - total.mean()) / total.std())


def unit_range(plane: Plane, low: float = 0.5, high: float = 99.5) -> Plane:
    """Return the plane stretched to [0, 1] between two percentiles."""
    a, b = np.percentile(plane, [low, high])
    return np.asarray(np.clip((plane - a) / (b - a), 0, 1))


def soften_colour(rgb: npt.NDArray[np.float64], sigma: float = 1.0) -> npt.NDArray[np.float64]:
    """Blur colour but not brightness, as a camera's colour mosaic and JPEG do."""
    grey = rgb @ np.array([0.299, 0.587, 0.114])
    colour = ndimage.gaussian_filter(rgb - grey[..., None], (sigma, sigma, 0))
    return np.asarray(grey[..., None] + colour)


def add_camera_noise(
    rng: np.random.Generator, rgb: npt.NDArray[np.float64], shot: float, read: float
) -> npt.NDArray[np.float64]:
    """Add noise to values in [0, 1]: variance ``shot²`` × brightness + ``read²``, a little blurred."""
    sd = np.sqrt(shot**2 * np.clip(rgb, 0, None) + read**2)
    noise = ndimage.gaussian_filter(rng.standard_normal(rgb.shape), (0.5, 0.5, 0))
    return np.asarray(rgb + sd * noise / noise.std())
