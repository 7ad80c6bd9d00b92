"""Which height makes a peak a cell: told from the clicks, and from what a person says of suggestions.

Clicks are a sample of the cells, so the share S(t) of clicked cells whose peak is at least t high estimates
the recall at t, and where peaks are so high that nearly all are cells, their number n(t) estimates the number
of all cells, N = n(t) / S(t) (the argument of Elkan & Noto, "Learning classifiers from only positive and
unlabeled data", 2008). F1(t) = 2·N·S(t) / (n(t) + N) is largest at the threshold that would be right if
all cells answered like the clicked ones. Those never clicked, on which the network was not trained, answer
lower, the more so the fewer clicks there are to be learnt by heart; the threshold comes down with their
share, but not so far that there would be many more than N cells: on an empty ground a young network answers
nearly everywhere alike, just below its cells.

Once a person has judged suggestions, their verdicts tell more: the chance that a peak is a cell rises with
its height, and F1 is largest where that chance is half of F1 itself (Lipton, Elkan & Narayanaswamy, "Optimal
thresholding of classifiers to maximize F1 measure", 2014).

A model that goes on learning keeps the number of cells that its suggestions, once corrected, come to.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

__all__ = [
    "FEWEST_CLICKS",
    "FIRST_THRESHOLD",
    "steadied",
    "strictness_of_verdicts",
    "threshold_at_clicks",
    "threshold_for_count",
]

FloatArray = npt.NDArray[np.float64]

#: Counts while fewer cells than this are clicked.
FIRST_THRESHOLD, FEWEST_CLICKS = 0.25, 10
#: By which share a cell answers lower that was never clicked: with hardly any clicks, and how many halve that
#: (seen on nuclei held apart from the training, with 48 clicks on one tile and 450 on eight).
LOWER_UNSEEN, HALVED_BY = 0.5, 150
#: At most so many times N peaks are cells: on H&E tiles with 36 to 107 clicks it was 1.1 to 1.4 times.
MOST_CELLS = 1.6
#: Chance of being a cell at the best threshold: half of an F1 of 0.86.
CHANCE = 0.43
#: How the log odds of being a cell rise with the logarithm of the height: from even to 6 : 1 at twice it. The
#: share of the surest suggestions that are none nevertheless, and of the faintest that are one.
SLOPE, LAPSE = 2.5, 0.1
#: Verdicts change the threshold by at most this factor, or by 1/it, however many there are.
MOST = 1.6


def threshold_at_clicks(clicked: FloatArray, peaks: FloatArray, default: float = FIRST_THRESHOLD) -> float:
    """Return the threshold that maximises the estimated F1.

    Parameters
    ----------
    clicked : array, (N,)
        Heights of the peaks at the clicked cells, 0 for those that have none.
    peaks : array, (M,)
        Heights of all peaks of the same images, the clicked ones among them.
    default : float
        Returned with fewer than :data:`FEWEST_CLICKS` clicks, or if no click has a peak.
    """
    if len(clicked) < FEWEST_CLICKS or not (clicked > 0).any():
        return default
    clicked, peaks = np.sort(clicked), np.sort(peaks)
    candidates = np.linspace(0.05, 0.6, 56)
    share = 1 - np.searchsorted(clicked, candidates) / len(clicked)
    count = len(peaks) - np.searchsorted(peaks, candidates)
    at = float(np.median(clicked))
    sure = len(peaks) - np.searchsorted(peaks, at)
    share_sure = 1 - np.searchsorted(clicked, at) / len(clicked)
    cells = max(float(sure / share_sure), len(clicked))
    f1 = 2 * cells * share / (count + cells)
    unseen = 1 - len(clicked) / cells
    lower = LOWER_UNSEEN / (1 + len(clicked) / HALVED_BY)
    best, most = candidates[np.argmax(f1)], MOST_CELLS * cells
    threshold = best * (1 - lower * unseen)
    if np.count_nonzero(peaks >= threshold) > most:
        threshold = candidates[count <= most].min(initial=best)
    return float(threshold)


def threshold_for_count(heights: FloatArray, count: int, lowest: float) -> float:
    """Return the threshold above which there are so many peaks: the geometric mean of the next two heights.

    Parameters
    ----------
    heights : array, (N,)
        Of all peaks, in any order.
    count : int
        How many are cells.
    lowest : float
        The result is never less, however few peaks there are.
    """
    falling = np.append(np.sort(heights)[::-1], [lowest, lowest])
    last, following = falling[min(count, len(heights) + 1) - 1 :][:2]
    return float(np.sqrt(last * following))


def steadied(threshold: float, as_many: float, clicks: int) -> float:
    """Return a threshold that clicks tell, drawn towards the one that finds as many cells as before.

    The clicks say less of the other cells with every further step in which they are seen, and the fewer they
    are: the weight of the other is 1 / (1 + clicks / :data:`HALVED_BY`), in the logarithm.
    """
    weight = 1 / (1 + clicks / HALVED_BY)
    return float(threshold ** (1 - weight) * as_many**weight)


def strictness_of_verdicts(
    heights: FloatArray, right: npt.NDArray[np.bool_], threshold: float, clicks: int, before: float = 1.0
) -> float:
    """Return by which factor verdicts on suggestions raise (or lower) the threshold.

    The chance that a peak of height h is a cell is modelled as ε + (1 - 2ε) / (1 + exp(-a - b·log(h / t))), t
    being the threshold, b :data:`SLOPE` and ε :data:`LAPSE`, with a normal prior for a around where the
    threshold that the clicks tell is right; the likeliest a counts. The prior's deviation is
    1 / (1 + clicks / :data:`HALVED_BY`): a threshold that many clicks have told is hardly moved. It is an
    anchor, too: what is judged is where the model was in doubt, more often wrong than others as high, and
    round after round of that would carry the threshold away.

    Parameters
    ----------
    heights : array, (N,)
        Heights of the peaks that were judged, above 0, as the model that suggested them saw them.
    right : array of bool, (N,)
        Which of them are cells.
    threshold : float
        That model's.
    clicks : int
        How many clicks have told it.
    before : float
        The factor that is in it from earlier verdicts.

    Returns
    -------
    float
        The new factor, instead of ``before``: from 1/:data:`MOST` to :data:`MOST`; ``before`` without any
        verdict.
    """
    if not len(heights):
        return before
    enough = float(logit((CHANCE - LAPSE) / (1 - 2 * LAPSE)))
    shift = np.linspace(-5, 5, 2001)  # of a, from there
    along = SLOPE * np.log(np.asarray(heights)[:, np.newaxis] / threshold)
    chance = LAPSE + (1 - 2 * LAPSE) * expit(enough + shift + along)  # (N, shifts)
    likelihood = np.log(np.where(np.asarray(right)[:, np.newaxis], chance, 1 - chance)).sum(axis=0)
    anchor = SLOPE * np.log(before)  # the shift that takes back all earlier verdicts
    likeliest = shift[np.argmax(likelihood - ((shift - anchor) * (1 + clicks / HALVED_BY)) ** 2 / 2)]
    return float(np.clip(before * np.exp(-likeliest / SLOPE), 1 / MOST, MOST))
