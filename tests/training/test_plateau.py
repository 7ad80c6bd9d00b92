from __future__ import annotations

from collections.abc import Iterable

import torch

from napari_inkling.training.plateau import Plateau


def rates(losses: Iterable[float], epoch: int = 1) -> list[float]:
    """Return the rate after each of these steps, of 1 at first; two epochs are waited for."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    plateau, found = Plateau(optimizer, epoch, patience=2), []
    for loss in losses:
        plateau.note(loss)
        found.append(round(optimizer.param_groups[0]["lr"], 6))
    return found


def test_it_stays_while_the_loss_falls():
    assert rates([5, 4, 3, 2, 1]) == [1] * 5


def test_it_falls_when_the_loss_has_stopped_falling():
    assert rates([5, 4, 4, 4, 4, 4, 4, 4]) == [1, 1, 1, 1, 0.1, 0.1, 0.1, 0.01]


def test_epochs_count_not_steps():
    assert rates([9, 1, 8, 1, 9, 0, 9, 0, 9, 0], epoch=2) == [1] * 9 + [0.1]
    assert rates([9, 1] * 4, epoch=2) == [1] * 7 + [0.1], "what goes up and down within an epoch is even"
