"""A learning rate that falls once the loss has stopped falling."""

from __future__ import annotations

import torch

__all__ = ["Plateau"]


class Plateau:
    """Takes a tenth of the learning rate each time that the mean loss has not fallen for a while.

    Parameters
    ----------
    optimizer : Optimizer
        Whose rate it is.
    epoch : int
        Steps over which the mean is taken: so many that every image could be seen once.
    patience : int
        So many epochs without a lower loss are waited for.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, epoch: int, patience: int = 10) -> None:
        self._schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.1, patience=patience)
        self._epoch, self._losses = epoch, list[float]()

    def note(self, loss: float) -> None:
        """Take note of the loss of one step."""
        self._losses.append(loss)
        if len(self._losses) == self._epoch:
            self._schedule.step(sum(self._losses) / self._epoch)
            self._losses.clear()
