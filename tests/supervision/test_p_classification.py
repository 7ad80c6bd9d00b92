from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import check_grad, minimize

from napari_inkling.supervision.p_classification import _objective, fit_scorer


def overlapping(seed: int = 0, features: int = 3):
    random = np.random.default_rng(seed)
    return random.normal(0.5, 1, (40, features)), random.normal(-0.5, 1.5, (60, features))


def risk(f_positive, f_negative, p) -> float:
    """Eq. 2, with p in the exponent."""
    return np.exp(-f_positive).sum() + np.exp(p * f_negative).sum() / p


@pytest.mark.parametrize("p", [1, 2, 4, 16])
@pytest.mark.parametrize("penalty", [0.01, 3])
def test_the_gradient(p, penalty):
    positive, negative = overlapping()
    for seed in range(3):
        weights = np.random.default_rng(seed).normal(0, 1, 3)
        error = check_grad(
            lambda w: _objective(w, positive, negative, p, penalty)[0],
            lambda w: _objective(w, positive, negative, p, penalty)[1],
            weights,
        )
        assert error < 1e-5


@pytest.mark.parametrize("p", [1, 2, 4])
def test_it_is_the_optimum_of_the_risk_itself(p):
    """As a general optimiser finds it without derivatives, on data that no plane parts."""
    positive, negative = overlapping(features=2)
    scorer = fit_scorer(positive, negative, p, penalty=1e-9)
    direct = minimize(
        lambda w: risk(positive @ w[:2] + w[2], negative @ w[:2] + w[2], p),
        np.zeros(3),
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 5000},
    )
    found = risk(scorer.scores(positive), scorer.scores(negative), p)
    assert found == pytest.approx(direct.fun, rel=1e-6)
    np.testing.assert_allclose(scorer.weights / scorer.scale, direct.x[:2], atol=1e-3)


@pytest.mark.parametrize("p", [1, 4])
def test_by_hand_without_features_that_tell(p):
    """With f = b alone: -N e⁻ᵇ + M eᵖᵇ = 0, so b = ln(N / M) / (p + 1)."""
    scorer = fit_scorer(np.ones((6, 2)), np.ones((2, 2)), p)
    np.testing.assert_array_equal(scorer.weights, 0)
    assert scorer.scores([[1, 1]]) == pytest.approx([np.log(3) / (p + 1)])


def test_the_penalty_holds_where_a_plane_parts_the_samples():
    positive, negative = np.full((5, 1), 1.0), np.full((7, 1), -1.0)
    scale = np.concatenate([positive, negative]).std()
    for penalty in (0.1, 1, 10):
        # J = -w·1 + ln 5 + w·(-1) + ln(7) / p: the slope is -2 in features, -2 / scale in standard ones
        scorer = fit_scorer(positive, negative, penalty=penalty)
        assert scorer.weights == pytest.approx([2 / scale / penalty], rel=1e-3)


@pytest.mark.parametrize("p", [1, 4, 64])
@pytest.mark.parametrize("factor", [1e-6, 1, 1e9])
def test_nothing_overflows_and_units_do_not_matter(p, factor):
    positive, negative = overlapping(features=5)
    scorer = fit_scorer(positive * factor, negative * factor, p, penalty=1e-3)
    plain = fit_scorer(positive, negative, p, penalty=1e-3)
    found = scorer.scores(negative * factor)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, plain.scores(negative), atol=1e-2 * np.ptp(found))


def test_features_that_are_all_alike_count_for_nothing():
    positive, negative = overlapping(features=2)
    more = [np.column_stack([some, np.full(len(some), 1e8)]) for some in (positive, negative)]
    scorer = fit_scorer(*more)
    assert scorer.weights[2] == 0
    np.testing.assert_allclose(
        scorer.scores(more[0]), fit_scorer(positive, negative).scores(positive), atol=1e-4
    )


def test_one_positive_sample():
    scorer = fit_scorer([[2.0, 0.0]], overlapping(features=2)[1])
    assert scorer.scores([[2, 0]]) > scorer.scores([[-2, 0]])


def with_debris(random, count):
    """Cells are brighter than background, but for debris: brighter still, and a little flatter."""
    cells = np.column_stack([random.normal(1, 1, count), random.normal(0, 1, count)])
    background = np.column_stack([random.normal(-1, 1, count), random.normal(0, 1, count)])
    debris = random.random(count) < 0.1
    background[debris] = random.normal([3, -1], 0.5, (debris.sum(), 2))
    return cells, background


@pytest.mark.parametrize("seed", [0, 1])
def test_the_top_of_the_list_gets_better_with_p(seed):
    """Brightness alone parts most samples, and p = 1 goes for that; a high p gives up some to sink debris."""
    random = np.random.default_rng(seed)
    positive, negative = with_debris(random, 500)
    held_out = with_debris(random, 4000)
    labels = np.repeat([True, False], 4000)
    precisions = []
    for p in (1, 2, 4, 8):
        scores = fit_scorer(positive, negative, p, penalty=0.01).scores(np.concatenate(held_out))
        precisions.append(labels[np.argsort(-scores)[:400]].mean())
    assert precisions == sorted(precisions)
    assert precisions[-1] > precisions[0] + 0.1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"p": 0.5}, "p is 0.5, expected a number of at least 1"),
        ({"p": np.nan}, "p is nan"),
        ({"penalty": 0}, "the penalty is 0, expected a positive number"),
        ({"positive": np.empty((0, 2))}, r"positive samples have shape \(0, 2\)"),
        ({"negative": np.empty((0, 2))}, r"negative samples have shape \(0, 2\)"),
        ({"negative": [1.0, 2.0]}, r"negative samples have shape \(2,\)"),
        ({"negative": [[1.0, 2.0, 3.0]]}, "positive samples have 2 features, negative 3"),
        ({"positive": [[1.0, np.inf]]}, "positive samples have features that are not finite"),
    ],
)
def test_what_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        fit_scorer(**{"positive": [[1.0, 2.0]], "negative": [[0.0, 0.0]]} | changes)
