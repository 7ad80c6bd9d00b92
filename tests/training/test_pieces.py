from __future__ import annotations

import pytest

from napari_inkling.core import Step
from napari_inkling.training.pieces import Pieces, finish, told

STEP = Step("at work", 1, 3, 9)


def pieces(count: int, done: list[int]) -> Pieces[str]:
    for number in range(count):
        done.append(number)
        yield
    return "result"


@pytest.mark.parametrize("count", [0, 1, 3])
def test_all_pieces_are_done(count):
    done: list[int] = []
    assert finish(pieces(count, done)) == "result"
    assert done == list(range(count))


@pytest.mark.parametrize("count", [0, 1, 3])
def test_each_pause_is_told(count):
    def outer():
        assert (yield from told(pieces(count, []), STEP)) == "result"

    assert list(outer()) == [STEP] * count


def test_work_that_nobody_goes_on_with_stops():
    done: list[int] = []
    running = told(pieces(3, done), STEP)
    next(running)
    running.close()
    assert done == [0]
