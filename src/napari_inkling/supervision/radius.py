"""The cell radius, read from the image at the clicks.

The paper takes r1 from validation truth, which a user does not have. Here the colour direction that tells the
clicked places from their surroundings makes a grey image in which cells are bright; the scale at which its
normalised Laplacian of Gaussian is largest at a click gives that cell's radius (Lindeberg, "Feature detection
with automatic scale selection", IJCV 1998: a disk of radius r answers most at σ = r/√2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Image

__all__ = ["LARGEST_RADIUS", "SMALLEST_RADIUS", "estimate_radius", "radii_at"]

#: Range of radii that are tried, in pixels.
SMALLEST_RADIUS = 3.0
LARGEST_RADIUS = 60.0
#: Clicks that are looked at per image; more make the estimate no better.
MOST_CLICKS = 200
#: From so many clicks on, their median is taken as it is.
ENOUGH_CLICKS = 100
#: With fewer, what cells usually measure counts too: radius in pixels, and the deviation of its logarithm.
USUAL_RADIUS, USUAL_DEVIATION = 10.0, 0.5
#: With fewer, too, colours are compared with what lies so many pixels away and more: nearer may be the same
#: large cell, and a few clicks do not make up for that.
FAR = 40
#: How far readings of one image's cells lie apart (deviation of their logarithms) until they have told; that
#: weighs as much as so many readings.
FIRST_SPREAD, SPREAD_WEIGHT = 0.3, 2


def estimate_radius(
    images: Sequence[tuple[Image, npt.NDArray[np.float64]]],
) -> float | None:
    """Return the typical radius, in pixels, of the clicked cells; ``None`` if the pixels do not tell.

    A single reading is often wrong by half: a nucleolus, or a clump. With :data:`ENOUGH_CLICKS` their median
    is sure enough; with fewer it is drawn towards :data:`USUAL_RADIUS`, the more so the further the readings
    lie apart (the mean of a normal prior and a normal likelihood, in logarithms).

    Parameters
    ----------
    images : sequence of (Image, points)
        Clicks on cells, (N, 2), in pixels of the image. Only windows around them are read.
    """
    enough = sum(len(points) for _, points in images) >= ENOUGH_CLICKS
    radii = [radii_at(image, points, far=not enough) for image, points in images]
    found = np.concatenate([np.empty(0), *radii])
    if not len(found):
        return None
    return float(np.median(found)) if enough else _with_prior(found)


def radii_at(image: Image, points: npt.NDArray[np.float64], *, far: bool = False) -> npt.NDArray[np.float64]:
    """Return a radius in pixels for those of ``points`` (N, 2) that lie on something round, shape (≤ N,).

    Their colours are compared with those around them, or with those ``far`` away where there are any.
    """
    chosen = points[np.linspace(0, len(points) - 1, min(len(points), MOST_CLICKS)).astype(int)]
    reach = int(min(LARGEST_RADIUS * 1.6, max(image.height, image.width)))
    profiles = [p for place in chosen if (p := _radial_profile(image, place, reach)) is not None]
    if not profiles:
        return np.empty(0)
    colours = np.stack(profiles)  # (N, R, C)
    inside = _mean_of_known(colours[:, :3], axis=1)
    around = _mean_of_known(colours[:, 8:40] if reach > 9 else colours, axis=1)
    other = _mean_of_known(colours[:, FAR:], axis=1) if far else around
    direction = _mean_of_known(inside - np.where(np.isnan(other), around, other), axis=0)
    length = np.linalg.norm(direction)
    if not np.isfinite(length) or length < 1e-9:
        return np.empty(0)
    grey = np.nan_to_num(colours @ (direction / length) - (around @ (direction / length))[:, None])
    return _best_scales(grey)


def _with_prior(radii: npt.NDArray[np.float64]) -> float:
    """Return the median of few radii (N,), drawn towards the usual one as far as it is unsure itself."""
    logs, freedom = np.log(radii), len(radii) - 1
    median = np.median(logs)
    deviation = 1.4826 * np.median(np.abs(logs - median))  # of a normal distribution, from the median's
    spread = (SPREAD_WEIGHT * FIRST_SPREAD**2 + freedom * deviation**2) / (SPREAD_WEIGHT + freedom)
    doubt = np.pi / 2 * spread / len(logs)  # variance of a median
    share = doubt / (doubt + USUAL_DEVIATION**2)
    return float(np.exp((1 - share) * median + share * np.log(USUAL_RADIUS)))


def _radial_profile(
    image: Image, place: npt.NDArray[np.float64], reach: int
) -> npt.NDArray[np.float64] | None:
    """Mean colour at each whole distance from ``place``, shape (reach, C); NaN where no pixel is known."""
    y, x = np.round(place).astype(int)
    if not (0 <= y < image.height and 0 <= x < image.width):
        return None
    top, left = max(0, y - reach), max(0, x - reach)
    window = image.read(slice(top, y + reach + 1), slice(left, x + reach + 1)).astype(np.float64)
    rows, columns = np.ogrid[: window.shape[0], : window.shape[1]]
    ring = np.hypot(rows + top - place[0], columns + left - place[1]).astype(int).ravel()
    colours = window.reshape(-1, window.shape[2])
    known = (ring < reach) & np.isfinite(colours).all(axis=1)
    counts = np.bincount(ring[known], minlength=reach)
    sums = [np.bincount(ring[known], channel[known], minlength=reach) for channel in colours.T]
    return np.stack(sums, -1) / np.where(counts, counts, np.nan)[:, None]


def _mean_of_known(values: npt.NDArray[np.float64], axis: int) -> npt.NDArray[np.float64]:
    """Mean over an axis of what is not NaN; NaN, without a warning, where all is."""
    known = ~np.isnan(values)
    counts = known.sum(axis)
    mean: npt.NDArray[np.float64] = np.where(known, values, 0).sum(axis) / np.where(counts, counts, np.nan)
    return mean


def _best_scales(grey: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Radius of the strongest normalised LoG answer of each profile (N, R); rows without a blob drop out."""
    distance = np.arange(grey.shape[1]) + 0.5
    radii = np.geomspace(SMALLEST_RADIUS, min(LARGEST_RADIUS, grey.shape[1] / 1.6), 40)
    sigma = radii[:, None] / np.sqrt(2)
    ratio = distance**2 / (2 * sigma**2)
    kernel = (1 - ratio) * np.exp(-ratio) / (np.pi * sigma**2) * 2 * np.pi * distance  # -σ²·LoG, in rings
    answer = grey @ kernel.T  # (N, radii)
    first = _first_maximum(answer)
    strong = answer[np.arange(len(answer)), first] > 0
    found: npt.NDArray[np.float64] = radii[first[strong]]
    return found


def _first_maximum(answer: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Index of the first local maximum of at least 80 % of the largest: a cell, not the clump it is in."""
    padded = np.pad(answer, ((0, 0), (1, 1)), constant_values=-np.inf)
    peak = (
        (answer >= padded[:, :-2]) & (answer > padded[:, 2:]) & (answer >= 0.8 * answer.max(1, keepdims=True))
    )
    first: npt.NDArray[np.int64] = np.where(peak.any(1), peak.argmax(1), answer.argmax(1))
    return first
