from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.methods._threshold import threshold_at_clicks

HIGH = np.full(20, 0.9)


def brute_force(clicked: np.ndarray, cells: float, peaks: np.ndarray) -> dict[float, float]:
    """F1 at each candidate, as the docstring of the module has it."""
    candidates = np.linspace(0.05, 0.6, 56)
    return {float(t): 2 * cells * np.mean(clicked >= t) / (np.sum(peaks >= t) + cells) for t in candidates}


@pytest.mark.parametrize(
    "clicked",
    [np.empty(0), np.full(9, 0.9), np.zeros(50)],
    ids=["no clicks", "nine clicks", "no peak at any click"],
)
def test_too_little_to_tell(clicked):
    assert threshold_at_clicks(clicked, np.full(30, 0.9)) == 0.25
    assert threshold_at_clicks(clicked, np.empty(0), default=0.4) == 0.4


def test_noise_is_cut_off():
    # All 20 clicks are at .9, 100 peaks like them and 300 of noise at .3: above .3 all is right.
    threshold = threshold_at_clicks(HIGH, np.concatenate([np.full(100, 0.9), np.full(300, 0.3)]))
    assert 0.3 < threshold <= 0.6


def test_half_of_the_cells_are_faint():
    # Clicks are high or faint alike. With few false peaks among the faint ones, they are worth keeping.
    clicked = np.concatenate([np.full(10, 0.9), np.full(10, 0.3)])
    few = np.concatenate([np.full(50, 0.9), np.full(60, 0.3)])
    assert threshold_at_clicks(clicked, few) <= 0.3
    # With hundreds they are not: F1 = 2·100·1/(1050 + 100) = .17 against 2·100·½/(50 + 100) = .67.
    many = np.concatenate([np.full(50, 0.9), np.full(1000, 0.3)])
    assert 0.3 < threshold_at_clicks(clicked, many) <= 0.6


def test_the_result_maximises_the_estimated_f1():
    random = np.random.default_rng(0)
    clicked, noise = random.beta(5, 2, 40), random.beta(2, 6, 300)
    peaks = np.concatenate([random.beta(5, 2, 400), noise])
    at = np.quantile(clicked, 0.5)
    cells = np.sum(peaks >= at) / np.mean(clicked >= at)
    curve = brute_force(clicked, cells, peaks)
    assert curve[threshold_at_clicks(clicked, peaks)] == pytest.approx(max(curve.values()))
