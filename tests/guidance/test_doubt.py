from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import DISAGREEMENT, Boxes, Masks, Points, Predictions
from napari_inkling.guidance import REASONS, doubts, odd_shapes, reasons
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


def test_any_reason_is_enough():
    scores = [0.5, 0.75, 1.0, 1.0]
    points = Points(np.zeros((4, 2)), scores=scores, attributes={DISAGREEMENT: [0.0, 0.5, 0.25, ""]})
    boxes = Boxes([[0, 0, 4, 4]], scores=0.75)
    outlines = masks(*USUAL, np.ones((20, 20)), scores=1.0)
    found = doubts(Predictions(points, boxes, masks=outlines), 0.5)
    #                                      1 - (1 - .5) · (1 - .5)
    assert found.tolist() == pytest.approx([1.0, 0.75, 0.25, 0.0, 0.5] + [0] * 8 + [1])


def test_each_reason_by_itself():
    points = Points(np.zeros((2, 2)), scores=[0.75, 1.0], attributes={DISAGREEMENT: [0.25, 0.5]})
    found = reasons(Predictions(points, masks=masks(*USUAL, np.ones((20, 20)), scores=0.5)), 0.5)
    assert found.shape == (11, len(REASONS))
    assert found[[0, 1, 2, -1]].tolist() == [[0.5, 0.25, 0], [0, 0.5, 0], [1, 0, 0], [1, 0, 1]]


def test_with_scores_alone_the_order_is_that_of_the_distance_to_the_threshold():
    scores = np.random.default_rng(0).random(100)
    found = doubts(Predictions(Points(np.zeros((100, 2)), scores=scores)), 0.62)
    np.testing.assert_array_equal(np.argsort(-found), np.argsort(np.abs(scores - 0.62)))


def test_a_disagreement_out_of_range_is_cut_off():
    points = Points(np.zeros((3, 2)), attributes={DISAGREEMENT: [2.0, -1.0, np.nan]})
    assert doubts(Predictions(points), 0.5).tolist() == [1, 0, 0]


def test_nothing():
    assert doubts(Predictions(), 0.5).tolist() == []
