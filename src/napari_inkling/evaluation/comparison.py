"""Which detector is better, told from held-out clicks where only some cells are marked.

Clicks are taken for a random sample of the cells ("selected completely at random", Elkan & Noto, "Learning
classifiers from only positive and unlabeled data", 2008). Some are held out of the training. The share r of
them that a detector finds estimates its recall. Which of the other suggestions are wrong nobody has said, so
precision is not seen; but with n suggestions and N cells, r·N of the suggestions are right, and

    F1 = 2·r·N / (n + N).

N is the same for all detectors, and must be estimated. As at most all n suggestions of a detector are right,
N ≤ n / r; and so it is for the surer half of its hits alone, where nearly all suggestions are cells. N is the
least of these bounds over all detectors, as far as there are clicks enough to trust it, and not less than the
number of held-out clicks. Wrong suggestions among the surest make it too large, and F1 too high, for all
detectors alike.

How N errs can change which detector is ahead where one finds more of the clicks and suggests more. The
criterion r² / P(found) (Lee & Liu, "Learning with positive and unlabeled examples using weighted logistic
regression", 2003) needs no N, it is precision · recall up to a factor that is the same for all; a detector is
called better only if that says so too.

Suggestions at cells that were trained on are set aside: they tell what was learnt by heart. Classes do not
count, as in :mod:`.detection`. Where every cell is marked, N is known and F1 is exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from napari_inkling.core import HintError, Points
from napari_inkling.evaluation.centres import Cells, cell_centres, in_ignored
from napari_inkling.evaluation.matching import match_points

__all__ = ["ComparedDetector", "Comparison", "DetectorOutcome", "compare_detectors", "detector_outcome"]

FloatArray = npt.NDArray[np.float64]

#: Draws for the intervals, which hold so much of them.
DRAWS, COVERED = 2000, 0.95
#: The surer half of the hits bounds the number of cells if it has at least so many.
FEWEST_HITS = 10
#: So many imaginary clicks, half of them found by each detector: five of five found do not prove all found
#: ("add two successes and two failures", Agresti & Coull, 1998).
IMAGINARY = 4.0


@dataclass(frozen=True, eq=False)
class DetectorOutcome:
    """What a detector made of cells that it had not learnt from.

    Parameters
    ----------
    click_scores : ndarray
        Score of the suggestion that met each cell to be found, -inf where there was none; shape (K,).
    found_scores : ndarray
        Scores of all suggestions but those at cells that were trained on; shape (n,).
    found : int
        Number of all suggestions.
    """

    click_scores: FloatArray
    found_scores: FloatArray
    found: int

    @property
    def hits(self) -> int:
        """The number of cells that were found."""
        return int(np.isfinite(self.click_scores).sum())


@dataclass(frozen=True)
class ComparedDetector:
    """F1 of a detector with its interval (95 % of the draws), and what it rests on.

    ``hits`` of ``cells`` held-out cells were found, ``found`` suggestions were made in all.
    """

    name: str
    f1: float
    low: float
    high: float
    hits: int
    cells: int
    found: int


@dataclass(frozen=True)
class Comparison:
    """Several detectors side by side, the one with the highest F1 first.

    ``better`` names the first one if it is ahead of every other by more than chance, else it is ``""``.
    ``exact``: every cell was marked; otherwise ``cells`` is the estimate N of those that were not trained on.
    """

    detectors: tuple[ComparedDetector, ...]
    better: str
    exact: bool
    cells: float


def detector_outcome(
    found: Mapping[str, Cells],
    to_find: Mapping[str, Cells],
    trained_on: Mapping[str, Cells],
    radius: float,
) -> DetectorOutcome:
    """Match suggestions one to one with marked cells, image by image, and set those trained on aside.

    Parameters
    ----------
    found : mapping of str to cells
        Suggestions with their scores, by image; an image that is missing has none.
    to_find : mapping of str to cells
        The cells that were held out, by image.
    trained_on : mapping of str to cells
        The cells that were not, by image. A suggestion in a box of theirs, or of ``to_find``, around what
        nobody labelled does not count unless it meets a cell.
    radius : float
        Greatest distance in pixels at which a suggestion meets a cell, inclusive.
    """
    clicks, others, total = [np.empty(0)], [np.empty(0)], 0
    for name in sorted({*found, *to_find}):
        own = cell_centres(found.get(name, Points()))
        wanted, known = to_find.get(name, Points()), trained_on.get(name, Points())
        places, learnt = cell_centres(wanted).coordinates, cell_centres(known).coordinates
        pairs = match_points(own.coordinates, np.concatenate([places, learnt]), radius)
        is_wanted = pairs.truth_index < len(places)
        score = np.full(len(places), -np.inf)
        score[pairs.truth_index[is_wanted]] = own.scores[pairs.found_index[is_wanted]]
        free = ~(in_ignored(own.coordinates, wanted) | in_ignored(own.coordinates, known))
        free[pairs.found_index] = is_wanted
        clicks.append(score)
        others.append(own.scores[free])
        total += len(own)
    return DetectorOutcome(np.concatenate(clicks), np.concatenate(others), total)


def compare_detectors(
    outcomes: Mapping[str, DetectorOutcome], *, exact: bool = False, seed: int = 0
) -> Comparison:
    """Estimate F1 of each detector, with intervals by a Bayesian bootstrap over clicks (Rubin, 1981).

    The intervals know of the chance in the clicks, not of what is wrong with the estimate of N: on made-up
    detectors nominal 95 % held the true F1 in 82 to 99 %, least where detectors are alike.

    Each draw weighs the clicks anew, the same for all detectors, and estimates N anew. A detector is better
    if in 97.5 % of the draws its F1 is higher, and so is Lee and Liu's criterion.

    Parameters
    ----------
    outcomes : mapping of str to DetectorOutcome
        By name of the detector; all for the same cells in the same order.
    exact : bool
        Whether the cells to be found are all there are. The number of wrong suggestions is then drawn too.
    seed : int
        The same seed gives the same intervals.

    Raises
    ------
    HintError
        If there are no detectors or no cells to be found, or not the same cells for all.
    """
    every, cells = list(outcomes.values()), _same_number(outcomes)
    told = _estimate(every, cells, exact, None)
    drawn = _estimate(every, cells, exact, np.random.default_rng(seed))
    tail = (1 - COVERED) / 2
    low, high = np.quantile(drawn.f1, (tail, 1 - tail), axis=1).tolist()
    f1: list[float] = told.f1[:, 0].tolist()
    detectors = [
        ComparedDetector(
            name, f1[i], min(low[i], f1[i]), max(high[i], f1[i]), every[i].hits, cells, every[i].found
        )
        for i, name in enumerate(outcomes)
    ]
    ranked = tuple(sorted(detectors, key=lambda detector: -detector.f1))
    first = list(outcomes).index(ranked[0].name)
    others = [j for j in range(len(every)) if j != first]
    ahead = [_is_ahead(drawn, first, j, 1 - tail) for j in others]
    return Comparison(ranked, ranked[0].name if ahead and all(ahead) else "", exact, float(told.cells[0]))


def _same_number(outcomes: Mapping[str, DetectorOutcome]) -> int:
    counts = {len(outcome.click_scores) for outcome in outcomes.values()}
    if len(counts) != 1 or not min(counts):
        raise HintError(
            f"detectors were asked for {sorted(counts)} cells, expected the same for all and at least one"
        )
    return counts.pop()


def lee_liu(recall: FloatArray, found: FloatArray) -> FloatArray:
    """Return r² / n, which is r² / P(found) up to a factor that is the same for all; 0 if none is found."""
    return np.where(found > 0, recall**2 / np.maximum(found, 1.0), 0.0)


@dataclass(frozen=True, eq=False)
class _Estimate:
    """F1 and Lee and Liu's criterion, shape (D, B), and the number of cells, shape (B,), in each draw."""

    f1: FloatArray
    criterion: FloatArray
    cells: FloatArray


def _estimate(
    outcomes: list[DetectorOutcome], cells: int, exact: bool, rng: np.random.Generator | None
) -> _Estimate:
    """Estimate from all clicks alike, once, or with ``rng`` from :data:`DRAWS` random weights."""
    drawn = _draw(outcomes, rng)
    found = np.array([[len(outcome.found_scores)] for outcome in outcomes], dtype=np.float64)
    if not exact:
        number = _cell_count(outcomes, drawn, cells)
    else:
        number = np.full(drawn.recall.shape[1], float(cells))
        wrong = found - [[outcome.hits] for outcome in outcomes]
        if rng is not None:
            wrong = rng.standard_gamma(wrong + 0.5, drawn.recall.shape)
        found = wrong + drawn.recall * cells
    right = np.minimum(drawn.recall * number, found)
    return _Estimate(2 * right / (found + number), lee_liu(drawn.recall, found), number)


def _is_ahead(drawn: _Estimate, one: int, other: int, sure: float) -> bool:
    """Whether a detector is ahead of another in nearly all draws, by F1 and by Lee and Liu's criterion."""
    return all(np.mean(rows[one] > rows[other]) > sure for rows in (drawn.f1, drawn.criterion))


@dataclass(frozen=True, eq=False)
class _Drawn:
    """``recall``: with imaginary clicks, shape (D, B). ``shares``: at each level, without, shape (L, B)."""

    recall: FloatArray
    shares: FloatArray


def _levels(outcomes: list[DetectorOutcome]) -> list[tuple[DetectorOutcome, float]]:
    """Return the scores down to which suggestions bound the number of cells.

    Of each detector the lowest; then, where there are enough hits, the score of the median one.
    """
    lowest = [(outcome, -np.finfo(np.float64).max) for outcome in outcomes]
    best = [-np.sort(-outcome.click_scores)[: outcome.hits // 2] for outcome in outcomes]
    surer = [(outcome, float(half[-1])) for outcome, half in zip(outcomes, best, strict=True)
             if len(half) >= FEWEST_HITS]  # fmt: skip
    return lowest + surer


def _draw(outcomes: list[DetectorOutcome], rng: np.random.Generator | None) -> _Drawn:
    """Weigh the clicks at random (without ``rng`` all alike, once).

    Clicks that fared alike at every level weigh together what a gamma distribution of their number draws.
    """
    reached = np.stack([outcome.click_scores >= level for outcome, level in _levels(outcomes)])
    kinds, counts = np.unique(reached, axis=1, return_counts=True)  # (L, G), (G,)
    patterns = np.array(list(product((0.0, 1.0), repeat=len(outcomes))))  # (2^D, D)
    if rng is None:
        weights, imagined = counts[None].astype(np.float64), np.zeros((1, len(patterns)))
    else:
        weights = rng.standard_gamma(counts, (DRAWS, len(counts)))
        imagined = rng.standard_gamma(IMAGINARY / len(patterns), (DRAWS, len(patterns)))
    reaching, total = kinds @ weights.T, weights.sum(1)  # (L, B), (B,)
    hit = reaching[: len(outcomes)] + patterns.T @ imagined.T
    return _Drawn(hit / (total + imagined.sum(1)), reaching / total)


def _cell_count(outcomes: list[DetectorOutcome], drawn: _Drawn, fewest: int) -> FloatArray:
    """Return the number of cells in each draw, shape (B,), by the bound that is surely small.

    That is the one with the least value at a share two standard errors lower than seen.
    """
    share = _draw(outcomes, None).shares[:, 0]
    counts = np.array([(outcome.found_scores >= level).sum() for outcome, level in _levels(outcomes)])
    trusted = share - 2 * np.sqrt(share * (1 - share) / len(outcomes[0].click_scores))
    least = int(np.argmin(counts / np.maximum(trusted, 1e-9)))
    if not share.any():  # no click was found, and nothing bounds the number
        return np.full(drawn.recall.shape[1], float(fewest))
    number: FloatArray = counts[least] / np.maximum(drawn.shares[least], 1e-9)
    return np.maximum(number, fewest)
