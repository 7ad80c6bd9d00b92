"""Every test runs commands in a folder of its own."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path

import pytest

from napari_inkling.workers import LocalRunner
from tests.cli.driving import Inkling
from tests.fake_method import FakeModel


@pytest.fixture
def inkling(capsys: pytest.CaptureFixture[str]) -> Inkling:
    """Run a command in this process."""
    return Inkling(capsys)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which commands run."""
    monkeypatch.setenv("INKLING_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def no_lines_of_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say nothing of how far a command is, however slow the machine: tests look at what else is told."""
    monkeypatch.setattr("napari_inkling.cli.progress.STAGE_SECONDS", math.inf)


@pytest.fixture
def light_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers start without torch, which the fake method does not need."""
    monkeypatch.setattr("napari_inkling.session.desk.LocalRunner", partial(LocalRunner, ahead=()))


@pytest.fixture
def model(here: Path) -> Path:
    """A model of the fake method, as training saves it."""
    (here / "model").mkdir()
    FakeModel().save(here / "model")
    return here / "model"
