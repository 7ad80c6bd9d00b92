"""What the tests of the formats share: hints that hold one of everything."""

from __future__ import annotations

import numpy as np

from napari_inkling.core import BACKGROUND, Boxes, HintSet, PlaneRef, Points

SHAPES = {"blood": (480, 640), "embryo": (100, 120), "a.b-c": (50, 60)}


def objects(*values):
    column = np.empty(len(values), object)
    column[:] = values
    return column


def full_hints(seed: int = 0) -> HintSet:
    """Odd floats, all sources, attributes of every JSON type, background, names that need quoting."""
    rng = np.random.default_rng(seed)
    count = 6
    corner = rng.uniform(5, 30, (count, 2))

    def columns(classes):
        return {
            "classes": objects(*classes),
            "sources": objects("human", "accepted", "imported", "model", "human", "human"),
            "scores": np.array([1, 0.1 + 0.2, 0, np.nan, 1e-300, 1 / 3]),
            "rounds": np.arange(count),
            "times": 1.7e9 + rng.uniform(0, 1, count),
            "seconds": rng.uniform(0, 5, count),
            "ids": rng.integers(1, 2**53, count),
            "attributes": {
                "shape": objects("round", "", "a;b,c\t\"d\" <e> & 'f'", "Größe µ", "two\nlines", "7"),
                "count": objects(1, 2.5, None, True, 10**15, -3),
            },
        }

    points = Points(
        rng.uniform(0, 45, (count, 2)),
        **columns(["RBC", 'W"BC, <large> & co;', BACKGROUND, "RBC", "Ω", BACKGROUND]),
    )
    boxes = Boxes(
        np.hstack([corner, corner + rng.uniform(0.3, 15, (count, 2))]),
        **columns(["RBC", "WBC", "WBC", "RBC", 'W"BC, <large> & co;', "Ω"]),
    )
    return HintSet(points, boxes)


ITEMS = {
    PlaneRef("blood"): full_hints(0),
    PlaneRef("embryo", (3, 12)): full_hints(1),
    PlaneRef("embryo", (0, 0)): HintSet(full_hints(2).points),
    PlaneRef("a.b-c"): HintSet(boxes=full_hints(3).boxes),
}


def in_order(hints: HintSet) -> HintSet:
    return HintSet(
        hints.points.take(np.argsort(hints.points.ids)), hints.boxes.take(np.argsort(hints.boxes.ids))
    )


def assert_same(found, expected, *, ordered: bool = True) -> None:
    """Assert that mappings hold the same rows in every column, NaN included."""
    if not ordered:
        found, expected = ({k: in_order(v) for k, v in m.items()} for m in (found, expected))
    assert {str(k) for k in found} == {str(k) for k in expected}
    expected = {str(k): v for k, v in expected.items()}
    for key, hints in found.items():
        assert hints.to_json() == expected[str(key)].to_json(), key
