from __future__ import annotations

import json

import cellseg_metrics
import numpy as np
import pytest

from napari_inkling.core import HintError
from napari_inkling.evaluation import SegmentationScore, segmentation_scores
from napari_inkling.evaluation.overlaps import overlaps
from napari_inkling.evaluation.segmentation import METRICS, score_overlaps
from tests.evaluation.label_images import random_pair, strip

CASES = {
    # name: found, truth, (pixel accuracy, pixel F1, Dice_obj, AJI, PQ)
    "the same": ("11.22233", "11.22233", (1, 1, 1, 1, 1)),
    "the same under other labels": ("22.11144", "11.22233", (1, 1, 1, 1, 1)),
    "nothing there, nothing found": ("....", "....", (1, 1, 1, 1, 1)),
    "nothing found": ("....", "111.", (1 / 4, 0, 0, 0, 0)),
    "nothing there": ("111.", "....", (1 / 4, 0, 0, 0, 0)),
    "beside it": ("..11", "11..", (0, 0, 0, 0, 0)),
    # An IoU of exactly one half is no match.
    "half of it": ("11......", "1111....", (6 / 8, 4 / 6, 4 / 6, 2 / 4, 0)),
    "most of it": ("111.....", "1111....", (7 / 8, 6 / 7, 6 / 7, 3 / 4, 3 / 4)),
    "two merged": ("11111111", "11112222", (1, 1, 2 / 3, (4 + 4) / (8 + 8), 0)),
    "one split": ("11112222", "11111111", (1, 1, 2 / 3, 4 / (8 + 4), 0)),
    "one extra": ("111.22..", "111.....", (6 / 8, 6 / 8, (1 + 3 / 5) / 2, 3 / (3 + 2), 2 / 3)),
    "one missed": ("111.....", "111.22..", (6 / 8, 6 / 8, (3 / 5 + 1) / 2, 3 / (3 + 2), 2 / 3)),
    # Both true masks take the found one; it is not left over.
    "one serves two": (
        "1111....",
        "1222....",
        (1, 1, ((1 * 2 / 5 + 3 * 6 / 7) / 4 + 6 / 7) / 2, (1 + 3) / (4 + 4), 3 / 4 * 2 / 3),
    ),
    # Both have IoU 1/4; the lower label is taken, the other is left over.
    "a tie": ("12......", "1111....", (6 / 8, 4 / 6, (2 / 5 + 2 / 5) / 2, 1 / (4 + 1), 0)),
    # 1 has IoU 1/4 and shares 1 pixel, 2 has IoU 2/8 and shares 2: 2 is taken.
    "a tie of IoU": (
        "1.222222",
        "1111....",
        (3 / 8, 6 / 11, (4 / 10 + (1 * 2 / 5 + 6 * 4 / 10) / 7) / 2, 2 / (8 + 1), 0),
    ),
    # Dice looks at 2, which shares most (3 pixels, Dice 6/15); AJI at 1 with the best IoU, 2/6.
    "most shared, best IoU": (
        "11.222222222",
        "111111......",
        (5 / 12, 10 / 17, (6 / 15 + (2 * 4 / 8 + 9 * 6 / 15) / 11) / 2, 2 / (6 + 9), 0),
    ),
}


@pytest.mark.parametrize(("found", "truth", "metrics"), CASES.values(), ids=CASES.keys())
def test_counted_by_hand(found, truth, metrics):
    score = segmentation_scores(strip(found), strip(truth))
    assert [getattr(score, name) for name in METRICS[:5]] == pytest.approx(metrics)
    assert score.pq == pytest.approx(score.sq * score.rq)


def by_loops(found, truth):
    """The definitions, written down mask by mask."""
    mine = {j: found == j for j in np.unique(found) if j}
    true = {i: truth == i for i in np.unique(truth) if i}
    if not mine and not true:
        return dict.fromkeys(METRICS, 1.0)
    cell, true_cell = found > 0, truth > 0
    values = dict.fromkeys(METRICS, 0.0)
    values["pixel_accuracy"] = (cell == true_cell).mean()
    values["pixel_f1"] = 2 * (cell & true_cell).sum() / (cell.sum() + true_cell.sum())

    def dice(a, b):
        return 2 * (a & b).sum() / (a.sum() + b.sum())

    for own, others in ((true, mine), (mine, true)):
        whole = sum(a.sum() for a in own.values())
        for a in own.values():
            if reached := [b for b in others.values() if (a & b).any()]:
                partner = max(reached, key=lambda b: ((a & b).sum(), dice(a, b)))
                values["dice_obj"] += a.sum() / whole * dice(a, partner) / 2
    intersection, union, used = 0, 0, set()
    for a in true.values():
        reached = {j: b for j, b in mine.items() if (a & b).any()}
        if not reached:
            union += a.sum()
            continue
        j = max(reached, key=lambda j: ((a & mine[j]).sum() / (a | mine[j]).sum(), (a & mine[j]).sum(), -j))
        intersection, union = intersection + (a & mine[j]).sum(), union + (a | mine[j]).sum()
        used.add(j)
    union += sum(b.sum() for j, b in mine.items() if j not in used)
    values["aji"] = intersection / union
    right = [(a & b).sum() / (a | b).sum() for a in true.values() for b in mine.values()]
    right = [iou for iou in right if iou > 0.5]
    values["sq"] = np.mean(right) if right else 0
    values["rq"] = len(right) / (len(right) + (len(mine) - len(right)) / 2 + (len(true) - len(right)) / 2)
    values["pq"] = sum(right) / (len(mine) + len(true)) * 2
    return values


@pytest.mark.parametrize("seed", range(120))
def test_equals_brute_force(seed):
    found, truth = random_pair(seed)
    score = segmentation_scores(found, truth)
    assert {name: getattr(score, name) for name in METRICS} == pytest.approx(by_loops(found, truth))


def test_the_random_images_hold_all_that_goes_wrong():
    scores = [segmentation_scores(*random_pair(seed)) for seed in range(120)]
    assert sum(s.found_masks == 0 for s in scores) > 5 and sum(s.truth_masks == 0 for s in scores) > 5
    assert sum(0 < s.matched_masks < min(s.found_masks, s.truth_masks) for s in scores) > 20
    assert sum(0 < s.aji < s.pixel_f1 < 1 for s in scores) > 40


@pytest.mark.parametrize("seed", range(120))
def test_equals_another_library(seed):
    found, truth = random_pair(seed)
    score = segmentation_scores(found, truth)
    if not score.found_masks or not score.truth_masks:
        return  # 0 there, by convention
    panoptic = cellseg_metrics.panoptic_quality(truth, found)
    assert [panoptic[key] for key in ("pq", "sq", "dq")] == pytest.approx([score.pq, score.sq, score.rq])
    if largest_overlaps_are_best(overlaps(found, truth)):  # it takes these, and all of equal ones
        assert cellseg_metrics.aggregated_jaccard_index(truth, found) == pytest.approx(score.aji)


def largest_overlaps_are_best(table):
    """Whether every true instance has its best IoU with the only one that it shares most with."""
    for i in np.unique(table.truth):
        shared, ious = table.shared[table.truth == i], table.ious[table.truth == i]
        if (shared == shared.max()).sum() > 1 or shared.argmax() != ious.argmax():
            return False
    return True


def test_most_images_can_be_compared_with_the_other_library():
    comparable = [largest_overlaps_are_best(overlaps(*random_pair(seed))) for seed in range(120)]
    assert sum(comparable) > 60


@pytest.mark.parametrize("seeds", [(1, 2), (3, 4, 6), (7, 8), (0, 0)])
def test_pooled_images_are_one_image(seeds):
    pairs = [random_pair(seed) for seed in seeds]
    height = max(truth.shape[0] for _, truth in pairs)
    glued, pixels = [[], []], 0
    for number, pair in enumerate(pairs):
        pixels += pair[0].size
        for side, labels in zip(glued, pair, strict=True):
            own = np.where(labels, labels + 1000 * number, 0)
            side.append(np.pad(own, [(0, height - len(own)), (0, 0)]))
    pooled = sum((segmentation_scores(*pair) for pair in pairs), SegmentationScore())
    whole = segmentation_scores(*(np.hstack(side) for side in glued))
    assert pooled.pixels == pixels
    for name in METRICS[1:]:
        assert getattr(pooled, name) == pytest.approx(getattr(whole, name)), name


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint32, np.uint64])
def test_labels_may_be_of_any_integers(dtype):
    found, truth = random_pair(11)
    most = int(found.max())
    ids = np.array([i * (np.iinfo(dtype).max // most) for i in range(most + 1)], dtype)
    assert 0 < most < ids[-1]
    assert segmentation_scores(ids[found], truth.astype(dtype)) == segmentation_scores(found, truth)


def test_instances_of_other_classes_are_background():
    found, truth = random_pair(9)
    table = overlaps(found, truth)
    kept, true_kept = table.found_ids % 2 == 0, table.truth_ids % 2 == 1
    painted = [np.where(np.isin(a, ids[k]), a, 0) for a, ids, k in (
        (found, table.found_ids, kept), (truth, table.truth_ids, true_kept))]  # fmt: skip
    assert 0 < kept.sum() < len(kept) and 0 < true_kept.sum() < len(true_kept)
    assert score_overlaps(table.only(kept, true_kept)) == segmentation_scores(*painted)


def test_numbers_for_json():
    told = segmentation_scores(strip("111.22.."), strip("111....."))
    assert json.loads(json.dumps(told.to_dict(), allow_nan=False)) == told.to_dict()
    assert list(told.to_dict()) == [*METRICS, "found_masks", "truth_masks", "matched_masks"]
    assert [told.to_dict()[k] for k in ("found_masks", "truth_masks", "matched_masks")] == [2, 1, 1]


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (
            np.zeros((3, 4), int),
            r"found labels have shape \(3, 4\), the true ones \(4, 3\): expected the same",
        ),
        (np.zeros((4, 3)), r"found labels have shape \(4, 3\) and type float64, expected a label image"),
        (np.zeros((4, 3, 3), int), r"found labels have shape \(4, 3, 3\) and type int64"),
        (np.full((4, 3), -2), "the found labels hold -2, expected 0 for background"),
    ],
)
def test_bad_input_is_named(found, says):
    with pytest.raises(HintError, match=says):
        segmentation_scores(found, np.zeros((4, 3), int))
