from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, HintError, HintSet, Points
from napari_inkling.evaluation import annotation_seconds, weaken, weaken_images
from napari_inkling.evaluation.annotator import paper_noise_mean

SHAPE = (400, 500)


def truth(count: int = 100, side: float = 20, points: bool = False) -> HintSet:
    """Boxes on a grid of 40 px, each third one a WBC; with ``points``, centres that share their ids."""
    y, x = np.divmod(np.arange(count), 12)
    corner = np.stack([y, x], axis=1) * 40.0 + 10
    ids = np.arange(1, count + 1)
    classes = np.array([("WBC", "RBC", "RBC")[i % 3] for i in range(count)], object)
    boxes = Boxes(np.hstack([corner, corner + side]), classes=classes, ids=ids, sources="imported")
    centres = Points(corner + side / 2, classes=classes, ids=ids, sources="imported")
    return HintSet(centres if points else Points(), boxes)


def test_points_are_drawn_from_the_cells_without_replacement():
    full = truth(points=True)
    hints = weaken(full, points=0.1, seed=4, shape=SHAPE)
    assert len(hints.points) == 10
    assert len(hints.boxes) == 0
    rows = np.searchsorted(full.boxes.ids, hints.points.ids)
    assert np.array_equal(hints.points.coordinates, full.boxes.centres[rows])
    assert hints.points.classes.tolist() == full.boxes.classes[rows].tolist()
    assert set(hints.points.sources) == {"human"}


@pytest.mark.parametrize(
    ("points", "boxes", "count", "expected"),
    [
        (0, 0, 100, (0, 0)),
        (1, 0, 100, (100, 0)),
        (0, 1, 100, (0, 100)),
        (0.1, 0.2, 100, (8, 20)),  # 10 % of the 80 that have no box
        (1, 0.05, 100, (95, 5)),
        (0.125, 0, 20, (3, 0)),  # 2.5 rounds up
        (0.01, 0, 5, (1, 0)),  # a share above 0 marks at least one
        (0.5, 0.5, 0, (0, 0)),
    ],
)
def test_shares(points, boxes, count, expected):
    hints = weaken(truth(count), points=points, boxes=boxes, seed=0, shape=SHAPE)
    assert (len(hints.points), len(hints.boxes)) == expected
    assert not set(hints.points.ids) & set(hints.boxes.ids)


def test_the_seed_decides():
    def draw(seed):
        return weaken(
            truth(), points=0.3, boxes=0.1, background_points=5, noise="paper", seed=seed, shape=SHAPE
        )

    one, again, other = draw(1), draw(1), draw(2)
    assert one.points.equals(again.points)
    assert one.boxes.equals(again.boxes)
    assert not one.points.equals(other.points)


def test_a_greater_share_contains_the_smaller_one():
    few, many = (weaken(truth(), points=p, noise=2.0, seed=7, shape=SHAPE).points for p in (0.1, 0.5))
    assert many.with_ids(few.ids).equals(few)


def test_seconds():
    hints = weaken(truth(), points=0.1, boxes=0.2, background_points=3, seed=0, shape=SHAPE)
    assert annotation_seconds(hints) == pytest.approx(20 * 7 + 8 * 0.9 + 3 * 0.9)
    assert annotation_seconds(HintSet()) == 0


@pytest.mark.parametrize(
    ("side", "mean"), [(10, 5), (18, 5), (108, 11), (198, 17), (300, 17)], ids=lambda v: str(v)
)
def test_paper_noise_mean(side, mean):
    assert paper_noise_mean(side**2) == pytest.approx(mean)


@pytest.mark.parametrize(("side", "mean"), [(18, 5), (108, 11)])
def test_paper_noise_has_the_stated_distribution(side, mean):
    count = 4000
    boxes = Boxes(np.tile([1000.0, 1000, 1000 + side, 1000 + side], (count, 1)))
    points = weaken(HintSet(boxes=boxes), points=1, noise="paper", seed=3, shape=(2000, 2000)).points
    offset = points.coordinates - (1000 + side / 2)
    distance = np.hypot(*offset.T)
    # |N(mean, 3)| folds the little that lies below 0: E|d| = mean + 2 sd [φ(a) - a Φ(-a)], a = mean/sd.
    folded = {5: 5.116, 11: 11.0}[mean]
    assert distance.mean() == pytest.approx(folded, abs=4 * 3 / np.sqrt(count))
    assert np.sqrt((distance**2).mean()) == pytest.approx(np.sqrt(mean**2 + 9), rel=0.03)
    assert np.abs(offset.mean(0)).max() < 5 * mean / np.sqrt(count)  # no direction is preferred


def test_noise_in_pixels_is_the_standard_deviation_per_axis():
    boxes = Boxes(np.tile([1000.0, 1000, 1020, 1020], (4000, 1)))
    points = weaken(HintSet(boxes=boxes), points=1, noise=2.5, seed=3, shape=(2000, 2000)).points
    assert (points.coordinates - 1010).std(0) == pytest.approx([2.5, 2.5], rel=0.05)


def test_points_stay_in_the_image():
    hints = weaken(truth(), points=1, noise=500.0, seed=0, shape=SHAPE)
    assert hints.points.coordinates.min() == 0
    assert (hints.points.coordinates.max(0) == [399, 499]).all()


def test_background_points_keep_one_radius_from_every_box():
    full = truth()
    points = weaken(full, background_points=50, seed=1, shape=SHAPE).points
    assert set(points.classes) == {BACKGROUND}
    assert len(np.unique(points.coordinates, axis=0)) == 50
    y, x = points.coordinates.T[:, :, None]
    y0, x0, y1, x1 = full.boxes.coordinates.T[:, None, :]
    gap = np.maximum(np.maximum(y0 - y, y - y1), np.maximum(x0 - x, x - x1))
    assert gap.min() >= 10  # half of 20 px
    assert gap.min(axis=1).max() < 400


def test_background_points_fill_the_room_exactly():
    # A box over rows 2 to 6 and the whole width, radius sqrt(4 · 4) / 2 = 2: rows 1 to 7 are taken; 0, 8, 9
    # are free.
    full = HintSet(boxes=Boxes([(2, -6, 6, -2), (2, 0, 6, 4), (2, 4, 6, 8)]))
    points = weaken(full, background_points=1000, seed=0, shape=(10, 10)).points
    assert sorted(set(points.coordinates[:, 0])) == [0, 8, 9]
    assert len(points) == 30


def test_cells_without_a_box_keep_background_points_away_too():
    full = HintSet(Points([(5, 30)], ids=np.array([99])), Boxes([(3, 3, 7, 7)]))
    points = weaken(full, background_points=1000, seed=0, shape=(10, 40)).points
    assert not (np.abs(points.coordinates - [5, 30]) < 4).all(1).any()
    assert (np.abs(points.coordinates - [5, 30]) == [0, 4]).all(1).any()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"points": 1}, (100, 0)),
        ({"boxes": 1}, (0, 100)),
        ({"boxes": 0.2, "points": 1, "noise": "paper"}, (80, 20)),
        ({"boxes": 1, "per": "image"}, (0, 100)),
        ({"background_points": 3}, (3, 0)),
    ],
)
def test_boxes_to_ignore_stay_as_they_are(options, expected):
    ignored = Boxes([(0, 0, 390, 5), (5, 5, 9, 9)], classes=IGNORE, sources="imported", seconds=2.5)
    full = truth()
    full = HintSet(boxes=Boxes.concatenate([full.boxes, ignored]))
    hints = weaken(full, seed=0, shape=SHAPE, **options)
    assert (len(hints.points), len(hints.boxes.cells)) == expected
    assert hints.boxes.ignored.equals(ignored)


def test_background_points_stay_out_of_boxes_to_ignore():
    full = HintSet(boxes=Boxes([(-0.5, -0.5, 9.5, 5.5)], classes=IGNORE))
    points = weaken(full, background_points=1000, seed=0, shape=(10, 10)).points
    assert sorted(set(points.coordinates[:, 1])) == [6, 7, 8, 9]


IMAGES = {f"image_{i}": truth(10) for i in range(10)}
SHAPES = dict.fromkeys(IMAGES, SHAPE)


def test_boxes_per_image_are_all_or_none():
    hints = weaken_images(IMAGES, SHAPES, boxes=0.3, per="image", points=0.5, seed=2)
    assert sorted(len(h.boxes) for h in hints.values()) == [0] * 7 + [10] * 3
    assert {(len(h.boxes), len(h.points)) for h in hints.values()} == {(0, 5), (10, 0)}


def test_boxes_per_object_are_in_every_image():
    hints = weaken_images(IMAGES, SHAPES, boxes=0.3, seed=2)
    assert [len(h.boxes) for h in hints.values()] == [3] * 10
    assert len({tuple(h.boxes.ids) for h in hints.values()}) > 1  # each image has its own draw


def test_an_image_is_drawn_whatever_the_others():
    alone = weaken_images({"image_3": truth(10)}, SHAPES, points=0.5, noise=1.0, seed=2)["image_3"]
    among = weaken_images(IMAGES, SHAPES, points=0.5, noise=1.0, seed=2)["image_3"]
    assert alone.points.equals(among.points)


def test_one_image_of_many_by_chance():
    kept = [len(weaken(truth(5), boxes=0.5, per="image", seed=s, shape=SHAPE).boxes) for s in range(200)]
    assert set(kept) == {0, 5}
    assert 70 < kept.count(5) < 130


@pytest.mark.parametrize(
    ("options", "hints", "says"),
    [
        ({"points": 1.5}, truth(3), "share of points is 1.5, expected a number from 0 to 1"),
        ({"boxes": -0.1}, truth(3), "share of boxes is -0.1"),
        ({"boxes": -0.1, "per": "image"}, truth(3), "share of boxes is -0.1"),
        ({"points": 1, "noise": "papers"}, truth(3), "noise is 'papers', expected"),
        ({"points": 1, "noise": -1.0}, truth(3), "noise is -1.0"),
        ({"points": 1, "noise": "paper"}, HintSet(Points([(1, 1)])), "1 of 1 have no box"),
        ({"background_points": 1}, HintSet(Points([(1, 1)])), "no box tells that radius"),
    ],
)
def test_bad_input_is_named(options, hints, says):
    with pytest.raises(HintError, match=says):
        weaken(hints, seed=0, shape=SHAPE, **options)


def test_background_of_the_truth_is_no_cell():
    full = HintSet(Points([(1, 1)], classes=np.array([BACKGROUND], object)))
    assert len(weaken(full, points=1, seed=0, shape=SHAPE)) == 0
