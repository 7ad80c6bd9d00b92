"""Whether a class has boxes enough, in a sentence: when they are, points do for the rest.

The paper's advice (Sec. 3): annotate boxes until their density starts to converge, and the rest with points.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
import numpy.typing as npt

from napari_inkling.guidance.size_divergence import DivergenceCurve, divergence_curve
from napari_inkling.guidance.size_prior import FEWEST_FOR_SPREAD

__all__ = ["ENOUGH", "FEWEST_ENOUGH", "BoxAdvice", "State", "enough_boxes"]

#: The prior has converged when the divergence to expect of it, in nats, is at most this. By Pinsker's
#: inequality it then differs from the true one in at most √(ENOUGH / 2) = 16 % of its mass.
ENOUGH = 0.05
#: Fewer boxes than this are never enough, and do not tell how many are: that number would go up and down with
#: every box.
FEWEST_ENOUGH = 10
#: So large a share of the boxes more or less is within the error of the estimate.
_WITHIN = 0.1

#: Draw the first boxes before anything can be told; draw some more; or point the rest.
State = Literal["first", "more", "enough"]


@dataclass(frozen=True)
class BoxAdvice:
    """What to do about the boxes of one class.

    Attributes
    ----------
    name : str
        The class.
    boxes, points : int
        How many it has.
    state : str
        One of :data:`State`.
    more : int
        How many more boxes to draw, from ten on about; 0 if they are enough.
    drifts : bool
        Whether the boxes drawn last differ in size from the first more than chance does.
    curve : DivergenceCurve or None
        What this was read from; ``None`` with fewer than three boxes.
    alone : bool
        Whether no other class has a box that this one could borrow from.
    """

    name: str
    boxes: int
    points: int
    state: State
    more: int
    drifts: bool = False
    curve: DivergenceCurve | None = None
    alone: bool = True

    @property
    def divergence(self) -> float | None:
        """The divergence to expect of the prior from all boxes, in nats; ``None`` if nothing tells."""
        return float(self.curve.expected(self.boxes)) if self.curve is not None else None

    @property
    def short(self) -> str:
        """The advice in two or three words, without the class."""
        if self.state == "more":
            return f"{'about ' * self.is_estimate}{self.more} more"
        return f"draw {self.more} first" if self.state == "first" else "enough"

    @property
    def is_estimate(self) -> bool:
        """Whether there are boxes enough to tell how many more it takes."""
        return self.boxes >= FEWEST_ENOUGH

    @property
    def sentence(self) -> str:
        """The advice, for a person."""
        if self.state == "enough":
            return f"{self.name}: enough boxes ({self.boxes}), point the rest"
        if self.state == "more":
            drift = "; those drawn last differ in size from the first" if self.drifts else ""
            why = drift if self.is_estimate else ", then it shows how many are enough"
            return f"{self.name}: {self.short}{why}"
        if self.boxes:
            borrowed = "" if self.alone else "; till then the other classes tell how much sizes vary"
            return f"{self.name}: draw {self.more} more box{'es' * (self.more > 1)} first{borrowed}"
        return f"{self.name}: draw {self.more} boxes first{self._meanwhile}"

    @property
    def _meanwhile(self) -> str:
        """What becomes of points until there is a box."""
        points = f"{self.points} point{'s' * (self.points > 1)}"
        if not self.points:
            return ""
        if self.alone:
            return f"; nothing tells yet how large the cells at its {points} are"
        return f"; its {points} borrow{'s' * (self.points == 1)} the size of all boxes till then"


def enough_boxes(
    name: str,
    sizes: npt.ArrayLike,
    times: npt.ArrayLike | None = None,
    *,
    points: int = 0,
    alone: bool = True,
    seed: int = 0,
) -> BoxAdvice:
    """Return whether a class has boxes enough, or about how many more it needs.

    The divergence to expect of N boxes is C/N (see :class:`DivergenceCurve`), so N = C / :data:`ENOUGH` are
    enough, with C on the safe side; :data:`FEWEST_ENOUGH` at least, and no more than those are asked for
    until they are there.

    Where the first half of the boxes, as they were drawn, differs from all of them by more than
    :data:`ENOUGH` and than chance does (another slide, another magnification), a quarter more are asked for:
    what comes next is not known from what there is.

    Parameters
    ----------
    name : str
        The class.
    sizes, times : array_like
        (N, 2) heights and widths of its boxes in pixels, N ≥ 0, and (N,) when they were drawn; by default in
        the order of the rows.
    points : int
        How many points it has; they change only the wording.
    alone : bool
        Whether no other class has boxes.
    seed : int
        Of the resampling.
    """
    given = np.asarray(sizes, dtype=np.float64).reshape(-1, 2)
    count = len(given)
    if count < FEWEST_FOR_SPREAD:
        return BoxAdvice(name, count, points, "first", FEWEST_FOR_SPREAD - count, alone=alone)
    curve = divergence_curve(given, times, seed)
    if count < FEWEST_ENOUGH:
        return BoxAdvice(
            name, count, points, "more", FEWEST_ENOUGH - count, drifts=False, curve=curve, alone=alone
        )
    drifts = _drifts(curve)
    wanted = max(ceil(curve.safe_decay / ENOUGH), ceil(1.25 * count) if drifts else 0)
    enough = wanted <= (1 + _WITHIN) * count
    state: State = "enough" if enough else "more"
    return BoxAdvice(
        name, count, points, state, 0 if enough else _about(wanted - count), drifts, curve, alone
    )


def _drifts(curve: DivergenceCurve) -> bool:
    """Return whether the first half of the boxes is further from all than chance and the threshold allow."""
    half = int(np.abs(curve.counts - curve.counts[-1] / 2).argmin())
    return bool(curve.drawn[half] > max(curve.high[half], ENOUGH))


def _about(count: int) -> int:
    """Return a number as one says it, rounded up: in fives up to 50, in tens up to 100, then two digits.

    It is rough, and a finer one would go up and down with every box.
    """
    unit = 5 if count <= 50 else 10 ** max(1, len(str(count)) - 2)
    return ceil(count / unit) * unit
