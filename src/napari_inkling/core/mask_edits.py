"""What a person does to masks: brush and erase, split along a line, join two. Pure functions.

Pixels that touch, be it at a corner, are connected. What is left in several pieces becomes several masks: one
keeps the identity of the cell, the others are new, and pieces below :data:`LEAST` pixels vanish.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from napari_inkling.core._rows import new_ids
from napari_inkling.core.errors import HintError
from napari_inkling.core.mask_places import painted
from napari_inkling.core.masks import Masks

__all__ = ["LEAST", "MOST_APART", "joined", "reshaped", "split"]

BoolImage = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int32]
Place = Sequence[float] | npt.NDArray[np.float64]

#: A piece of fewer pixels than this, which a brush leaves behind, is no cell.
LEAST = 5
#: Masks are joined over a gap of at most so many pixels.
MOST_APART = 10.0

_NEIGHBOURS = np.ones((3, 3), dtype=bool)


def reshaped(mask: Masks, corner: tuple[int, int], pixels: BoolImage, owner: Place | None = None) -> Masks:
    """Return what becomes of a mask, one row, that a person gave other pixels.

    The piece that holds ``owner``, else the largest one, keeps the columns of the mask; other pieces are new
    masks of its class. All are the person's own from now on.

    Parameters
    ----------
    mask : Masks
        One row, whatever pixels it has.
    corner : (int, int)
        Row and column of the first of the pixels.
    pixels : (Y, X) array of bool
        The pixels that it has now.
    owner : (y, x) or None
        The point that a person or a model has set for this cell.

    Returns
    -------
    Masks
        In no order but that the one that keeps the identity comes first; none if too little is left.
    """
    from scipy import ndimage

    labels, count = ndimage.label(pixels, _NEIGHBOURS)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    # A mask that was this small before may stay so.
    least = min(LEAST, int(mask.areas[0])) if count == 1 else LEAST
    numbers = np.flatnonzero(areas >= least) + 1
    return _rows(mask, corner, labels, numbers[np.argsort(-areas[numbers - 1], kind="stable")], owner)


def split(mask: Masks, line: npt.ArrayLike, owner: Place | None = None) -> Masks:
    """Return the two masks into which a line cuts a mask, one row; they have all its pixels.

    The line's own pixels go to the larger piece, and what else it cuts off to the one that it hangs together
    with. The first of the two keeps the identity, as in :func:`reshaped`.

    Parameters
    ----------
    mask : Masks
        One row.
    line : (N, 2) array
        Where the line goes, (y, x) in pixels; straight between these places.
    owner : (y, x) or None
        The point of this cell.

    Raises
    ------
    HintError
        If the line does not cut the mask in two.
    """
    from scipy import ndimage
    from skimage.segmentation import watershed

    crop, (y0, x0) = mask.crop(0), mask.coordinates[0, :2].astype(int).tolist()
    whole, _ = ndimage.label(crop, _NEIGHBOURS)
    cut = _drawn(np.asarray(line, dtype=np.float64) - (y0, x0), crop.shape) & crop
    under = np.bincount(whole[cut], minlength=2)
    part = whole == under[1:].argmax() + 1  # of a mask in pieces, the one that is most under the line
    pieces, count = ndimage.label(part & ~cut, _NEIGHBOURS)
    areas = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
    if count < 2 or np.partition(areas, -2)[-2] < LEAST:
        raise HintError("the line does not cut a mask in two: draw it from one side to the other")
    first, second = np.argsort(-areas, kind="stable")[:2] + 1
    large = pieces == first
    large |= cut & part & ndimage.binary_dilation(large, _NEIGHBOURS)
    seeds = np.where(large, 1, np.where(pieces == second, 2, 0))
    halves: Labels = watershed(np.zeros(crop.shape), seeds, mask=part, connectivity=2)
    halves[crop & ~part] = 1
    numbers = np.array([1, 2] if (halves == 1).sum() >= (halves == 2).sum() else [2, 1])
    return _rows(mask, (y0, x0), halves, numbers, owner)


def joined(masks: Masks, taken: Masks | None = None) -> Masks:
    """Return two masks as one, which has the columns of the first; a gap between them is filled.

    Parameters
    ----------
    masks : Masks
        Two rows.
    taken : Masks or None
        Masks of others: the filling leaves them alone.

    Raises
    ------
    HintError
        If more than :data:`MOST_APART` pixels lie between them.
    """
    from scipy import ndimage

    boxes = masks.coordinates.astype(int)
    (y0, x0), (y1, x1) = boxes[:, :2].min(0).tolist(), boxes[:, 2:].max(0).tolist()
    one, other = (painted(masks.take([i]), (y0, x0, y1, x1)) for i in (0, 1))
    far_one, far_other = ndimage.distance_transform_edt(~one), ndimage.distance_transform_edt(~other)
    gap = float(far_one[other].min())
    if gap > MOST_APART:
        raise HintError(f"{gap:.0f} pixels lie between the two masks, expected at most {MOST_APART:.0f}")
    filled = one | other
    if gap >= 2:  # else they touch
        between = far_one + far_other <= gap + 1
        filled |= between & ~painted(taken, (y0, x0, y1, x1)) if taken is not None else between
    return _by_person(masks.take([0]), Masks.from_crops([(y0, x0)], [filled]))


def _rows(
    mask: Masks, corner: tuple[int, int], labels: Labels, numbers: npt.NDArray[np.intp], owner: Place | None
) -> Masks:
    """Return one mask for each number in a label image; the owner's, else the first, keeps the identity."""
    if not len(numbers):
        return Masks()
    if owner is not None:
        y, x = (int(np.floor(p - c + 0.5)) for p, c in zip(owner, corner, strict=True))
        inside = 0 <= y < labels.shape[0] and 0 <= x < labels.shape[1]
        at = numbers == labels[y, x] if inside else np.zeros(len(numbers), dtype=bool)
        numbers = np.concatenate([numbers[at], numbers[~at]])
    made = Masks.from_crops([corner] * len(numbers), (labels == number for number in numbers))
    return _by_person(mask, made)


def _by_person(row: Masks, pixels: Masks) -> Masks:
    """Return pixels as masks that a person has drawn, the first of which is this row, the others new."""
    count = len(pixels)
    first = np.arange(count) == 0
    return pixels.changed(
        ids=np.concatenate([row.ids, new_ids(count - 1)]),
        classes=row.classes[0],
        sources="human",
        rounds=row.rounds[0],
        times=np.where(first, row.times[0], 0.0),
        seconds=np.where(first, row.seconds[0], 0.0),
        attributes={name: np.full(count, values[0], object) for name, values in row.attributes.items()},
    )


def _drawn(line: npt.NDArray[np.float64], shape: tuple[int, ...]) -> BoolImage:
    """Return the pixels of a line through places (N, 2), without gaps that a corner could slip through."""
    image = np.zeros(shape, dtype=bool)
    for start, stop in pairwise(line):
        steps = 1 + int(2 * np.abs(stop - start).max())
        path = np.floor(np.linspace(start, stop, steps + 1) + 0.5).astype(int)
        corners = np.stack([path[1:, 0], path[:-1, 1]], axis=1)  # between two pixels that touch at a corner
        pixels = np.concatenate([path, corners])
        inside = ((pixels >= 0) & (pixels < shape)).all(1)
        image[tuple(pixels[inside].T)] = True
    return image
