"""The main job, the way a person does it: click cells, train, judge, undo, come back tomorrow."""

from __future__ import annotations

import numpy as np
import pytest

from tests.widgets.dock_driving import click, open_dock, picture, train_to_the_end
from tests.widgets.driving import click_at, press_key, settle, wait_until

pytestmark = pytest.mark.window


CELLS = [(20.0, 30.0), (60.0, 80.0), (85.0, 25.0)]


@pytest.fixture
def dock(used_dock, tmp_path):
    used_dock.images.add_paths([picture(tmp_path)])
    settle(0.1)
    return used_dock


@pytest.fixture
def viewer(dock_of_file):
    return dock_of_file.viewer


def mark(viewer, dock, places=CELLS):
    for place in places:
        click_at(viewer, *place)
    wait_until(lambda: len(dock.session.annotations.hints.points) == len(places))


def test_from_clicks_to_accepted_suggestions_and_back(viewer, dock):
    assert dock.annotate.next_step.text() == "Click the middle of some cells, all over the image."
    dock.bridge.tool = "box"
    wait_until(lambda: dock.annotate.next_step.text().startswith("Draw boxes around some cells"))
    dock.bridge.tool = "cell"
    mark(viewer, dock)
    settle(0.1)
    assert dock.annotate.chips.chips["cell"].text() == "cell  3"
    assert dock.train.go.isEnabled()

    train_to_the_end(dock)
    found = len(dock.session.suggestions.shown().points)
    assert found > 20
    assert dock.review.counts.text().startswith(f"{found} suggested")
    layer = next(layer for layer in viewer.layers if layer.name == "Inkling suggestions")
    assert len(layer.data) == found
    assert len(dock.session.annotations.hints.points) == 3

    click(dock.review.next)
    assert dock.bridge.review.focused is not None
    click(dock.review.accept_button)
    hints = dock.session.annotations.hints.points
    assert len(hints) == 4
    assert list(hints.sources).count("accepted") == 1

    click(dock.review.accept_all)
    settle(0.1)
    everything = len(dock.session.annotations.hints.points)
    assert everything > 4
    assert dock.review.counts.text().startswith("0 suggested")
    assert "Undo" in dock.messages.current.text

    assert "accept" in dock.annotate.undo.toolTip()
    click(dock.annotate.undo)
    click(dock.annotate.undo)
    assert len(dock.session.annotations.hints.points) == 3
    click(dock.annotate.redo)
    assert len(dock.session.annotations.hints.points) == 4


def test_reject_makes_a_background_hint_if_wanted(viewer, dock):
    mark(viewer, dock)
    train_to_the_end(dock)
    suggested = len(dock.session.suggestions.shown().points)
    click(dock.review.next)
    click(dock.review.reject_button)
    assert len(dock.session.annotations.hints.points.background) == 1
    dock.review.as_background.setChecked(False)
    click(dock.review.reject_button)
    settle(0.1)
    assert len(dock.session.annotations.hints.points.background) == 1
    assert len(dock.session.suggestions.shown().points) <= suggested - 2


@pytest.mark.parametrize(
    ("ticked", "keys", "marks"), [(True, "Q", 1), (False, "Q", 0), (False, "Shift+Q", 1)]
)
def test_the_keys_that_reject_do_what_they_say(viewer, dock, ticked, keys, marks):
    mark(viewer, dock)
    train_to_the_end(dock)
    dock.review.as_background.setChecked(ticked)
    assert ("not a cell" in dock.review.reject_button.toolTip()) == ticked
    press_key(viewer, "G")
    press_key(viewer, keys)
    assert len(dock.session.annotations.hints.points.background) == marks


def test_accept_in_view_takes_only_what_is_seen(viewer, dock):
    mark(viewer, dock)
    train_to_the_end(dock)
    getattr(viewer, "scene", viewer).camera.zoom *= 3  # napari 0.9 moved it
    settle(0.1)
    y0, x0, y1, x1 = dock.bridge.view_box()
    click(dock.review.accept_view)
    hints = dock.session.annotations.hints.points
    accepted = hints.take(hints.sources == "accepted").coordinates
    assert 0 < len(accepted) < 60
    assert np.all((accepted >= (y0, x0)) & (accepted <= (y1, x1)))


def test_keys_train_and_judge(viewer, dock):
    mark(viewer, dock)
    press_key(viewer, "Shift+T")
    wait_until(lambda: dock.session.training.state.status == "finished")
    settle(0.1)
    press_key(viewer, "G")
    assert dock.bridge.review.focused is not None
    press_key(viewer, "Shift+E")
    assert len(dock.session.annotations.hints.points) > 4


def test_stop(viewer, dock):
    mark(viewer, dock)
    settle(0.1)
    dock.train.advanced.fields["steps"].set(100000)
    click(dock.train.go)
    assert dock.train.go.text() == "Stop"
    assert dock.train.next_step.text().startswith("Suggestions appear while it trains.")
    wait_until(lambda: dock.session.training.state.step > 0)
    settle(0.1)
    assert dock.train.progress.bar.isVisible()
    assert "counting" in dock.train.progress.stage.text()
    click(dock.train.go)
    wait_until(lambda: not dock.session.training.active)
    settle(0.1)
    assert dock.session.training.state.status == "stopped"
    assert "stopped" in dock.train.progress.stage.text().lower()
    assert len(dock.session.annotations.hints.points) == 3
    train_again = dock.train.go
    assert train_again.isEnabled()


def test_training_on_says_what_becomes_of_the_suggestions(viewer, dock):
    mark(viewer, dock)
    settle(0.1)
    train_to_the_end(dock)
    settle(0.1)
    dock.train.advanced.fields["steps"].set(100000)
    for begin, says in (("Train on", "What is learnt anew shows"), ("Train", "Suggestions appear")):
        wait_until(dock.train.go.isEnabled)
        dock.train.start_over.setChecked(begin == "Train")
        assert dock.train.go.text() == begin
        click(dock.train.go)
        assert dock.train.next_step.text().startswith(says)
        wait_until(lambda: dock.session.training.state.step > 0)
        click(dock.train.go)
        wait_until(lambda: not dock.session.training.active)
        settle(0.1)


@pytest.mark.parametrize("crash", ["exception", "memory", "sigkill", "exit"])
def test_a_worker_that_dies_is_told_and_nothing_is_lost(viewer, dock, crash):
    mark(viewer, dock)
    settle(0.1)
    dock.train.advanced.fields["crash"].set(crash)
    train_to_the_end(dock)
    assert dock.session.training.state.status == "failed"
    assert dock.messages.current.level == "error"
    assert "Traceback" not in dock.messages.text.text()
    assert len(dock.session.annotations.hints.points) == 3
    dock.train.advanced.fields["crash"].set("none")
    train_to_the_end(dock)
    assert dock.session.training.state.status == "finished"


def test_what_was_marked_is_there_again_after_a_restart(viewer, dock):
    mark(viewer, dock)
    train_to_the_end(dock)
    click(dock.review.accept_all)
    before = dock.session.annotations.hints.points
    folder = dock.session.project.folder
    dock.close_down()
    viewer.layers.clear()

    from napari_inkling.project import Project

    with Project.open(folder) as kept:  # the lock is free and everything on disk
        assert kept.hints(kept.images[0].planes()[0]).points.equals(before)

    again = open_dock(viewer)
    again.open_project(folder)
    settle(0.1)
    assert again.session.annotations.hints.points.equals(before)
    press_key(viewer, "Ctrl+Z")
    assert len(again.session.annotations.hints.points) == 3
    wait_until(lambda: len(again.session.suggestions.shown().points) > 20)  # from the saved model
    again.close_down()
