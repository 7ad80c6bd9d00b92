"""How hard an image is: contrast and evenness of its nuclei (Eqs. 14 and 15 of Qu et al., IEEE TMI 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import HintError

__all__ = ["RING", "Difficulty", "difficulty"]

#: Pixels; how far around a nucleus its background reaches.
RING = 3


@dataclass(frozen=True)
class Difficulty:
    """Contrast and unevenness of the nuclei, in the image's own units (grey levels); NaN without nuclei.

    Parameters
    ----------
    background_difference : float
        nuclei-bg-diff (Eq. 14): the larger, the easier.
    deviation : float
        nuclei-std (Eq. 15): the smaller, the easier.
    """

    background_difference: float
    deviation: float

    def to_dict(self) -> dict[str, float | None]:
        """Return the figures under the paper's names for JSON; ``None`` where not defined."""
        figures = {"nuclei_bg_diff": self.background_difference, "nuclei_std": self.deviation}
        return {name: None if np.isnan(value) else value for name, value in figures.items()}


def difficulty(image: npt.ArrayLike, labels: npt.ArrayLike) -> Difficulty:
    """Return nuclei-bg-diff and nuclei-std of one image.

    Both are means over the nuclei, weighted by area. The background of a nucleus is the ring of pixels within
    a distance of 3 pixels around it, whatever lies there, as the paper has it; a nucleus that fills the image
    has none and does not count in Eq. 14. The difference is taken without its sign, because nuclei are dark
    in some images and bright in others. Differences and (population) deviations are means over the channels.

    Parameters
    ----------
    image : array-like
        Pixels, shape (Y, X) or (Y, X, C), without alpha.
    labels : array-like
        The nuclei, shape (Y, X), 0 for background.

    Raises
    ------
    HintError
        If the shapes differ.
    """
    from scipy import ndimage

    pixels, cells = np.asarray(image), np.asarray(labels)
    if pixels.shape[:2] != cells.shape or pixels.ndim not in (2, 3):
        raise HintError(
            f"the labels have shape {cells.shape}, the image {pixels.shape}: expected (Y, X) and (Y, X[, C])"
        )
    pixels = pixels.reshape(*cells.shape, -1)
    near = _disk(RING)
    areas, differences, deviations = [], [], []
    for label, place in _places(cells):
        around = tuple(slice(max(s.start - RING, 0), s.stop + RING) for s in place)
        nucleus = cells[around] == label
        ring = ndimage.binary_dilation(nucleus, near) & ~nucleus
        inside = pixels[around][nucleus].astype(np.float64)  # (pixels, C)
        areas.append(len(inside))
        differences.append(_contrast(inside, pixels[around][ring]))
        deviations.append(inside.std(0).mean())
    return Difficulty(_weighted(areas, differences), _weighted(areas, deviations))


def _disk(radius: int) -> npt.NDArray[np.bool_]:
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    inside: npt.NDArray[np.bool_] = y**2 + x**2 <= radius**2
    return inside


def _places(cells: npt.NDArray[Any]) -> list[tuple[int, tuple[slice, slice]]]:
    """Return each label with its bounding box as slices."""
    from scipy import ndimage

    ids, ranks = np.unique(np.append(cells, cells.dtype.type(0)), return_inverse=True)
    places = ndimage.find_objects(ranks[:-1].reshape(cells.shape))
    return list(zip(ids[1:].tolist(), places, strict=True))


def _contrast(inside: npt.NDArray[np.float64], ring: npt.NDArray[Any]) -> float:
    return float(np.abs(inside.mean(0) - ring.mean(0)).mean()) if len(ring) else float("nan")


def _weighted(areas: list[int], values: list[float]) -> float:
    """Return the mean of the values that are defined, weighted by area; NaN without any."""
    weights, numbers = np.asarray(areas, dtype=np.float64), np.asarray(values, dtype=np.float64)
    defined = np.isfinite(numbers)
    return float(np.average(numbers[defined], weights=weights[defined])) if defined.any() else float("nan")
