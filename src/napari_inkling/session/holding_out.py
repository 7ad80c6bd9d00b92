"""Which marked cells are held out of a training to measure it on them. Pure functions on snapshots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_inkling.core import HintSet, PlaneRef, Points, TooFewHintsError
from napari_inkling.project import Snapshot, SnapshotImage

__all__ = ["FEWEST_TO_COMPARE", "HeldOut", "hold_out"]

#: The share of the clicks that is held out, and how many at least; as many must be left to learn from.
SHARE, FEWEST_HELD_OUT = 0.25, 5
FEWEST_TO_COMPARE = 2 * FEWEST_HELD_OUT
#: Completely annotated images serve instead if they have so many cells.
FEWEST_TRUE_CELLS = 10


@dataclass(frozen=True)
class HeldOut:
    """What to train on and what to measure on.

    Parameters
    ----------
    training : Snapshot
        All planes, with the hints that are left.
    planes : Snapshot
        Those of its planes that are measured on.
    to_find : mapping of PlaneRef to HintSet
        The cells held out on each of these.
    exact : bool
        Whether these are all cells of the planes.
    """

    training: Snapshot
    planes: Snapshot
    to_find: Mapping[PlaneRef, HintSet]
    exact: bool = False

    @property
    def trained_on(self) -> dict[PlaneRef, HintSet]:
        """The hints that are left, of each plane that is measured on."""
        return {} if self.exact else {item.ref: item.hints for item in self.planes.images}

    @property
    def count(self) -> int:
        """The number of cells held out."""
        return sum(len(np.unique(hints.cells.ids)) for hints in self.to_find.values())


def hold_out(snapshot: Snapshot, seed: int = 0) -> HeldOut:
    """Hold a quarter of the clicks out at random, the same share of each image and class.

    At least :data:`FEWEST_HELD_OUT` are. With a click goes all that is marked of its cell: a box or mask of
    the same id. Clicks on "not a cell" stay in the training. So do accepted suggestions: the method that
    made them found them all. Where completely annotated images have cells enough, these are taken instead,
    and no click is held out.

    Raises
    ------
    TooFewHintsError
        If there are fewer than :data:`FEWEST_TO_COMPARE` clicks.
    """
    snapshot = replace(snapshot, watch=None)
    complete = [item for item in snapshot.images if item.complete]
    truth = {item.ref: item.hints for item in complete}
    exact = HeldOut(snapshot, replace(snapshot, images=tuple(complete)), truth, exact=True)
    if exact.count >= FEWEST_TRUE_CELLS:
        return exact
    clicks = {item.ref: _clicks(item) for item in snapshot.images}
    total = sum(map(len, clicks.values()))
    if total < FEWEST_TO_COMPARE:
        raise TooFewHintsError(
            f"comparing takes at least {FEWEST_TO_COMPARE} clicks on cells, and there are {total}: "
            f"mark {FEWEST_TO_COMPARE - total} more (accepted suggestions do not count)"
        )
    held = _drawn(clicks, max(FEWEST_HELD_OUT, round(SHARE * total)), seed)
    left = tuple(item if item.complete else _without(item, held[item.ref]) for item in snapshot.images)
    training = replace(snapshot, images=left)
    measured = tuple(item for item in training.images if len(clicks[item.ref]))
    to_find = {item.ref: HintSet(clicks[item.ref].with_ids(held[item.ref])) for item in measured}
    return HeldOut(training, replace(training, images=measured), to_find)


def _clicks(item: SnapshotImage) -> Points:
    """Return the points on cells that a person marked, or somebody before."""
    cells = Points() if item.complete else item.hints.points.cells
    return cells.take(cells.sources != "accepted")


def _drawn(clicks: Mapping[PlaneRef, Points], count: int, seed: int) -> dict[PlaneRef, npt.NDArray[np.int64]]:
    """Return the ids of so many clicks, by plane, spread evenly over images and classes.

    In each group the clicks stand in random order at even distances in [0, 1), from a random start; those
    that stand first of all are taken.
    """
    rng = np.random.default_rng(seed)
    rows, places = [np.empty((2, 0), np.int64)], [np.empty(0)]
    for group in _groups(clicks):
        rows.append(rng.permutation(group, axis=1))
        places.append((np.arange(group.shape[1]) + rng.random()) / group.shape[1])
    first = np.argsort(np.concatenate(places), kind="stable")[:count]
    on, ids = np.concatenate(rows, axis=1)[:, first]
    return {ref: ids[on == number] for number, ref in enumerate(clicks)}


def _groups(clicks: Mapping[PlaneRef, Points]) -> list[npt.NDArray[np.int64]]:
    """Return the number of the plane and the id of the clicks of each class on each image, shapes (2, N)."""
    groups: dict[tuple[str, str], list[npt.NDArray[np.int64]]] = {}
    for number, (ref, points) in enumerate(clicks.items()):
        for name in sorted(set(points.classes.tolist())):
            ids = points.of_class(name).ids
            groups.setdefault((ref.image, name), []).append(np.stack([np.full_like(ids, number), ids]))
    return [np.concatenate(parts, axis=1) for parts in groups.values()]


def _without(item: SnapshotImage, ids: npt.NDArray[np.int64]) -> SnapshotImage:
    return replace(item, hints=item.hints.mapped(lambda rows: rows.without_ids(ids)))
