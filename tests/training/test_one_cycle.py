from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from napari_inkling.training.one_cycle import one_cycle


def rates(progress: Sequence[float]) -> list[float]:
    """Return the rate at each of these places of a training, of at most 2."""
    optimizer, now = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=2.0), [0.01]
    schedule = one_cycle(optimizer, lambda: now[0])
    found = []
    for now[0] in progress:
        optimizer.step()
        schedule.step()
        found.append(optimizer.param_groups[0]["lr"])
    return found


def test_it_warms_up_over_a_tenth_and_is_annealed():
    found = rates([step / 100 for step in range(1, 101)])
    assert found.index(max(found)) == 9 and max(found) == pytest.approx(2, rel=1e-3)
    assert found[:10] == sorted(found[:10]) and found[9:] == sorted(found[9:], reverse=True)


# It warms up from .04 on; the middle of the cosine, at .1 + .45, is a half; nothing is left at the end.
@pytest.mark.parametrize(("done", "share"), [(0.05, 0.04 + 0.96 / 2), (0.1, 1), (0.55, 0.5), (1.0, 0)])
def test_by_hand(done, share):
    assert rates([done]) == [pytest.approx(2 * share, abs=3e-4)]


def test_the_number_of_steps_may_change_on_the_way():
    assert rates([0.1, 0.55, 0.1, 1.0]) == pytest.approx([2, 1, 2, 0], abs=3e-4)
