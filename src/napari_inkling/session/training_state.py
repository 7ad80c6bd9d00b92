"""How a training goes, as one frozen value that each event replaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from napari_inkling.core import Event, Preview, Round, Saved, Started, Step
from napari_inkling.workers import Outcome

__all__ = ["Status", "TrainingState"]

#: ``stopping``: Stop was pressed and the worker has not left the job yet.
Status = Literal["idle", "starting", "running", "stopping", "finished", "stopped", "failed"]
#: So many loss values are kept for the plot; beyond, every other one goes.
MOST_LOSSES = 2000
#: A pace is known after so many seconds of training steps; the first ones are slow.
PACE_AFTER = 3.0


@dataclass(frozen=True)
class TrainingState:
    """The current or the last training.

    Parameters
    ----------
    status : str
        One of :data:`Status`.
    method, preset : str
        What is trained, by name, and how long.
    device : str
        In words: "CPU, 2 threads".
    stage, round, step, steps
        As in the last :class:`~napari_inkling.core.Step`; ``steps`` is 0 before the first.
    seconds_left : float or None
        Until the end, at the pace so far; ``None`` while unknown, as in the first seconds.
    losses : tuple of (step, losses by name)
        What the loss plot shows, thinned out when long.
    metrics : tuple of Round
        One for each round.
    message, details : str
        How it ended, for a person; a traceback, for a bug report.
    advice : str
        What is left of one that failed, and what to do now in a window.
    model : Path or None
        The folder of the model that it left.
    first_step : tuple of (int, float) or None
        The training step that was told first and when (seconds), from which the pace is reckoned.
    goes_on : bool
        Whether it began with a model.
    previewed, guessed : bool
        Whether something was suggested since it began; and whether what was suggested last is a guess, from
        before the network had learnt.
    """

    status: Status = "idle"
    method: str = ""
    preset: str = ""
    device: str = ""
    stage: str = ""
    round: int = 0
    step: int = 0
    steps: int = 0
    seconds_left: float | None = None
    losses: tuple[tuple[int, Mapping[str, float]], ...] = ()
    metrics: tuple[Round, ...] = ()
    message: str = ""
    details: str = ""
    advice: str = ""
    model: Path | None = None
    first_step: tuple[int, float] | None = None
    goes_on: bool = False
    previewed: bool = False
    guessed: bool = False

    @property
    def full_message(self) -> str:
        """Message and advice together, as a window tells them."""
        return f"{self.message} {self.advice}".strip()

    @property
    def active(self) -> bool:
        """Whether a worker is (still) busy with it."""
        return self.status in ("starting", "running", "stopping")

    @property
    def fraction(self) -> float:
        """The share that is done, in [0, 1]."""
        return min(1.0, self.step / self.steps) if self.steps else 0.0

    def after(self, event: Event, now: float) -> TrainingState:
        """Return the state after ``event``, which came at ``now`` (seconds of any steady clock)."""
        match event:
            case Started():
                return replace(self, status="running", device=event.device)
            case Step():
                return self._after_step(event, now)
            case Round():
                return replace(self, round=event.round, metrics=(*self.metrics, event))
            case Preview():
                return replace(self, previewed=True, guessed=self.model is None and not self.goes_on)
            case Saved():
                return replace(self, model=Path(event.path))
            case _:
                return self

    def _after_step(self, event: Step, now: float) -> TrainingState:
        first = self.first_step or ((event.step, now) if event.losses else None)
        losses = (*self.losses, (event.step, event.losses)) if event.losses else self.losses
        if len(losses) > MOST_LOSSES:
            losses = losses[::2]
        return replace(
            self,
            status="running",
            stage=event.stage,
            round=event.round,
            step=event.step,
            steps=event.steps,
            seconds_left=_seconds_left(first, event, now),
            losses=losses,
            first_step=first,
        )

    def ended(self, outcome: Outcome, learnt: bool = True) -> TrainingState:
        """Return the state at the end, with a message that says what is left of what ended early.

        ``learnt`` is False where the model is still the one that it went on from.
        """
        match outcome.state:
            case "finished":
                return replace(self, status="finished", message="Training finished.")
            case "cancelled" if self.model is None:
                left = "what is suggested is its first guess" if self.previewed else "nothing was changed"
                text = f"Training stopped before it had a model; {left}."
                return replace(self, status="stopped", message=text)
            case "cancelled":
                text = "the model reached so far is kept" if learnt else "the last model is kept"
                return replace(self, status="stopped", message=f"Training stopped; {text}.")
        kept = f"The {'model reached so far' if learnt else 'last model'} is kept." * bool(self.model)
        return replace(
            self,
            status="failed",
            message=outcome.message.rstrip(". ") + ".",
            advice=f"{kept} {outcome.advice}".strip(),
        )


def _seconds_left(first: tuple[int, float] | None, event: Step, now: float) -> float | None:
    """Return how long the rest takes at the pace since the first training step; ``None`` if unknown."""
    if first is None:
        return None
    done, spent = event.step - first[0], now - first[1]
    known = done > 0 and (spent >= PACE_AFTER or event.step >= event.steps)
    return spent / done * max(0, event.steps - event.step) if known else None
