"""Which detector is better: by hand, and against the true F1 of detectors that are made up."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import IGNORE, Boxes, HintError, HintSet, Points
from napari_inkling.evaluation import DetectorOutcome, compare_detectors, detector_outcome, score_detection


def outcome(hits: int, missed: int, others: int, score: float = 0.9) -> DetectorOutcome:
    """So many clicks found and missed, and so many suggestions where nobody clicked."""
    clicks = np.array([score] * hits + [-np.inf] * missed)
    return DetectorOutcome(clicks, np.full(hits + others, score), hits + others)


# -- one detector's outcome


def scored(*rows):
    table = np.array(rows, float).reshape(-1, 3)
    return Points(table[:, :2], scores=table[:, 2], sources="model")


def test_suggestions_are_matched_and_those_trained_on_set_aside():
    found = {"a": scored((0, 1, 0.9), (20, 20, 0.8), (50, 50, 0.7)), "b": scored((5, 5, 0.6))}
    to_find = {"a": Points([(20, 22), (80, 80)])}
    trained = {"a": HintSet(Points([(0, 0)])), "b": HintSet()}
    made = detector_outcome(found, to_find, trained, 3.0)
    assert made.click_scores.tolist() == [0.8, -np.inf]
    assert made.found_scores.tolist() == [0.8, 0.7, 0.6]
    assert (made.found, made.hits) == (4, 1)


def test_a_click_beside_one_trained_on_needs_a_suggestion_of_its_own():
    to_find, trained = {"a": Points([(0, 4)])}, {"a": Points([(0, 0)])}
    one = detector_outcome({"a": scored((0, 1, 0.9))}, to_find, trained, 5.0)
    two = detector_outcome({"a": scored((0, 1, 0.9), (0, 2, 0.8))}, to_find, trained, 5.0)
    assert (one.hits, len(one.found_scores)) == (0, 0)
    assert two.click_scores.tolist() == [0.8]


def test_what_lies_in_an_ignored_box_does_not_count():
    ignored = HintSet(boxes=Boxes([(40, 40, 60, 60)], classes=IGNORE))
    found = {"a": scored((50, 50, 0.9), (20, 20, 0.8))}
    made = detector_outcome(found, {"a": Points([(20, 20)])}, {"a": ignored}, 3.0)
    assert made.found_scores.tolist() == [0.8]


def test_an_image_that_was_not_predicted_has_all_clicks_missed():
    assert detector_outcome({}, {"a": Points([(1, 1), (2, 9)])}, {}, 3.0).hits == 0


# -- F1 by hand


def test_f1_where_only_some_cells_are_marked():
    # 8 of 10 found among 80 suggestions: at most 100 cells. 5 of 10 among 150: no more is known.
    told = compare_detectors({"a": outcome(8, 2, 72), "b": outcome(5, 5, 145)})
    assert told.cells == pytest.approx(100)
    assert [d.name for d in told.detectors] == ["a", "b"]
    assert told.detectors[0].f1 == pytest.approx(2 * 80 / (80 + 100))
    assert told.detectors[1].f1 == pytest.approx(2 * 50 / (150 + 100))
    assert [(d.hits, d.cells, d.found) for d in told.detectors] == [(8, 10, 80), (5, 10, 150)]
    assert not told.exact


def test_the_surer_half_of_the_hits_tells_the_number_of_cells():
    # All 40 clicks are found, 20 of them surely, with 100 sure suggestions: 200 cells, not the 400 suggested.
    clicks = np.repeat([0.9, 0.6], 20)
    found = np.repeat([0.9, 0.6], [100, 300])
    told = compare_detectors({"a": DetectorOutcome(clicks, found, 400)})
    assert told.cells == pytest.approx(200)
    assert told.detectors[0].f1 == pytest.approx(2 * 200 / (400 + 200))


def test_there_are_at_least_as_many_cells_as_clicks_held_out():
    assert compare_detectors({"a": outcome(0, 12, 0), "b": outcome(0, 12, 3)}).cells == 12


@pytest.mark.parametrize(("right", "wrong", "missed"), [(30, 10, 5), (8, 0, 0), (0, 4, 9)])
def test_where_every_cell_is_marked_f1_is_exact(right, wrong, missed):
    told = compare_detectors({"a": outcome(right, missed, wrong)}, exact=True)
    found = Points([(10.0 * i, 0) for i in range(right)] + [(10.0 * i, 500) for i in range(wrong)])
    truth = Points([(10.0 * i, 0) for i in range(right + missed)])
    assert told.detectors[0].f1 == pytest.approx(score_detection(found, truth, 3.0).f1)
    assert told.exact and told.cells == right + missed


def test_other_cells_for_another_detector_are_refused():
    with pytest.raises(HintError, match="expected the same for all"):
        compare_detectors({"a": outcome(3, 2, 1), "b": outcome(3, 3, 1)})
    with pytest.raises(HintError, match="at least one"):
        compare_detectors({"a": outcome(0, 0, 1)})


# -- intervals, and what is no more than chance


def test_intervals_are_the_same_for_the_same_seed_and_narrower_with_more_clicks():
    few, many = ({"a": outcome(8 * k, 2 * k, 80), "b": outcome(5 * k, 5 * k, 80)} for k in (1, 20))
    assert compare_detectors(few, seed=1) == compare_detectors(few, seed=1)
    assert compare_detectors(few, seed=1) != compare_detectors(few, seed=2)
    widths = [[d.high - d.low for d in compare_detectors(each).detectors] for each in (few, many)]
    assert all(narrow < wide / 2 for wide, narrow in zip(*widths, strict=True))


def test_all_of_a_few_found_leaves_doubt():
    (only,) = compare_detectors({"a": outcome(5, 0, 30)}).detectors
    assert (only.f1, only.high) == (1, 1)
    assert only.low < 0.9


@pytest.mark.parametrize(
    ("one", "other", "better"),
    [
        (outcome(30, 8, 300), outcome(30, 8, 300), ""),
        (outcome(31, 7, 300), outcome(30, 8, 300), ""),
        (outcome(36, 2, 300), outcome(20, 18, 300), "one"),
        (outcome(36, 2, 300), outcome(36, 2, 3000), "one"),
        (outcome(5, 0, 30), outcome(3, 2, 30), ""),
        (outcome(6, 0, 0), outcome(0, 6, 0), "one"),
    ],
)
def test_a_detector_is_better_if_it_is_ahead_by_more_than_chance(one, other, better):
    assert compare_detectors({"other": other, "one": one}).better == better


def test_of_three_the_first_must_be_ahead_of_both():
    good, bad = outcome(36, 2, 300), outcome(15, 23, 300)
    assert compare_detectors({"a": bad, "b": good, "c": bad}).better == "b"
    assert compare_detectors({"a": good, "b": good, "c": bad}).better == ""


def test_nobody_finds_a_click():
    nothing = {"a": outcome(0, 8, 5), "b": outcome(0, 8, 9)}
    told = compare_detectors(nothing)
    assert told.cells == 8 and [d.f1 for d in told.detectors] == [0, 0] and told.better == ""


# -- against the truth


def made_up(rng, cells, clicked, recall, precision):
    """A detector that answers surer at cells: what it made of the clicks, and its true F1."""
    found = rng.random(cells) < recall
    wrong = round(found.sum() * (1 - precision) / precision)
    scores = np.where(found, rng.beta(4, 2, cells), -np.inf)
    false = rng.beta(2, 4, wrong)
    every = np.concatenate([scores[found], false])
    f1 = 2 * found.sum() / (len(every) + cells)
    return DetectorOutcome(scores[clicked], every, len(every)), f1


@pytest.mark.parametrize(
    ("one", "other", "least"),
    [
        ((0.9, 0.9), (0.7, 0.7), 40),
        ((0.9, 0.5), (0.75, 0.95), 38),
        ((0.95, 0.9), (0.95, 0.6), 40),
        ((0.6, 0.9), (0.8, 0.8), 30),  # F1 0.72 and 0.80: hardly told apart by 60 clicks
    ],
)
def test_the_ranking_is_that_of_the_true_f1(one, other, least):
    rng, agreed, wrong, errors, covered = np.random.default_rng(0), 0, 0, [], []
    for seed in range(40):
        clicked = rng.permutation(400)[:60]
        (a, f1_a), (b, f1_b) = (made_up(rng, 400, clicked, *each) for each in (one, other))
        told, true = compare_detectors({"a": a, "b": b}, seed=seed), {"a": f1_a, "b": f1_b}
        best = max(true, key=lambda name: true[name])
        agreed += told.detectors[0].name == best
        wrong += told.better not in ("", best)
        errors += [d.f1 - true[d.name] for d in told.detectors]
        covered += [d.low <= true[d.name] <= d.high for d in told.detectors]
    assert agreed >= least
    assert wrong <= 1
    assert abs(np.mean(errors)) < 0.05
    assert np.mean(covered) > 0.75
