"""What the tests of the formats share: hints that hold one of everything."""

from __future__ import annotations

import numpy as np

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, HintSet, Masks, PlaneRef, Points

SHAPES = {"blood": (480, 640), "embryo": (100, 120), "a.b-c": (50, 60)}


def objects(*values):
    column = np.empty(len(values), object)
    column[:] = values
    return column


def full_hints(seed: int = 0) -> HintSet:
    """Odd floats, all sources, attributes of every JSON type, what is no cell, names that need quoting."""
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
        **columns(["RBC", "WBC", IGNORE, "RBC", 'W"BC, <large> & co;', "Ω"]),
    )
    return HintSet(points, boxes)


#: Shapes that go wrong: a pixel, pixels that touch by a corner, holes (which touch too), parts, a full box.
SHAPES_OF_MASKS = [
    ["#"],
    ["#.", ".#"],
    ["####", "#.##", "##.#", "####"],
    ["###", "#.#", "##."],
    ["#####", "#...#", "#.#.#", "#...#", "#####"],
    ["##..#", "....#", "##..."],
    ["####", "####", "####"],
]


def bitmap(lines: list[str]) -> np.ndarray:
    return np.array([[character == "#" for character in line] for line in lines])


def odd_masks(seed: int, **more) -> Masks:
    """One mask of each shape, none over another, the last at the corner of an image of 50 × 60 pixels."""
    count = len(SHAPES_OF_MASKS)
    corners = [*((3 + 6 * (i % 5), 2 + 7 * i) for i in range(count - 1)), (47, 56)]
    rng = np.random.default_rng(seed)
    columns = {
        "classes": objects("RBC", "WBC", "Ω", "RBC", "RBC", "WBC", "WBC"),
        "sources": objects("human", "model", "model", "accepted", "imported", "human", "human"),
        "scores": np.array([1, 0.1 + 0.2, np.nan, 1, 0, 1 / 3, 1]),
        "rounds": np.arange(count),
        "times": 1.7e9 + rng.uniform(0, 1, count),
        "seconds": rng.uniform(0, 5, count),
        "ids": rng.integers(1, 2**53, count),
        "attributes": {"shape": objects("round", "", "a;b", "Größe µ", "two\nlines", "7", "8")},
    }
    return Masks.from_crops(corners, map(bitmap, SHAPES_OF_MASKS), **{**columns, **more})


def whole_cells(seed: int) -> HintSet:
    """Cells that have point, box and mask, as those of a label image; some lack the one or other."""
    masks = odd_masks(seed)
    columns = {name: getattr(masks, name) for name in Points.column_names() if name != "coordinates"}
    sides = masks.coordinates - 0.5
    points = Points((sides[:, :2] + sides[:, 2:]) / 2, **columns, attributes=masks.attributes)
    boxes = Boxes(sides, **columns, attributes=masks.attributes)
    return HintSet(points.take([0, 1, 3, 4]), boxes.take([0, 1, 2, 3, 5]), masks.take([0, 2, 3, 4, 5, 6]))


ITEMS = {
    PlaneRef("blood"): full_hints(0),
    PlaneRef("embryo", (3, 12)): HintSet(*full_hints(1).kinds[:2], odd_masks(1)),
    PlaneRef("embryo", (0, 0)): HintSet(full_hints(2).points),
    PlaneRef("embryo", (1, 0)): whole_cells(4),
    PlaneRef("a.b-c"): HintSet(boxes=full_hints(3).boxes, masks=odd_masks(5)),
}


def in_order(hints: HintSet) -> HintSet:
    return hints.mapped(lambda rows: rows.take(np.argsort(rows.ids)))


def assert_same(found, expected, *, ordered: bool = True) -> None:
    """Assert that mappings hold the same rows in every column, NaN included."""
    if not ordered:
        found, expected = ({k: in_order(v) for k, v in m.items()} for m in (found, expected))
    assert {str(k) for k in found} == {str(k) for k in expected}
    expected = {str(k): v for k, v in expected.items()}
    for key, hints in found.items():
        assert hints.to_json() == expected[str(key)].to_json(), key
