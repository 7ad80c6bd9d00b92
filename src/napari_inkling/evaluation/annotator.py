"""The simulated annotator: from full truth to a few hints, with the seconds that a person would have needed.

A draw is one random order of the cells, of which a share is a prefix: with the same seed, the cells marked at
5 % are among those at 10 %, and a cell's point lies at the same place at every share, so that shares compare
fairly.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_inkling.core import BACKGROUND, Boxes, HintError, HintSet, Points
from napari_inkling.evaluation.centres import cell_centres

__all__ = ["SECONDS_PER_BOX", "SECONDS_PER_POINT", "annotation_seconds", "paper_noise_mean", "weaken",
           "weaken_images"]  # fmt: skip

#: What a hint costs, in seconds, as the papers measured it (a background point as any point).
SECONDS_PER_POINT = 0.9
SECONDS_PER_BOX = 7.0

#: Standard deviation per axis in pixels; or "paper" for what the paper on stochastic boxes measured; or none.
Noise: TypeAlias = float | str | None
Per: TypeAlias = Literal["image", "object"]


def annotation_seconds(hints: HintSet) -> float:
    """Return the time that all hints together took, in seconds."""
    return float(sum(rows.seconds.sum() for rows in hints.kinds))


def paper_noise_mean(areas: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return the mean error of a click, in pixels, on boxes of so many square pixels.

    5 px at 18² px of area or less, 17 px at 198² or more, linear in the root of the area between;
    measured by the paper on stochastic boxes (section 3).
    """
    return np.interp(np.sqrt(np.asarray(areas, dtype=np.float64)), [18.0, 198.0], [5.0, 17.0])


def weaken(
    truth: HintSet,
    *,
    points: float = 0.0,
    boxes: float = 0.0,
    per: Per = "object",
    background_points: int = 0,
    noise: Noise = None,
    seed: int = 0,
    shape: tuple[int, int],
) -> HintSet:
    """Return the hints that a simulated annotator gives on one image.

    Parameters
    ----------
    truth : HintSet
        Every cell, as box, as point, or as both with the same id. Hints keep the id, class and attributes of
        the cell. Boxes around what nobody labelled are no cells, and stay as they are.
    points : float
        Share in [0, 1] of the cells that got no box and get a point, drawn without replacement. A share above
        0 marks at least one cell.
    boxes : float
        Share in [0, 1] of the cells with a box in the truth that keep it (``per="object"``), or the chance
        that this image is one whose boxes are all kept (``per="image"``; see :func:`weaken_images`).
    per : {"object", "image"}
        What ``boxes`` is a share of.
    background_points : int
        Points of class "background" on pixel centres, each at least one cell radius away from every box, also
        those around what nobody labelled (the radius is half the median root of the areas of the cells'
        boxes; a cell without a box counts as a box of that radius). Fewer where they leave no more room.
    noise : float, "paper" or None
        Error of the points: a standard deviation in pixels per axis, or "paper": the distance
        is N(mean, 3 px), see :func:`paper_noise_mean`, in a random direction. Points stay inside the image.
    seed : int
        The same seed gives the same hints.
    shape : (int, int)
        Height and width of the image in pixels.

    Raises
    ------
    HintError
        For a share outside [0, 1], or where the size of a cell is needed that has no box.
    """
    if per == "image":
        boxes = float(np.random.default_rng([seed, 2]).uniform() < _checked_share(boxes, "boxes"))
    cells = cell_centres(truth)
    order = np.random.default_rng([seed, 0]).permutation(len(cells))
    boxable = order[np.isin(cells.ids[order], truth.boxes.cells.ids)]
    boxed = boxable[: _count(boxes, len(boxable), "boxes")]
    unboxed = order[~np.isin(order, boxed)]
    pointed = np.sort(unboxed[: _count(points, len(unboxed), "points")])
    clicked = _disturbed(cells, truth.boxes, noise, seed, shape).take(pointed)
    marked = Points.concatenate([
        clicked.changed(sources="human", scores=1.0, seconds=SECONDS_PER_POINT),
        _background(truth, background_points, seed, shape),
    ])  # fmt: skip
    drawn = truth.boxes.cells.with_ids(cells.ids[boxed])
    drawn = drawn.changed(sources="human", scores=1.0, seconds=SECONDS_PER_BOX)
    return HintSet(marked, Boxes.concatenate([drawn, truth.boxes.ignored]))


def weaken_images(
    truth: Mapping[str, HintSet],
    shapes: Mapping[str, tuple[int, int]],
    *,
    points: float = 0.0,
    boxes: float = 0.0,
    per: Per = "object",
    background_points: int = 0,
    noise: Noise = None,
    seed: int = 0,
) -> dict[str, HintSet]:
    """Return the hints on many images, by name; parameters as for :func:`weaken`.

    With ``per="image"`` the share ``boxes`` of the images is drawn without replacement (at least one above
    0), and all cells of these keep their boxes. An image's draw depends on the seed and its name, not on the
    other images.
    """
    whole: set[str] = set()
    if per == "image":
        names = sorted(truth)
        drawn = np.random.default_rng([seed, 2]).permutation(len(names))
        whole = {names[i] for i in drawn[: _count(boxes, len(names), "boxes")]}
    return {
        name: weaken(
            hints,
            points=points,
            boxes=float(name in whole) if per == "image" else boxes,
            background_points=background_points,
            noise=noise,
            seed=zlib.crc32(f"{seed}/{name}".encode()),
            shape=shapes[name],
        )
        for name, hints in truth.items()
    }


def _checked_share(share: float, name: str) -> float:
    if not 0 <= share <= 1:
        raise HintError(f"the share of {name} is {share!r}, expected a number from 0 to 1")
    return share


def _count(share: float, whole: int, name: str) -> int:
    """Return the share as a number of things, rounded half up, and not nothing for a share above 0."""
    wanted = int(np.floor(_checked_share(share, name) * whole + 0.5))
    return min(whole, max(wanted, int(share > 0)))


def _disturbed(cells: Points, boxes: Boxes, noise: Noise, seed: int, shape: tuple[int, int]) -> Points:
    """Return the cells where a person would have clicked them."""
    if noise is None or not len(cells):
        return cells
    rng = np.random.default_rng([seed, 1])
    if noise == "paper":
        distance = rng.normal(paper_noise_mean(_areas(cells, boxes)), 3.0)
        angle = rng.uniform(0, 2 * np.pi, len(cells))
        offset = distance[:, None] * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    elif not (isinstance(noise, int | float) and 0 <= noise < np.inf):
        raise HintError(f'noise is {noise!r}, expected a number of pixels, "paper" or nothing')
    else:
        offset = rng.normal(0.0, noise, (len(cells), 2))
    inside = np.clip(cells.coordinates + offset, 0, np.array(shape) - 1)
    return cells.changed(coordinates=inside)


def _areas(cells: Points, boxes: Boxes) -> npt.NDArray[np.float64]:
    """Return the area of each cell's box, shape (N,), in square pixels."""
    area = dict(zip(boxes.ids.tolist(), np.prod(_sides(boxes), axis=1).tolist(), strict=True))
    if missing := [i for i in cells.ids.tolist() if i not in area]:
        raise HintError(
            f'the noise "paper" needs the size of the cells, but {len(missing)} of {len(cells)} have no box'
        )
    return np.array([area[i] for i in cells.ids.tolist()])


def _sides(boxes: Boxes) -> npt.NDArray[np.float64]:
    return boxes.coordinates[:, 2:] - boxes.coordinates[:, :2]


def _background(truth: HintSet, count: int, seed: int, shape: tuple[int, int]) -> Points:
    if count <= 0:
        return Points()
    rng = np.random.default_rng([seed, 3])
    free = np.flatnonzero(~_near_cells(truth, shape))
    drawn = rng.permutation(free)[:count]
    taken = {row_id for rows in truth.kinds for row_id in rows.ids.tolist()}
    ids: list[int] = []
    while len(ids) < len(drawn):
        new = int(rng.integers(1, 2**53))
        if new not in taken:
            taken.add(new)
            ids.append(new)
    return Points(
        coordinates=np.stack(np.unravel_index(drawn, shape), axis=1).astype(np.float64),
        classes=np.full(len(drawn), BACKGROUND, dtype=object),
        seconds=np.full(len(drawn), SECONDS_PER_POINT),
        ids=np.array(ids, dtype=np.int64),
    )


def _near_cells(truth: HintSet, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return a mask of the pixels in the boxes or less than one radius away from one along an axis."""
    cells = cell_centres(truth)
    near = np.zeros(shape, bool)
    boxed = truth.boxes.cells
    if len(cells) and not len(boxed):
        raise HintError(
            "background points stay one cell radius away from the cells, but no box tells that radius"
        )
    radius = float(np.median(np.sqrt(np.prod(_sides(boxed), axis=1)))) / 2 if len(boxed) else 0.0
    lone = cells.without_ids(truth.boxes.ids).coordinates
    extents = np.concatenate([truth.boxes.coordinates, np.hstack([lone - radius, lone + radius])])
    for y0, x0, y1, x1 in extents + np.array([-radius, -radius, radius, radius]):
        rows = slice(max(0, int(np.floor(y0)) + 1), max(0, int(np.ceil(y1))))
        near[rows, max(0, int(np.floor(x0)) + 1) : max(0, int(np.ceil(x1)))] = True
    return near
