"""`inkling train`, with the fake method in a real worker process."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from napari_inkling.cli import training
from napari_inkling.cli.training import parse_settings
from napari_inkling.core import HintSet
from napari_inkling.project import Project
from tests.cli.driving import Inkling, boxed_cells, make_project
from tests.fake_method import FAKE, FakeModel

pytestmark = pytest.mark.usefixtures("light_worker")


@pytest.fixture(autouse=True)
def study(here: Path) -> Path:
    """A project with hints, and one complete image."""
    return make_project(here / "study", {"a": boxed_cells(), "val": boxed_cells()}, complete=("val",))


def test_train_leaves_a_model_and_says_where(inkling: Inkling, here: Path) -> None:
    ended = inkling("train", "study", "--method", FAKE, "--out", "models/first")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"models/first: {FAKE} trained in ")
    assert ended.out.endswith(" s on CPU, no threads, F1 0.500 on the complete images\n")
    assert json.loads((here / "models/first/model.json").read_text())["method"] == FAKE
    assert not multiprocessing.active_children()


def test_train_in_json(inkling: Inkling, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([100.0, 107.26])  # when the training begins and when it is over
    monkeypatch.setattr(training, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    command = [
        "train",
        "study",
        "--method",
        FAKE,
        "--out",
        "m",
        "--preset",
        "standard",
        "--seed",
        "3",
        "--json",
    ]
    told = inkling(*command, "--set", "steps=10", "--set", "previews=1").json
    assert told == {
        "model": str(here / "m"), "method": FAKE, "preset": "standard", "seed": 3, "seconds": 7.3,
        "device": "CPU, no threads", "f1": 0.5, "precision": 0.5, "recall": 0.5,
    }  # fmt: skip


def test_train_starts_from_the_beginning_and_leaves_the_project_as_it_is(
    inkling: Inkling, here: Path
) -> None:
    for _ in range(2):  # the second one replaces the first one's model
        assert inkling("train", "study", "--method", FAKE, "--out", "m", "--set", "previews=3").code == 0
        assert json.loads((here / "m/model.json").read_text())["rounds"] == 3
    with Project.open(here / "study") as project:
        assert project.models() == []


def test_without_complete_images_there_is_no_f1(inkling: Inkling, here: Path) -> None:
    make_project(here / "other", {"a": boxed_cells()})
    assert inkling("train", "other", "--method", FAKE, "--out", "m", "--json").json["f1"] is None


def test_train_works_on_a_project_that_is_open_elsewhere(inkling: Inkling, here: Path) -> None:
    with Project.open(here / "study"):
        ended = inkling("train", "study", "--method", FAKE, "--out", "m")
    assert ended.code == 0 and "read-only" in ended.err


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            "--set crash=exception",
            "The training stopped with an unexpected error: ValueError: this was asked for",
        ),
        ("--set crash=refusal", "weights were asked for that are not there"),
        ("--set crash=sigkill", "was killed (signal 9), probably because memory ran out"),
        ("--device cuda", "device 'cuda' was asked for and is not there"),
        ("--minutes x", "Invalid value for '--minutes'"),
    ],
)
def test_a_training_that_fails_is_told_in_one_line(
    inkling: Inkling, here: Path, options: str, reason: str
) -> None:
    command = ["train", "study", "--method", FAKE, "--out", "m", "--set", "previews=0", *options.split()]
    assert reason in inkling.refuses(*command)
    assert not (here / "m").exists()
    assert not multiprocessing.active_children()


def test_a_crash_keeps_the_model_reached_so_far(inkling: Inkling, here: Path) -> None:
    command = [
        "train",
        "study",
        "--method",
        FAKE,
        "--out",
        "m",
        "--set",
        "previews=10",
        "--set",
        "crash=sigkill",
    ]
    assert inkling.refuses(*command).endswith(f"; the model reached so far is in {here / 'm'}")
    assert (here / "m/model.json").is_file()


def test_an_image_that_is_gone_is_named(inkling: Inkling, here: Path) -> None:
    (here / "images/a.tif").unlink()
    ended = inkling("train", "study", "--method", FAKE, "--out", "m")
    assert ended.code == 2
    assert "a.tif is missing" in ended.err.splitlines()[-1]


def test_a_bar_is_shown_if_asked_for_and_not_else(inkling: Inkling) -> None:
    command = ["train", "study", "--method", FAKE, "--out", "m"]
    assert "counting" in inkling(*command, "--progress").err
    assert inkling(*command).err == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_ctrl_c_keeps_the_model_reached_so_far(here: Path, number: signal.Signals) -> None:
    # Whatever starts the tests may ignore Ctrl+C, and children inherit that.
    script = (
        "import signal, sys; from napari_inkling.cli import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(main())"
    )
    settings = ["--set", "steps=4000", "--set", "previews=400", "--set", "seconds_per_step=0.02"]
    command = ["train", "study", "--method", FAKE, "--out", "m", *settings, "--progress"]
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, "-c", script, *command],
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        seen = b""
        while b"%" not in seen.partition(b"counting")[2]:
            more = os.read(process.stderr.fileno(), 4096)
            assert more, seen
            seen += more
        deadline = time.monotonic() + 60
        while not (here / "m/model.json").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, number)  # a terminal, or a scheduler, tells the worker, too
        rest = process.stderr.read().decode()
    assert process.returncode == 2
    last = rest.splitlines()[-1]
    assert last.endswith(f"training stopped; the model reached so far is in {here / 'm'}")
    assert json.loads((here / "m/model.json").read_text())["rounds"] > 0


def test_what_a_stopped_training_did_not_come_to_is_said(
    inkling: Inkling, monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    from napari_inkling.session import Session

    def wait(self: Session, timeout: float | None = None) -> object:
        if timeout is not None:
            return real(self, timeout)
        while not (here / "m/model.json").exists():
            real(self, 0.05)
        raise KeyboardInterrupt

    real = Session.wait
    monkeypatch.setattr(Session, "wait", wait)
    monkeypatch.setattr(
        "napari_inkling.session.still_lacks", lambda model, method: f"No outlines in {method}."
    )
    settings = ["--set", "steps=4000", "--set", "previews=400", "--set", "seconds_per_step=0.02"]
    told = inkling.refuses("train", "study", "--method", FAKE, "--out", "m", *settings)
    assert told == f"training stopped; the model reached so far is in {here / 'm'}. No outlines in {FAKE}."


def test_ctrl_c_before_there_is_a_model(
    inkling: Inkling, monkeypatch: pytest.MonkeyPatch, here: Path
) -> None:
    from napari_inkling.session import Session

    def wait(self: Session, timeout: float | None = None) -> object:
        if timeout is None:
            raise KeyboardInterrupt
        return real(self, timeout)

    real = Session.wait
    monkeypatch.setattr(Session, "wait", wait)
    command = ["train", "study", "--method", FAKE, "--out", "m", "--set", "previews=0", "--set", "steps=5000"]
    assert inkling.refuses(*command) == "training stopped; there was no model yet"
    assert not (here / "m").exists()
    (here / "m").mkdir()
    FakeModel(rounds=7).save(here / "m")
    assert inkling.refuses(*command) == "training stopped; there was no model yet, the older one in m is kept"
    assert json.loads((here / "m/model.json").read_text())["rounds"] == 7


@pytest.mark.parametrize(
    ("pairs", "settings"),
    [
        ([], {}),
        (["steps=3", "mask = plain "], {"steps": "3", "mask": "plain"}),
        (["steps=3", "steps=4"], {"steps": "4"}),
        (
            ["radius=null", "levels=[1, 2]", 'more={"a": 1}'],
            {"radius": None, "levels": [1, 2], "more": {"a": 1}},
        ),
        (["name=a=b"], {"name": "a=b"}),
        (["name="], {"name": ""}),
    ],
)
def test_settings_from_words(pairs: list[str], settings: dict[str, object]) -> None:
    assert parse_settings(pairs) == settings


def test_hints_on_complete_images_do_not_count(inkling: Inkling, here: Path) -> None:
    make_project(here / "other", {"a": HintSet(), "val": boxed_cells()}, complete=("val",))
    said = inkling.refuses("train", "other", "--method", FAKE, "--out", "m")
    assert "needs at least 2 cell points" in said
