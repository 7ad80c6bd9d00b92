"""COCO's run lengths, by hand and against pycocotools."""

from __future__ import annotations

import numpy as np
import pytest
from tests.project.formats_cases import SHAPES_OF_MASKS, bitmap

from napari_inkling.core import FormatError
from napari_inkling.project.formats.run_lengths import (
    from_run_lengths,
    lengths_of_text,
    mask_from_text,
    run_lengths,
    text_of_lengths,
)

HAND = {
    # corner, crop, shape of the image, lengths down the columns
    "inside": ((1, 1), ["##", "#."], (4, 3), [5, 2, 2, 1, 2]),
    "from the first pixel on": ((0, 0), ["#"], (2, 2), [0, 1, 3]),
    "to the last pixel": ((1, 1), ["#"], (2, 2), [3, 1]),
    "on in the next column": ((0, 0), ["##", "##"], (2, 3), [0, 4, 2]),
    "the whole image": ((0, 0), ["##", "##"], (2, 2), [0, 4]),
    "two runs in a column": ((0, 0), ["#", ".", "#"], (4, 1), [0, 1, 1, 1, 1]),
}


@pytest.mark.parametrize(("corner", "crop", "shape", "lengths"), HAND.values(), ids=HAND.keys())
def test_by_hand(corner, crop, shape, lengths):
    assert run_lengths(corner, bitmap(crop), shape) == lengths
    top, left, found = from_run_lengths(lengths, shape)
    assert ((top, left), found.tolist()) == (corner, bitmap(crop).tolist())


def test_what_lies_outside_is_cut_off():
    assert run_lengths((1, 1), bitmap(["###", "###"]), (2, 2)) == [3, 1]
    assert run_lengths((5, 5), bitmap(["#"]), (2, 2)) == [4]
    assert from_run_lengths([4], (2, 2)) is None


@pytest.mark.parametrize("lengths", [[3], [5], [-1, 5], [2, 3], []])
def test_lengths_of_another_image_are_refused(lengths):
    with pytest.raises(FormatError, match="the run lengths have the sum"):
        from_run_lengths(lengths, (2, 2))


@pytest.mark.parametrize(
    ("text", "says"), [("\x10", "no character"), ("P", "half-way"), ("~1", "no character")]
)
def test_what_is_no_text_of_run_lengths_is_refused(text, says):
    with pytest.raises(FormatError, match=says):
        lengths_of_text(text)


@pytest.mark.parametrize("text", ["", "1 2 3", "0 0 2 2 ", "0 0 2 2 4", "a 0 2 2 04", "0 0 2 2 04 5"])
def test_what_is_no_mask_is_refused(text):
    with pytest.raises(FormatError):
        mask_from_text(text)


def test_pycocotools_agrees():
    coco = pytest.importorskip("pycocotools.mask")
    random = np.random.default_rng(0)
    crops = [*map(bitmap, SHAPES_OF_MASKS), *(random.random((n, 90 - n)) < 0.5 for n in range(5, 80, 5))]
    for crop in crops:
        image = np.zeros((100, 120), bool)
        y, x = random.integers(0, (100 - crop.shape[0] + 1, 120 - crop.shape[1] + 1))
        image[y : y + crop.shape[0], x : x + crop.shape[1]] = crop
        theirs = coco.encode(np.asfortranarray(image.astype(np.uint8)))["counts"].decode()
        ours = run_lengths((y, x), crop, image.shape)
        assert text_of_lengths(ours) == theirs
        assert lengths_of_text(theirs) == ours
        top, left, found = from_run_lengths(ours, image.shape)
        whole = np.zeros_like(image)
        whole[top : top + found.shape[0], left : left + found.shape[1]] = found
        assert np.array_equal(whole, image)
