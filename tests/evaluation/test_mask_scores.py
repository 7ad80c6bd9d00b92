from __future__ import annotations

import json

import numpy as np
import pytest

from napari_inkling.core import Masks
from napari_inkling.evaluation import SegmentationScore, average_precision, score_masks, segmentation_scores
from napari_inkling.evaluation.segmentation import METRICS
from tests.evaluation.label_images import random_pair, strip

SHAPES = {"a": (1, 12), "b": (1, 6)}
TRUTH = {
    # In "a" an RBC and a WBC, in "b" an RBC.
    "a": Masks.from_labels(strip("1111....2222"), classes=np.array(["RBC", "WBC"], object)),
    "b": Masks.from_labels(strip("11...."), classes="RBC"),
}
FOUND = {
    # The WBC is taken for an RBC, the RBC is three quarters; "elsewhere" has no truth, "b" is not predicted.
    "a": Masks.from_labels(strip("111.....2222"), classes="RBC"),
    "elsewhere": Masks.from_labels(strip("11")),
}


def test_pooled_by_image_and_by_class():
    told = score_masks(FOUND, TRUTH, SHAPES)
    assert told["aji"] == pytest.approx((3 + 4) / (4 + 4 + 2))
    assert told["pq"] == pytest.approx((3 / 4 + 1) / 2 * 2 * 2 / 5)
    assert told["pixel_accuracy"] == pytest.approx(15 / 18)
    assert (told["found_masks"], told["truth_masks"], told["matched_masks"]) == (2, 3, 2)
    assert told["images"]["a"]["aji"] == pytest.approx(7 / 8)
    assert told["images"]["b"]["aji"] == 0
    assert told["image_means"]["aji"] == pytest.approx(7 / 16)
    assert told["image_means"]["pixel_accuracy"] == pytest.approx((11 / 12 + 4 / 6) / 2)
    # Of one class only: the truth of an RBC is 6 pixels, 7 were found, 3 are shared.
    assert told["classes"]["RBC"]["aji"] == pytest.approx(3 / (4 + 2 + 4))
    assert told["classes"]["RBC"]["pixel_f1"] == pytest.approx(2 * 3 / (6 + 7))
    assert told["classes"]["WBC"]["aji"] == 0
    assert set(told["images"]) == {"a", "b"} and set(told["classes"]) == {"RBC", "WBC"}


def test_with_average_precision():
    told, alone = score_masks(FOUND, TRUTH, SHAPES), average_precision(FOUND, TRUTH)
    for key in ("map", "map50", "map75"):
        assert told[key] == alone[key]
        assert told["images"]["a"][key] == alone["images"]["a"][key]
        assert told["classes"]["RBC"][key] == alone["classes"]["RBC"][key]
        assert key not in told["image_means"]
    json.dumps(told, allow_nan=False)


@pytest.mark.parametrize("seed", [1, 5, 7, 13])
def test_masks_and_label_images_give_the_same(seed):
    found, truth = random_pair(seed)
    told = score_masks({"a": Masks.from_labels(found)}, {"a": Masks.from_labels(truth)}, {"a": truth.shape})
    expected = segmentation_scores(found, truth).to_dict()
    assert {key: told[key] for key in expected} == pytest.approx(expected)
    assert told["image_means"] == pytest.approx({key: expected[key] for key in METRICS})


def test_of_overlapping_masks_the_later_has_the_pixels():
    found = Masks.from_crops([(0, 0), (0, 2)], [np.ones((1, 4), bool)] * 2)
    told = score_masks({"a": found}, {"a": Masks.from_labels(strip("112222"))}, {"a": (1, 6)})
    assert (told["aji"], told["pq"]) == (1, 1)


def test_images_without_anything():
    told = score_masks({}, {"a": Masks(), "b": Masks()}, SHAPES)
    assert {told[key] for key in METRICS} == {1.0}
    assert told["map"] is None and told["classes"] == {}
    assert told["images"]["a"] == {
        **SegmentationScore().to_dict(), "map": None, "map50": None, "map75": None,
    }  # fmt: skip
