"""What a training changes is shown together, so that the window is put together rarely."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QObject

from napari_inkling.core import Step
from napari_inkling.session import TrainingState
from napari_inkling.widgets._beat import Beat
from napari_inkling.widgets.suggestion_layers import MANY
from tests.widgets import driving
from tests.widgets.dock_driving import open_dock, picture

pytestmark = pytest.mark.window


class Repaints(QObject):
    """Counts how often a window was put together anew, and how often the canvas in it was drawn."""

    def __init__(self, viewer):
        super().__init__()
        self.count = Counter()
        self.window, self.canvas = viewer.window._qt_window, driving.canvas(viewer)
        for widget in (self.window, self.canvas):
            widget.installEventFilter(self)

    def eventFilter(self, watched, event):
        if watched is self.window and event.type() == QEvent.Type.UpdateRequest:
            self.count["window"] += 1
        elif watched is self.canvas and event.type() == QEvent.Type.Paint:
            self.count["canvas"] += 1
        return False

    def close(self):
        for widget in (self.window, self.canvas):
            widget.removeEventFilter(self)
        del self.window, self.canvas  # a test must not hold on to them


@pytest.fixture
def watch():
    """Return a function that counts the repaints of a viewer's window."""
    made = []

    def repaints(viewer):
        made.append(Repaints(viewer))
        return made[-1]

    yield repaints
    for one in made:
        one.close()


def test_a_beat_calls_each_slot_once_and_all_in_one_turn(qapp):
    beat, calls = Beat(milliseconds=100), []

    def first():
        calls.append("first")
        if len(calls) < 4:
            beat.ask(first)  # the next beat, not this one

    def second():
        calls.append("second")

    for _ in range(3):
        for slot in (first, second):
            beat.ask(slot)
    driving.settle()
    assert calls == []
    driving.wait_until(lambda: calls)
    assert calls == ["first", "second"]
    driving.wait_until(lambda: len(calls) > 2)
    assert calls == ["first", "second", "first"]
    beat.ask(second)
    beat.forget(second)
    driving.wait_until(lambda: len(calls) > 3)
    assert calls == ["first", "second", "first", "first"]
    beat.ask(second)
    beat.close()
    driving.settle(0.15)
    assert len(calls) == 4


@pytest.mark.parametrize("count", [40, MANY + 1, 5 * MANY])
def test_suggestions_are_drawn_once(bridge, watch, count):
    repaints = watch(bridge.viewer)
    random = np.random.default_rng(0)
    for _ in range(2):
        driving.suggest(bridge.session, random.random((count, 2)) * 99, random.uniform(0.5, 1, count))
        driving.settle(0.2)
        repaints.count.clear()
    driving.suggest(bridge.session, random.random((count, 2)) * 99, random.uniform(0.5, 1, count))
    driving.settle(0.2)
    assert repaints.count["canvas"] == 1
    assert repaints.count["window"] <= 2  # once for the canvas; a busy machine may part it
    assert len(bridge.suggestions.layer._view_data) == count


def test_many_suggestions_are_plain_rings_in_their_colours(bridge):
    layer = bridge.suggestions.layer
    for count, symbol, clear in ((MANY, "disc", True), (MANY + 1, "ring", False), (3, "disc", True)):
        driving.suggest(bridge.session, np.random.default_rng(0).random((count, 2)) * 99, np.full(count, 0.8))
        driving.settle(0.05)
        assert {str(one) for one in layer.symbol} == {symbol}
        assert (layer.face_color[:, 3] == 0).all() == clear
        assert (layer.border_width == 0).all() != clear


def test_steps_of_a_training_are_shown_together(viewer, tmp_path, watch, monkeypatch):
    dock, repaints = open_dock(viewer), watch(viewer)
    dock.session.new_project(tmp_path / "beat.inkling", ["cell"])
    dock.session.images.add([picture(tmp_path)])
    state = TrainingState(
        status="running", steps=30, losses=((0, {"loss": 1.0}),)
    )  # without steps the bar moves
    monkeypatch.setattr(type(dock.session.training), "state", property(lambda _: state))
    dock.session.training.changed.emit(state)
    dock.bridge.beat._seconds = 3600
    dock.bridge.beat._strike()
    driving.settle(0.3)
    repaints.count.clear()
    for number in range(1, 31):
        state = state.after(Step("learning", 0, number, 30, {"loss": 1 / number}), number / 10)
        dock.session.training.changed.emit(state)
        driving.settle()
    assert repaints.count["window"] <= 5  # of what came before; not one for each of the steps
    repaints.count.clear()
    dock.bridge.beat._strike()
    driving.settle(0.2)
    assert dock.train.progress.bar.value() == 1000
    assert dock.train.summary.text() == "100%"
    assert repaints.count["window"] >= 1
    dock.close_down()
