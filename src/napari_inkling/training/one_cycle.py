"""A learning rate that warms up and is annealed, also where the number of steps changes on the way."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

__all__ = ["one_cycle"]


def one_cycle(
    optimizer: torch.optim.Optimizer, progress: Callable[[], float]
) -> torch.optim.lr_scheduler.LambdaLR:
    """Warm up over a tenth of the training, then follow a cosine down to nothing.

    Parameters
    ----------
    optimizer : Optimizer
        With the highest rate.
    progress : callable
        Returns how much of the training is over, above 0 and at most 1, for the step that is being taken.
    """

    def share(_: int) -> float:
        done = progress()
        if done < 0.1:
            return 0.04 + 0.96 * done / 0.1
        return float(0.5 * (1 + np.cos(np.pi * (done - 0.1) / 0.9))) + 1e-4

    return torch.optim.lr_scheduler.LambdaLR(optimizer, share)
