"""Work in a thread: steps and result reach the owner, what was replaced reaches nobody."""

from __future__ import annotations

import queue
import threading

import pytest

from napari_inkling.core import ImageError
from napari_inkling.session.background import Background, Listener


class Heard:
    """What a listener was told."""

    def __init__(self) -> None:
        self.steps, self.results, self.errors = [], [], []
        self.listener = Listener(self.steps.append, self.results.append, self.errors.append)


def counting(until, gate=None, error=None):
    for n in range(until):
        if gate is not None:
            gate.wait(10)
        yield n
    if error is not None:
        raise error
    return f"{until} done"


@pytest.fixture
def loop():
    """A queue of calls, and the background that fills it."""
    calls: queue.Queue = queue.Queue()
    made = Background(calls.put)
    made.calls = calls
    yield made
    made.close()


def work_off(background, heard):
    while not (heard.results or heard.errors):
        background.calls.get(timeout=10)()


def test_without_a_loop_it_is_done_at_once():
    heard = Heard()
    Background(None).start(counting(3), heard.listener)
    assert (heard.steps, heard.results) == ([0, 1, 2], ["3 done"])


def test_steps_and_result_come_through_the_loop(loop):
    heard = Heard()
    loop.start(counting(3), heard.listener)
    work_off(loop, heard)
    assert (heard.steps, heard.results, heard.errors) == ([0, 1, 2], ["3 done"], [])


def test_a_refusal_is_told(loop):
    heard = Heard()
    loop.start(counting(1, error=ImageError("the file is gone")), heard.listener)
    work_off(loop, heard)
    assert (heard.results, heard.errors) == ([], ["the file is gone"])


def test_of_what_was_replaced_nobody_hears(loop):
    first, second, gate = Heard(), Heard(), threading.Event()
    loop.start(counting(5, gate), first.listener)
    loop.start(counting(2), second.listener)
    gate.set()
    work_off(loop, second)
    loop.close()
    while not loop.calls.empty():
        loop.calls.get()()
    assert (first.steps, first.results) == ([], [])
    assert second.results == ["2 done"]


def test_stop_ends_it_after_its_step(loop):
    heard, gate = Heard(), threading.Event()
    loop.start(counting(1000, gate), heard.listener)
    loop.stop()
    gate.set()
    loop.close()
    assert loop.calls.qsize() <= 1
    assert not [thread for thread in threading.enumerate() if thread.name == "inkling-background"]
