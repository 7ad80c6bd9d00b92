"""A label from each nucleus's own colour and size: a mixture with a part for each Voronoi cell.

The cluster label divides an image by one distance and one set of colours. Here each nucleus has a colour and
a radius of its own, drawn towards those of the image as far as its pixels leave them open; the background has
a few colours; and the chance that a pixel is nucleus falls with its distance from the point, in units of that
radius, in a way that is learnt too. All is fitted by expectation and maximisation (Dempster, Laird & Rubin,
"Maximum likelihood from incomplete data via the EM algorithm", J. R. Stat. Soc. B 1977).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.special import expit, logit

from napari_inkling.supervision.clusters import k_means
from napari_inkling.supervision.gaussian_masks import IGNORE, Neighbourhood
from napari_inkling.supervision.voronoi import (
    BACKGROUND,
    NUCLEUS,
    Label,
    at_paper_scale,
    mark_background,
)

__all__ = ["LocalMixture", "local_mixture_label"]

#: Colours of the background.
BACKGROUND_COLOURS = 3
#: How much the image counts for a nucleus's own colour and area, in nuclei.
COLOUR_SHRINKAGE, AREA_SHRINKAGE = 1.0, 0.5
#: Share of the nuclei's covariance in that of each background colour: where the background has nearly one
#: value, as in fluorescence, every glow would count as nucleus without it.
SPREAD_SHRINKAGE = 0.2
#: A nucleus's own radius is at least and at most this many r1.
SMALLEST, LARGEST = 0.4, 2.0
#: The chance of nucleus is learnt for distances in bins of this many radii, all beyond the last bin alike;
#: how much the first guess counts, in nuclei; and its bounds.
BIN, LAST_BIN, GUESS_WEIGHT, CHANCES = 0.1, 40, 0.5, (0.003, 0.99)
#: Least variance of a feature, in units of its variance over the image.
LEAST_VARIANCE = 1e-3
#: Width of the smoothing of log odds, in pixels at r1 = 11; beyond ± the second they count as that.
SMOOTHING, MOST_LOG_ODDS = 2.2, 6.0
#: The disk around a point, and around a click on background, that is certain, in pixels at r1 = 11.
CERTAIN = 2.0
#: Pixels in which the first colours of the background are sought.
MOST_PIXELS = 8_000

Values = npt.NDArray[np.float64]
FloatImage = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class LocalMixture:
    """What the mixture says: ``probability`` of nucleus, float32 (Y, X), ``label``, int8 (Y, X), ``radii``.

    The radii, in pixels, are those of the nuclei in the order of the points, (N,); points that share a pixel
    with an earlier one, or whose cell has no pixel in the image, have NaN.
    """

    probability: FloatImage
    label: Label
    radii: Values


def local_mixture_label(
    features: npt.NDArray[np.floating],
    cells: Neighbourhood,
    r1: float,
    *,
    background: npt.ArrayLike = (),
    low: float = 0.2,
    high: float = 0.8,
    iterations: int = 8,
    seed: int = 0,
) -> LocalMixture:
    """Return what the points' own colours and sizes say of each pixel.

    Parameters
    ----------
    features : array of float, (Y, X) or (Y, X, C)
        Colours, stains, or whatever tells nuclei from background; in any units.
    cells : Neighbourhood
        Cell and distance of each pixel, see :func:`voronoi_cells`; for the points of all nuclei, those given
        and those found.
    r1 : float
        Mean radius of a nucleus, in pixels.
    background : array, (M, 2)
        Clicks on what is not a cell: a small disk around each is background.
    low, high : float
        A pixel is nucleus where the probability is above ``high``, and background where it is below ``low``
        and its colour alone speaks for background too: far from all points, what looks like a nucleus may be
        one without a point. All else is ignored.
    iterations : int
        Rounds of expectation and maximisation.
    seed : int
        For the first colours of the background.

    Returns
    -------
    LocalMixture
        If there is no point, the probability is 1/2 everywhere, and all but clicks on background is ignored.

    Raises
    ------
    ValueError
        If features and cells differ in shape, or a feature is not finite.
    """
    shape = cells.index.shape
    pixels = _standardised(features, shape)
    known = np.where(cells.distance <= at_paper_scale(CERTAIN, r1), NUCLEUS, IGNORE).astype(np.int8)
    known = mark_background(known, background, at_paper_scale(CERTAIN, r1))
    if (cells.index < 0).all():
        return LocalMixture(np.full(shape, 0.5, np.float32), known, np.empty(0))
    model = _Mixture(pixels, cells, r1, known, seed)
    for _ in range(iterations):
        model.maximise()
        model.expect()
    probability = _sigmoid(_smoothed(_log_odds(model.nucleus).reshape(shape), r1))
    like_background = _smoothed(model.evidence.reshape(shape), r1) < 0
    label = np.full(shape, IGNORE, dtype=np.int8)
    label[probability > high] = NUCLEUS
    label[(probability < low) & like_background] = BACKGROUND
    return LocalMixture(probability, np.where(known == IGNORE, label, known), model.radii)


class _Mixture:
    """The state of the fit.

    x_i ~ N(m_k, S) for a nucleus k, x_i ~ Σ_c w_c N(b_c, S_c) for background, and pixel i of cell k is
    nucleus with the chance π(D_i / r_k). All but m_k and r_k are the image's.
    """

    def __init__(self, pixels: FloatImage, cells: Neighbourhood, r1: float, known: Label, seed: int) -> None:
        self._pixels = pixels  # (C, P)
        self._cells = cells.index.ravel()
        self._distance = cells.distance.ravel()
        self._known = known.ravel()
        self._r1 = r1
        self._area = np.pi * r1**2
        self._pixels_of = np.bincount(self._cells)
        middle = BIN * (np.arange(LAST_BIN + 1) + 0.5)
        self._guess = 0.005 + 0.98 * _sigmoid((1 - middle) / 0.2)
        self._chance = self._guess
        self.radii = np.where(self._pixels_of > 0, r1, np.nan)
        #: log p(x_i | nucleus) - log p(x_i | background)
        self.evidence: FloatImage = np.zeros(pixels.shape[1], np.float32)
        self.nucleus = self._certain(self._guess[self._bins()])
        self._parts = self._first_parts(np.random.default_rng(seed), seed)

    def maximise(self) -> None:
        """Fit colours, radii and the fall of the chance to what each pixel is taken for."""
        self._nuclei = _fit(self._pixels, self.nucleus, self._cells, COLOUR_SHRINKAGE * self._area)
        self._background = [
            _fit(self._pixels, part).drawn_to(self._nuclei, SPREAD_SHRINKAGE) for part in self._parts
        ]
        self._fit_radii()
        bins = self._bins()
        weight = GUESS_WEIGHT * self._area
        chance = np.bincount(bins, self.nucleus, LAST_BIN + 1) + weight * self._guess
        chance /= np.bincount(bins, minlength=LAST_BIN + 1) + weight
        self._chance = np.minimum.accumulate(chance).clip(*CHANCES)

    def expect(self) -> None:
        """Judge each pixel by colour and distance."""
        nuclei = self._nuclei.log_density(self._pixels, self._cells)
        parts = np.stack([colour.log_density(self._pixels) for colour in self._background])
        parts += np.log([[colour.weight + 1e-9] for colour in self._background]).astype(np.float32)
        highest = parts.max(0)
        shares = np.exp(parts - highest)
        total = shares.sum(0)
        self.evidence = nuclei - highest - np.log(total / sum(colour.weight for colour in self._background))
        odds = self.evidence + _log_odds(self._chance).astype(np.float32)[self._bins()]
        self.nucleus = self._certain(_sigmoid(odds))
        self._parts = shares * ((1 - self.nucleus) / total)

    def _certain(self, nucleus: npt.NDArray[Any]) -> FloatImage:
        return np.where(self._known == IGNORE, nucleus, self._known == NUCLEUS).astype(np.float32)

    def _bins(self) -> npt.NDArray[np.int64]:
        """Bin of each pixel's distance in radii of its nucleus."""
        scale = (1 / (BIN * self.radii)).astype(np.float32)[self._cells]
        bins: npt.NDArray[np.int64] = np.minimum(self._distance * scale, LAST_BIN).astype(np.int64)
        return bins

    def _fit_radii(self) -> None:
        near = self._distance < LARGEST * self._r1
        areas = np.bincount(self._cells[near], self.nucleus[near], len(self._pixels_of))
        median = np.median(areas[self._pixels_of > 0])
        shrunk = (areas + AREA_SHRINKAGE * median) / (1 + AREA_SHRINKAGE)
        radii = np.sqrt(shrunk / np.pi).clip(SMALLEST * self._r1, LARGEST * self._r1)
        self.radii = np.where(self._pixels_of > 0, radii, np.nan)

    def _first_parts(self, random: np.random.Generator, seed: int) -> FloatImage:
        """Share of each colour of the background in each pixel, (colours, P)."""
        rest = 1 - self.nucleus
        ends = np.cumsum(rest, dtype=np.float64)
        if ends[-1] <= 0:
            return rest[None]
        few = np.searchsorted(ends, random.uniform(0, ends[-1], min(MOST_PIXELS, len(rest))), side="right")
        colour = k_means(self._pixels.T, few.clip(max=len(rest) - 1), BACKGROUND_COLOURS, seed)
        parts: FloatImage = rest * (colour == np.arange(colour.max() + 1)[:, None])
        return parts


@dataclass(frozen=True, eq=False)
class _Gaussian:
    """Means (C, K), one for each cell or one in all, a covariance (C, C), and the pixels it was fitted to."""

    means: Values
    covariance: Values
    weight: float

    def drawn_to(self, other: _Gaussian, share: float) -> _Gaussian:
        """Return the same with a share of the other's covariance in its own."""
        return replace(self, covariance=(1 - share) * self.covariance + share * other.covariance)

    def log_density(self, pixels: FloatImage, index: npt.NDArray[np.int64] | None = None) -> FloatImage:
        """Return log N(x; m, S) + const of pixels (C, P), with the mean that ``index`` (P,) names."""
        whiten = np.linalg.inv(np.linalg.cholesky(self.covariance))
        residual = whiten.astype(np.float32) @ pixels
        means = (whiten @ self.means).astype(np.float32)
        residual -= means if index is None else means[:, index]
        scale = np.float32(np.log(np.diag(whiten)).sum())
        density: FloatImage = scale - np.einsum("cp,cp->p", residual, residual) / 2
        return density


def _fit(
    pixels: FloatImage,
    weights: FloatImage,
    index: npt.NDArray[np.int64] | None = None,
    shrinkage: float = 0.0,
) -> _Gaussian:
    """Fit a Gaussian to weighted pixels (C, P); with cells, one mean for each, drawn towards the common one.

    The common mean counts for ``shrinkage`` pixels.
    """
    weighted = pixels * weights
    total = max(float(weights.sum(dtype=np.float64)), 1e-9)
    mean = weighted.sum(1, dtype=np.float64)[:, None] / total
    counts, sums = np.full(1, total), mean * total
    if index is not None:
        counts = np.bincount(index, weights).astype(np.float64)
        sums = np.stack([np.bincount(index, channel) for channel in weighted])
    means = (sums + shrinkage * mean) / np.maximum(counts + shrinkage, 1e-9)
    cross = sums @ means.T
    scatter = (weighted @ pixels.T).astype(np.float64) - cross - cross.T + (means * counts) @ means.T
    return _Gaussian(means, scatter / total + LEAST_VARIANCE * np.eye(len(pixels)), total)


def _standardised(features: npt.NDArray[np.floating], shape: tuple[int, ...]) -> FloatImage:
    """Return features (C, P) of mean 0 and deviation 1; constant ones are 0."""
    pixels = np.atleast_3d(np.asarray(features, dtype=np.float64))
    if pixels.shape[:2] != shape:
        raise ValueError(f"the features have shape {pixels.shape[:2]}, but the cells have {shape}")
    if not np.isfinite(pixels).all():
        raise ValueError("there are features that are not finite; give them a value first")
    flat = pixels.reshape(-1, pixels.shape[2]).T
    centred = flat - flat.mean(1, keepdims=True)
    deviation = centred.std(1, keepdims=True)
    scaled: FloatImage = (centred / np.where(deviation > 1e-12, deviation, np.inf)).astype(np.float32)
    return scaled


def _smoothed(log_odds: npt.NDArray[Any], r1: float) -> FloatImage:
    bounded = log_odds.clip(-MOST_LOG_ODDS, MOST_LOG_ODDS).astype(np.float32)
    smoothed: FloatImage = ndimage.gaussian_filter(bounded, at_paper_scale(SMOOTHING, r1))
    return smoothed


def _sigmoid(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return expit(values)  # type: ignore[no-any-return]


def _log_odds(probability: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return logit(probability.clip(1e-6, 1 - 1e-6))  # type: ignore[no-any-return]
