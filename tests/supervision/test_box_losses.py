from __future__ import annotations

import math

import pytest
import torch

from napari_inkling.supervision.box_losses import (
    UsualCounts,
    centre_loss,
    class_balanced_weights,
    class_loss,
    size_loss,
)

# --- weights of Cui et al., Eq. 2


@pytest.mark.parametrize(
    ("counts", "beta", "expected"),
    [
        ([5, 5, 5], 0.99, [1, 1, 1]),
        ([3, 300], 0.0, [1, 1]),
        # .1 / (1 - .9) = 1 and .1 / (1 - .9²) = 1 / 1.9, over their mean
        ([1, 2], 0.9, [1 / (0.5 * (1 + 1 / 1.9)), 1 / 1.9 / (0.5 * (1 + 1 / 1.9))]),
        ([0, 1], 0.9, [1, 1]),
        # of very many, it is 1 - β: as much as if there were 1 / (1 - β) of them
        ([1, 10**9], 0.99, [1 / 0.505, 0.01 / 0.505]),
    ],
)
def test_weights(counts, beta, expected):
    assert class_balanced_weights(counts, beta).tolist() == pytest.approx(expected, rel=1e-5)


def test_rarer_classes_weigh_more():
    weights = class_balanced_weights([2381, 214, 20, 3]).tolist()
    assert weights == sorted(weights) and sum(weights) == pytest.approx(4)


# --- classification


def focal(logit: float, wanted: float) -> float:
    """Lin et al., Eq. 5, with α = .25 and γ = 2."""
    p = 1 / (1 + math.exp(-logit))
    right, alpha = (p, 0.25) if wanted else (1 - p, 0.75)
    return -alpha * (1 - right) ** 2 * math.log(right)


def test_by_hand():
    # p = ½ everywhere: one object of weight 3, one background, one ignored; one class
    logits, wanted = torch.zeros(1, 3, 1), torch.tensor([[[1.0], [0.0], [1.0]]])
    known = torch.tensor([[True, True, False]])
    loss = class_loss(logits, wanted * known[..., None], torch.tensor([3.0]), known)
    assert loss.item() == pytest.approx((3 * 0.25 + 0.75) * 0.25 * math.log(2))


def test_against_brute_force():
    torch.manual_seed(0)
    logits, weights = torch.randn(2, 7, 3).double(), torch.tensor([0.5, 1.0, 1.5]).double()
    known = torch.rand(2, 7) < 0.7
    wanted = torch.nn.functional.one_hot(torch.randint(3, (2, 7)), 3) * (torch.rand(2, 7, 1) < 0.4)
    wanted = (wanted * known[..., None]).double()
    total = sum(
        focal(logits[b, n, k].item(), wanted[b, n, k].item()) * (weights[k].item() if wanted[b, n, k] else 1)
        for b in range(2)
        for n in range(7)
        for k in range(3)
        if known[b, n]
    )
    objects = int(wanted.sum())
    assert objects > 1
    assert class_loss(logits, wanted, weights, known).item() == pytest.approx(total / objects)


def test_an_image_without_objects():
    logits = torch.zeros(1, 4, 2)
    loss = class_loss(logits, torch.zeros(1, 4, 2), torch.ones(2), torch.ones(1, 4, dtype=torch.bool))
    assert loss.item() == pytest.approx(8 * focal(0, 0))


def test_ignored_anchors_have_no_gradient():
    logits = torch.randn(1, 3, 2, requires_grad=True)
    class_loss(logits, torch.zeros(1, 3, 2), torch.ones(2), torch.tensor([[True, False, True]])).backward()
    assert (logits.grad[0] != 0).tolist() == [[True, True], [False, False], [True, True]]


def test_where_all_is_ignored_nothing_is_learnt():
    logits = torch.randn(1, 3, 2, requires_grad=True)
    loss = class_loss(logits, torch.zeros(1, 3, 2), torch.ones(2), torch.zeros(1, 3, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()


# --- what sums are divided by


def test_usual_counts_are_running_means():
    usual = UsualCounts()
    assert usual.after("boxes", 10) == 10
    assert usual.after("boxes", 20) == pytest.approx(11)
    assert usual.after("points", 3) == 3
    assert usual.after("boxes", 0) == pytest.approx(9.9)


def test_a_batch_of_nothing_is_divided_by_one():
    assert UsualCounts().after("boxes", 0) == 1


def test_losses_are_divided_by_a_given_count():
    logits, known = torch.zeros(1, 3, 1), torch.ones(1, 3, dtype=torch.bool)
    wanted, weights = torch.tensor([[[1.0], [0.0], [0.0]]]), torch.ones(1)
    one, many = (class_loss(logits, wanted, weights, known, count) for count in (None, 4.0))
    assert many.item() == pytest.approx(one.item() / 4)
    moves, none = torch.ones(2, 4), torch.zeros(2, 4)
    assert size_loss(moves, none, 4.0).item() == pytest.approx(8 / 4)
    assert centre_loss(moves[:, :2], none[:, :2], torch.zeros(2), 4.0).item() == pytest.approx(4 / 4)


# --- Eq. 2


def test_the_first_sum():
    # 1 + 2 + 0 + 3 = 6 and 4, over two anchors
    moves = torch.tensor([[1.0, -2.0, 0.5, 1.0], [0.0, 0.0, 0.0, 4.0]])
    wanted = torch.tensor([[0.0, 0.0, 0.5, -2.0], [0.0, 0.0, 0.0, 0.0]])
    assert size_loss(moves, wanted).item() == pytest.approx((6 + 4) / 2)


def test_the_second_sum():
    # 3 / (1 + .5) = 2 and 4 / (1 + 3) = 1, over two anchors
    moves, doubt = torch.tensor([[1.0, -2.0], [0.0, 4.0]]), torch.tensor([0.5, 3.0])
    assert centre_loss(moves, torch.zeros(2, 2), doubt).item() == pytest.approx((2 + 1) / 2)


def test_points_without_doubt_count_like_boxes():
    moves, wanted = torch.randn(5, 2), torch.randn(5, 2)
    both = torch.cat([moves, torch.zeros(5, 2)], dim=1), torch.cat([wanted, torch.zeros(5, 2)], dim=1)
    assert centre_loss(moves, wanted, torch.zeros(5)).item() == pytest.approx(size_loss(*both).item())


def test_neither_boxes_nor_points():
    moves = torch.randn(3, 4, requires_grad=True)
    none = torch.zeros(0, 4)
    loss = size_loss(moves[:0], none) + centre_loss(moves[:0, :2], none[:, :2], none[:, 0])
    loss.backward()
    assert loss.item() == 0 and not moves.grad.any()
