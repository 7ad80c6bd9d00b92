"""`inkling compare`, with quick methods in a real worker process."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from napari_inkling.core import HintSet, PlaneRef, Points
from napari_inkling.project import Project
from napari_inkling.session import Session
from tests.cli.driving import Inkling, make_project
from tests.compared_methods import ALL, HALF, NEVER, REFUSES
from tests.fake_method import FakeModel

pytestmark = pytest.mark.usefixtures("light_worker")

CELLS = HintSet(Points(FakeModel._places(40, 60)[0]))  # 24


@pytest.fixture(autouse=True)
def study(here: Path) -> Path:
    """A project with two images on which every cell is clicked."""
    return make_project(here / "study", {"a": CELLS, "b": CELLS})


def test_a_line_for_each_and_the_verdict(inkling: Inkling, here: Path) -> None:
    ended = inkling("compare", "study", "--methods", f"{HALF}, {ALL}")
    assert (ended.code, ended.err) == (0, "")
    best, other, verdict = ended.out.splitlines()
    assert best.startswith(f"{ALL}   F1 ≈ 1.00 (0.")
    assert best.endswith("–1.00), 12 of 12 held-out clicks found, 48 found in all")
    assert other.startswith(f"{HALF}  F1 ≈ 0.")
    assert verdict.startswith("FindsAll is better: F1 ≈ 1.00, against 0.")
    assert not multiprocessing.active_children()
    with Project.open(here / "study") as project:
        assert project.models() == []
        assert len(project.hints(PlaneRef("a")).points) == 24


def test_in_json(inkling: Inkling) -> None:
    told = inkling("compare", "study", "--methods", f"{HALF},{ALL},{REFUSES}", "--json", "--seed", "3")
    assert told.code == 0
    assert told.err == "inkling: Refuses failed: weights were asked for that are not there\n"
    values = told.json
    assert set(values) == {"methods", "better", "exact", "estimated_cells", "failures"}
    first, second = values["methods"]
    assert (first["name"], first["f1"], first["hits"], first["cells"], first["found"]) == (
        ALL,
        1.0,
        12,
        12,
        48,
    )
    assert second["low"] <= second["f1"] <= second["high"] < 1
    assert (values["better"], values["exact"], values["estimated_cells"]) == (ALL, False, 12.0)
    assert values["failures"] == ["Refuses failed: weights were asked for that are not there"]


def test_on_a_complete_image_it_is_exact(inkling: Inkling, here: Path) -> None:
    make_project(here / "measured", {"a": CELLS, "b": CELLS}, complete=("b",))
    ended = inkling("compare", "measured", "--methods", f"{HALF},{ALL}")
    best, other, verdict = ended.out.splitlines()
    assert best.startswith(f"{ALL}   F1 = 1.00 (") and best.endswith("24 of 24 cells found, 24 found in all")
    assert other.startswith(f"{HALF}  F1 = 0.50 (") and other.endswith(
        "12 of 24 cells found, 24 found in all"
    )
    assert verdict == "FindsAll is better: F1 = 1.00, against 0.50 on the complete images."


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (f"--methods {ALL}", f"a comparison takes two methods at least, got {ALL}"),
        (f"--methods {ALL},nothing", "unknown method 'nothing': expected one of"),
        (f"--methods {REFUSES},tests.compared_methods:Missing", "cannot be loaded"),
        (f"--methods {REFUSES},stochastic-boxes", "stochastic-boxes needs at least"),
    ],
)
def test_bad_input_is_refused_in_one_line(inkling: Inkling, options: str, reason: str) -> None:
    assert reason in inkling.refuses("compare", "study", *options.split())


def test_too_few_clicks_are_refused(inkling: Inkling, here: Path) -> None:
    make_project(here / "few", {"a": HintSet(CELLS.points.take(slice(9)))})
    assert "at least 10 clicks on cells, and there are 9" in inkling.refuses("compare", "few")
    assert "nowhere" in inkling.refuses("compare", "nowhere")


def test_if_all_fail_it_fails(inkling: Inkling) -> None:
    twice = f"{REFUSES},tests.compared_methods:Dies"
    reason = inkling.refuses("compare", "study", "--methods", twice)
    assert reason.startswith(
        "Refuses failed: weights were asked for that are not there. The comparison process"
    )


def test_ctrl_c_says_what_there_is(inkling: Inkling, monkeypatch: pytest.MonkeyPatch) -> None:
    wait = Session.wait

    def interrupted(session: Session, timeout: float | None = None):
        if session.comparing.state.status == "stopping":
            return wait(session, timeout)
        while session.comparing.state.number < 1:
            wait(session, 0.05)
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "wait", interrupted)
    reason = inkling.refuses("compare", "study", "--methods", f"{ALL},{NEVER}")
    assert reason.startswith("Stopped early. FindsAll alone: F1 ≈ 1.00 (")
    assert not multiprocessing.active_children()
