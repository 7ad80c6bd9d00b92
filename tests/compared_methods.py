"""Methods to compare, which find a known part of a grid of cells (and places where there are none), quickly.

The cells are those of :class:`~tests.fake_method.FakeModel`: every 10 pixels from (5, 5).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from tests.fake_method import SPACING, FakeMethod, FakeModel, FakeSettings


class AllModel(FakeModel):
    """Finds every cell."""

    of: ClassVar[str] = f"{__name__}:FindsAll"
    every: ClassVar[int] = 1  # of so many cells one is found …
    wrong: ClassVar[int] = 0  # … and with each so many places that are none

    def _places(self, height, width):
        places, _ = FakeModel._places(height, width)
        found = places[:: self.every]
        others = [found + SPACING / 2 + k * 0.01 for k in range(self.wrong)]
        found = np.concatenate([found, *others])
        return found, np.full(len(found), 0.9)


class HalfModel(AllModel):
    """Finds every other cell, and with each a place that is none."""

    of: ClassVar[str] = f"{__name__}:FindsHalf"
    every: ClassVar[int] = 2
    wrong: ClassVar[int] = 1


class FindsAll(FakeMethod):
    name, title, Model = "finds-all", "Finds all", AllModel


class FindsHalf(FakeMethod):
    name, title, Model = "finds-half", "Finds half", HalfModel


class SlowSettings(FakeSettings):
    seconds_per_step: float = 0.2
    steps: int = 10_000


class NeverEnds(FakeMethod):
    name, title, Settings = "never-ends", "Never ends", SlowSettings


class CrashSettings(FakeSettings):
    crash: str = "refusal"


class Refuses(FakeMethod):
    name, title, Settings = "refuses", "Refuses", CrashSettings


class DeathSettings(FakeSettings):
    crash: str = "sigkill"


class Dies(FakeMethod):
    name, title, Settings = "dies", "Dies", DeathSettings


ALL, HALF = AllModel.of, HalfModel.of
NEVER, REFUSES, DIES = (f"{__name__}:{cls.__name__}" for cls in (NeverEnds, Refuses, Dies))
