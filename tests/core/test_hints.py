"""Sets of hints of all kinds, and predictions."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, IGNORE, KINDS, Boxes, HintSet, Masks, Points, Predictions
from tests.core.mask_cases import corner


def one_of_each(**columns: object) -> HintSet:
    """Two points, a box and two masks; some ids occur in several kinds."""
    return HintSet(
        Points([[1, 2], [3, 4]], ids=[1, 2], **columns),
        Boxes([[0, 0, 5, 5]], ids=[1], **columns),
        corner(ids=[2, 3], **columns),
    )


def ids(hints: HintSet) -> list[list[int]]:
    return [rows.ids.tolist() for rows in hints.kinds]


def test_kinds() -> None:
    hints = one_of_each()
    assert len(hints) == 5
    assert list(KINDS.items()) == [("points", Points), ("boxes", Boxes), ("masks", Masks)]
    assert [type(rows) for rows in hints.kinds] == list(KINDS.values())
    assert [getattr(hints, name) for name in KINDS] == list(hints.kinds)
    assert hints.classes == ["cell"] * 5
    assert hints.mapped(lambda rows: rows.changed(classes="b")).classes == ["b"] * 5
    assert len(HintSet()) == 0


def test_what_marks_no_cell() -> None:
    boxes = Boxes([[0, 0, 5, 5]] * 3, ids=[1, 2, 3], classes=["RBC", IGNORE, BACKGROUND])
    points = Points([[1, 1]] * 3, ids=[4, 5, 6], classes=[BACKGROUND, "RBC", IGNORE])
    assert ids(HintSet(points, boxes, corner(classes=IGNORE)).cells) == [[5], [1], []]
    assert (boxes.ignored.ids.tolist(), points.background.ids.tolist()) == ([2], [4])


def part(points: list[int] = [], boxes: list[int] = [], masks: list[int] = []) -> HintSet:  # noqa: B006
    """Rows with these ids; a mask is one pixel."""
    pixels = Masks.from_crops([[n, n] for n in masks], [np.ones((1, 1), bool)] * len(masks), ids=masks)
    return HintSet(
        Points([[n, n] for n in points], ids=points),
        Boxes([[n, n, n + 1, n + 1] for n in boxes], ids=boxes),
        pixels,
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (part(), part(), [[1, 2], [1], [2, 3]]),
        (part(masks=[2]), part(), [[1, 2], [1], [3]]),  # the point 2 stays: ids are of one kind
        (part(masks=[2]), part(masks=[2]), [[1, 2], [1], [3, 2]]),  # what is changed comes last
        (part(masks=[2, 3]), part(masks=[9]), [[1, 2], [1], [9]]),  # two merged to one
        (part(masks=[3]), part(masks=[7, 8]), [[1, 2], [1], [2, 7, 8]]),  # one split
        (part([1], [1], [3]), part([5]), [[2, 5], [], [2]]),
        (part(masks=[44]), part(), [[1, 2], [1], [2, 3]]),
    ],
)
def test_replaced(before: HintSet, after: HintSet, expected: list[list[int]]) -> None:
    assert ids(one_of_each().replaced(before, after)) == expected


def test_matching_returns_rows_as_they_are_here() -> None:
    found = one_of_each(classes="here").matching(part([2], [], [3, 4]))
    assert (ids(found), found.classes) == ([[2], [], [3]], ["here", "here"])
    assert found.masks.equals(corner(ids=[2, 3], classes="here").take([1]))


def test_joined() -> None:
    assert ids(one_of_each().joined(part([5], [6], [7]))) == [[1, 2, 5], [1, 6], [2, 3, 7]]


def test_json_has_only_the_kinds_with_rows() -> None:
    hints = one_of_each()
    assert list(hints.to_json()) == ["points", "boxes", "masks"]
    assert list(HintSet(hints.points).to_json()) == ["points"]
    assert HintSet().to_json() == {}
    again = HintSet.from_json(json.loads(json.dumps(hints.to_json())))
    assert all(found.equals(rows) for found, rows in zip(again.kinds, hints.kinds, strict=True))


def test_json_from_before_there_were_masks() -> None:
    columns = {
        "coordinates": [[1.5, 2.0]], "classes": ["cell"], "sources": ["human"], "rounds": [0], "times": [0.0],
        "seconds": [0.9], "ids": [5], "scores": [None], "attributes": {"stage": ["early"]},
    }  # fmt: skip
    hints = HintSet.from_json({"points": columns})
    assert ids(hints) == [[5], [], []]
    assert hints.to_json() == {"points": columns}


def test_predictions_above_a_score() -> None:
    found = Predictions(
        Points([[1, 2], [3, 4]], scores=[0.2, 0.5]),
        Boxes([[0, 0, 5, 5]], scores=0.4),
        7.0,
        corner(scores=[0.9, 0.3], ids=[1, 2]),
    )
    assert found.scores.tolist() == [0.2, 0.5, 0.4, 0.9, 0.3]
    assert found.ids.tolist() == [id for rows in found.kinds for id in rows.ids.tolist()]
    left = found.above(0.4)
    assert [rows.scores.tolist() for rows in left.kinds] == [[0.5], [0.4], [0.9]]
    assert (left.radius, left.masks.ids.tolist()) == (7.0, [1])
