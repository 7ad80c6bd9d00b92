from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from napari_inkling.workers import LocalRunner, Runner

#: Every runner there is; each must pass the whole contract.
RUNNERS = {"local": lambda: LocalRunner(ahead=())}


@pytest.fixture(params=sorted(RUNNERS))
def runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    made = RUNNERS[request.param]()
    yield made
    made.close()
    assert not made.busy
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("inkling-")]
