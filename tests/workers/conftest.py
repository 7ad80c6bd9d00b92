from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from napari_inkling.workers import LocalRunner, Runner

#: Every runner there is; each must pass the whole contract.
RUNNERS = {"local": lambda **options: LocalRunner(ahead=(), **options)}


def used(made: Runner) -> Iterator[Runner]:
    """Lend a runner to a test, after which nothing of it may be left."""
    yield made
    made.close()
    assert not made.busy
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("inkling-")]


@pytest.fixture(params=sorted(RUNNERS))
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    yield from used(RUNNERS[request.param]())


@pytest.fixture(params=sorted(RUNNERS))
def patient_runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    """Return a runner that lets a cancelled job end, however busy the machine is."""
    yield from used(RUNNERS[request.param](cancel_seconds=60))
