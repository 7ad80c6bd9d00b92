from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.supervision.click_threshold import (
    CHANCE,
    LAPSE,
    MOST,
    SLOPE,
    strictness_of_verdicts,
    threshold_at_clicks,
    threshold_for_count,
)


@pytest.mark.parametrize(
    "clicked",
    [np.empty(0), np.full(9, 0.9), np.zeros(50)],
    ids=["no clicks", "nine clicks", "no peak at any click"],
)
def test_too_little_to_tell(clicked):
    assert threshold_at_clicks(clicked, np.full(30, 0.9)) == 0.25
    assert threshold_at_clicks(clicked, np.empty(0), default=0.4) == 0.4


def test_all_cells_are_clicked():
    # 20 clicks at .9, and 300 peaks of noise at .3: the first candidate above the noise is .31.
    peaks = np.concatenate([np.full(20, 0.9), np.full(300, 0.3)])
    assert threshold_at_clicks(np.full(20, 0.9), peaks) == pytest.approx(0.31)


def test_cells_never_clicked_answer_lower():
    # 100 peaks are like the 20 clicks: 80 % of the cells were never clicked, and
    # .31 · (1 - ½ / (1 + 20/150) · .8) = .31 · (1 - .4412 · .8) = .2006.
    peaks = np.concatenate([np.full(100, 0.9), np.full(50, 0.3)])
    assert threshold_at_clicks(np.full(20, 0.9), peaks) == pytest.approx(0.2006, rel=1e-3)


@pytest.mark.parametrize(("noise", "threshold"), [(60, 0.2006), (61, 0.31), (300, 0.31)])
def test_it_never_comes_down_into_a_noisy_ground(noise, threshold):
    # 100 cells: at most 160 are suggested.
    peaks = np.concatenate([np.full(100, 0.9), np.full(noise, 0.3)])
    assert threshold_at_clicks(np.full(20, 0.9), peaks) == pytest.approx(threshold, rel=1e-3)


def test_many_clicks_are_not_learnt_by_heart():
    # The same with fifty times as many: .31 · (1 - ½ / (1 + 1000/150) · .8) = .31 · (1 - .0652 · .8) = .2938.
    peaks = np.concatenate([np.full(5000, 0.9), np.full(2500, 0.3)])
    assert threshold_at_clicks(np.full(1000, 0.9), peaks) == pytest.approx(0.2938, rel=1e-3)


# Half of the 20 clicks are high and half faint; 50 high peaks tell of 50 / ½ = 100 cells.
@pytest.mark.parametrize(
    ("faint", "threshold"),
    [
        # Keeping the faint ones: F1 = 2·100·1 / (110 + 100) = .95, else 2·100·½ / (50 + 100) = .67.
        (60, 0.05 * 0.6471),
        # Keeping them: 2·100·1 / (1050 + 100) = .17; and lower they would be 1050 cells, not 100.
        (1000, 0.31),
    ],
)
def test_faint_peaks_are_kept_while_they_pay(faint, threshold):
    clicked = np.concatenate([np.full(10, 0.9), np.full(10, 0.3)])
    peaks = np.concatenate([np.full(50, 0.9), np.full(faint, 0.3)])
    # the median of the clicks is .6: half of them lie above
    assert threshold_at_clicks(clicked, peaks) == pytest.approx(threshold, rel=1e-3)


def test_the_result_maximises_the_estimated_f1():
    random = np.random.default_rng(0)
    clicked = random.beta(5, 2, 40)
    peaks = np.concatenate([random.beta(5, 2, 400), random.beta(2, 6, 300)])
    at = np.quantile(clicked, 0.5)
    cells = np.sum(peaks >= at) / np.mean(clicked >= at)
    best = threshold_at_clicks(clicked, peaks) / (1 - 0.5 / (1 + 40 / 150) * (1 - 40 / cells))

    def f1(threshold: float) -> float:
        return 2 * cells * np.mean(clicked >= threshold) / (np.sum(peaks >= threshold) + cells)

    assert f1(best) == pytest.approx(max(f1(t) for t in np.linspace(0.05, 0.6, 56)), rel=1e-3)


@pytest.mark.parametrize(
    ("count", "threshold"),
    [
        (1, (0.9 * 0.4) ** 0.5),  # between the highest and the next
        (2, 0.4),  # two are as high: one more is found than asked for
        (3, (0.4 * 0.1) ** 0.5),
        (4, (0.1 * 0.03) ** 0.5),  # all of them
        (5, 0.03),  # more than there are
        (50, 0.03),
    ],
)
def test_as_many_peaks_as_there_are_cells(count, threshold):
    heights = np.array([0.4, 0.1, 0.9, 0.4])
    assert threshold_for_count(heights, count, lowest=0.03) == pytest.approx(threshold)
    if count != 2:
        found = threshold_for_count(heights, count, lowest=0.03)
        assert np.count_nonzero(heights >= found) == min(count, 4)


def by_brute_force(
    heights: np.ndarray, right: np.ndarray, threshold: float, deviation: float, before: float
) -> float:
    """Return the factor of the likeliest a, found on a fine grid, that brings the chance to CHANCE."""
    a = np.linspace(-12, 12, 120_001)
    posterior = np.zeros(len(a))
    for height, is_cell in zip(heights, right, strict=True):
        chance = LAPSE + (1 - 2 * LAPSE) / (1 + np.exp(-a - SLOPE * np.log(height / threshold)))
        posterior += np.log(chance if is_cell else 1 - chance)
    level = (CHANCE - LAPSE) / (1 - 2 * LAPSE)
    middle = np.log(level / (1 - level))
    # At threshold · f the chance is CHANCE: a + SLOPE · log f = middle. The prior is that it is so at the
    # threshold that the clicks told, f = 1 / before.
    expected = middle + SLOPE * np.log(before)
    likeliest = a[(posterior - (a - expected) ** 2 / (2 * deviation**2)).argmax()]
    return before * float(np.exp((middle - likeliest) / SLOPE))


@pytest.mark.parametrize(
    ("heights", "right"),
    [
        ([0.3, 0.3, 0.3], [False, False, True]),
        ([0.3, 0.32, 0.35, 0.5, 0.8], [False, False, True, True, True]),
        ([0.2, 0.25, 0.9], [True, True, False]),
        ([0.3] * 9, [True] * 3 + [False] * 6),
    ],
)
@pytest.mark.parametrize(("clicks", "deviation"), [(0, 1.0), (150, 0.5), (450, 0.25)])
@pytest.mark.parametrize("before", [1.0, 1.3])
def test_verdicts_as_by_brute_force(heights, right, clicks, deviation, before):
    heights, right = np.array(heights), np.array(right)
    found = strictness_of_verdicts(heights, right, 0.3, clicks, before)
    assert found == pytest.approx(by_brute_force(heights, right, 0.3, deviation, before), rel=3e-3)


def test_without_verdicts_the_threshold_stays():
    assert strictness_of_verdicts(np.empty(0), np.empty(0, bool), 0.3, 20, 1.3) == pytest.approx(1.3)


def test_rejections_raise_it_and_acceptances_lower_it():
    near = np.full(12, 0.3)
    assert strictness_of_verdicts(near, np.zeros(12, bool), 0.3, 0) > 1.2
    assert strictness_of_verdicts(near, np.ones(12, bool), 0.3, 0) < 0.8


def test_verdicts_round_after_round_do_not_carry_it_away():
    factors = [1.0]
    for _ in range(20):  # each time, one in four is right just at the threshold
        now = strictness_of_verdicts(np.full(24, 0.3), np.arange(24) % 4 == 0, 0.3, 150, factors[-1])
        factors.append(now)
    assert 1 < factors[1] < factors[-1] == factors[-2] < 1.45 < MOST


def test_what_was_sure_tells_less():
    def lowered(height: float, count: int) -> float:
        return 1 - strictness_of_verdicts(np.full(count, height), np.ones(count, bool), 0.3, 0)

    assert 0 < lowered(0.95, 3) < 0.5 * lowered(0.3, 3)
    assert 0 < lowered(0.95, 6) < 0.5 * lowered(0.3, 6)


@pytest.mark.parametrize(("right", "factor"), [(False, MOST), (True, 1 / MOST)])
def test_verdicts_change_it_only_so_far(right, factor):
    once = strictness_of_verdicts(np.full(500, 0.3), np.full(500, right), 0.3, 0)
    again = strictness_of_verdicts(np.full(500, 0.3), np.full(500, right), 0.3, 0, once)
    assert once == again == pytest.approx(factor)
