"""How every command begins and ends: help, speed, one line of reason and exit code 2."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from napari_inkling.cli import main
from napari_inkling.cli.app import app
from napari_inkling.cli.console import note
from napari_inkling.core import HintSet
from tests.cli.driving import Inkling, make_project

COMMANDS = (
    "demo",
    "new",
    "import",
    "weaken",
    "train",
    "compare",
    "predict",
    "evaluate",
    "guide",
    "measure",
    "export",
    "methods",
)
HEAVY = ("torch", "napari", "qtpy", "PyQt6", "PySide6", "skimage", "scipy", "sklearn", "zarr", "dask", "rich")


def test_all_commands_are_there(inkling: Inkling) -> None:
    assert tuple(c.name for c in app.registered_commands) == COMMANDS
    shown = inkling("--help").out
    assert all(f"\n  {name} " in shown for name in COMMANDS)
    assert inkling().out == shown


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("demo", "--headless --out"),
        ("new", "PROJECT IMAGES --classes"),
        ("import", "PROJECT PATH --format --split-file"),
        ("weaken", "PROJECT OUT --boxes --per image|object --points --bg-points --noise PX|paper --seed"),
        ("train", "PROJECT --method --preset --set --minutes --device --seed --out"),
        ("predict", "MODEL IMAGES_OR_PROJECT --out --format"),
        ("evaluate", "PREDICTIONS TRUTH --radius --json"),
        ("export", "PROJECT --format --out"),
        ("methods", "--json"),
    ],
)
def test_scripts_can_rely_on_these_words(inkling: Inkling, command: str, options: str) -> None:
    shown = inkling(command, "--help").out
    assert [word for word in options.split() if word not in shown] == []


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["methods"], ["methods", "--json"]])
def test_help_and_methods_load_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys; from napari_inkling.cli import main; code = main(sys.argv[1:])\n"
        f"print([m for m in {HEAVY} if m in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stderr) == (0, "[]\n")


def test_version(inkling: Inkling) -> None:
    from napari_inkling import __version__

    assert inkling("--version").out == f"inkling {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("guess", "No such command 'guess'"),
        ("new p", "Missing argument 'IMAGES'"),
        ("train p", "Missing option '--out'"),
        ("train p --out m --seed x", "Invalid value for '--seed'"),
        ("methods --loud", "No such option: --loud"),
        ("methods nothing", "unknown method 'nothing': expected one of partial-points"),
        ("new p nothing.tif", "nothing.tif is missing"),
        ("new p .", ". is a folder without images"),
        ("new p images --classes a,a", "class 'a' is there twice"),
        ("new p images --classes ,", "a project needs one class at least"),
        ("new study images", "study is an inkling project already"),
        ("export nothing --format coco --out x.json", "nothing does not exist, expected a project folder"),
        ("export images --format coco --out x.json", "project.json"),
        ("export study --format png --out x", "there is no format 'png', expected one of coco, geojson"),
        ("export study --format coco --out x.json", "there is nothing to write to x.json"),
        ("import study nothing --format voc", "nothing does not exist"),
        ("import study images/a.tif --format coco", "a.tif"),
        ("import study images --format kitti", "there is no format 'kitti'"),
        ("import study images --format masks --split-file nothing", "cannot read the list nothing"),
        ("weaken study out", "there is nothing to mark: give --boxes, --points or --bg-points"),
        ("weaken study out --points 1", "study has no hints to weaken"),
        ("train study --out m", "needs at least 2 cell points"),
        ("train study --out m --method nothing", "unknown method 'nothing'"),
        ("train study --out m --preset fast", "unknown preset 'fast': expected one of quick, standard"),
        ("train study --out m --set loud", "--set 'loud': expected key=value"),
        ("train study --out m --set loud=1", "unknown setting 'loud': expected one of steps"),
        ("train study --out m --set steps=few", "setting steps = 'few'"),
        ("train study --out m --set steps=[1,", "--set steps=[1,: not JSON"),
        ("train study --out images", "images is a folder with other things in it"),
        ("train study --out images/a.tif", "images/a.tif is a file, expected a folder for the model"),
        ("train study --out images/a.tif/m", "images/a.tif/m cannot be written"),
        ("predict study images --out x.csv", "study is not a model: there is no model.json in it"),
        ("evaluate nothing study", "study marks no cell"),
        ("evaluate images nothing", "nothing does not exist"),
    ],
)  # fmt: skip
def test_a_command_that_fails_says_why_in_one_line(
    inkling: Inkling, here: Path, arguments: str, reason: str
) -> None:
    make_project(here / "study", {"a": HintSet()})
    assert reason in inkling.refuses(*arguments.split())


def test_an_unexpected_error_is_one_line_too_and_its_place_can_be_asked_for(
    inkling: Inkling, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by\nnothing")

    monkeypatch.setattr("napari_inkling.project.Project.open", broken)
    arguments = ("export", tmp_path, "--format", "coco", "--out", "x")
    said = inkling.refuses(*arguments)
    assert said.startswith("The command stopped with an unexpected error: ZeroDivisionError: by nothing")
    monkeypatch.setenv("INKLING_TRACEBACK", "1")
    assert "test_app.py" in inkling(*arguments).err


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (KeyboardInterrupt(), "stopped"),
        (MemoryError(), "ran out of memory"),
        (PermissionError(13, "Permission denied", "/x"), "/x: Permission denied"),
    ],
)
def test_other_ends(
    inkling: Inkling, monkeypatch: pytest.MonkeyPatch, error: BaseException, reason: str
) -> None:
    def end(*_: object) -> None:
        raise error

    monkeypatch.setattr("napari_inkling.methods.method_names", end)
    assert reason in inkling.refuses("methods")


def test_a_reader_that_leaves_early_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    command = f"{sys.executable} -c 'from napari_inkling.cli import main; exit(main([\"methods\"]))' | true"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=240)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_note_is_one_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    note("two\nlines")
    assert capsys.readouterr() == ("", "inkling: two lines\n")


def test_methods_tells_what_there_is(inkling: Inkling) -> None:
    told = inkling("methods", "--json").json["methods"]
    (ours,) = [method for method in told if method["name"] == "partial-points"]
    assert ours["needs"] == {"points": 2, "boxes": 0}
    assert ours["presets"] == ["quick", "standard", "as-published"]
    assert all(ours[key] for key in ("title", "sentence"))
    text = inkling("methods").out
    assert "partial-points" in text and ours["sentence"] in text and "quick, standard, as-published" in text


def test_methods_tells_the_settings_of_one(inkling: Inkling) -> None:
    fake = "tests.fake_method:FakeMethod"
    told = inkling("methods", fake, "--json").json
    assert told["settings"]["steps"] == {"default": 20, "description": "Steps"}
    assert "steps=20  Steps" in inkling("methods", fake).out


def test_a_method_that_cannot_be_loaded_is_told_and_left_out(
    inkling: Inkling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari_inkling.methods.method_names", lambda: ("partial-points", "no_module:Method"))
    ended = inkling("methods", "--json")
    assert ended.code == 0
    assert [m["name"] for m in json.loads(ended.out)["methods"]] == ["partial-points"]
    assert "no_module" in ended.err


def test_the_entry_point_returns_the_exit_code() -> None:
    assert main(["--help"]) == 0
