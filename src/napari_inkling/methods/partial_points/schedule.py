"""How many steps a training of *partial-points* takes, and which part of them each stage."""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_inkling.methods.partial_points.heads import Heads
from napari_inkling.methods.partial_points.settings import PartialPointsSettings
from napari_inkling.training.loop import Plan

__all__ = ["CONTINUED", "Span", "mask_steps_for", "plan_of", "steps_for"]

#: A network that goes on from the last weights takes this share of the steps, if it is not less than the
#: fewest, and this share of the learning rate.
CONTINUED = 0.35
#: With fewer clicks than enough, steps fall with this power of their share, but not below the fewest, nor
#: below one for so many working pixels with hints.
POWER, FEWEST_STEPS, PIXELS_PER_STEP = 1.3, 60, 5000
#: The fewest for a network whose weights are random at first: with 60 it has hardly learnt bright disks.
FEWEST_FROM_RANDOM = 150
#: Outlines are learnt from all cells that were found, few clicks or not: with half as many steps the middle
#: of small fluorescent nuclei was not yet foreground. Half will do where training goes on.
FEWEST_MASK_STEPS = 300


@dataclass(frozen=True)
class Span:
    """The part of a plan's steps that a stage takes, whatever the length of the plan becomes."""

    plan: Plan
    begin: float = 0.0
    end: float = 1.0

    def at(self, share: float) -> int:
        """Return the step at which a share of the stage is over."""
        return round(self.plan.steps * (self.begin + (self.end - self.begin) * share))

    @property
    def progress(self) -> float:
        """How much of the stage is over after the step that is being taken, above 0 and at most 1."""
        first, last = self.at(0), self.at(1)
        return min(1.0, (self.plan.done + 1 - first) / max(1, last - first))


def steps_for(
    settings: PartialPointsSettings,
    clicks: int,
    pixels: int = 0,
    *,
    from_random: bool = False,
    continued: bool = False,
) -> int:
    """Return how many steps to take for so many marked cells, before outlines; fewer if training goes on.

    A network that sees few clicks often learns them by heart: it becomes sure of them, takes the other cells
    for background, and the threshold, set by what the clicks get, rises beyond what other cells reach. How
    often it sees them falls with the area that crops come from, the ``pixels`` of the fields: few clicks on
    many images take more steps than as many on one.
    """
    least = FEWEST_FROM_RANDOM if from_random else FEWEST_STEPS
    fewest = max(least, round(pixels / PIXELS_PER_STEP))
    return _fewer(settings.steps, fewest, settings.enough, clicks, continued)


def mask_steps_for(settings: PartialPointsSettings, clicks: int, *, continued: bool = False) -> int:
    """Return how many steps to take for outlines, likewise; 0 if none are wanted."""
    if not settings.masks:
        return 0
    fewest = FEWEST_MASK_STEPS // 2 if continued else FEWEST_MASK_STEPS
    return _fewer(settings.mask_steps, fewest, settings.enough, clicks, continued)


def _fewer(steps: int, fewest: int, enough: int | None, clicks: int, continued: bool) -> int:
    share = CONTINUED if continued else 1.0
    if enough is not None and clicks < enough:
        share *= math.pow(clicks / enough, POWER)
    return min(steps, max(fewest, round(steps * share)))


def plan_of(
    settings: PartialPointsSettings, clicks: int, pixels: int, had: Heads | None, from_random: bool = False
) -> tuple[Plan, Span]:
    """Return the plan of all stages, and the part of it that is for centres alone.

    Parameters
    ----------
    settings : PartialPointsSettings
        How many steps there are at most.
    clicks : int
        How many cells are marked.
    pixels : int
        How large the fields are together, in working pixels; 0 as long as nobody knows.
    had : Heads or None
        What the model can that lends its weights, ``None`` without one. One with joint heads goes on with
        both at once, for as many steps as the longer stage.
    from_random : bool
        Whether the first weights are random.
    """
    centres = steps_for(settings, clicks, pixels, from_random=from_random)
    if had is not None:
        centres = steps_for(settings, clicks, continued=True)
    outlines = mask_steps_for(settings, clicks, continued=had not in (None, "centres"))
    if had == "joint":
        plan = Plan(max(centres, outlines))
        return plan, Span(plan, 0, 0)
    plan = Plan(centres + outlines)
    return plan, Span(plan, 0, centres / (centres + outlines))
