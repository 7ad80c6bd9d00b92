"""The sizes that *stochastic-boxes* goes by: of the box of a point, of the anchors, and of the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_inkling.core import TrainingImage
from napari_inkling.guidance import mean_box, mean_iou_box, size_priors
from napari_inkling.methods.stochastic_boxes.settings import StochasticBoxesSettings

__all__ = ["ClassSizes", "anchor_sizes", "class_sizes", "pyramid_levels", "working_scale"]

FloatArray = npt.NDArray[np.float64]

#: Anchors cover the sides of boxes between these quantiles.
COVERED = (0.02, 0.98)
#: Anchors of three sizes within each doubling (RetinaNet, section 4).
PER_DOUBLING = 3
#: A pyramid has at most so many levels.
MOST_LEVELS = 4


@dataclass(frozen=True, eq=False)
class ClassSizes:
    """What the boxes say of sizes, in pixels of the image.

    Attributes
    ----------
    stochastic : ndarray
        (K, 2) height and width of the box that stands in for a point, by class.
    areas : ndarray
        (K,) mean area of the boxes of each class; of its stochastic box where a class has none.
    sides : ndarray
        (N,) roots of the areas of all boxes, and of the stochastic boxes of classes without any.
    """

    stochastic: FloatArray
    areas: FloatArray
    sides: FloatArray


def class_sizes(
    hinted: Sequence[TrainingImage], classes: Sequence[str], settings: StochasticBoxesSettings
) -> ClassSizes:
    """Return the sizes of each class's boxes; a class without any takes those of all (Eq. 1)."""
    drawn = [plane.hints.boxes.cells for plane in hinted]
    rows = np.concatenate([boxes.coordinates for boxes in drawn])
    names = np.concatenate([boxes.classes for boxes in drawn])
    sizes = rows[:, 2:] - rows[:, :2]
    own = {name: sizes[names == name] for name in classes}
    of_prior = mean_box if settings.box_of_a_point == "mean" else mean_iou_box
    stochastic = np.stack([of_prior(prior) for prior in size_priors(own).values()])
    products = stochastic.prod(axis=1)
    areas = [float(own[name].prod(axis=1).mean()) if len(own[name]) else products[k]
             for k, name in enumerate(classes)]  # fmt: skip
    without = [product for name, product in zip(classes, products, strict=True) if not len(own[name])]
    return ClassSizes(stochastic, np.array(areas), np.sqrt([*sizes.prod(axis=1), *without]))


def working_scale(sizes: ClassSizes, smallest_side: float | None) -> float:
    """Return working pixels per image pixel, at most 1: there the smallest class's box has this side."""
    if smallest_side is None:
        return 1.0
    return min(1.0, smallest_side / float(np.sqrt(sizes.stochastic.prod(axis=1)).min()))


def pyramid_levels(sides: FloatArray) -> int:
    """Return how many levels, each twice as coarse as the one before, it takes to cover sides (N,)."""
    least, most = np.quantile(sides, COVERED)
    return int(np.clip(np.ceil(np.log2(most / least)), 1, MOST_LEVELS))


def anchor_sizes(sides: FloatArray, levels: int, least: float = 0.0) -> tuple[tuple[float, ...], ...]:
    """Return the sides of the anchors of each level, for boxes with sides (N,), all in working pixels.

    They begin a little above the smallest sides that are covered, and double from level to level, as
    strides do: measured in its own size, every anchor is as near to a cell as any other. None is smaller
    than ``least``: there are cells between anchors that are smaller than their stride.
    """
    first = max(least, float(np.quantile(sides, COVERED[0])) * 2 ** (1 / 4 / PER_DOUBLING))
    every = first * 2 ** (np.arange(levels * PER_DOUBLING) / PER_DOUBLING)
    return tuple(tuple(level) for level in every.reshape(levels, PER_DOUBLING).round(2).tolist())
