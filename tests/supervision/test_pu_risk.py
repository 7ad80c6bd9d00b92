from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from napari_inkling.supervision.pu_risk import non_negative_pu_risk

# ln 3 makes sigmoids of ¾ and ¼: ℓ(ln 3, +1) = ¼ by sigmoid and ln 4/3 by logistic, ℓ(ln 3, -1) = ¾ and ln 4.
THREE = math.log(3)
LOW, HIGH = math.log(4 / 3), math.log(4)
BY_HAND = [
    # positive, unlabelled, π, surrogate: π·R_p⁺, and R_u⁻ - π·R_p⁻ where it is above 0
    pytest.param([0.0], [0.0], 0.3, "sigmoid", 0.15 + (0.5 - 0.15), id="undecided"),
    pytest.param([THREE], [-THREE], 0.2, "sigmoid", 0.2 * 0.25 + (0.25 - 0.2 * 0.75), id="sigmoid"),
    pytest.param([THREE], [-THREE], 0.5, "sigmoid", 0.5 * 0.25, id="learnt by heart"),
    pytest.param([THREE, -THREE], [THREE], 0.4, "sigmoid", 0.4 * 0.5 + (0.75 - 0.4 * 0.5), id="means"),
    pytest.param([THREE], [-THREE, THREE], 0.6, "sigmoid", 0.6 * 0.25 + (0.5 - 0.45), id="unlabelled mean"),
    pytest.param([THREE], [THREE], 0.5, "logistic", 0.5 * LOW + 0.5 * HIGH, id="logistic"),
    pytest.param([THREE], [-THREE], 0.5, "logistic", 0.5 * LOW, id="logistic, learnt by heart"),
    pytest.param([], [0.0], 0.3, "sigmoid", 0.5, id="no positive"),
    pytest.param([0.0], [], 0.3, "sigmoid", 0.15, id="no unlabelled"),
    pytest.param([], [], 0.3, "logistic", 0.0, id="nothing"),
]


@pytest.mark.parametrize(("positive", "unlabelled", "prior", "surrogate", "risk"), BY_HAND)
def test_by_hand(positive, unlabelled, prior, surrogate, risk):
    found = non_negative_pu_risk(torch.tensor(positive), torch.tensor(unlabelled), prior, surrogate)
    assert found.ndim == 0 and found.item() == pytest.approx(risk, abs=1e-6)


def test_scores_have_any_shape():
    positive, unlabelled = torch.randn(3, 1), torch.randn(2, 2, 4)
    assert non_negative_pu_risk(positive, unlabelled, 0.1) == pytest.approx(
        non_negative_pu_risk(positive.ravel(), unlabelled.ravel(), 0.1)
    )


def test_below_zero_the_estimate_of_background_has_no_gradient():
    positive = torch.tensor([THREE], requires_grad=True)
    unlabelled = torch.tensor([-THREE], requires_grad=True)
    non_negative_pu_risk(positive, unlabelled, 0.5).backward()
    assert unlabelled.grad.item() == 0
    assert positive.grad.item() == pytest.approx(-0.5 * 0.25 * 0.75)  # of π·R_p⁺ alone


@pytest.mark.parametrize("surrogate", ["sigmoid", "logistic"])
def test_huge_scores_stay_finite(surrogate):
    scores = torch.tensor([-1e4, 1e4], requires_grad=True)
    risk = non_negative_pu_risk(scores, scores, 0.5, surrogate)
    risk.backward()
    assert torch.isfinite(risk) and torch.isfinite(scores.grad).all()


@pytest.mark.parametrize("prior", [0, 1, -0.2, 1.5, math.nan])
def test_the_prior_is_between_0_and_1(prior):
    with pytest.raises(ValueError, match=f"the prior is {prior!r}, expected a share of cells above 0"):
        non_negative_pu_risk(torch.zeros(1), torch.zeros(1), prior)


def test_an_unknown_surrogate():
    with pytest.raises(ValueError, match="the surrogate is 'hinge'"):
        non_negative_pu_risk(torch.zeros(1), torch.zeros(1), 0.5, "hinge")


@pytest.mark.parametrize("prior", [0.2, 0.5, 0.7])
@pytest.mark.parametrize("surrogate", ["sigmoid", "logistic"])
def test_its_minimum_is_the_classifier_that_knows_the_truth(prior, surrogate):
    """Cells N(1, 1), background N(-1, 1): Bayes says cell where 2x + ln(π / (1 - π)) > 0."""
    random = np.random.default_rng(0)
    cells, background = random.normal(1, 1, 20_000), random.normal(-1, 1, 20_000)
    number = int(20_000 * prior)
    unlabelled = np.concatenate([random.normal(1, 1, number), background[number:]])
    x, u = torch.tensor(cells), torch.tensor(unlabelled)
    weights = torch.tensor([0.5, 0.0], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([weights], max_iter=60, line_search_fn="strong_wolfe")

    def risk():
        optimiser.zero_grad()
        value = non_negative_pu_risk(
            weights[0] * x + weights[1], weights[0] * u + weights[1], prior, surrogate
        )
        value.backward()
        return value

    optimiser.step(risk)
    slope, offset = weights.tolist()
    boundary = -math.log(prior / (1 - prior)) / 2
    assert -offset / slope == pytest.approx(boundary, abs=0.15)
    if surrogate == "logistic":  # which is proper: the score is the log-odds
        assert slope == pytest.approx(2, abs=0.2)
        assert offset == pytest.approx(math.log(prior / (1 - prior)), abs=0.15)
