"""The peers of *partial-points*: LoG blobs, and a random forest on pixel features. Measures nothing itself.

Both learn from the same clicks as our method and set their threshold by the same rule. A peer's own choices
(scale, range of σ, smoothing, distance between peaks) are made by the PU criterion recall² / number found
(Lee & Liu, 2003) at the clicks, too: nothing is tuned on the images that judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from common import say
from scipy import ndimage
from scipy.spatial import cKDTree
from skimage.color import rgb2gray, rgb2hed
from skimage.feature import blob_log
from skimage.transform import rescale

from napari_inkling.supervision import extended_gaussian_mask, nearest_point
from napari_inkling.supervision.click_threshold import threshold_at_clicks
from napari_inkling.training.peaks import local_maxima
from napari_inkling.training.pixel_classifier import pixel_features

__all__ = ["Found", "LogBlobs", "RandomForest"]

Array = npt.NDArray[Any]
#: Diameter of a nucleus at the working scale, as our method has it.
WORKING_DIAMETER = 10.0
SEPARATIONS = (0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Found:
    """Peaks of one image, strongest first: places (N, 2) in pixels of the image, heights (N,)."""

    places: Array
    heights: Array

    def thinned(self, distance: float) -> Found:
        """Return the peaks that have no stronger one within ``distance`` pixels."""
        order = np.argsort(-self.heights, kind="stable")
        places, heights = self.places[order], self.heights[order]
        keep = np.ones(len(places), bool)
        if len(places):
            for i, near in enumerate(cKDTree(places).query_ball_point(places, distance)):
                if keep[i]:
                    keep[[j for j in near if j > i]] = False
        return Found(places[keep], heights[keep])

    def at(self, clicks: Array, radius: float) -> Array:
        """Return the height of the nearest peak within ``radius`` of each click, 0 without one."""
        if not len(self.places) or not len(clicks):
            return np.zeros(len(clicks))
        distance, index = cKDTree(self.places).query(clicks)
        return np.where(distance < radius, self.heights[index], 0.0)


@dataclass(frozen=True)
class Tuned:
    """A configuration with its threshold, and what the clicks say of it."""

    configuration: Any
    threshold: float
    criterion: float


def tune(
    candidates: Iterable[tuple[Any, Mapping[str, Found]]], clicks: Mapping[str, Array], radius: float
) -> Tuned:
    """Return the configuration with the largest recall²/number, and its threshold by our method's rule."""
    tuned = []
    for configuration, found in candidates:
        at = np.concatenate([found[name].at(clicks[name], radius) for name in clicks])
        heights = np.concatenate([found[name].heights for name in clicks])
        if not (at > 0).any():
            continue
        # The rule looks at thresholds from .05 to .6: the median clicked height becomes .5.
        unit = 2 * float(np.median(at[at > 0]))
        threshold = unit * threshold_at_clicks(at / unit, heights / unit)
        steps = np.quantile(at[at > 0], np.linspace(0, 0.6, 31))
        recall = np.array([(at >= t).mean() for t in steps])
        number = np.array([(heights >= t).sum() for t in steps])
        tuned.append(Tuned(configuration, float(threshold), float((recall**2 / number).max())))
    if not tuned:
        raise SystemExit("the peer found nothing at any click")
    return max(tuned, key=lambda t: t.criterion)


class LogBlobs:
    """``skimage.feature.blob_log`` on the stain of nuclei or on grey, at full or at half resolution.

    The strongest of overlapping blobs stay. What does not depend on clicks is computed once.
    """

    channels = ("hematoxylin", "grey")
    scales = (1.0, 0.5)
    sigmas = ((3.0, 6.0), (3.0, 9.0), (4.0, 8.0), (4.0, 12.0))  # of the image's pixels: radius = σ·√2
    steps = 5

    def __init__(self, read: Callable[[str], Array]) -> None:
        self._read = read
        self._known: dict[Any, Found] = {}

    def _blobs(self, name: str, channel: str, scale: float, sigmas: tuple[float, float]) -> Found:
        key = (name, channel, scale, sigmas)
        if key not in self._known:
            pixels = self._read(name)
            grey = rgb2hed(pixels)[..., 0] if channel == "hematoxylin" else 1 - rgb2gray(pixels)
            grey = (grey - grey.mean()) / grey.std()
            if scale != 1:
                grey = rescale(grey, scale, anti_aliasing=True)
            low, high = (s * scale for s in sigmas)
            blobs = blob_log(grey, low, high, self.steps, threshold=0.05, overlap=1.0)
            heights = np.zeros(len(blobs))
            y, x = blobs[:, :2].astype(int).T
            for sigma in np.unique(blobs[:, 2]):
                here = blobs[:, 2] == sigma
                heights[here] = (-(sigma**2) * ndimage.gaussian_laplace(grey, sigma))[y[here], x[here]]
            self._known[key] = Found((blobs[:, :2] + 0.5) / scale - 0.5, heights)
        return self._known[key]

    def _configurations(self) -> Iterator[tuple[str, float, tuple[float, float]]]:
        for channel in self.channels:
            for scale in self.scales:
                for sigmas in self.sigmas:
                    yield channel, scale, sigmas

    def fit(self, clicks: Mapping[str, Array], radius: float) -> dict[str, Any]:
        """Tune on the clicks; returns what was chosen."""

        def candidates() -> Iterator[tuple[Any, Mapping[str, Found]]]:
            for configuration in self._configurations():
                if not all((name, *configuration) in self._known for name in clicks):
                    say(f"LoG {configuration}")
                found = {name: self._blobs(name, *configuration) for name in clicks}
                for part in SEPARATIONS:
                    distance = part * radius
                    yield (configuration, distance), {n: f.thinned(distance) for n, f in found.items()}

        self.tuned = tune(candidates(), clicks, radius)
        (channel, scale, sigmas), distance = self.tuned.configuration
        return {"channel": channel, "scale": scale, "sigmas": sigmas, "distance": round(distance, 2)}

    def predict(self, name: str) -> tuple[Found, float]:
        """Return the peaks of an image, and the threshold."""
        configuration, distance = self.tuned.configuration
        return self._blobs(name, *configuration).thinned(distance), self.tuned.threshold


class RandomForest:
    """A pixel classifier as ilastik has it: 100 trees on filtered colours, clicks against their rings.

    It learns from the same extended masks as our network. Thresholds are set on images that the trees at hand
    did not learn from (two halves), as a forest is always sure of its own pixels.
    """

    trees = 100
    most_pixels = 40_000
    smoothings = (0.0, 1.0, 2.0)  # σ at the working scale, before peaks are looked for

    def __init__(self, read: Callable[[str], Array], full_scale: bool, seed: int) -> None:
        self._read, self._full, self._seed = read, full_scale, seed

    def _pixels(self, name: str) -> npt.NDArray[np.float32]:
        """Return normalised pixels (C, Y, X) at the scale that is worked at."""
        pixels = self._read(name) / 255
        if self.scale != 1:
            pixels = rescale(pixels, self.scale, anti_aliasing=True, channel_axis=-1)
        normal = (pixels - self._mean) / self._deviation
        return np.ascontiguousarray(normal.transpose(2, 0, 1), dtype=np.float32)

    def _features(self, name: str) -> npt.NDArray[np.float32]:
        """Return pixel features (Y, X, F); at full scale also those of the image at half its size."""
        pixels = self._pixels(name)
        features = pixel_features(pixels)
        if self._full:
            half = ndimage.zoom(pixel_features(pixels[:, ::2, ::2]), (1, 2, 2), order=1)
            features = np.concatenate([features, half[:, : pixels.shape[1], : pixels.shape[2]]])
        return np.moveaxis(features, 0, -1)

    def fit(self, clicks: Mapping[str, Array], radius: float) -> dict[str, Any]:
        """Grow the trees and tune on the clicks; returns what was chosen."""
        self.radius = radius
        self.scale = 1.0 if self._full else min(1.0, WORKING_DIAMETER / (2 * radius))
        sample = np.concatenate([self._read(name)[::8, ::8].reshape(-1, 3) for name in clicks]) / 255
        self._mean, self._deviation = sample.mean(0), sample.std(0)
        random = np.random.default_rng(self._seed)
        names = sorted(clicks)
        rows = {name: self._rows(name, clicks[name], len(names), random) for name in names}
        halves = names[::2], names[1::2] or names
        maps: dict[str, Array] = {}
        for learnt, other in (halves, halves[::-1]):
            forest = self._grown(rows, learnt)
            maps |= {name: self._probability(forest, name) for name in other}
        self._forest = self._grown(rows, names)

        def candidates() -> Iterator[tuple[Any, Mapping[str, Found]]]:
            for smoothing in self.smoothings:
                for part in SEPARATIONS:
                    configuration = smoothing, part
                    yield configuration, {n: self._peaks(maps[n], *configuration) for n in maps}

        self.tuned = tune(candidates(), clicks, radius)
        smoothing, part = self.tuned.configuration
        return {"scale": round(self.scale, 3), "smoothing": smoothing, "distance": round(part * radius, 2)}

    def _rows(
        self, name: str, clicks: Array, images: int, random: np.random.Generator
    ) -> tuple[Array, Array]:
        features = self._features(name)
        places = (clicks + 0.5) * self.scale - 0.5
        mask = extended_gaussian_mask(
            nearest_point(places, features.shape[:2]).distance, self.radius * self.scale
        )
        rows, labels = [], []
        for value, where in ((1, mask > 0.5), (0, mask == 0)):
            chosen = random.permutation(np.flatnonzero(where))[: self.most_pixels // (2 * images)]
            rows.append(features.reshape(-1, features.shape[-1])[chosen])
            labels.append(np.full(len(chosen), value))
        return np.concatenate(rows), np.concatenate(labels)

    def _grown(self, rows: Mapping[str, tuple[Array, Array]], names: Iterable[str]) -> Any:
        from sklearn.ensemble import RandomForestClassifier

        forest = RandomForestClassifier(
            self.trees, class_weight="balanced", n_jobs=-1, random_state=self._seed
        )
        features, labels = (np.concatenate([rows[name][part] for name in names]) for part in (0, 1))
        return forest.fit(features, labels)

    def _probability(self, forest: Any, name: str) -> Array:
        say(f"forest on {name} at scale {self.scale:.2f}")
        features = self._features(name)
        flat = forest.predict_proba(features.reshape(-1, features.shape[-1]))[:, 1]
        return flat.reshape(features.shape[:2]).astype(np.float32)

    def _peaks(self, probability: Array, smoothing: float, part: float) -> Found:
        # One working pixel is this many pixels of the map; local_maxima itself smooths by σ = 1 pixel.
        unit = WORKING_DIAMETER / (2 * self.radius * self.scale)
        smooth = ndimage.gaussian_filter(probability, smoothing / unit) if smoothing else probability
        distance = max(1, round(part * self.radius * self.scale))
        places, heights = local_maxima(smooth, distance, 0.02)
        return Found((places + 0.5) / self.scale - 0.5, heights)

    def predict(self, name: str) -> tuple[Found, float]:
        """Return the peaks of an image, and the threshold."""
        probability = self._probability(self._forest, name)
        return self._peaks(probability, *self.tuned.configuration), self.tuned.threshold
