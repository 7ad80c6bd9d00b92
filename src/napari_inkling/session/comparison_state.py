"""How a comparison of methods goes and what came of it, as one frozen value; and in words."""

from __future__ import annotations

from dataclasses import dataclass, replace

from napari_inkling.core import Event, Started, Step, Tried
from napari_inkling.evaluation import ComparedDetector, Comparison
from napari_inkling.session.training_state import PACE_AFTER, Status

__all__ = ["ComparisonState", "f1_words", "rests_on", "short_name", "verdict"]

#: The share of the time for a method that its training takes; the rest predicts.
TRAINING_SHARE = 0.9
PREDICTING = "predicting"


@dataclass(frozen=True)
class ComparisonState:
    """The current or the last comparison.

    Parameters
    ----------
    status : str
        One of :data:`~napari_inkling.session.training_state.Status`.
    methods : tuple of str
        What is compared, in the order of their turns.
    number : int
        Place of the method whose turn it is.
    stage, step, steps
        As in the last :class:`~napari_inkling.core.Step`; ``steps`` is 0 before the first.
    device : str
        In words: "CPU, 2 threads".
    began, seconds_left : float or None
        When the first step was told (seconds of any steady clock), and how long the rest takes at the pace
        since then; ``None`` while unknown.
    failures : tuple of str
        What went wrong with a method, one sentence each.
    result : Comparison or None
        Of the methods that got through.
    message, details : str
        How it ended, for a person; a traceback, for a bug report.
    """

    status: Status = "idle"
    methods: tuple[str, ...] = ()
    number: int = 0
    stage: str = ""
    step: int = 0
    steps: int = 0
    device: str = ""
    began: float | None = None
    seconds_left: float | None = None
    failures: tuple[str, ...] = ()
    result: Comparison | None = None
    message: str = ""
    details: str = ""

    @property
    def active(self) -> bool:
        """Whether it runs, begins or stops."""
        return self.status in ("starting", "running", "stopping")

    @property
    def fraction(self) -> float:
        """The share that is done, in [0, 1]."""
        part = min(1.0, self.step / self.steps) if self.steps else 0.0
        of_method = TRAINING_SHARE * part
        if self.stage == PREDICTING:
            of_method = TRAINING_SHARE + (1 - TRAINING_SHARE) * part
        return min(1.0, (self.number + of_method) / len(self.methods)) if self.methods else 0.0

    @property
    def doing(self) -> str:
        """What goes on in words: "Comparing: partial-points, step 210 of 450, then pu-ranking"."""
        if self.number >= len(self.methods):
            return "Comparing: counting what was found"
        if self.stage == PREDICTING:
            far = PREDICTING
        else:
            far = f"step {self.step:,} of {self.steps:,}" if self.steps else "starting"
        now, *later = (short_name(name) for name in self.methods[self.number :])
        then = f", then {' and '.join(later)}" if later else ""
        return f"Comparing: {now}, {far}{then}"

    def after(self, event: Event, now: float) -> ComparisonState:
        """Return the state after an event of the job, which came at ``now`` (seconds of a steady clock)."""
        match event:
            case Started():
                return replace(self, status="running", device=event.device)
            case Step():
                return replace(
                    self,
                    status="running",
                    number=event.round,
                    stage=event.stage,
                    step=event.step,
                    steps=event.steps,
                    began=now if self.began is None else self.began,
                )._paced(now)
            case Tried():
                failed = (f"{short_name(event.method)} failed: {event.error}",) if event.error else ()
                number = self.methods.index(event.method) + 1
                return replace(
                    self,
                    number=number,
                    stage="",
                    step=0,
                    steps=0,
                    seconds_left=None,
                    failures=(*self.failures, *failed),
                )
            case _:
                return self

    def _paced(self, now: float) -> ComparisonState:
        """Return the state with the time that the rest takes, once a pace is known."""
        spent, done = now - (now if self.began is None else self.began), self.fraction
        known = spent >= PACE_AFTER and done > 0
        return replace(self, seconds_left=spent / done * (1 - done) if known else None)


def short_name(method: str) -> str:
    """Return a method's name; of one that is not installed, "module:Class", the class."""
    return method.rpartition(":")[2]


def f1_words(detector: ComparedDetector, exact: bool) -> str:
    """Return F1 with its interval: "F1 ≈ 0.81 (0.74–0.87)"; an exact one with "="."""
    return f"F1 {'=' if exact else '≈'} {detector.f1:.2f} ({detector.low:.2f}–{detector.high:.2f})"


def rests_on(detector: ComparedDetector, exact: bool) -> str:
    """Return what F1 rests on: "31 of 38 held-out clicks found, 412 found in all"."""
    what = "cells" if exact else "held-out clicks"
    return f"{detector.hits:,} of {detector.cells:,} {what} found, {detector.found:,} found in all"


def verdict(result: Comparison) -> str:
    """Return which method to take, and whether the difference is larger than chance.

    In one sentence; another follows where a method found nothing at all, which says more of its training.
    """
    nothing = [short_name(detector.name) for detector in result.detectors if not detector.found]
    warned = [f"{name} found nothing at all: its training may have been too short." for name in nothing]
    return " ".join([_verdict(result), *warned])


def _verdict(result: Comparison) -> str:
    first, *others = result.detectors
    name = short_name(first.name)
    where = " on the complete images" if result.exact else ""
    if not others:
        return f"{name} alone: {f1_words(first, result.exact)}{where}."
    sign = "=" if result.exact else "≈"
    if result.better:
        against = " and ".join(f"{detector.f1:.2f}" for detector in others)
        return f"{name} is better: F1 {sign} {first.f1:.2f}, against {against}{where}."
    each = " and ".join(f"{d.f1:.2f} for {short_name(d.name)}" for d in result.detectors)
    more = "" if result.exact else "; more clicks would tell"
    return f"No clear winner: F1 {sign} {each}{where}, a difference that chance explains{more}."
