"""How large the cell at a point is, read from the image: where, seen from the point, it changes most.

The paper on stochastic boxes gives all points of a class the same box. But most cells show their edge. Rays
from the point tell how much the image changes at each distance, up and down for the height, to the left and
right for the width. How that goes with the sides of boxes is learnt from the boxes that were drawn, of all
classes together, in units of the class's stochastic box. Numpy and scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import map_coordinates
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, cross_val_predict

from napari_inkling.core import Image

__all__ = ["FEWEST_TO_LEARN", "SizeReader", "edge_profiles", "learn_sizes"]

FloatArray = npt.NDArray[np.float64]

#: With fewer boxes nothing is learnt.
FEWEST_TO_LEARN = 10
#: Rays go so far, in half sides of the stochastic box; each has so many steps.
REACH, STEPS = 2.0, 24
#: So many rays go out from a point, evenly.
RAYS = 32
#: Sides differ from those of the stochastic box by at most this factor.
MOST_CHANGE = 2.0
#: Strengths of the regularisation that are tried, and in how many parts the boxes are held out for that.
_STRENGTHS = np.logspace(-1, 3, 9)
_FOLDS = 5


def edge_profiles(image: Image, places: FloatArray, boxes: FloatArray) -> FloatArray:
    """Return which share of the image's change lies at which distance from each point, (N, 2, STEPS).

    First along the rays nearer to the vertical, which tell the height, then along the others. A profile is
    the mean colour of its rays; its changes are summed over the channels, and sum to 1. Where nothing
    changes, all distances have the same share. Beyond the image's edge nothing changes.

    Parameters
    ----------
    image : Image
        Only windows around the places are read.
    places : ndarray
        (N, 2) in pixels.
    boxes : ndarray
        (N, 2) heights and widths in pixels, in half of which distances are measured.
    """
    result = np.empty((len(places), 2, STEPS))
    for row, (place, box) in enumerate(zip(places, boxes, strict=True)):
        result[row] = _profile(image, place, box)
    return result


def _profile(image: Image, place: FloatArray, box: FloatArray) -> FloatArray:
    radii = np.linspace(0, REACH, STEPS + 1)[:, None]
    turns = (np.arange(RAYS) + 0.5) * 2 * np.pi / RAYS
    upright = np.abs(np.sin(turns)) > np.abs(np.cos(turns))
    y = place[0] + radii * box[0] / 2 * np.sin(turns)
    x = place[1] + radii * box[1] / 2 * np.cos(turns)
    top, left = max(0, int(y.min())), max(0, int(x.min()))
    window = image.read(slice(top, int(y.max()) + 2), slice(left, int(x.max()) + 2))
    every = max(1, int(min(box) * REACH / 2 / STEPS))  # finer than a step is not needed
    pixels = window[::every, ::every].astype(np.float64)
    if not pixels.size:  # a point off the image
        return np.full((2, STEPS), 1 / STEPS)
    np.nan_to_num(pixels, copy=False, posinf=0, neginf=0)
    rays = np.stack([y - top, x - left]) / every
    changes = np.zeros((2, STEPS))
    for channel in np.moveaxis(pixels, 2, 0):
        seen = map_coordinates(channel, rays, order=1, mode="nearest")  # (STEPS + 1, RAYS)
        means = np.stack([seen[:, upright].mean(axis=1), seen[:, ~upright].mean(axis=1)])
        changes += np.abs(np.diff(means, axis=1))
    total = changes.sum(axis=1, keepdims=True)
    return np.where(total > 0, changes / np.where(total > 0, total, 1), 1 / STEPS)


@dataclass(frozen=True, eq=False)
class SizeReader:
    """Tells heights and widths from profiles.

    Attributes
    ----------
    regression : Ridge
        From both profiles, first that of the side in question, to the logarithm of the side in units of the
        stochastic box's. Heights and widths share it.
    overlap, overlap_of_stochastic : float
        The mean IOU of held-out boxes with what is read at their middles, and with their class's stochastic
        box.
    """

    regression: Ridge
    overlap: float
    overlap_of_stochastic: float

    def sizes(self, profiles: FloatArray, stochastic: FloatArray) -> FloatArray:
        """Return heights and widths in pixels, (N, 2).

        Parameters
        ----------
        profiles : ndarray
            (N, 2, STEPS), see :func:`edge_profiles`.
        stochastic : ndarray
            (N, 2) height and width of the stochastic box of each point's class.
        """
        if not len(profiles):
            return stochastic
        return _sizes(self.regression.predict(_both_ways(profiles)), stochastic)


def learn_sizes(
    profiles: FloatArray, stochastic: FloatArray, sizes: FloatArray, boxes: npt.NDArray[np.int64]
) -> SizeReader | None:
    """Learn how sides go with profiles; ``None`` if the image does not tell more than the class does.

    That is so with fewer than :data:`FEWEST_TO_LEARN` boxes, or if what is read of held-out boxes does not
    overlap with them more than their stochastic box does, by more than the standard error of that.

    Parameters
    ----------
    profiles : ndarray
        (N, 2, STEPS), see :func:`edge_profiles`; more than one of a box, from places beside its middle, teach
        that points are not exact.
    stochastic : ndarray
        (N, 2) height and width of the stochastic box of each box's class, in pixels.
    sizes : ndarray
        (N, 2) heights and widths of the boxes themselves.
    boxes : ndarray
        (N,) which profiles belong to the same box.
    """
    if len(np.unique(boxes)) < FEWEST_TO_LEARN:
        return None
    inputs, wanted = _both_ways(profiles), np.log(sizes / stochastic).T.ravel()
    plain = _overlap(stochastic, sizes)
    best: tuple[float, FloatArray] | None = None
    strength = 0.0
    for tried in _STRENGTHS:
        told = cross_val_predict(
            Ridge(tried), inputs, wanted, groups=np.tile(boxes, 2), cv=GroupKFold(_FOLDS)
        )
        overlap = _overlap(_sizes(told, stochastic), sizes)
        if best is None or overlap.mean() > best[0]:
            best, strength = (float(overlap.mean()), overlap), float(tried)
    assert best is not None
    gain = np.bincount(np.unique(boxes, return_inverse=True)[1], best[1] - plain)  # a sum for each box
    if gain.mean() <= gain.std() / np.sqrt(len(gain)):
        return None
    return SizeReader(Ridge(strength).fit(inputs, wanted), best[0], float(plain.mean()))


def _both_ways(profiles: FloatArray) -> FloatArray:
    """Return what tells the heights, then what tells the widths: the profiles along and across; (2N, ·).

    Scaled so that where all distances have the same share, each is 1.
    """
    along, across = profiles[:, 0] * STEPS, profiles[:, 1] * STEPS
    return np.concatenate([np.hstack([along, across]), np.hstack([across, along])])


def _sizes(logarithms: FloatArray, stochastic: FloatArray) -> FloatArray:
    """Return heights and widths from the logarithms of all heights, then of all widths; (2N,) → (N, 2)."""
    change = np.exp(np.clip(logarithms, -np.log(MOST_CHANGE), np.log(MOST_CHANGE)))
    result: FloatArray = change.reshape(2, -1).T * stochastic
    return result


def _overlap(first: FloatArray, second: FloatArray) -> FloatArray:
    """Return the IOU of boxes of these heights and widths with one centre, (N, 2) each; (N,)."""
    shared = np.minimum(first, second).prod(axis=1)
    result: FloatArray = shared / (first.prod(axis=1) + second.prod(axis=1) - shared)
    return result
