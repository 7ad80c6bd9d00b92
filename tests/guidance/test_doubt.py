from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import DISAGREEMENT, Boxes, HintSet, Masks, Points, Predictions
from napari_inkling.guidance import REASONS, doubts, odd_shapes, odd_sizes, reasons, unsure
from napari_inkling.guidance.doubt import near_threshold


@pytest.mark.parametrize(
    ("score", "threshold", "expected"),
    [
        (0.5, 0.5, 1.0),
        (0.75, 0.5, 0.5),
        (0.25, 0.5, 0.5),
        (1.0, 0.5, 0.0),
        (1.0, 0.2, 0.0),  # 1 - .8 / .8
        (0.6, 0.2, 0.5),  # 1 - .4 / .8
        (0.0, 0.2, 0.75),  # 1 - .2 / .8
        (np.nan, 0.5, 1.0),  # nobody knows
        (0.7, 1.0, 0.7),
    ],
)
def test_near_threshold(score, threshold, expected):
    assert near_threshold(np.array([score]), threshold) == pytest.approx([expected])


def disk(radius: int) -> np.ndarray:
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    return y**2 + x**2 <= radius**2


def masks(*crops: np.ndarray, **columns: object) -> Masks:
    return Masks.from_crops([(0, 40 * i) for i in range(len(crops))], crops, **columns)


USUAL = [np.ones((10, 10))] * 8


@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        (np.ones((10, 10)), 0.0),
        (np.ones((10, 11)), 0.0),  # log 1.1 / .1 = .95
        (np.ones((10, 14)), (np.log(1.4) / 0.1 - 2) / 4),  # area and aspect alike: z = 3.36
        (np.ones((5, 20)), 1.0),  # the area of the others, but four times as long as wide: z = 13.9
        (np.ones((20, 20)), 1.0),
        (np.ones((2, 2)), 1.0),
        (np.tri(10), 1.0),  # 55 of 100 pixels: z = 9
    ],
)
def test_what_is_unlike_the_others(odd, expected):
    assert odd_shapes(masks(*USUAL, odd)) == pytest.approx([0] * 8 + [expected])


def test_a_few_masks_do_not_tell_what_is_usual():
    assert odd_shapes(masks(*USUAL[:6], np.ones((30, 30)))).tolist() == [0] * 7
    assert odd_shapes(masks(np.ones((30, 30))), masks(*USUAL)).tolist() == [1]
    assert odd_shapes(Masks()).tolist() == []


def test_the_spread_of_the_others_counts():
    """Areas e^0, e^1 … e^8 in units of 10²: the median is e^4, the MAD 2, so that e^8 is at z = 4 / 2.97."""
    sides = [round(10 * np.exp(i / 2)) for i in range(9)]
    assert odd_shapes(masks(*(np.ones((side, side)) for side in sides))).max() == 0


def boxes(*sides: tuple[float, float], **columns: object) -> Boxes:
    return Boxes([(0, 0, *side) for side in sides], **columns)


def test_boxes_are_judged_by_those_of_their_class():
    small, large = [(10, 10)] * 8, [(20, 20)] * 8
    classes = ["a"] * 8 + ["b"] * 9
    assert odd_sizes(boxes(*small, *large, (10, 10), classes=classes)).tolist() == [0] * 16 + [1]
    longer = odd_sizes(boxes(*small, (5, 20), classes="a"))  # as large as the others
    assert longer.tolist() == [0] * 8 + [1]
    assert odd_sizes(boxes((5, 20)), boxes(*small)).tolist() == [1]
    assert odd_sizes(boxes((5, 20)), boxes(*small, classes="ignore")).tolist() == [0]
    assert odd_sizes(Boxes()).tolist() == []


def test_what_a_person_drew_says_what_is_usual_too():
    found = Predictions(boxes=boxes((30, 30), scores=1.0))
    assert reasons(found, 0.5).tolist() == [[0, 0, 0]]
    assert reasons(found, 0.5, HintSet(boxes=boxes(*[(10, 10)] * 8))).tolist() == [[0, 0, 1]]


@pytest.mark.parametrize(
    ("scores", "threshold", "expected"),
    [
        ([], 0.5, 0),
        ([0.2, 0.4], 0.5, 0),
        ([0.53], 0.5, 1),
        ([0.56], 0.5, 0),
        ([0.52, 0.57, 0.62, 0.64, 0.64], 0.5, 1),  # the middle one is 0.12 above
        ([0.55, 0.7, 0.9, 0.95, 0.99], 0.5, 1),  # 0.15 at most
        ([0.64, 0.64, 0.9, 0.95, 0.99], 0.5, 2),
        ([np.nan, 0.9], 0.5, 1),
    ],
)
def test_unsure_is_measured_by_the_sure_ones(scores, threshold, expected):
    assert unsure(np.array(scores, float), threshold).sum() == expected


def test_judging_the_others_makes_none_unsure():
    every = np.array([0.6, 0.64, 0.9, 0.95, 0.99])
    assert unsure(every[:2], 0.5, every).tolist() == [True, True]
    assert unsure(every[1:2], 0.5).tolist() == [False]
    assert unsure(every[1:2], 0.5, every).tolist() == [True]


def test_any_reason_is_enough():
    scores = [0.5, 0.75, 1.0, 1.0]
    points = Points(np.zeros((4, 2)), scores=scores, attributes={DISAGREEMENT: [0.0, 0.5, 0.25, ""]})
    boxes = Boxes([[0, 0, 4, 4]], scores=0.75)
    outlines = masks(*USUAL, np.ones((20, 20)), scores=1.0)
    found = doubts(reasons(Predictions(points, boxes, masks=outlines), 0.5))
    #                                      1 - (1 - .5) · (1 - .5)
    assert found.tolist() == pytest.approx([1.0, 0.75, 0.25, 0.0, 0.5] + [0] * 8 + [1])


def test_each_reason_by_itself():
    points = Points(np.zeros((2, 2)), scores=[0.75, 1.0], attributes={DISAGREEMENT: [0.25, 0.5]})
    found = reasons(Predictions(points, masks=masks(*USUAL, np.ones((20, 20)), scores=0.5)), 0.5)
    assert found.shape == (11, len(REASONS))
    assert found[[0, 1, 2, -1]].tolist() == [[0.5, 0.25, 0], [0, 0.5, 0], [1, 0, 0], [1, 0, 1]]


def test_with_scores_alone_the_order_is_that_of_the_distance_to_the_threshold():
    scores = np.random.default_rng(0).random(100)
    found = doubts(reasons(Predictions(Points(np.zeros((100, 2)), scores=scores)), 0.62))
    np.testing.assert_array_equal(np.argsort(-found), np.argsort(np.abs(scores - 0.62)))


def test_a_disagreement_out_of_range_is_cut_off():
    points = Points(np.zeros((3, 2)), attributes={DISAGREEMENT: [2.0, -1.0, np.nan]})
    assert doubts(reasons(Predictions(points), 0.5)).tolist() == [1, 0, 0]


def test_nothing():
    assert doubts(reasons(Predictions(), 0.5)).tolist() == []
