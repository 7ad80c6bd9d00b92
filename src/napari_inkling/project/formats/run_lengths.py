"""Masks as COCO writes them: how many pixels are outside, inside, outside … down the columns of the image.

As text, each length is the difference to the last but one, in groups of five bits from the lowest; a group
has its sign in the highest bit of the last and 32 added if others follow, and 48 makes a character of it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from napari_inkling.core import FormatError
from napari_inkling.project.formats.rows import Row

__all__ = [
    "from_run_lengths",
    "lengths_of_text",
    "mask_from_text",
    "mask_text",
    "run_lengths",
    "text_of_lengths",
]

BoolImage = npt.NDArray[np.bool_]
Shape = tuple[int, int]


def run_lengths(corner: Sequence[int], crop: BoolImage, shape: Shape) -> list[int]:
    """Return the run lengths of a mask in an image; what lies outside the image is cut off.

    Parameters
    ----------
    corner : (int, int)
        Row and column of the crop's first pixel.
    crop : (y, x) array of bool
        The mask's pixels.
    shape : (int, int)
        Height and width of the image.
    """
    height, width = shape
    top, left = corner
    columns = crop[: max(height - top, 0), : max(width - left, 0)].T
    ended = np.zeros((columns.shape[0], columns.shape[1] + 2), np.int8)
    ended[:, 1:-1] = columns
    steps = np.diff(ended)
    offset = left * height + top
    starts, stops = (
        offset + column * height + row for column, row in (np.nonzero(steps == 1), np.nonzero(steps == -1))
    )
    apart = starts[1:] != stops[:-1]  # a run may go on at the top of the next column
    first, last = np.ones(min(len(starts), 1), bool), np.ones(min(len(stops), 1), bool)
    edges = np.stack(
        [starts[np.concatenate([first, apart])], stops[np.concatenate([apart, last])]], 1
    ).ravel()
    lengths: list[int] = np.diff(edges, prepend=0, append=height * width).tolist()
    return lengths if lengths[-1] else lengths[:-1]


def from_run_lengths(lengths: Sequence[int], shape: Shape) -> tuple[int, int, BoolImage] | None:
    """Return top, left and pixels of the mask with these run lengths, None if it has no pixel.

    Raises
    ------
    FormatError
        If a length is below 0, or their sum is not the number of pixels of the image.
    """
    height, width = shape
    runs = np.asarray(lengths, dtype=np.int64)
    edges = np.cumsum(runs)
    if (runs < 0).any() or (edges[-1] if len(edges) else 0) != height * width:
        raise FormatError(
            f"the run lengths have the sum {int(runs.sum()):,}, expected {height:,} × {width:,} pixels"
        )
    starts, stops = edges[:-1:2], edges[1::2]
    starts, stops = starts[starts < stops], stops[starts < stops]
    if not len(starts):
        return None
    # A run that goes on in the next column is one in each of them.
    first, last = starts // height, (stops - 1) // height
    many = last - first + 1
    column = np.repeat(first, many) + np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    low = np.maximum(np.repeat(starts, many) - column * height, 0)
    high = np.minimum(np.repeat(stops, many) - column * height, height)
    top, left = int(low.min()), int(column.min())
    steps = np.zeros((int(column.max()) - left + 1, int(high.max()) - top + 1), bool)
    np.logical_xor.at(steps, (column - left, low - top), True)
    np.logical_xor.at(steps, (column - left, high - top), True)
    return top, left, np.logical_xor.accumulate(steps, axis=1)[:, :-1].T


def text_of_lengths(lengths: Sequence[int]) -> str:
    """Return run lengths as COCO's text."""
    characters = []
    for i, length in enumerate(lengths):
        rest = length - lengths[i - 2] if i > 2 else length
        while True:
            group, rest = rest & 31, rest >> 5
            done = rest == (-1 if group & 16 else 0)
            characters.append(chr(48 + group + (0 if done else 32)))
            if done:
                break
    return "".join(characters)


def lengths_of_text(text: str) -> list[int]:
    """Return the run lengths in COCO's text; raises FormatError if it ends half-way or is something else."""
    lengths: list[int] = []
    value = shift = 0
    for character in text:
        group = ord(character) - 48
        if not 0 <= group < 64 or shift > 50:
            raise FormatError(f"{character!r} is no character of run lengths")
        value |= (group & 31) << shift
        shift += 5
        if group & 32:
            continue
        if group & 16:
            value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
        value = shift = 0
    if shift:
        raise FormatError("the run lengths end half-way")
    return lengths


def mask_text(row: Row) -> str:
    """Return a mask as text for formats that have no place for it: its box, and the run lengths in that."""
    assert row.crop is not None
    lengths = run_lengths((0, 0), row.crop, (row.crop.shape[0], row.crop.shape[1]))
    return f"{' '.join(str(int(v)) for v in row.coordinates)} {text_of_lengths(lengths)}"


def mask_from_text(text: str) -> tuple[int, int, BoolImage]:
    """Return top, left and pixels of what :func:`mask_text` wrote; raises FormatError for anything else."""
    *sides, runs = text.split(" ") if text.count(" ") == 4 else ("", "")
    if not all(side.isdecimal() for side in sides) or len(sides) != 4:
        raise FormatError(f"{text[:40]!r} is no mask, expected y0 x0 y1 x1 and run lengths")
    y0, x0, y1, x1 = map(int, sides)
    found = from_run_lengths(lengths_of_text(runs), (y1 - y0, x1 - x0))
    if found is None:
        raise FormatError(f"{text[:40]!r} is a mask without a pixel")
    top, left, crop = found
    return y0 + top, x0 + left, crop
