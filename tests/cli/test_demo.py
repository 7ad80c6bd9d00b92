"""`inkling demo`, with the fake method where no window is, and a real window where there is a display."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_inkling.cli.demo_run import _suggestions as suggested
from napari_inkling.cli.demo_run import run_demo
from napari_inkling.cli.overlay import FONT, HINT, MARGIN, MISSED, RIGHT, WRONG, ZOOM, Panel, draw_overlay
from napari_inkling.cli.window import no_window
from napari_inkling.core import HintSet, Masks, Points, Predictions
from napari_inkling.project import Project
from napari_inkling.project.formats import read_annotations
from tests.cli.driving import Inkling
from tests.fake_method import FAKE

FILES = {"he_tile.inkling", "overlay.png", "scores.json", "suggestions.csv", "suggestions.json"}


@pytest.fixture
def fake_demo(monkeypatch: pytest.MonkeyPatch, light_worker: None) -> None:
    """Let the demo train the fake method."""
    monkeypatch.setattr(sys.modules["napari_inkling.cli.demo"], "run_demo", partial(run_demo, method=FAKE))


@pytest.mark.usefixtures("fake_demo")
def test_headless_demo_leaves_everything_that_it_names(inkling: Inkling, here: Path) -> None:
    ended = inkling("demo", "--headless", "--out", "out")
    assert (ended.code, ended.err) == (0, "")
    assert {p.name for p in (here / "out").iterdir()} == FILES
    assert all(name in ended.out for name in FILES)
    assert "learnt from 38 clicks on nuclei and 8 beside them" in ended.out
    scores = json.loads((here / "out/scores.json").read_text())
    unmarked, held_out = scores["unmarked"]["he_tile"], scores["held_out"]["he_tile_2"]
    assert unmarked["true_positives"] + unmarked["false_negatives"] == 314 - 38
    assert held_out["true_positives"] + held_out["false_negatives"] == 177
    assert f"F1 {held_out['f1']:.2f}" in ended.out
    for name in ("suggestions.csv", "suggestions.json"):
        found = read_annotations(here / "out" / name).hints
        assert len(found["he_tile_2"].points) == held_out["true_positives"] + held_out["false_positives"]
    with Project.open(here / "out/he_tile.inkling") as project:
        assert len(project.models()) == 1


def test_only_cells_that_were_not_clicked_are_suggested() -> None:
    squares = np.zeros((60, 60), np.uint8)
    squares[10:20, 10:20], squares[40:50, 40:50] = 1, 2
    found = Predictions(
        Points([[15, 15], [45, 45]], scores=0.9, ids=[1, 2]),
        masks=Masks.from_labels(squares).changed(scores=0.9, ids=[1, 2]),
        radius=5,
    )
    left = suggested(found, HintSet(Points([[15, 16]])))
    assert (left.points.ids.tolist(), left.masks.ids.tolist()) == ([2], [2])
    assert suggested(found, None).masks.ids.tolist() == [1, 2]


@pytest.mark.usefixtures("fake_demo")
def test_a_second_demo_goes_on_in_the_same_project(inkling: Inkling, here: Path) -> None:
    first = inkling("demo", "--headless", "--json")
    second = inkling("demo", "--headless", "--json")
    assert first.json["held_out"] == second.json["held_out"]
    assert second.err == "inkling: demo-output/he_tile.inkling is there already and is used as it is\n"


@pytest.mark.usefixtures("fake_demo")
def test_without_a_display_the_demo_says_so_and_runs_headless(
    inkling: Inkling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["napari_inkling.cli.demo"], "no_window", lambda: "there is no display")
    ended = inkling("demo")
    assert ended.err == "inkling: there is no display: the demo runs without a window\n"
    assert "overlay.png" in ended.out


def test_with_a_display_napari_opens_on_the_project(
    inkling: Inkling, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    module = sys.modules["napari_inkling.cli.demo"]
    monkeypatch.setattr(module, "no_window", lambda: "")
    monkeypatch.setattr(module, "open_window", opened.append)
    told = inkling("demo", "--out", "out", "--json")
    assert (told.code, opened) == (0, [Path("out/he_tile.inkling")])
    with Project.open(opened[0]) as project:
        assert [r.complete for r in project.images] == [False, True]


def test_a_folder_that_cannot_be_made_is_refused(inkling: Inkling, here: Path) -> None:
    (here / "file").touch()
    assert "cannot be written" in inkling.refuses("demo", "--headless", "--out", "file/out")


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a display")
@pytest.mark.parametrize(
    ("environment", "reason"),
    [({}, "there is no display"), ({"DISPLAY": ":77", "QT_QPA_PLATFORM": "offscreen"}, "offscreen"),
     ({"DISPLAY": ":7777"}, "Qt cannot open a window")],
)  # fmt: skip
def test_why_there_is_no_window(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], reason: str
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert reason in no_window()


def test_without_napari_there_is_no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_inkling.cli.window.find_spec", lambda name: None)
    assert "napari is not installed" in no_window()


@pytest.mark.window
@pytest.mark.skipif(bool(no_window()), reason="no display")
def test_the_window_shows_the_sample_its_hints_and_the_dock(here: Path) -> None:
    # In a process of its own: napari.run wants to be the program.
    script = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import napari
from napari_inkling.cli import main
from qtpy.QtCore import QTimer

until = time.monotonic() + 120

def look():
    viewer = napari.current_viewer()
    sizes = {l.name: len(l.data) if isinstance(l.data, list) else l.data.shape[0] for l in viewer.layers}
    if 46 not in sizes.values() and time.monotonic() < until:
        QTimer.singleShot(200, look)
        return
    print(json.dumps({"layers": sizes, "docks": list(viewer.window.dock_widgets)}), flush=True)
    viewer.close()

run = napari.run
napari.run = lambda: (QTimer.singleShot(200, look), run())
sys.exit(main(["demo", "--out", "out"]))
"""
    environment = os.environ | {"NAPARI_CONFIG": str(here / "settings.yaml")}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=240, env=environment
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[0])
    assert any("Inkling" in dock for dock in seen["docks"])
    assert seen["layers"]["he_tile"] == 512
    assert 46 in seen["layers"].values()  # 38 clicks on nuclei, 8 elsewhere


def test_the_overlay_draws_each_kind_in_its_colour(here: Path) -> None:
    panel = Panel(
        pixels=np.full((60, 80, 3), 128, np.uint8),
        title="tile",
        hints=np.array([[10.0, 10.0]]),
        background=np.array([[50.0, 70.0]]),
        right=np.array([[10.0, 40.0]]),
        wrong=np.array([[40.0, 10.0]]),
        missed=np.array([[40.0, 40.0]]),
        radius=6.0,
    )
    draw_overlay([panel, panel], here / "overlay.png")
    sheet = np.asarray(Image.open(here / "overlay.png")).astype(int)
    top, left = 2 * MARGIN + FONT, MARGIN

    def colours(y: float, x: float) -> set[str]:
        cut = sheet[int(top + y * ZOOM) - 16 : int(top + y * ZOOM) + 16, int(left + x * ZOOM) - 16 :][:, :32]
        return {"#{:02x}{:02x}{:02x}".format(*pixel) for pixel in cut.reshape(-1, 3)}

    for place, colour in (
        ((10, 10), HINT),
        ((10, 40), RIGHT),
        ((40, 10), WRONG),
        ((40, 40), MISSED),
        ((50, 70), HINT),
    ):
        kinds = {HINT, RIGHT, WRONG, MISSED} & colours(*place)
        assert kinds == {colour}, place
    hollow = sheet[int(top + 10 * ZOOM), int(left + 40 * ZOOM)]
    assert hollow.tolist() == [128, 128, 128]
