"""All mask metrics of a set of images, in the keys that the command line prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from napari_inkling.core import Masks
from napari_inkling.evaluation.average_precision import average_precision
from napari_inkling.evaluation.overlaps import Overlaps, overlaps
from napari_inkling.evaluation.segmentation import METRICS, SegmentationScore, score_overlaps

__all__ = ["score_masks"]


def score_masks(
    found: Mapping[str, Masks], truth: Mapping[str, Masks], shapes: Mapping[str, tuple[int, int]]
) -> dict[str, Any]:
    """Score the masks of all images that have truth.

    Where masks of one side overlap, the later row has the pixels; only average precision looks at each mask
    whole. Masks of background, or around what nobody labelled, are no cells.

    Parameters
    ----------
    found, truth : mapping of str to Masks
        By image; an image that is missing in ``found`` has all its cells missed.
    shapes : mapping of str to (int, int)
        Height and width in pixels of every image in ``truth``.

    Returns
    -------
    dict
        The keys of :meth:`SegmentationScore.to_dict` pooled over all images and whatever the classes, and
        ``map``, ``map50`` and ``map75``, which compare only masks of one class; ``images``: the same keys by
        image; ``classes``: the same keys by class, pooled; ``image_means``: the mean over the images of each
        metric but average precision, as Qu et al., IEEE TMI 2020, report them.
    """
    tables = {
        name: _Table(found[name].cells if name in found else Masks(), masks.cells, shapes[name])
        for name, masks in truth.items()
    }
    images = {name: score_overlaps(table.overlaps) for name, table in tables.items()}
    names = sorted({c for table in tables.values() for c in table.classes})
    classes = {c: _pool(score_overlaps(table.of_class(c)) for table in tables.values()) for c in names}
    precision = average_precision(found, truth)
    parts = {"images": images, "classes": classes}
    return {
        **_pool(images.values()).to_dict(),
        **{key: value for key, value in precision.items() if key not in parts},
        **{
            part: {name: {**score.to_dict(), **precision[part][name]} for name, score in scores.items()}
            for part, scores in parts.items()
        },
        "image_means": {key: _mean(getattr(score, key) for score in images.values()) for key in METRICS},
    }


class _Table:
    """The overlaps in one image, and the class of each instance."""

    def __init__(self, found: Masks, truth: Masks, shape: tuple[int, int]) -> None:
        self.overlaps = overlaps(found.labels(shape), truth.labels(shape))
        self._found = found.classes[self.overlaps.found_ids - 1]
        self._truth = truth.classes[self.overlaps.truth_ids - 1]

    @property
    def classes(self) -> set[str]:
        """Every class on either side."""
        return {str(name) for side in (self._found, self._truth) for name in side}

    def of_class(self, name: str) -> Overlaps:
        """Return the overlaps among the instances of one class."""
        return self.overlaps.only(self._found == name, self._truth == name)


def _pool(scores: Iterable[SegmentationScore]) -> SegmentationScore:
    return sum(scores, SegmentationScore())


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))
