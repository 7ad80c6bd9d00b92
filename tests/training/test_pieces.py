from __future__ import annotations

import threading

import pytest

from napari_inkling.core import Step
from napari_inkling.training.pieces import Pieces, aside, finish, told

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


def test_work_aside_pauses_until_it_is_done():
    go_on = threading.Event()
    running = aside(lambda: go_on.wait(30), pause=0.001)
    for _ in range(3):
        next(running)
    go_on.set()
    assert finish(running) is True


def test_an_error_aside_is_raised_where_it_is_waited_for():
    with pytest.raises(ZeroDivisionError):
        finish(aside(lambda: 1 // 0))
