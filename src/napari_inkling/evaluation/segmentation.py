"""How well instance masks fit the truth: pixels, Dice_obj (Eq. 12), AJI (Eq. 13) and PQ.

The equations are those of Qu et al., IEEE TMI 2020. Their figures are means over images, so that a small
image counts like a large one; the sum of scores pools them instead, as if all images were one.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt

from napari_inkling.evaluation.overlaps import Overlaps, overlaps

__all__ = ["METRICS", "SegmentationScore", "score_overlaps", "segmentation_scores"]

#: The names of the metrics, in the order of the paper and then PQ with its two factors.
METRICS = ("pixel_accuracy", "pixel_f1", "dice_obj", "aji", "pq", "sq", "rq")


@dataclass(frozen=True)
class SegmentationScore:
    """Sums from which all mask metrics follow; ``+`` pools images.

    Where a ratio is 0/0: it is 1 if there was nothing to find and nothing was found, else 0.

    Parameters
    ----------
    pixels, found_pixels, truth_pixels, shared_pixels : int
        All pixels; those in a found mask, in a true one, and in both.
    found_masks, truth_masks, matched_masks : int
        Instances, and pairs of a found and a true one with an IoU above 0.5.
    matched_iou : float
        Sum of the IoU of these pairs.
    found_dice, truth_dice : float
        Sums over the found and over the true masks of pixels times Dice with the partner (Eq. 12).
    aji_intersection, aji_union : int
        Numerator and denominator of Eq. 13, in pixels.
    """

    pixels: int = 0
    found_pixels: int = 0
    truth_pixels: int = 0
    shared_pixels: int = 0
    found_masks: int = 0
    truth_masks: int = 0
    matched_masks: int = 0
    matched_iou: float = 0.0
    found_dice: float = 0.0
    truth_dice: float = 0.0
    aji_intersection: int = 0
    aji_union: int = 0

    def __add__(self, other: SegmentationScore) -> SegmentationScore:
        return SegmentationScore(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def _ratio(self, part: float, whole: float) -> float:
        return part / whole if whole else float(not self.found_masks and not self.truth_masks)

    @property
    def pixel_accuracy(self) -> float:
        """Share of all pixels that are rightly cell or rightly background."""
        wrong = self.found_pixels + self.truth_pixels - 2 * self.shared_pixels
        return self._ratio(self.pixels - wrong, self.pixels)

    @property
    def pixel_f1(self) -> float:
        """F1 of the pixels that are cell, which is their Dice coefficient."""
        return self._ratio(2 * self.shared_pixels, self.found_pixels + self.truth_pixels)

    @property
    def dice_obj(self) -> float:
        """Object-level Dice (Eq. 12): the mean of both directions, masks weighted by their area.

        The partner of a mask is the one that shares most pixels with it (of equals, the one with the greater
        Dice); a mask without overlap has Dice 0. The remark below Eq. 12 that objects correspond only above
        half an overlap is not applied, as in the code that the paper's authors published.
        """
        truth = self._ratio(self.truth_dice, self.truth_pixels)
        found = self._ratio(self.found_dice, self.found_pixels)
        return (truth + found) / 2

    @property
    def aji(self) -> float:
        """Aggregated Jaccard Index (Eq. 13).

        Each true mask takes the found mask with the greatest IoU; the found masks that none took are added to
        the denominator. One found mask may serve several true ones: Eq. 13 does not forbid it, and "first
        come, first served" would make the result depend on the order of the labels. Merged cells still cost,
        as the whole merged mask is in each of their unions. Of equal IoUs the greater overlap wins, then the
        lower label. A true mask without overlap takes none and adds its own area.
        """
        return self._ratio(self.aji_intersection, self.aji_union)

    @property
    def sq(self) -> float:
        """Segmentation quality: mean IoU of the matched pairs."""
        return self._ratio(self.matched_iou, self.matched_masks)

    @property
    def rq(self) -> float:
        """Recognition quality: F1 of the masks, where an IoU above 0.5 is right."""
        return self._ratio(2 * self.matched_masks, self.found_masks + self.truth_masks)

    @property
    def pq(self) -> float:
        """Panoptic quality, SQ times RQ (Kirillov et al., 2019)."""
        return self.sq * self.rq

    def to_dict(self) -> dict[str, float | int]:
        """Return metrics and counts for JSON."""
        return {
            **{name: getattr(self, name) for name in METRICS},
            "found_masks": self.found_masks,
            "truth_masks": self.truth_masks,
            "matched_masks": self.matched_masks,
        }


def segmentation_scores(found: npt.ArrayLike, truth: npt.ArrayLike) -> SegmentationScore:
    """Score the instances of one image, whatever their classes.

    Parameters
    ----------
    found, truth : array-like
        Label images (Y, X) of whole numbers, 0 for background.

    Raises
    ------
    HintError
        If one is no label image, or their shapes differ.
    """
    return score_overlaps(overlaps(found, truth))


def score_overlaps(table: Overlaps) -> SegmentationScore:
    """Score from the table of overlaps."""
    dices, ious, unions = table.dices, table.ious, table.unions
    of_found = _greatest(table.found, table.shared, dices)
    of_truth = _greatest(table.truth, table.shared, dices)
    taken = _greatest(table.truth, ious, table.shared, -table.found)
    unused = np.delete(table.found_areas, table.found[taken])
    missed = np.delete(table.truth_areas, table.truth[taken])
    matched = ious > 0.5  # above half, a pair excludes every other: masks of one image are disjoint
    return SegmentationScore(
        pixels=table.pixels,
        found_pixels=int(table.found_areas.sum()),
        truth_pixels=int(table.truth_areas.sum()),
        shared_pixels=int(table.shared.sum()),
        found_masks=len(table.found_ids),
        truth_masks=len(table.truth_ids),
        matched_masks=int(matched.sum()),
        matched_iou=float(ious[matched].sum()),
        found_dice=float((table.found_areas[table.found] * dices)[of_found].sum()),
        truth_dice=float((table.truth_areas[table.truth] * dices)[of_truth].sum()),
        aji_intersection=int(table.shared[taken].sum()),
        aji_union=int(unions[taken].sum() + missed.sum() + unused.sum()),
    )


def _greatest(
    group: npt.NDArray[np.int64], *keys: npt.NDArray[np.float64 | np.int64]
) -> npt.NDArray[np.intp]:
    """Return for each group that occurs its pair with the greatest first key, of equals the second."""
    order = np.lexsort((*keys[::-1], group))
    last: npt.NDArray[np.intp] = order[np.diff(group[order], append=-1) != 0]
    return last
