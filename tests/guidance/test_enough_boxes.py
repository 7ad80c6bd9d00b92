from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.guidance import ENOUGH, enough_boxes, size_priors, unusual_sizes
from napari_inkling.guidance.enough_boxes import FEWEST_ENOUGH, _about
from tests.guidance.box_sizes import gaussian, real_sizes

NARROW, WIDE = (4.0, 4.0), (35.0, 35.0)


@pytest.mark.parametrize(
    ("boxes", "points", "alone", "sentence"),
    [
        (0, 0, True, "Platelet: draw 3 boxes first"),
        (0, 0, False, "Platelet: draw 3 boxes first"),
        (0, 40, False, "Platelet: draw 3 boxes first; its 40 points borrow the size of all boxes till then"),
        (0, 1, False, "Platelet: draw 3 boxes first; its 1 point borrows the size of all boxes till then"),
        (
            0,
            40,
            True,
            "Platelet: draw 3 boxes first; nothing tells yet how large the cells at its 40 points are",
        ),
        (1, 40, True, "Platelet: draw 2 more boxes first"),
        (
            2,
            0,
            False,
            "Platelet: draw 1 more box first; till then the other classes tell how much sizes vary",
        ),
        (5, 0, True, "Platelet: 5 more, then it shows how many are enough"),
        (FEWEST_ENOUGH, 0, True, "Platelet: enough boxes (10), point the rest"),
        (26, 90, False, "Platelet: enough boxes (26), point the rest"),
    ],
)
def test_what_is_said_of_boxes_of_nearly_one_size(boxes, points, alone, sentence):
    advice = enough_boxes("Platelet", gaussian(boxes, deviation=NARROW), points=points, alone=alone)
    assert advice.sentence == sentence
    assert (advice.boxes, advice.points) == (boxes, points)
    assert advice.state == (
        "enough" if "enough boxes" in sentence else "first" if "first" in sentence else "more"
    )
    assert (advice.curve is None) == (boxes < 3)


def test_up_to_ten_boxes_their_number_is_no_estimate():
    sizes = gaussian(9, deviation=WIDE)
    assert [enough_boxes("a", sizes[:count]).more for count in range(3, 10)] == [7, 6, 5, 4, 3, 2, 1]
    assert enough_boxes("a", sizes).short == "1 more"
    assert enough_boxes("a", gaussian(10, deviation=WIDE)).more > 20


def is_enough(sizes):
    return enough_boxes("a", sizes).state == "enough"


def test_boxes_of_many_sizes_take_more():
    needs = []
    for deviation in (NARROW, (12.0, 12.0), WIDE):
        counts = [
            n
            for n in range(10, 300, 10)
            if enough_boxes("a", gaussian(n, deviation=deviation)).state == "enough"
        ]
        needs.append(counts[0])
    assert needs == sorted(needs)
    assert needs[0] == 10
    assert needs[-1] >= 80


@pytest.mark.parametrize("count", [30, 60, 120])
def test_the_number_said_is_about_what_it_takes(count):
    """The law C/n from a part of the boxes foretells where the divergence passes the threshold."""
    said = count + enough_boxes("a", gaussian(count, deviation=WIDE)).more
    needed = [
        enough_boxes("a", gaussian(400, deviation=WIDE, seed=seed)).curve.decay / ENOUGH for seed in range(3)
    ]
    assert 0.5 * np.mean(needed) < said < 1.5 * np.mean(needed)


def test_other_sizes_in_the_last_images():
    one, other = gaussian(40, deviation=NARROW), gaussian(40, mean=(150.0, 150.0), deviation=NARROW)
    assert enough_boxes("WBC", one).state == "enough"
    advice = enough_boxes("WBC", np.concatenate([one, other]))
    assert (advice.state, advice.drifts) == ("more", True)
    assert advice.sentence == "WBC: about 20 more; those drawn last differ in size from the first"
    assert advice.short == "about 20 more"
    mixed = np.random.default_rng(0).permutation(np.concatenate([one, other]))
    assert not enough_boxes("WBC", mixed).drifts


def test_chance_is_seldom_taken_for_a_drift():
    found = [
        enough_boxes("a", gaussian(count, seed=seed)).drifts for count in (12, 30, 90) for seed in range(20)
    ]
    assert np.mean(found) < 0.1


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, 5), (12, 15), (20, 20), (21, 25), (51, 60), (97, 100), (101, 110), (250, 250), (1234, 1300)],
)
def test_numbers_as_one_says_them(count, said):
    assert _about(count) == said


def test_the_divergence_is_the_law_at_all_boxes():
    advice = enough_boxes("a", gaussian(50))
    assert advice.divergence == pytest.approx(advice.curve.safe_decay / 50)
    assert enough_boxes("a", []).divergence is None


@pytest.mark.parametrize("data", ["bccd", "umid_urine"])
def test_real_boxes_are_enough_at_some_time(data):
    for name, sizes in real_sizes(data).items():
        assert enough_boxes(name, np.random.default_rng(0).permutation(sizes)).state == "enough"


# -- boxes of unusual size


def unusual(sizes):
    return unusual_sizes(size_priors({"cell": sizes})["cell"]).tolist()


def test_boxes_of_unusual_size():
    sizes = gaussian(60)
    sizes[7], sizes[31] = (220, 240), (100, 30)
    assert unusual(sizes) == [7, 31]
    assert unusual(gaussian(60)) == []


def test_few_boxes_do_not_tell_what_is_usual():
    assert unusual([[10, 10]] * 6 + [[90, 90]]) == []
    assert unusual([[10, 10]] * 7 + [[90, 90]]) == [7]
    assert unusual([[10, 10]] * 20) == []
    assert unusual_sizes(size_priors({"a": gaussian(20), "b": []})["b"]).tolist() == []


def test_it_is_what_leaving_one_out_says():
    sizes = np.concatenate([gaussian(150), gaussian(5, mean=(30.0, 200.0), deviation=WIDE)])
    prior = size_priors({"a": sizes})["a"]
    z = (sizes[:, None] - sizes[None]) / prior.bandwidth
    kernel = np.exp(-0.5 * (z**2).sum(axis=2))
    np.fill_diagonal(kernel, 0)
    others = kernel.sum(axis=1)
    crowded = (np.sqrt((z**2).sum(axis=2)) <= 1).sum(axis=1).argmax()
    rows = np.flatnonzero(others < 0.005 * others[crowded])
    assert unusual(sizes) == rows[np.argsort(others[rows])].tolist()
    assert len(rows) >= 3
