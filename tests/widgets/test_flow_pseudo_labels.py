"""Pseudo-labels, the way a person judges them: while a real worker trains, on a real window."""

from __future__ import annotations

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND
from tests.fake_method import FAKE_ROUNDS
from tests.widgets.dock_driving import click, picture
from tests.widgets.driving import click_at, move_to, press_key, settle, suggest, wait_until

pytestmark = pytest.mark.window

METHOD = FAKE_ROUNDS
CELLS = [(10.0, 10.0), (90.0, 110.0)]
PSEUDO_CELL, PSEUDO_BACKGROUND = (50.0, 50.0), (30.0, 50.0)
NAMES = ["Inkling pseudo-background", "Inkling pseudo-cells"]


@pytest.fixture
def dock(used_dock, tmp_path):
    used_dock.images.add_paths([picture(tmp_path)])
    settle(0.1)
    for place in CELLS:
        click_at(used_dock.viewer, *place)
    wait_until(lambda: len(used_dock.session.annotations.hints.points) == len(CELLS))
    settle(0.1)
    return used_dock


@pytest.fixture
def viewer(dock_of_file):
    return dock_of_file.viewer


@pytest.fixture
def training(dock):
    """A dock whose training has chosen its first pseudo-labels, and begins a round with each judgement."""
    dock.train.advanced.fields["rounds"].set(50)
    click(dock.train.go)
    wait_until(lambda: len(shown(dock)[0]) > 0)
    return dock


def shown(dock):
    """Return where pseudo-cells and pseudo-background are on screen."""
    layers = [part.layer for part in dock.bridge.pseudo_labels.parts]
    return [[] if layer is None else layer.data.tolist() for layer in layers]


def last_hint(dock):
    points = dock.session.annotations.hints.points.take([-1])
    return [tuple(points.coordinates[0]), str(points.classes[0]), str(points.sources[0])]


def names(viewer):
    return [layer.name for layer in viewer.layers if "pseudo" in layer.name]


def test_they_lie_below_the_hints_and_look_like_neither(viewer, training):
    layers = [layer.name for layer in viewer.layers]
    assert layers[layers.index("Inkling suggestions") + 1 :][:2] == NAMES
    assert layers[-1] == "Inkling points"
    cells, background = (viewer.layers[name] for name in reversed(NAMES))
    assert {str(s) for s in cells.symbol} == {"diamond"}
    assert {str(s) for s in background.symbol} == {"square"}
    assert list(PSEUDO_CELL) in cells.data.tolist()
    assert list(PSEUDO_BACKGROUND) in background.data.tolist()
    for layer in (cells, background):
        assert not layer.editable
        assert (layer.face_color[:, 3] < 0.5).all()
        ranks = layer.features["rank"].to_numpy()
        assert (np.diff(ranks) < 0).all()
        np.testing.assert_allclose(layer.border_color[:, 3], 0.6 + 0.4 * ranks, atol=1e-3)
    assert training.bridge.tool == "cell"
    assert viewer.layers.selection.active is training.bridge.hints.points.layer


def test_keys_judge_the_one_under_the_mouse(viewer, training):
    cases = [
        ("W", PSEUDO_CELL, [PSEUDO_CELL, "cell", "accepted"]),
        ("Q", (50.0, 90.0), [(50.0, 90.0), BACKGROUND, "human"]),
        ("W", PSEUDO_BACKGROUND, [PSEUDO_BACKGROUND, BACKGROUND, "human"]),
        ("Shift+Q", (30.0, 90.0), [(30.0, 90.0), "cell", "human"]),
    ]
    for number, (key, place, expected) in enumerate(cases, start=2):  # a round comes when the worker is told
        move_to(viewer, place[0] + 2, place[1] - 2)
        press_key(viewer, key)
        assert last_hint(training) == expected
        wait_until(lambda number=number: training.session.pseudo_labels.round == number)
        settle(0.05)
        assert not any(list(place) in kind for kind in shown(training))
    press_key(viewer, "Ctrl+Z")
    wait_until(lambda: [30.0, 90.0] in shown(training)[1])
    press_key(viewer, "Ctrl+Shift+Z")
    wait_until(lambda: [30.0, 90.0] not in shown(training)[1])
    assert last_hint(training) == cases[-1][2]


def test_a_suggestion_that_is_nearer_is_meant(viewer, training):
    training.review.as_background.setChecked(False)
    y, x = PSEUDO_CELL
    suggest(training.session, [[y, x + 6], [y - 40, x]], 0.9)
    move_to(viewer, y, x + 5)
    press_key(viewer, "W")
    assert last_hint(training)[0] == (y, x + 6)
    press_key(viewer, "Ctrl+Z")
    wait_until(lambda: list(PSEUDO_CELL) in shown(training)[0])
    move_to(viewer, y, x + 2)
    press_key(viewer, "W")
    assert last_hint(training)[0] == (y, x)


def test_clicks_judge_with_no_tool_in_hand(viewer, training):
    press_key(viewer, "Shift+Z")
    click_at(viewer, *PSEUDO_CELL, modifiers=["Shift"])
    assert last_hint(training) == [PSEUDO_CELL, "cell", "accepted"]
    training.session.annotations.set_classes(["cell", "other"])
    press_key(viewer, "Ctrl+2")  # the class in hand is that of what is no background
    press_key(viewer, "Shift+Z")
    click_at(viewer, *PSEUDO_BACKGROUND, modifiers=["Ctrl"])
    assert last_hint(training) == [PSEUDO_BACKGROUND, "other", "human"]
    count = len(training.session.annotations.hints.points)
    click_at(viewer, 70, 50)  # a click alone looks at suggestions
    settle(0.05)
    assert len(training.session.annotations.hints.points) == count


def test_what_is_hidden_cannot_be_judged(viewer, training):
    press_key(viewer, "H")
    assert not any(viewer.layers[name].visible for name in NAMES)
    move_to(viewer, *PSEUDO_CELL)
    press_key(viewer, "W")
    assert len(training.session.annotations.hints.points) == len(CELLS)
    viewer.layers.remove(NAMES[0])  # by the person
    press_key(viewer, "H")
    assert viewer.layers[NAMES[1]].visible
    press_key(viewer, "W")
    assert last_hint(training) == [PSEUDO_CELL, "cell", "accepted"]


def test_the_train_panel_says_how_many_and_how(viewer, training):
    line = training.train.progress.chosen
    wait_until(lambda: line.text().startswith("Round 1: 14 pseudo-cells ◇, 14 pseudo-background □"))
    assert line.isVisible()
    assert line.text().endswith("W accepts, Q strikes the one under the mouse")
    assert training.train.next_step.text().endswith("counts from the next round on.")
    click(training.train.go)
    wait_until(lambda: not training.session.training.active)
    wait_until(lambda: not line.isVisible())


def test_they_go_with_the_training_and_come_with_the_next(viewer, dock):
    assert names(viewer) == []
    for _ in range(2):
        press_key(viewer, "Shift+S")
        dock.train.advanced.fields["rounds"].set(50)
        click(dock.train.go)
        wait_until(lambda: len(shown(dock)[0]) > 0)
        assert names(viewer) == NAMES
        assert dock.bridge.tool == "select"
        click(dock.train.go)
        wait_until(lambda: not dock.session.training.active)
        assert names(viewer) == []
        assert dock.bridge.tool == "select"


def test_every_image_has_its_own(viewer, dock, tmp_path):
    dock.images.add_paths([picture(tmp_path, "other.png", (60, 80))])
    press_key(viewer, "PageDown")
    settle(0.1)
    assert dock.session.plane.image == "other"
    click_at(viewer, 10, 10)
    settle(0.1)
    dock.train.advanced.fields["rounds"].set(50)
    click(dock.train.go)
    wait_until(lambda: len(shown(dock)[0]) > 0)
    assert max(np.max(shown(dock)[0], axis=0)) < 80
    press_key(viewer, "PageUp")
    settle(0.1)
    assert max(np.max(shown(dock)[0], axis=0)) > 80
    assert names(viewer) == NAMES
    wait_until(lambda: " in 2 images " in dock.train.progress.chosen.text())


def test_a_method_that_heeds_nobody_has_no_such_layers(viewer, dock):
    dock.session.training.start("tests.fake_method:FakeMethod")
    wait_until(lambda: dock.session.training.state.step > 0)
    settle(0.05)
    assert names(viewer) == []
    wait_until(lambda: not dock.session.training.active)
