from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.guidance import divergence_curve, kl_divergence
from napari_inkling.guidance.size_divergence import BANDWIDTH
from tests.guidance.box_sizes import gaussian, real_sizes


def on_grid(mean, deviation, cells: int = 400):
    """A Gaussian with independent height and width on (-10, 10)²."""
    side = (np.arange(cells) + 0.5) / cells * 20 - 10
    h, w = (np.exp(-0.5 * ((side - m) / s) ** 2) for m, s in zip(mean, deviation, strict=True))
    return np.outer(h, w)


def closed_form(mean, deviation, other_mean, other_deviation):
    """D of independent Gaussians: Σ ln(s₂/s₁) + (s₁² + (m₁ - m₂)²) / 2s₂² - 1/2."""
    m, s, m2, s2 = map(np.asarray, (mean, deviation, other_mean, other_deviation))
    return (np.log(s2 / s) + (s**2 + (m - m2) ** 2) / (2 * s2**2) - 0.5).sum()


@pytest.mark.parametrize(
    "pair",
    [
        ((0, 0), (1, 1), (0, 0), (1, 1)),
        ((0, 0), (1, 1), (1, 0), (1, 1)),  # ½
        ((0, 0), (1, 1), (1, 2), (1, 1)),  # 2½
        ((0, 0), (1, 1), (0, 0), (2, 1)),
        ((1, -1), (0.7, 1.2), (0, 0.5), (1.5, 1)),
    ],
)
def test_the_closed_form_of_gaussians(pair):
    p, q = on_grid(*pair[:2]), on_grid(*pair[2:])
    expected = closed_form(*pair)
    assert kl_divergence(p, q, smoothing=0) == pytest.approx(expected, rel=1e-3, abs=1e-9)
    # Smoothing takes up to a few parts in a hundred off: more where q has next to nothing and p some.
    assert kl_divergence(p, q) == pytest.approx(expected, rel=0.1, abs=1e-9)


def test_it_is_finite_and_never_negative():
    p, q = np.zeros((4, 4)), np.zeros((4, 4))
    p[0, 0] = q[3, 3] = 5
    far = kl_divergence(p, q, smoothing=0.01)
    share = 0.01 / 16
    assert far == pytest.approx(
        (0.99 + share) * np.log((0.99 + share) / share) + share * np.log(share / (0.99 + share))
    )
    random = np.random.default_rng(0).random((50, 8, 8))
    assert (kl_divergence(random[0], random) >= 0).all()
    assert kl_divergence(random, random).tolist() == [0] * 50


def test_a_curve_by_hand():
    """Two kinds of boxes, one after the other: with the first half, half of the mass is missed."""
    curve = divergence_curve([[20, 20]] * 50 + [[200, 200]] * 50)
    assert curve.counts[[0, -1]].tolist() == [2, 100]
    first = curve.drawn[curve.counts <= 50]
    # Where q misses half of the mass it holds 1 % spread over 32² cells; the kernel fills k of them:
    # D ≈ ½ ln(½) + ½ ln(½ · 32² / .01 k) with k about 2π · e · (width / cell)²; here some 30 to 60.
    assert (first == first[0]).all()
    assert 2.2 < first[0] < 4
    assert (np.diff(curve.drawn[curve.counts >= 50]) < 0).all()
    assert curve.drawn[-1] == 0
    assert (curve.drawn[:-1] > curve.high[:-1])[5:].all()  # chance mixes them


def test_the_order_is_that_of_the_times():
    sizes, order = gaussian(60), np.random.default_rng(1).permutation(60)
    straight = divergence_curve(sizes, np.arange(60))
    assert (divergence_curve(sizes).drawn == straight.drawn).all()
    assert (divergence_curve(sizes[order], np.arange(60.0)[order]).drawn == straight.drawn).all()
    unknown = np.where(np.arange(60) < 30, np.nan, np.arange(60))
    swapped = np.concatenate([sizes[30:], sizes[:30]])
    assert (divergence_curve(sizes, unknown).drawn == divergence_curve(swapped).drawn).all()


def test_the_same_seed_gives_the_same_band():
    sizes = gaussian(40)
    assert (divergence_curve(sizes, seed=3).high == divergence_curve(sizes, seed=3).high).all()
    assert (divergence_curve(sizes, seed=3).high != divergence_curve(sizes, seed=4).high).any()


@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_few_boxes(count):
    curve = divergence_curve(gaussian(count))
    assert curve.counts[-1] == count
    assert np.isfinite(curve.decay) and curve.decay >= 0


def test_equal_boxes_tell_all_at_once():
    curve = divergence_curve([[10, 10]] * 20)
    assert curve.high.tolist() == [0] * len(curve.counts)
    assert curve.decay == 0


@pytest.mark.parametrize("share", [0.1, 0.15, 0.2])
def test_the_law_of_a_gaussian(share):
    """C = ½ ((1 + r⁻²)² - 1) with r = kernel / deviation, from the variance of a kernel density; see below.

    E D ≈ 1/2n · (∫ E[K²] / p - 1), and for a Gaussian each axis gives 1 + r⁻². It holds for n → ∞, and not in
    the tails, where smoothing takes off: so C comes out lower, the more so the finer the kernel.
    """
    sizes = gaussian(1500, mean=(1000, 1000), deviation=(1000 * share,) * 2)
    wanted = 0.5 * ((1 + (share / BANDWIDTH) ** 2) ** 2 - 1)
    assert 0.6 * wanted < divergence_curve(sizes).decay < 1.2 * wanted


def test_the_law_does_not_depend_on_how_many_boxes_there_are():
    for name, sizes in {**real_sizes("bccd"), **real_sizes("umid_urine")}.items():
        shuffled = np.random.default_rng(0).permutation(sizes)
        decays = [divergence_curve(shuffled[:count]).decay for count in (50, 100, 200)]
        assert max(decays) < 2 * min(decays), name
