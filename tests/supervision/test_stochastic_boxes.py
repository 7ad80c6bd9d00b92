"""Boxes are xyxy here."""

from __future__ import annotations

import math

import pytest
import torch

from napari_inkling.supervision.stochastic_boxes import select_boxes

#: A point at (50, 50), and the stochastic box of 20 × 20 around it.
S = (40.0, 40.0, 60.0, 60.0)


def box(x: float, y: float, side: float = 20.0) -> tuple[float, float, float, float]:
    return x - side / 2, y - side / 2, x + side / 2, y + side / 2


def chosen(predicted, scores, *, stochastic=(S,), classes=(0,), **more) -> list[list[float]]:
    rows = [score if isinstance(score, tuple) else (score,) for score in scores] or torch.empty(0, 1)
    found = select_boxes(
        torch.tensor(stochastic, dtype=torch.float64).reshape(-1, 4),
        torch.tensor(classes, dtype=torch.int64),
        torch.tensor(predicted, dtype=torch.float64).reshape(-1, 4),
        torch.as_tensor(rows, dtype=torch.float64),
        **more,
    )
    return found.tolist()


@pytest.mark.parametrize(
    ("predicted", "scores", "expected"),
    [
        pytest.param([box(52, 50)], [0.9], box(52, 50), id="a sure one nearby"),
        pytest.param([box(52, 50)], [0.2], box(52, 50), id="as sure as need be"),
        pytest.param([box(52, 50)], [0.19], S, id="not sure enough"),
        pytest.param([box(70, 70)], [0.9], S, id="elsewhere"),
        # 20 × 20 moved by 20 / 3: the shared part is ⅔, of a union of 4/3
        pytest.param([box(50 + 20 / 3 - 1e-6, 50)], [0.9], box(50 + 20 / 3 - 1e-6, 50), id="IOU of a half"),
        pytest.param([box(50 + 20 / 3 + 1e-6, 50)], [0.9], S, id="a little less than a half"),
        pytest.param([box(50, 50, 29)], [0.9], S, id="in the same place, too large"),
        pytest.param([box(52, 50), box(51, 50)], [0.5, 0.5], box(51, 50), id="equally sure: the nearer"),
        pytest.param(
            [box(52, 50), box(52, 50, 18)], [0.5, 0.6], box(52, 50, 18), id="equally near: the surer"
        ),
        pytest.param([box(50, 50), box(90, 50)], [0.3, 0.99], box(50, 50), id="one of another cell"),
    ],
)
@pytest.mark.parametrize("in_box_sizes", [True, False])
def test_by_hand(predicted, scores, expected, in_box_sizes):
    (found,) = chosen(predicted, scores, in_box_sizes=in_box_sizes)
    assert found == pytest.approx(expected)


# 2 px from the point and .9, against 1 px and .5: .9·e⁻⁴ < .5·e⁻¹, but .9·e^-.01 > .5·e^-.0025 in sides.
@pytest.mark.parametrize(("in_box_sizes", "winner"), [(True, 52), (False, 51)])
def test_the_unit_of_distance(in_box_sizes, winner):
    predicted = [box(52, 50), box(51, 50)]
    assert chosen(predicted, [0.9, 0.5], in_box_sizes=in_box_sizes) == [list(box(winner, 50))]


def test_sides_are_those_of_the_stochastic_box_in_each_direction():
    wide = (0.0, 40.0, 100.0, 60.0)  # 100 × 20
    across, along = (0.0, 44.0, 100.0, 64.0), (8.0, 40.0, 108.0, 60.0)  # 4 px down is more than 8 px along
    assert chosen([across, along], [0.5, 0.5], stochastic=[wide]) == [list(along)]
    assert chosen([across, along], [0.5, 0.5], stochastic=[wide], in_box_sizes=False) == [list(across)]


def test_thresholds():
    near = [box(54, 50)]  # IOU 16 / 24
    assert chosen(near, [0.4], least_score=0.41) == [list(S)]
    assert chosen(near, [0.4], least_score=0.4, least_iou=0.66) == [list(near[0])]
    assert chosen(near, [0.4], least_score=0.4, least_iou=0.67) == [list(S)]


def test_the_class_of_the_point_counts():
    predicted, scores = [box(51, 50), box(53, 50)], [(0.1, 0.9), (0.6, 0.1)]
    both = chosen(predicted, scores, stochastic=[S, S], classes=(0, 1))
    assert both == [list(box(53, 50)), list(box(51, 50))]


def test_each_point_for_itself():
    predicted, scores = [box(52, 50), box(202, 200)], [0.9, 0.1]
    found = chosen(predicted, scores, stochastic=[S, box(200, 200), box(300, 300)], classes=(0, 0, 0))
    assert found == [list(box(52, 50)), list(box(200, 200)), list(box(300, 300))]


@pytest.mark.parametrize(("predicted", "stochastic"), [((), (S,)), ([box(50, 50)], ())])
def test_no_prediction_or_no_point(predicted, stochastic):
    found = chosen(predicted, [0.9] * len(predicted), stochastic=stochastic, classes=(0,) * len(stochastic))
    assert found == [list(s) for s in stochastic]


def test_far_from_the_point_the_order_is_kept():
    """In pixels exp(-‖p - u‖²) is 0 in floating point 30 px away, and 0 = 0 would say nothing."""
    large = box(500, 500, 400)
    predicted = [box(560, 500, 400), box(540, 500, 400), box(500, 550, 400)]
    assert math.exp(-(40.0**2)) == 0
    assert chosen(predicted, [0.9, 0.3, 0.9], stochastic=[large], in_box_sizes=False) == [list(predicted[1])]


def algorithm_1(p, stochastic, predicted, scores, t_iou, t_score, unit):
    """Algorithm 1 of the paper, line by line."""

    def iou(a, b):
        width, height = (max(0.0, min(a[i + 2], b[i + 2]) - max(a[i], b[i])) for i in (0, 1))
        both = width * height
        return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)

    d_t = [
        (d, score)
        for d, score in zip(predicted, scores, strict=True)
        if score >= t_score and iou(stochastic, d) >= t_iou
    ]
    if not d_t:
        return stochastic

    def merit(d, score):
        u = (d[0] + d[2]) / 2, (d[1] + d[3]) / 2
        return score * math.exp(-sum(((p[i] - u[i]) / unit[i]) ** 2 for i in (0, 1)))

    return max(d_t, key=lambda pair: merit(*pair))[0]


@pytest.mark.parametrize("in_box_sizes", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_against_the_paper(seed, in_box_sizes):
    torch.manual_seed(seed)
    places, numbers = torch.rand(6, 2).double() * 60, torch.randint(3, (6,))
    halves = torch.rand(6, 2).double() * 4 + 6
    stochastic = torch.cat([places - halves, places + halves], dim=1)
    middles, own = torch.rand(300, 2).double() * 60, torch.rand(300, 2).double() * 5 + 5
    predicted, scores = torch.cat([middles - own, middles + own], dim=1), torch.rand(300, 3).double()
    found = select_boxes(stochastic, numbers, predicted, scores, in_box_sizes=in_box_sizes)
    expected = [
        algorithm_1(p, s, predicted.tolist(), scores[:, k].tolist(), 0.5, 0.2, unit)
        for p, s, k, unit in zip(
            places.tolist(),
            stochastic.tolist(),
            numbers.tolist(),
            (2 * halves if in_box_sizes else torch.ones(6, 2)).tolist(),
            strict=True,
        )
    ]
    assert found.tolist() == expected
    assert found.tolist() != stochastic.tolist()
