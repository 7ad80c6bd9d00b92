from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, HintSet, Masks, Points, Predictions
from napari_inkling.evaluation import (
    DetectionScore,
    best_threshold,
    cell_centres,
    match_points,
    pool,
    score_detection,
    score_images,
    threshold_curve,
)

CASES = {
    # name: found, truth, (tp, fp, fn), (precision, recall, f1), (mean, sd) at a radius of 5 px
    "all right": ([(0, 3), (20, 24)], [(0, 0), (20, 20)], (2, 0, 0), (1, 1, 1), (3.5, 0.5)),
    "one of three right, one missed": (
        [(0, 1), (50, 50), (90, 90)],
        [(0, 0), (20, 20)],
        (1, 2, 1),
        (1 / 3, 1 / 2, 2 / 5),
        (1, 0),
    ),
    "two on one cell": ([(0, 1), (0, 2)], [(0, 0)], (1, 1, 0), (1 / 2, 1, 2 / 3), (1, 0)),
    "nothing found": ([], [(0, 0)], (0, 0, 1), (0, 0, 0), None),
    "nothing there": ([(0, 0)], [], (0, 1, 0), (0, 0, 0), None),
    "nothing there, nothing found": ([], [], (0, 0, 0), (1, 1, 1), None),
    "population sd": (
        [(0, 0), (20, 22), (40, 44)],
        [(0, 0), (20, 20), (40, 40)],
        (3, 0, 0),
        (1, 1, 1),
        (2, np.sqrt(8 / 3)),
    ),
}


@pytest.mark.parametrize(("found", "truth", "counts", "ratios", "distance"), CASES.values(), ids=CASES.keys())
def test_score_detection(found, truth, counts, ratios, distance):
    score = score_detection(np.array(found), np.array(truth), 5)
    assert (score.true_positives, score.false_positives, score.false_negatives) == counts
    assert (score.precision, score.recall, score.f1) == pytest.approx(ratios)
    if distance is None:
        assert np.isnan(score.mean_distance)
        assert np.isnan(score.sd_distance)
        assert score.to_dict()["mean_distance"] is None
    else:
        assert (score.mean_distance, score.sd_distance) == pytest.approx(distance)


def ignoring(*cells):
    """Boxes of 2 × 2 px around cells, and one around what nobody labelled, from (40, 40) to (60, 60)."""
    edges = [(y - 1, x - 1, y + 1, x + 1) for y, x in cells]
    return Boxes([*edges, (40, 40, 60, 60)], classes=np.array(["cell"] * len(cells) + [IGNORE], object))


IGNORED = {
    # name: found, truth, (tp, fp, fn) at a radius of 5 px
    "inside, beside and on its edge": ([(50, 50), (39, 50), (60, 60)], ignoring(), (0, 1, 0)),
    "a cell inside is found": ([(50, 52)], ignoring((50, 50)), (1, 0, 0)),
    "a cell inside is missed": ([(45, 58)], ignoring((50, 50)), (0, 0, 1)),
    "twice": ([(50, 52), (50, 51)], ignoring((50, 50)), (1, 0, 0)),
    "found from inside": ([(39, 50), (41, 50)], ignoring((38, 50)), (1, 0, 0)),
    "as hints": ([(50, 50), (9, 9)], HintSet(Points([(9, 9)]), ignoring()), (1, 0, 0)),
    "no box tells": ([(50, 50)], Points([(9, 9)]), (0, 1, 1)),
}


@pytest.mark.parametrize(("found", "truth", "counts"), IGNORED.values(), ids=IGNORED.keys())
def test_what_nobody_labelled_is_neither_right_nor_wrong(found, truth, counts):
    for score in (
        score_detection(Points(found), truth, 5).to_dict(),
        score_images({"a": Points(found)}, {"a": truth}, 5)["classes"]["cell"],
    ):
        assert (
            tuple(score[f"{n}"] for n in ("true_positives", "false_positives", "false_negatives")) == counts
        )


def test_what_nobody_labelled_does_not_move_the_threshold():
    found = {"a": Points([(0, 0), (50, 50), (20, 20)], scores=[0.5, 0.9, 0.2])}
    curve = threshold_curve(found, {"a": ignoring((0, 0))}, 5)
    assert (curve.scores.tolist(), curve.precision.tolist()) == ([0.5, 0.2], [1, 0.5])


def test_pooling_adds_counts_and_keeps_every_distance():
    first, second = DetectionScore(2, 1, 0, np.array([1.0, 3.0])), DetectionScore(1, 0, 4, np.array([8.0]))
    total = pool({"a": first, "b": second})
    assert (total.true_positives, total.false_positives, total.false_negatives) == (3, 1, 4)
    assert total.mean_distance == pytest.approx(4)
    assert total.sd_distance == pytest.approx(np.sqrt((9 + 1 + 16) / 3))
    assert total.f1 == pytest.approx(6 / 11)


def test_images_are_pooled_and_scored_by_class():
    truth = {
        "a": Points([(0, 0), (20, 20)], classes=np.array(["RBC", "WBC"], object)),
        "b": Points([(0, 0)], classes=np.array(["RBC"], object)),
    }
    found = {
        # Right place, wrong class at (20, 20): right for detection, wrong for both classes.
        "a": Points([(0, 2), (20, 20)], classes=np.array(["RBC", "RBC"], object)),
        "elsewhere": Points([(1, 1)]),
    }
    scores = score_images(found, truth, 5)
    assert (scores["true_positives"], scores["false_positives"], scores["false_negatives"]) == (2, 0, 1)
    assert scores["recall"] == pytest.approx(2 / 3)
    assert scores["mean_distance"] == pytest.approx(1)
    assert scores["images"]["a"]["f1"] == 1
    assert scores["images"]["b"]["recall"] == 0
    rbc, wbc = scores["classes"]["RBC"], scores["classes"]["WBC"]
    assert (rbc["true_positives"], rbc["false_positives"], rbc["false_negatives"]) == (1, 1, 1)
    assert (wbc["true_positives"], wbc["false_positives"], wbc["false_negatives"]) == (0, 0, 1)
    assert scores["not_scored"] == ["elsewhere"]
    assert scores["radius"] == 5
    json.dumps(scores, allow_nan=False)


def test_cells_are_counted_once():
    hints = HintSet(
        Points([(1, 1), (9, 9)], classes=np.array(["cell", BACKGROUND], object), ids=np.array([7, 8])),
        Boxes([(0, 0, 4, 4), (10, 10, 20, 30)], ids=np.array([7, 9])),
    )
    assert cell_centres(hints).coordinates.tolist() == [[1, 1], [15, 20]]
    assert cell_centres(hints).ids.tolist() == [7, 9]
    assert cell_centres(Predictions(hints.points)).ids.tolist() == [7]
    assert cell_centres(hints.boxes).coordinates.tolist() == [[2, 2], [15, 20]]
    assert score_detection(hints, np.array([(1, 1), (15, 20)]), 1).f1 == 1


def test_a_mask_counts_where_no_point_or_box_marks_its_cell():
    square = np.ones((3, 3), bool)
    masks = Masks.from_crops([(0, 0), (9, 19), (30, 30)], [square] * 3, ids=np.array([7, 9, 11]))
    hints = HintSet(Points([(1, 2)], ids=np.array([7])), Boxes([(8, 18, 13, 23)], ids=np.array([9])), masks)
    assert cell_centres(hints).ids.tolist() == [7, 9, 11]
    assert cell_centres(hints).coordinates.tolist() == [[1, 2], [10.5, 20.5], [31, 31]]
    assert cell_centres(masks).coordinates.tolist() == [[1, 1], [10, 20], [31, 31]]
    corner = np.array([[1, 0, 0, 0], [1, 1, 1, 1]], bool)
    assert cell_centres(Masks.from_crops([(5, 5)], [corner])).coordinates.tolist() == [[5.5, 6.5]]


def scored(*rows):
    return Points([r[:2] for r in rows], scores=np.array([r[2] for r in rows], float))


THRESHOLDS = {
    # With truth at (0, 0) and (50, 50) and a radius of 5 px: F1 by number kept, highest score first.
    "between right and wrong": ([(0, 0, 0.9), (50, 50, 0.7), (90, 90, 0.3)], 0.5),  # 2/3, 1, 4/5
    "all are right": ([(0, 0, 0.9), (50, 50, 0.4)], 0.2),  # 2/3, 1
    "equal scores stay together": ([(90, 90, 0.8), (0, 0, 0.8), (50, 50, 0.8)], 0.4),  # 4/5 for all three
    "the highest of equals": ([(0, 0, 0.9), (90, 90, 0.8), (91, 91, 0.7), (50, 50, 0.6)], 0.85),  # 2/3 … 4/6
    "none is right": ([(90, 90, 0.8)], 0.5),
    "nothing found": ([], 0.5),
}


@pytest.mark.parametrize(("found", "threshold"), THRESHOLDS.values(), ids=THRESHOLDS.keys())
def test_best_threshold(found, threshold):
    truth = {"a": np.array([(0, 0), (50, 50)])}
    assert best_threshold({"a": scored(*found)}, truth, 5) == pytest.approx(threshold)


def test_the_threshold_counts_images_without_detections():
    truth = {"a": np.array([(0, 0)]), "b": np.array([(0, 0), (9, 9)])}
    curve = threshold_curve({"a": scored((0, 0, 0.9))}, truth, 5)
    assert (curve.scores.tolist(), curve.precision.tolist()) == ([0.9], [1])
    assert curve.recall.tolist() == pytest.approx([1 / 3])
    assert curve.f1.tolist() == pytest.approx([1 / 2])


rows = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(1, 4)), max_size=9)
places = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=7)


@settings(max_examples=150, deadline=None)
@given(found=st.tuples(rows, rows), truth=st.tuples(places, places))
def test_the_curve_equals_matching_anew_at_every_threshold(found, truth):
    found = {n: scored(*((y, x, s / 4) for y, x, s in r)) for n, r in zip("ab", found, strict=True)}
    truth = {n: np.reshape(np.array(r, float), (-1, 2)) for n, r in zip("ab", truth, strict=True)}
    curve = threshold_curve(found, truth, 3)
    levels = sorted({float(s) for f in found.values() for s in f.scores}, reverse=True)
    assert curve.scores.tolist() == levels
    for level, f1, recall in zip(levels, curve.f1, curve.recall, strict=True):
        kept = {n: f.take(f.scores >= level) for n, f in found.items()}
        expected = score_images(kept, truth, 3)
        assert f1 == pytest.approx(expected["f1"])
        if any(map(len, truth.values())):
            assert recall == pytest.approx(expected["recall"])


def test_matching_is_no_worse_than_any_subset():
    """The number of true positives is the size of a greatest matching (König): checked by brute force."""
    rng = np.random.default_rng(3)
    found, truth = rng.uniform(0, 10, (5, 2)), rng.uniform(0, 10, (5, 2))
    near = np.hypot(*(found[:, None] - truth[None]).transpose(2, 0, 1)) <= 3
    cover = min(
        len(rows) + len(columns)
        for k in range(6)
        for rows in combinations(range(5), k)
        for m in range(6)
        for columns in combinations(range(5), m)
        if not np.delete(np.delete(near, rows, 0), columns, 1).any()
    )
    assert len(match_points(found, truth, 3)) == cover
