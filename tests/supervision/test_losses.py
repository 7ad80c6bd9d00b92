from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_inkling.supervision import IGNORE, UNMARKED
from napari_inkling.supervision.losses import partial_cross_entropy, weak_label_losses, weighted_mse


def brute_force(logits: np.ndarray, mask: np.ndarray, weight: float, unmarked: float) -> float:
    total, count = 0.0, 0.0
    for logit, target in zip(logits.ravel(), mask.ravel(), strict=True):
        if target == IGNORE:
            continue
        share = unmarked if target == UNMARKED else 1
        count += share
        total += (weight if target > 0 else share) * (1 / (1 + np.exp(-logit)) - max(target, 0)) ** 2
    return total / max(count, 1)


@pytest.mark.parametrize("weight", [1.0, 10.0])
@pytest.mark.parametrize("unmarked", [0.0, 0.3, 1.0])
def test_against_brute_force(weight, unmarked):
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (2, 3, 5, 4))
    mask = random.choice([UNMARKED, IGNORE, 0, 0.4, 1], (2, 3, 5, 4))
    loss = weighted_mse(torch.tensor(logits), torch.tensor(mask), weight, unmarked)
    assert loss.item() == pytest.approx(brute_force(logits, mask, weight, unmarked), rel=1e-5)


def test_by_hand():
    # p = ½ everywhere: (½ - 1)²·10 and (½ - 0)²·1 over two known pixels: (2.5 + .25) / 2
    mask = torch.tensor([[[[1.0, 0.0, -1.0]]]])
    assert weighted_mse(torch.zeros(1, 1, 1, 3), mask).item() == pytest.approx(1.375)


def test_where_all_is_ignored_nothing_is_learnt():
    logits = torch.randn(1, 1, 4, 4, requires_grad=True)
    loss = weighted_mse(logits, torch.full((1, 1, 4, 4), -1.0))
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()


def test_ignored_pixels_have_no_gradient():
    logits = torch.randn(1, 1, 2, 2, requires_grad=True)
    weighted_mse(logits, torch.tensor([[[[-1.0, 0.0], [1.0, -1.0]]]])).backward()
    np.testing.assert_array_equal(logits.grad[0, 0] != 0, [[False, True], [True, False]])


LABELS = [[[1, 0, -1], [-1, 1, 0]]]


def entropy_by_hand(nucleus: np.ndarray, labels: np.ndarray) -> float:
    terms = [
        -np.log(p if t == 1 else 1 - p)
        for p, t in zip(nucleus.ravel(), labels.ravel(), strict=True)
        if t >= 0
    ]
    return float(np.mean(terms))


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.float32])
def test_partial_cross_entropy(dtype):
    labels = np.array(LABELS * 2)
    logits = np.random.default_rng(0).normal(0, 2, (2, 2, 2, 3))
    odds = np.exp(logits)
    expected = entropy_by_hand(odds[:, 1] / odds.sum(1), labels)
    two = partial_cross_entropy(torch.tensor(logits), torch.tensor(labels, dtype=dtype))
    one = partial_cross_entropy(
        torch.tensor(logits[:, 1:] - logits[:, :1]), torch.tensor(labels, dtype=dtype)
    )
    assert two.item() == pytest.approx(expected, rel=1e-5)
    assert one.item() == pytest.approx(expected, rel=1e-5)


def test_two_logits_are_torchs_own_cross_entropy():
    logits, labels = torch.randn(2, 2, 5, 4), torch.randint(-1, 2, (2, 5, 4))
    torchs = torch.nn.functional.cross_entropy(logits, labels, ignore_index=-1)
    assert partial_cross_entropy(logits, labels).item() == pytest.approx(torchs.item(), rel=1e-5)


@pytest.mark.parametrize("kinds", [1, 2])
def test_cross_entropy_leaves_what_is_ignored_alone(kinds):
    logits = torch.randn(1, kinds, 2, 3, requires_grad=True)
    partial_cross_entropy(logits, torch.tensor(LABELS)).backward()
    np.testing.assert_array_equal(logits.grad[0, 0] != 0, np.array(LABELS[0]) >= 0)
    logits.grad = None
    loss = partial_cross_entropy(logits, torch.full((1, 2, 3), -1))
    loss.backward()
    assert loss.item() == 0 and not logits.grad.any()


@pytest.mark.parametrize("shapes", [((1, 3, 2, 2), (1, 2, 2)), ((1, 2, 2, 2), (1, 1, 2, 2)), ((2, 2), (2,))])
def test_cross_entropy_refuses_other_shapes(shapes):
    with pytest.raises(ValueError, match=r"expected \(B, 2, Y, X\)"):
        partial_cross_entropy(torch.zeros(shapes[0]), torch.zeros(shapes[1]))


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_weak_label_losses(alpha):
    logits, voronoi = torch.randn(1, 2, 2, 3), torch.tensor(LABELS)
    cluster = torch.where(voronoi < 0, voronoi, 1 - voronoi)
    losses = weak_label_losses(logits, voronoi, cluster, alpha)
    assert list(losses) == ["voronoi", "cluster"]
    one, other = partial_cross_entropy(logits, voronoi), partial_cross_entropy(logits, cluster)
    assert losses["voronoi"].item() == pytest.approx(alpha * one.item(), rel=1e-6)
    assert losses["cluster"].item() == pytest.approx((1 - alpha) * other.item(), rel=1e-6)


def test_without_a_cluster_label_voronoi_has_all_the_weight():
    logits, voronoi = torch.randn(1, 2, 2, 3), torch.tensor(LABELS)
    losses = weak_label_losses(logits, voronoi, None, alpha=0.2)
    assert list(losses) == ["voronoi"]
    assert losses["voronoi"].item() == partial_cross_entropy(logits, voronoi).item()
