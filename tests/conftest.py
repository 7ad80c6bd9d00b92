"""How tests are shared out among the processes that run them beside each other (``pytest -n``)."""

from __future__ import annotations

import gc
import os
import shutil
import subprocess

import pytest

DISPLAY = pytest.StashKey[subprocess.Popen[str]]()
BESIDE_OTHERS = "PYTEST_XDIST_WORKER" in os.environ
#: The X server lives until this process has gone, however it goes, and with it the input of ``cat``.
SERVER = "Xvfb -displayfd 1 -screen 0 1600x1000x24 -nolisten tcp </dev/null 2>/dev/null & cat; kill $!"


def pytest_configure(config: pytest.Config) -> None:
    """Leave the cores to all processes alike, and let no window meet one of another process."""
    if BESIDE_OTHERS:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        if shutil.which("Xvfb"):
            config.stash[DISPLAY] = server = subprocess.Popen(
                ["sh", "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert server.stdout is not None
            os.environ["DISPLAY"] = f":{server.stdout.readline().strip()}"


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep in one process the tests of a file, and the windows where all share one display."""
    for item in items:
        if not item.get_closest_marker("window"):
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
        elif DISPLAY not in config.stash:
            item.add_marker(pytest.mark.xdist_group("window"))


def pytest_collection_finish() -> None:
    """Spare the garbage collector the objects of the libraries, which stay: there are half a million."""
    gc.collect()
    gc.freeze()
