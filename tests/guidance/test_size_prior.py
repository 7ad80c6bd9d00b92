from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import HintError
from napari_inkling.guidance import size_priors
from tests.guidance.box_sizes import gaussian


def prior_of(sizes):
    return size_priors({"cell": sizes})["cell"]


@pytest.mark.parametrize(
    "sizes",
    [
        gaussian(50),
        [[10, 10]] * 4,
        [[1, 1], [1, 1], [1, 2]],  # much of the kernels lies below 0
        [[3, 300]],
    ],
)
def test_the_density_integrates_to_one_and_to_its_own_moments(sizes):
    prior = prior_of(sizes)
    highest = prior.sizes.max(axis=0) + 8 * prior.bandwidth
    edges = [np.linspace(0, side, 3001) for side in highest]
    heights, widths = ((edge[1:] + edge[:-1]) / 2 for edge in edges)
    mass = prior.on_grid(heights, widths) * (highest / 3000).prod()
    assert mass.sum() == pytest.approx(1, abs=1e-4)
    marginal = [mass.sum(axis=1), mass.sum(axis=0)]
    mean = [(m * side).sum() for m, side in zip(marginal, (heights, widths), strict=True)]
    assert prior.mean == pytest.approx(mean, rel=1e-3)
    squares = [(m * side**2).sum() for m, side in zip(marginal, (heights, widths), strict=True)]
    assert prior.deviation == pytest.approx(np.sqrt(np.array(squares) - np.square(mean)), rel=2e-3)


def test_the_density_is_the_mean_of_products_of_gaussians():
    prior = prior_of([[100, 50], [120, 40], [110, 60]])
    h, w = prior.bandwidth
    assert (h, w) == pytest.approx((10 * 3 ** (-1 / 6), 10 * 3 ** (-1 / 6)))
    z = [(0 - 0, 0), (20 / h, -10 / w), (10 / h, 10 / w)]
    by_hand = np.mean([np.exp(-(a**2 + b**2) / 2) for a, b in z]) / (2 * np.pi * h * w)
    assert prior.density(100, 50) == pytest.approx(by_hand, rel=1e-4)
    assert prior.density([-1, 0, 100], [50, 50, 50])[:2].tolist() == [0, 0]
    heights, widths = np.array([90.0, 100.0]), np.array([40.0, 50.0, 60.0])
    assert prior.density(heights[:, None], widths) == pytest.approx(prior.on_grid(heights, widths))


@pytest.mark.parametrize(
    ("sizes", "bandwidth"),
    [
        ([[10, 10]] * 5, [0.5, 0.5]),  # half a pixel
        ([[100, 50]] * 5, [2, 1]),  # two parts in a hundred
        ([[1, 1]] * 3, [0.5, 0.5]),
    ],
)
def test_equal_boxes_have_the_least_bandwidth(sizes, bandwidth):
    prior = prior_of(sizes)
    assert (prior.bandwidth.tolist(), prior.borrowed) == (bandwidth, "")


def test_what_a_class_with_few_boxes_borrows():
    """Within the classes that have three, heights deviate by √(.02 / 4) of the mean, widths by √(.08 / 4)."""
    known = {"a": [[90, 80], [100, 100], [110, 120]], "b": [[20, 20]] * 3}
    priors = size_priors({**known, "one": [[50, 40]], "two": [[50, 40], [70, 60]], "none": []})
    assert {name: prior.borrowed for name, prior in priors.items()} == {
        "a": "",
        "b": "",
        "one": "spread",
        "two": "spread",
        "none": "sizes",
    }
    spread = np.sqrt([0.02 / 4, 0.08 / 4])
    assert priors["one"].bandwidth == pytest.approx(spread * [50, 40])
    assert priors["two"].bandwidth == pytest.approx(2 ** (-1 / 6) * spread * [60, 50])
    assert priors["one"].mean == pytest.approx([50, 40], rel=1e-3)
    assert priors["none"].sizes.shape == (9, 2)


def test_the_usual_spread_where_no_class_tells_one():
    priors = size_priors({"one": [[50, 40]], "none": []})
    assert priors["one"].bandwidth == pytest.approx([10, 8])
    assert priors["none"].mean == pytest.approx([50, 40], rel=1e-4)
    assert priors["none"].borrowed == "sizes"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({}, r"no class has a box \(there is none\): draw some first"),
        ({"RBC": [], "WBC": []}, r"no class has a box \(RBC, WBC\): draw some first"),
        ({"RBC": [[5, 5], [0, 5]]}, r"box 1 of class 'RBC' is \[0.0, 5.0\] px: expected sides > 0"),
        ({"RBC": [[np.nan, 5]]}, r"expected sides > 0"),
    ],
)
def test_what_is_refused(given, reason):
    with pytest.raises(HintError, match=reason):
        size_priors(given)


def test_fifty_classes():
    assert len(size_priors({str(i): gaussian(i, seed=i) for i in range(50)})) == 50
