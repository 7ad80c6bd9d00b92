"""The one training loop. Every method uses it; what differs between methods are batches and losses."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from napari_inkling.core import Step
from napari_inkling.training.devices import Device

__all__ = ["Batch", "Learner", "Loss", "Plan", "train"]

#: Images (B, C, Y, X) and targets, on the CPU or on the device.
Batch = tuple[Tensor, Tensor]
#: Logits and targets to named losses; the loop only sums them.
Loss = Callable[[Tensor, Tensor], Mapping[str, Tensor]]


@dataclass
class Plan:
    """How far a job of several rounds has come; ``steps`` is their sum."""

    steps: int
    done: int = 0

    def last(self, minutes: float, started: float) -> None:
        """Set the number of steps so that the job ends when its minutes are over, at the pace so far.

        ``started`` is when it began, in seconds of the steady clock; at least one step has been taken since.
        """
        pace = (time.monotonic() - started) / self.done
        self.steps = max(self.done, round(minutes * 60 / pace))


@dataclass
class Learner:
    """A network in training, its running mean of weights, and what moves them.

    The mean forgets with ``averaging`` per step and is what predicts: it is steadier than the weights of any
    step (Tarvainen & Valpola, "Mean teachers are better role models", 2017).
    """

    net: nn.Module
    device: Device
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None
    averaging: float = 0.99
    averaged: nn.Module = field(init=False)
    _seen: int = 0

    def __post_init__(self) -> None:
        self.averaged = copy.deepcopy(self.net).requires_grad_(False).eval()

    def slow_down(self, factor: float) -> None:
        """Multiply the learning rate of all further steps by a factor."""
        for group in self.optimizer.param_groups:
            group["lr"] *= factor
        if self.schedule is not None:
            self.schedule.base_lrs = [rate * factor for rate in self.schedule.base_lrs]

    @torch.no_grad()
    def average(self) -> None:
        """Move the mean towards the weights; the first steps count evenly."""
        self._seen += 1
        keep = min(self.averaging, self._seen / (9 + self._seen))
        means, values = self.averaged.state_dict(), self.net.state_dict()
        for name, mean in means.items():
            if mean.is_floating_point():
                mean.lerp_(values[name], 1 - keep)
            else:
                mean.copy_(values[name])


def train(
    learner: Learner, batches: Iterator[Batch], loss: Loss, steps: int, plan: Plan, *, stage: str, round: int
) -> Generator[Step, None, None]:
    """Take ``steps`` steps, and tell of each."""
    device = learner.device
    for _ in range(steps):
        images, targets = (part.to(device.torch_device, non_blocking=True) for part in next(batches))
        learner.net.train()
        with device.autocast():
            logits = learner.net(images.contiguous(memory_format=torch.channels_last))
        losses = loss(logits.float(), targets)
        total = torch.stack(list(losses.values())).sum()
        learner.optimizer.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        learner.optimizer.step()
        if learner.schedule is not None:
            learner.schedule.step()
        learner.average()
        plan.done += 1
        yield Step(
            stage, round, plan.done, plan.steps, {name: value.item() for name, value in losses.items()}
        )
