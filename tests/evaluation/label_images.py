"""Small label images: strips that one can count by hand, and random ones with everything that goes wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[Any]


def strip(text: str) -> Labels:
    """Return a label image of one row, a digit for each pixel, a dot for background."""
    return np.array([[0 if c == "." else int(c) for c in text]], np.int32)


def random_pair(seed: int) -> tuple[Labels, Labels]:
    """Return found and true labels: touching, missed, split, merged, shifted, extra, or none at all."""
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(6, 24, 2).tolist())
    truth = blobs(rng, shape, int(rng.integers(0, 9)))
    if seed % 7 == 0:
        return np.zeros_like(truth), truth
    if seed % 5 == 0:
        return blobs(rng, shape, int(rng.integers(0, 9))), truth
    found = np.roll(truth, rng.integers(-2, 3, 2), (0, 1))
    ids = np.unique(found)[1:]
    for label in ids:
        kind = rng.choice(["keep", "miss", "split", "merge", "thin"], p=[0.5, 0.1, 0.15, 0.15, 0.1])
        if kind == "miss":
            found[found == label] = 0
        elif kind == "split":
            ys, xs = np.nonzero(found == label)
            half = xs > np.median(xs) if len(xs) else xs
            found[ys[half], xs[half]] = 100 + label
        elif kind == "merge":
            found[found == label] = rng.choice(ids)
        elif kind == "thin":
            found[(found == label) & (rng.random(shape) < 0.4)] = 0
    return found, truth


def blobs(rng: np.random.Generator, shape: tuple[int, ...], count: int) -> Labels:
    """Return disks that touch each other along straight lines, with labels that leave gaps."""
    labels = np.zeros(shape, np.int32)
    y, x = np.indices(shape)
    centres = rng.uniform((0, 0), shape, (count, 2))
    distances = np.array([np.hypot(y - cy, x - cx) for cy, cx in centres]).reshape(count, *shape)
    for i, radius in enumerate(rng.uniform(1, 6, count)):
        nearest = distances[i] == distances.min(0)
        labels[nearest & (distances[i] < radius)] = 3 * i + 1
    return labels
