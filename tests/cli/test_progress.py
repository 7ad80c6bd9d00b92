"""What tells how far a command is: lines in a log, a bar on a terminal."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_inkling.cli import progress
from napari_inkling.cli.progress import progress_on
from tests.cli.driving import Inkling, boxed_cells, make_project, write_images
from tests.fake_method import FAKE

#: Seconds, then what is shown; and the line that this gives.
CASES = [
    ((0.0, 0, 100, "reading"), ""),
    ((2.9, 0, 100, "reading"), ""),  # what is quick says nothing
    ((3.0, 0, 100, "reading"), "reading: step 0 of 100"),
    ((4.0, 10, 100, "centres"), ""),
    ((10.0, 20, 100, "centres"), "centres: step 20 of 100, about 0:40 min left"),
    ((29.9, 40, 100, "centres"), ""),
    ((30.0, 50, 100, "centres"), "centres: step 50 of 100, about 0:30 min left"),
    ((60.0, 1000, 1000, "masks"), "masks: step 1,000 of 1,000"),
    ((80.0, 0, 0, "tidying"), "tidying"),
]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as a list of one."""
    monkeypatch.setattr(progress, "STAGE_SECONDS", 3.0)
    return [0.0]


def test_lines_come_at_a_new_stage_and_now_and_then(
    capsys: pytest.CaptureFixture[str], clock: list[float]
) -> None:
    with progress_on(None, clock=lambda: clock[0]) as shown:
        for (clock[0], done, total, stage), line in CASES:
            shown.show(done, total, stage, values={"loss": 0.5})
            told = capsys.readouterr()
            assert (told.out, told.err) == ("", f"inkling: {line}\n" if line else ""), clock


def test_a_line_names_what_it_works_on(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with progress_on(None, "image", lambda: clock[0]) as shown:
        clock[0] = 5.0
        shown.show(3, 12, "predicting", "tile_03")
    assert capsys.readouterr().err == "inkling: predicting: image 3 of 12, tile_03\n"


@pytest.mark.parametrize(("show", "some"), [(False, ""), (True, "reading")])
def test_a_bar_or_nothing_can_be_asked_for(
    capsys: pytest.CaptureFixture[str], clock: list[float], show: bool, some: str
) -> None:
    with progress_on(show, clock=lambda: clock[0]) as shown:
        clock[0] = 99.0
        shown.show(1, 2, "reading")
    told = capsys.readouterr().err
    assert some in told and bool(told) is bool(some)
    assert "inkling:" not in told


@pytest.mark.usefixtures("light_worker")
def test_every_long_command_tells_in_a_log(
    inkling: Inkling, here: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "STAGE_SECONDS", 0.0)
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    make_project(here / "study", {"a": boxed_cells()})
    write_images(here / "images", "a")
    trained = inkling("train", "study", "--method", FAKE, "--out", "m", "--json")
    assert "inkling: counting: step 20 of 20\n" in trained.err
    assert "left\n" in trained.err
    assert trained.json["method"] == FAKE
    found = inkling("predict", "model", "images", "--out", "x.csv", "--method", FAKE)
    assert found.err.startswith("inkling: predicting: image 0 of 1, a\n")
    quiet = inkling("predict", "model", "images", "--out", "x.csv", "--method", FAKE, "--no-progress")
    assert quiet.err == ""
