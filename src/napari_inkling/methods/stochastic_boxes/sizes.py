"""The sizes that *stochastic-boxes* goes by: of the box of a point, of the anchors, and of the image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_inkling.core import Image, TrainingImage
from napari_inkling.core.box_places import whole
from napari_inkling.guidance import mean_box, mean_iou_box, size_priors
from napari_inkling.methods.stochastic_boxes.settings import StochasticBoxesSettings
from napari_inkling.supervision.sizes_from_image import SizeReader, edge_profiles, learn_sizes
from napari_inkling.training.pieces import Pieces

__all__ = [
    "ClassSizes",
    "anchor_sizes",
    "class_sizes",
    "pyramid_levels",
    "still_fit",
    "with_sizes_from_images",
    "working_scale",
]

FloatArray = npt.NDArray[np.float64]

#: Anchors cover the sides of boxes between these quantiles.
COVERED = (0.02, 0.98)
#: Anchors of three sizes within each doubling (RetinaNet, section 4).
PER_DOUBLING = 3
#: A pyramid has at most so many levels.
MOST_LEVELS = 4
#: Sizes at points are learnt from at most so many boxes, each seen from its middle, and from so many places
#: beside it that lie this far off (deviation, in sides of the stochastic box): nobody clicks more exactly.
MOST_BOXES, PLACES_BESIDE, BESIDE = 300, 2, 0.06
#: The sizes of so many points are read from the image in one piece.
AT_ONCE = 50
#: So much may the smallest and the largest class grow or shrink while a model goes on learning: IOUs with
#: the best anchors are still above .4 then.
MOST_CHANGE = 1.5


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
    reader : SizeReader or None
        Tells the size of the box of a point from the image; ``None`` if all of a class have the same.
    """

    stochastic: FloatArray
    areas: FloatArray
    sides: FloatArray
    reader: SizeReader | None = None

    def of_points(
        self, image: Image, places: FloatArray, classes: npt.NDArray[np.int64]
    ) -> Pieces[FloatArray]:
        """Return height and width of the box that stands in for each point, (N, 2) in pixels."""
        stochastic = self.stochastic[classes]
        if self.reader is None:
            return stochastic
        parts = [stochastic[:0]]
        for first in range(0, len(places), AT_ONCE):
            part = slice(first, first + AT_ONCE)
            profiles = edge_profiles(image, places[part], stochastic[part])
            parts.append(self.reader.sizes(profiles, stochastic[part]))
            yield
        return np.concatenate(parts)


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


def with_sizes_from_images(
    sizes: ClassSizes, hinted: Sequence[TrainingImage], classes: Sequence[str], random: np.random.Generator
) -> Pieces[ClassSizes]:
    """Return the sizes with what tells those of points from the image, if anything does.

    Boxes that touch the edge of their image do not teach: nobody knows how far their cells reach.
    """
    number = {name: k for k, name in enumerate(classes)}
    drawn = [(plane.image, plane.hints.boxes.cells) for plane in hinted]
    inside = [(image, boxes.take(whole(boxes, (image.height, image.width)))) for image, boxes in drawn]
    total = sum(len(boxes) for _, boxes in inside)
    chosen = np.zeros(total, dtype=bool)
    chosen[random.permutation(total)[:MOST_BOXES]] = True
    profiles, stochastic, sides, owners = [], [], [], []
    first = 0
    for image, every in inside:
        boxes = every.take(chosen[first : first + len(every)])
        of_class = sizes.stochastic[[number[name] for name in boxes.classes]].reshape(-1, 2)
        for beside in [0.0] + [BESIDE] * PLACES_BESIDE:
            places = boxes.centres + beside * of_class * random.standard_normal((len(boxes), 2))
            profiles.append(edge_profiles(image, places, of_class))
            stochastic.append(of_class)
            sides.append(boxes.coordinates[:, 2:] - boxes.coordinates[:, :2])
            owners.append(first + np.arange(len(boxes)))
        first += len(every)
        yield
    reader = learn_sizes(
        np.concatenate(profiles), np.concatenate(stochastic), np.concatenate(sides), np.concatenate(owners)
    )
    return replace(sizes, reader=reader)


def working_scale(sizes: ClassSizes, smallest_side: float | None) -> float:
    """Return working pixels per image pixel, at most 1: there the smallest class's box has this side."""
    if smallest_side is None:
        return 1.0
    return min(1.0, smallest_side / float(np.sqrt(sizes.stochastic.prod(axis=1)).min()))


def still_fit(before: Sequence[tuple[float, float]], now: FloatArray) -> bool:
    """Return whether the working scale and the anchors of a model suit the boxes that there are now.

    They do if the smallest class and the largest are about as large as those that the model was made for.

    Parameters
    ----------
    before : sequence of (height, width)
        The stochastic boxes of the model's classes.
    now : ndarray
        (K, 2) those of the classes that are marked.
    """
    sides = [np.sqrt(np.asarray(boxes, dtype=np.float64).prod(axis=1)) for boxes in (before, now)]
    change = [np.log(extreme(sides[1]) / extreme(sides[0])) for extreme in (np.min, np.max)]
    return bool(np.abs(change).max() <= np.log(MOST_CHANGE))


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
