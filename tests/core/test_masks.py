"""Masks: packed, checked, painted and measured; values worked out by hand or by brute force."""

from __future__ import annotations

import json
import pickle
from typing import Any

import numpy as np
import pytest

from napari_inkling.core import HintError, Masks
from tests.core.mask_cases import CORNER, corner, drawing, packed


def test_from_labels_by_hand() -> None:
    masks = corner(classes=["a", "b"], scores=[0.25, 0.5], sources="model", ids=[7, 8])
    assert masks.coordinates.tolist() == [[1, 1, 3, 3], [1, 4, 3, 5]]
    assert masks.bitmaps.tolist() == [packed(0b10110000), packed(0b11000000)]
    assert [masks.crop(i).tolist() for i in range(2)] == [[[True, False], [True, True]], [[True], [True]]]
    assert masks.areas.tolist() == [3, 2]
    assert (masks.classes.tolist(), masks.scores.tolist(), masks.ids.tolist()) == (
        ["a", "b"],
        [0.25, 0.5],
        [7, 8],
    )
    assert masks.labels((4, 5)).tolist() == np.where(CORNER == 3, 2, CORNER).tolist()
    assert masks.labels((4, 5)).dtype == np.int32


def test_no_masks() -> None:
    none = Masks()
    assert (len(none), none.coordinates.shape, none.bitmaps.shape) == (0, (0, 4), (0,))
    assert (none.areas.shape, none.centres.shape) == ((0,), (0, 2))
    assert none.labels((2, 3)).tolist() == [[0, 0, 0], [0, 0, 0]]
    assert Masks.from_labels(np.zeros((4, 5), np.uint8)).equals(none)
    assert Masks.from_labels(np.zeros((0, 5), np.uint8)).equals(none)
    assert Masks.from_crops([], []).equals(none)


@pytest.mark.parametrize(
    ("rows", "areas", "centres"),
    [
        (("1",), [1], [[0, 0]]),
        ((".1.", ".1.", ".11"), [4], [[1, 1]]),  # centroid (1.25, 1.25)
        (("111", "1.1", "111"), [8], [[0, 1]]),  # the centroid is in a hole: the first beside it
        (("1....1", "111111"), [8], [[1, 2]]),  # centroid (0.75, 2.5), between two pixels: the first
        (("1.1", "...", "..1"), [3], [[0, 2]]),  # three pieces; centroid (2/3, 4/3)
        (("12", "21"), [2, 2], [[0, 0], [0, 1]]),
        (("..", ".9"), [1], [[1, 1]]),
    ],
)
def test_areas_and_centres(rows: tuple[str, ...], areas: list[int], centres: list[list[float]]) -> None:
    masks = Masks.from_labels(drawing(*rows))
    assert (masks.areas.tolist(), masks.centres.tolist()) == (areas, centres)


# Label images of every kind


def labels_of(seed: int, shape: tuple[int, int], numbers: list[int], dtype: Any) -> np.ndarray:
    """Rectangles that overlap each other, so that some numbers are cut in pieces and some are gone."""
    random = np.random.default_rng(seed)
    image = np.zeros(shape, dtype)
    for number in numbers:
        y, x = (random.integers(0, size) for size in shape)
        image[y : y + random.integers(1, 9), x : x + random.integers(1, 9)] = number
    return image


#: seed, shape, numbers, dtype
IMAGES = [
    (0, (1, 1), [1], np.uint8),
    (1, (3, 40), [1, 2, 3, 4], np.uint8),
    (2, (40, 3), [5, 200, 17], np.uint8),
    (3, (30, 31), list(range(1, 40)), np.uint16),
    (4, (30, 31), list(range(60, 0, -1)), np.int64),
    (5, (20, 20), [2**40, 3, 2**40 + 1, 2**33], np.int64),
    (6, (20, 20), [2**63, 2**64 - 1, 4, 1_000_000], np.uint64),
    (7, (20, 20), [1_000_000, 1_000_001], np.int32),
    (8, (20, 20), [9], np.dtype(">u2")),
    (9, (20, 20), [True], bool),
]


@pytest.mark.parametrize("case", IMAGES, ids=lambda case: f"image-{case[0]}")
@pytest.mark.parametrize("order", ["C", "F"])
def test_round_trips(case: tuple[Any, ...], order: Any) -> None:
    image = np.asarray(labels_of(*case), order=order)
    numbers = [n for n in np.unique(image).tolist() if n]
    masks = Masks.from_labels(image, scores=np.linspace(0, 1, len(numbers)), attributes={"n": numbers})

    for i, number in enumerate(numbers):
        y, x = np.nonzero(image == number)
        assert masks.coordinates[i].tolist() == [y.min(), x.min(), y.max() + 1, x.max() + 1]
        assert masks.areas[i] == len(y)
        assert np.array_equal(masks.crop(i), (image == number)[y.min() : y.max() + 1, x.min() : x.max() + 1])
        at = masks.centres[i].astype(int)
        nearest = np.hypot(y - y.mean(), x - x.mean()).min()
        assert image[at[0], at[1]] == number
        assert np.hypot(*(at - [y.mean(), x.mean()])) == pytest.approx(nearest)
    ranks = np.searchsorted(numbers, image) + 1
    painted = masks.labels(image.shape)
    assert np.array_equal(painted, np.where(image > 0, ranks, 0))

    repainted = Masks.from_labels(painted, scores=masks.scores, attributes={"n": numbers}, ids=masks.ids)
    assert repainted.equals(masks)
    assert Masks.from_json(json.loads(json.dumps(masks.to_json()))).equals(masks)
    assert pickle.loads(pickle.dumps(masks)).equals(masks)
    columns = {name: getattr(masks, name) for name in masks.column_names()}
    assert Masks(**columns, attributes=masks.attributes).equals(masks)
    halves = [masks.take(slice(None, 1)), masks.take(slice(1, None))]
    assert Masks.concatenate(halves).equals(masks)
    backwards = np.arange(len(masks))[::-1]
    assert masks.take(backwards).take(backwards).equals(masks)
    assert [masks.take([i]).areas[0] for i in backwards] == masks.areas[::-1].tolist()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.zeros((2, 2, 2), int), r"labels have shape \(2, 2, 2\) and dtype int64, expected integers"),
        (np.zeros((2, 2)), r"dtype float64, expected integers of shape \(Y, X\)"),
        ([[0, -1]], "labels hold -1, expected 0 for the background"),
    ],
)
def test_what_is_no_label_image(labels: Any, message: str) -> None:
    with pytest.raises(HintError, match=message):
        Masks.from_labels(labels)


# Crops and painting


def test_crops_are_tightened() -> None:
    crop = np.zeros((4, 5), bool)
    crop[1, 2:4] = crop[2, 2] = True
    (mask,) = [Masks.from_crops([[10, 20]], [crop], classes="a")]
    assert mask.coordinates.tolist() == [[11, 22, 13, 24]]
    assert mask.crop(0).tolist() == [[True, True], [True, False]]
    assert mask.classes.tolist() == ["a"]
    # A crop may hang over the edge of the image as long as its pixels do not.
    assert Masks.from_crops([[-1, -2]], [crop]).coordinates.tolist() == [[0, 0, 2, 2]]


@pytest.mark.parametrize(
    ("corner", "crop", "message"),
    [
        ([0, 0], [[0, 0]], "mask 0 is empty, expected one pixel at least"),
        ([0, 0], [], r"mask 0 has a crop of shape \(0,\), expected \(Y, X\)"),
        ([-1, 0], [[1]], r"mask 0 has the box \[-1.0, 0.0, 0.0, 1.0\], expected whole pixels"),
        ([0.5, 0], [[1]], r"mask 0 has the box \[0.5, 0.0, 1.5, 1.0\], expected whole pixels"),
    ],
)
def test_crops_that_are_no_masks(corner: list[float], crop: list[Any], message: str) -> None:
    with pytest.raises(HintError, match=message):
        Masks.from_crops([corner], [np.array(crop)])


def test_painting_in_order_and_within_the_shape() -> None:
    square = np.ones((2, 2), bool)
    masks = Masks.from_crops([[0, 0], [1, 1], [2, 3], [9, 9]], [square] * 4)
    assert masks.labels((3, 4)).tolist() == [[1, 1, 0, 0], [1, 2, 2, 0], [0, 2, 2, 3]]
    assert masks.take([1, 0]).labels((3, 4)).tolist() == [[2, 2, 0, 0], [2, 2, 1, 0], [0, 1, 1, 0]]


# What is no mask

L = packed(0b10110000)


@pytest.mark.parametrize(
    ("box", "bitmap", "message"),
    [
        ([1, 1, 3, 3.5], L, r"mask 0 has the box \[1.0, 1.0, 3.0, 3.5\], expected whole pixels 0 ≤ y0 < y1"),
        ([-1, 1, 1, 3], L, r"mask 0 has the box \[-1.0, 1.0, 1.0, 3.0\]"),
        ([1, 1, 1, 3], L, r"mask 0 has the box \[1.0, 1.0, 1.0, 3.0\]"),
        ([1, 3, 3, 1], L, r"mask 0 has the box \[1.0, 3.0, 3.0, 1.0\]"),
        ([0, 0, 1, 1e300], L, "expected whole pixels"),
        ([1, 1, np.nan, 3], L, "Masks have coordinates that are not finite"),
        ([1, 1, 3], L, r"Masks need coordinates of shape \(N, 4\)"),
        (
            [1, 1, 4, 4], L,
            r"mask 0 with the box \[1, 1, 4, 4\] has a bitmap of 1 bytes that does not fit its box "
            "of 3 × 3 pixels, expected 2 bytes",
        ),
        ([1, 1, 3, 3], packed(0), "has an empty bitmap"),
        ([1, 1, 3, 3], packed(0b11000000), "has an empty row or column at an edge of its box"),
        ([1, 1, 3, 3], packed(0b01010000), "has an empty row or column at an edge of its box"),
        ([1, 1, 3, 3], packed(0b10110001), "has a bitmap with pixels behind the end of its box"),
        ([1, 1, 3, 3], b"\xb0", "has a bitmap that zlib cannot unpack"),
        ([1, 1, 3, 3], "text", "has a bitmap of type str, expected bytes"),
    ],
)  # fmt: skip
def test_rows_that_are_no_masks(box: list[float], bitmap: Any, message: str) -> None:
    with pytest.raises(HintError, match=message):
        Masks([box], [bitmap])


def test_the_row_that_is_wrong_is_named() -> None:
    masks = corner()
    with pytest.raises(HintError, match=r"mask 1 with the box \[1, 4, 3, 5\] has an empty bitmap"):
        masks.changed(bitmaps=[masks.bitmaps[0], packed(0)])
    with pytest.raises(HintError, match=r"mask 1 with the box \[1, 4, 3, 6\] .* at an edge of its box"):
        masks.changed(coordinates=[[1, 1, 3, 3], [1, 4, 3, 6]])
    with pytest.raises(HintError, match="1 bitmaps were given for 2 masks"):
        masks.changed(bitmaps=masks.bitmaps[:1])
    with pytest.raises(HintError, match="duplicate ids"):
        masks.take([0, 0])
    with pytest.raises(HintError, match="a bitmap is not base64 text"):
        Masks.from_json({**masks.to_json(), "bitmaps": ["sw==", "?"]})


# As rows


def test_moving_and_reclassing_keep_the_pixels() -> None:
    moved = corner().changed(coordinates=[[3, 4, 5, 6], [3, 7, 5, 8]], classes="b")
    assert moved.labels((6, 9))[2:, 3:].tolist() == corner().labels((4, 6)).tolist()
    assert moved.centres.tolist() == [[4, 4], [3, 7]]
    assert moved.classes.tolist() == ["b", "b"]


def test_equality() -> None:
    masks = corner(ids=[1, 2])
    assert masks.equals(corner(ids=[1, 2]))
    assert not masks.equals(corner(ids=[1, 3]))
    assert not masks.equals(masks.take([1, 0]))
    assert not masks.equals(masks.changed(coordinates=masks.coordinates + 1))
    square = masks.changed(bitmaps=[packed(0b11110000), masks.bitmaps[1]])
    assert not masks.equals(square)
    with pytest.raises(ValueError, match="read-only"):
        masks.bitmaps[0] = square.bitmaps[0]


def test_json_by_hand() -> None:
    written = corner(ids=[1, 2]).take([0]).to_json()
    assert written["coordinates"] == [[1, 1, 3, 3]]
    again = {**written, "bitmaps": ["eAHbAAAAsQCx"], "column of a later version": [1]}
    assert Masks.from_json(again).crop(0).tolist() == [[True, False], [True, True]]
