from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import DISAGREEMENT, Boxes, Masks, Points, Predictions
from napari_inkling.guidance import NO_REASON, Candidates, candidates_of, what_next
from napari_inkling.guidance.what_next import IMAGE_DISCOUNT, REACH, density


def candidates(*rows: tuple[float, float, float], radius: float = 1.0) -> Candidates:
    """Rows of y, x, doubt."""
    table = np.array(rows, dtype=float).reshape(-1, 3)
    return Candidates(table[:, :2], table[:, 2], radius)


def named(picks):
    return [(pick.plane, pick.index) for pick in picks]


def test_density_counts_neighbours_and_itself():
    found = candidates((0, 0, 1), (0, REACH, 1), (0, REACH + 0.1, 1), (50, 50, 1))
    assert density(found).tolist() == [2, 3, 2, 1]
    assert density(candidates((0, 0, 1), (0, REACH + 0.1, 1), radius=2)).tolist() == [2, 2]
    assert density(candidates()).tolist() == []


def test_doubt_times_relative_density():
    """Mean density in a: 2.5. Values a: .5 · 3 / 2.5 = .6, .4 · 1.2, .1 · 1.2 and .9 · .4; b: .55 · 1."""
    crowd = candidates((0, 0, 0.5), (0, 1, 0.4), (1, 0, 0.1), (90, 90, 0.9))
    planes = {"a": crowd, "b": candidates((0, 0, 0.55))}
    picks = what_next(planes, 3)
    # After the first, the far one in a is worth .36 · .8 = .288.
    assert named(picks) == [("a", 0), ("b", 0), ("a", 3)]
    assert [pick.value for pick in picks] == pytest.approx([0.6, 0.55, 0.36 * IMAGE_DISCOUNT])


def test_an_image_full_of_cells_has_not_all_the_picks():
    crowd = candidates(*((y, x, 0.6) for y in range(5) for x in range(5)))
    sparse = candidates((0, 0, 0.9), (90, 90, 0.9))
    assert [plane for plane, _ in named(what_next({"crowd": crowd, "sparse": sparse}, 3))] == [
        "sparse",
        "sparse",
        "crowd",
    ]


def test_a_pick_takes_off_what_it_tells_of_its_neighbours():
    """h = 3: at a distance of 3, 1 - exp(-1/2) of the value is left."""
    picks = what_next({"a": candidates((0, 0, 1), (0, 3, 0.9))}, 9)
    assert [pick.value for pick in picks] == pytest.approx([1, 0.9 * IMAGE_DISCOUNT * (1 - np.exp(-0.5))])


def test_equal_images_take_turns():
    alike = candidates(*((y, 0, 1) for y in range(0, 300, 50)))
    assert [plane for plane, _ in named(what_next({"a": alike, "b": alike, "c": alike}, 6))] == list("abcabc")


@pytest.mark.parametrize("planes", [{}, {"a": candidates()}, {"a": candidates((0, 0, 0))}])
def test_nothing_to_pick(planes):
    assert what_next(planes, 5) == []


def test_every_candidate_once_at_most():
    random = np.random.default_rng(0)
    found = Candidates(random.random((50, 2)) * 100, random.random(50) + 0.1, 4.0)
    assert sorted(pick.index for pick in what_next({"a": found}, 99)) == list(range(50))


def test_twenty_thousand_in_many_planes():
    random = np.random.default_rng(0)
    planes = {n: Candidates(random.random((20_000, 2)) * 4000, random.random(20_000), 8.0) for n in range(5)}
    assert len(what_next(planes, 30)) == 30


def test_the_cells_of_suggestions():
    """The point 7 and the mask 7 are one cell; its mask is less sure than its point."""
    points = Points([[0, 0], [10, 10]], scores=[1.0, 0.9], ids=[9, 7])
    masks = Masks.from_crops([(9, 9), (30, 30)], [np.ones((3, 3))] * 2, scores=[0.6, 1.0], ids=[7, 3])
    found = candidates_of(
        Predictions(points, Boxes([[0, 0, 4, 4]], scores=0.5, ids=[5]), masks=masks), 0.5, 4.0
    )
    assert found.ids.tolist() == [9, 7, 5, 3]
    assert found.places.tolist() == [[0, 0], [10, 10], [2, 2], [31, 31]]
    assert found.doubts.tolist() == pytest.approx([0, 0.8, 1, 0])
    assert found.why.tolist() == [NO_REASON, 0, 0, NO_REASON]
    # 9, 7 and 5 lie within 24 px of each other.
    assert found.need == pytest.approx(3 * 0.8 + 3 * 1)
    assert len(candidates_of(Predictions(), 0.5, 4.0).ids) == 0


def test_the_strongest_reason_of_each_cell():
    odd = [np.ones((10, 10))] * 8 + [np.ones((30, 30))]
    masks = Masks.from_crops([(0, 40 * i) for i in range(9)], odd, scores=0.9, ids=range(1, 10))
    points = Points([[5, 5]], scores=0.9, ids=[1], attributes={DISAGREEMENT: [0.7]})
    found = candidates_of(Predictions(points, masks=masks), 0.5, 4.0)
    assert found.why.tolist() == [1, *[NO_REASON] * 7, 2]
    assert found.order.tolist() == [8, 0, 1, 2, 3, 4, 5, 6, 7]
