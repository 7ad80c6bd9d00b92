"""The first answer, within seconds: pixel features and a logistic regression on clicks against their rings.

Features are those that pixel classifiers for microscopy use (Berg et al., "ilastik: interactive machine
learning for (bio)image analysis", Nature Methods 2019): smoothed colour, Laplacian of Gaussian, gradient
magnitude and the eigenvalues of the structure tensor, at three scales.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_inkling.core import Points
from napari_inkling.training.peaks import calibrated, class_peaks
from napari_inkling.training.pieces import Pieces, finish
from napari_inkling.training.point_fields import TrainingField
from napari_inkling.training.working_image import WorkingImage

__all__ = ["PixelClassifier", "first_fields", "pixel_features"]

#: It learns from the fields on screen, and from others up to so many, while fewer cells than this are marked.
MOST_FIELDS, ENOUGH_CELLS = 4, 40
#: Probability from which on a pixel counts as the middle of a cell, and the lowest that is suggested.
THRESHOLD, LOWEST = 0.6, 0.3

SCALES = (1.0, 2.0, 4.0)  # σ in working pixels; a nucleus is about 10 across
MOST_PIXELS = 12_000


def pixel_features(pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return features (F, Y, X) of (C, Y, X): at each scale 3 per channel, and 2 of the mean channel."""
    grey = pixels.mean(0)
    features = []
    for sigma in SCALES:
        for channel in pixels:
            features += [
                ndimage.gaussian_filter(channel, sigma),
                sigma**2 * ndimage.gaussian_laplace(channel, sigma),
                sigma * ndimage.gaussian_gradient_magnitude(channel, sigma),
            ]
        features += _structure_tensor_eigenvalues(grey, sigma)
    return np.stack(features).astype(np.float32)


def _structure_tensor_eigenvalues(
    grey: npt.NDArray[np.float32], sigma: float
) -> list[npt.NDArray[np.float32]]:
    """Square roots of the larger and smaller eigenvalue, each (Y, X)."""
    gy, gx = (
        np.gradient(ndimage.gaussian_filter(grey, sigma / 2)) if min(grey.shape) > 1 else (grey * 0, grey * 0)
    )
    yy, xx, xy = (ndimage.gaussian_filter(product, sigma) for product in (gy * gy, gx * gx, gy * gx))
    mean, spread = (yy + xx) / 2, np.hypot((yy - xx) / 2, xy)
    return [np.sqrt(np.maximum(mean + spread, 0)), np.sqrt(np.maximum(mean - spread, 0))]


@dataclass(frozen=True)
class PixelClassifier:
    """Tells the middles of cells, class by class, from their surroundings; ``classes`` many there are."""

    pipeline: Any
    classes: int

    @classmethod
    def fit(
        cls,
        images: Sequence[npt.NDArray[np.float32]],
        targets: Sequence[npt.NDArray[np.float32]],
        random: np.random.Generator,
    ) -> PixelClassifier | None:
        """Learn from the pixels whose target is known; see :meth:`fitting`."""
        return finish(cls.fitting(images, targets, random))

    @classmethod
    def fitting(
        cls,
        images: Sequence[npt.NDArray[np.float32]],
        targets: Sequence[npt.NDArray[np.float32]],
        random: np.random.Generator,
    ) -> Pieces[PixelClassifier | None]:
        """Do the work of :meth:`fit`, with a pause after each image; ``None`` without cells or background.

        Parameters
        ----------
        images : sequence of (C, Y, X)
            Normalised, at the working scale.
        targets : sequence of (K, Y, X)
            Extended Gaussian masks; a value > 0.5 is a cell of that class, 0 for all classes is background,
            all else is left out.
        random : Generator
            Draws the pixels that are learnt from.
        """
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        rows, labels = [], []
        for pixels, target in zip(images, targets, strict=True):
            if not (target > 0.5).any():
                continue
            features = pixel_features(pixels)
            for value, where in (*enumerate(target > 0.5, start=1), (0, target.max(0) == 0)):
                places = np.flatnonzero(where)
                places = random.permutation(places)[: MOST_PIXELS // (2 * len(images))]
                rows.append(features.reshape(len(features), -1)[:, places].T)
                labels.append(np.full(len(places), value))
            yield
        if not rows or len(np.unique(np.concatenate(labels) > 0)) < 2:
            return None
        pipeline = make_pipeline(
            StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=100, tol=1e-3)
        )
        with warnings.catch_warnings():  # of classes that look alike: as good as it gets within a second
            warnings.simplefilter("ignore", ConvergenceWarning)
            pipeline.fit(np.concatenate(rows), np.concatenate(labels))
        return cls(pipeline, len(targets[0]))

    def probability(self, pixels: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the probability of being in the middle of a cell, (C, Y, X) → (K, Y, X).

        It is that of all classes together, and stands in the channel of the likeliest; the others are 0.
        """
        features = pixel_features(pixels)
        known = self.pipeline.classes_ > 0
        each = self.pipeline.predict_proba(features.reshape(len(features), -1).T)[:, known]
        likeliest = self.pipeline.classes_[known][each.argmax(1)] - 1
        answer = np.where(likeliest == np.arange(self.classes)[:, np.newaxis], each.sum(1), 0)
        return answer.reshape(self.classes, *pixels.shape[1:]).astype(np.float32)

    def points(self, part: TrainingField, working: WorkingImage, classes: Sequence[str]) -> Points:
        """Return the cells that it finds in a field, each with the likeliest class at its middle."""
        found = class_peaks(self.probability(part.field.pixels), part.r1, LOWEST)
        return Points(
            working.to_image(found.places + np.array([part.window.top, part.window.left])),
            classes=np.array(classes, dtype=object)[found.channels],
            sources="model",
            scores=calibrated(found.heights, THRESHOLD),
        )


def first_fields(watched: Sequence[TrainingField], others: Iterable[TrainingField]) -> list[TrainingField]:
    """Return the fields to learn from first: those on screen, and others where these hold few cells."""
    chosen = list(watched)
    for part in others:
        cells = sum(len(own.field.marked) for own in chosen)
        if len(chosen) >= MOST_FIELDS or cells >= ENOUGH_CELLS:
            break
        chosen.append(part)
    return chosen
