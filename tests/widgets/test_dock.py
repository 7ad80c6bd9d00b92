"""How the dock opens, hides, closes and opens again, and what it leaves behind: nothing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest

from napari_inkling.session import Session
from tests.widgets.dock_driving import click, dock_widget, open_dock, picture, train_to_the_end
from tests.widgets.driving import click_at, listeners, press_key, settle, suggest, wait_until

pytestmark = pytest.mark.window

CELLS = [(20.0, 30.0), (60.0, 80.0), (85.0, 25.0)]

OPEN = """
import sys, warnings
warnings.simplefilter("ignore")
import napari
viewer = napari.Viewer(show=False)
from napari_inkling.widgets import dock as module
_, dock = viewer.window.add_plugin_dock_widget("napari-inkling", "Inkling")
print("heavy", [name for name in ("torch", "pyqtgraph", "sklearn") if name in sys.modules])
dock.close_down()
viewer.close()
"""


def test_opening_imports_nothing_heavy(tmp_path):
    env = {**__import__("os").environ, "INKLING_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", OPEN], capture_output=True, text=True, env=env, timeout=240, check=True
    )
    lines = dict(line.split(" ", 1) for line in done.stdout.splitlines() if line.startswith("heavy"))
    assert lines["heavy"] == "[]"


def test_hiding_keeps_everything_running(viewer, tmp_path):
    dock = open_dock(viewer)
    dock.images.add_paths([picture(tmp_path)])
    dock_widget(viewer).close()  # the crossed eye
    settle(0.1)
    assert not dock.isVisible()
    click_at(viewer, 50, 50)
    wait_until(lambda: len(dock.session.annotations.hints.points) == 1)
    dock_widget(viewer).show()
    settle(0.1)
    assert dock.isVisible()
    assert dock.annotate.chips.chips["cell"].text() == "cell  1"


def test_the_cross_closes_and_the_menu_finds_the_same_project(viewer, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_inkling.widgets.dock.WARM_UP_MS", 10**6)
    dock = open_dock(viewer)
    dock.images.add_paths([picture(tmp_path)])
    settle(0.1)
    click_at(viewer, 50, 50)
    wait_until(lambda: len(dock.session.annotations.hints.points) == 1)
    folder, session = dock.session.project.folder, dock.session
    dock_widget(viewer).destroyOnClose()
    settle(0.2)
    assert not session.has_project
    assert listeners(session) == listeners(Session())  # but its own parts to each other
    viewer.add_points(np.zeros((1, 2)))  # nobody listens any more
    settle(0.1)

    _, again = viewer.window.add_plugin_dock_widget("napari-inkling", "Inkling")
    settle(0.2)
    assert again is not dock
    assert again.session.project.folder == folder
    assert len(again.session.annotations.hints.points) == 1
    click_at(viewer, 30, 60)
    wait_until(lambda: len(again.session.annotations.hints.points) == 2)


def test_closing_napari_closes_the_session(viewer, tmp_path):
    dock = open_dock(viewer)
    dock.images.add_paths([picture(tmp_path)])
    session = dock.session
    session.warm_up()
    folder = session.project.folder
    viewer.window._qt_window.close()
    settle(0.2)
    assert not session.has_project
    assert dock.memory.last is None or dock.memory.last == folder


def test_closing_napari_during_training_leaves_no_process(viewer, tmp_path):
    dock = open_dock(viewer)
    dock.images.add_paths([picture(tmp_path)])
    settle(0.1)
    for place in ((20, 20), (70, 70)):
        click_at(viewer, *place)
    wait_until(dock.train.go.isEnabled)
    dock.train.advanced.fields["steps"].set(100000)
    click(dock.train.go)
    wait_until(lambda: dock.session.training.state.step > 0)
    viewer.close()  # the fixture looks for what is left


@pytest.mark.parametrize("how", ["hidden", "closed"])
def test_the_dock_comes_back_during_a_training(viewer, tmp_path, how):
    dock = open_dock(viewer)
    dock.images.add_paths([picture(tmp_path)])
    settle(0.1)
    for place in ((20, 20), (70, 70)):
        click_at(viewer, *place)
    wait_until(dock.train.go.isEnabled)
    dock.train.advanced.fields["steps"].set(100000)
    click(dock.train.go)
    wait_until(lambda: dock.session.training.state.step > 0)
    if how == "hidden":  # it trains on
        dock_widget(viewer).close()
        settle(0.1)
        dock_widget(viewer).show()
        step = dock.session.training.state.step
        wait_until(lambda: dock.session.training.state.step > step)
        assert dock.train.go.text() == "Stop"
        return
    folder = dock.session.project.folder
    dock_widget(viewer).destroyOnClose()  # it stops; what was marked is there again
    settle(0.2)
    assert not dock.session.has_project
    again = open_dock(viewer)
    assert again.session.project.folder == folder
    assert not again.session.project.read_only
    assert len(again.session.annotations.hints.points) == 2
    assert not again.session.training.active
    assert again.train.go.isEnabled()
    train_to_the_end(again)
    assert again.session.training.state.status == "finished"


def test_a_closed_dock_does_nothing_more(viewer, tmp_path):
    dock = open_dock(viewer)
    dock.images.add_paths([picture(tmp_path)])
    dock.export.refresh()
    for panel in dock.panels:  # a refresh is due when it closes
        panel.refresh_soon()
    dock.close_down()
    settle(0.2)
    assert not dock.session.has_project
    assert not dock.isEnabled()


def test_what_cannot_be_saved_at_the_end_is_told_by_napari_and_tried_again(viewer, tmp_path, monkeypatch):
    from napari.utils.notifications import notification_manager

    from napari_inkling.core import ProjectError
    from napari_inkling.project import Project

    dock = open_dock(viewer)
    dock.images.add_paths([picture(tmp_path)])
    settle(0.1)
    click_at(viewer, 50, 50)
    wait_until(lambda: len(dock.session.annotations.hints.points) == 1)
    session, folder, close, full = dock.session, dock.session.project.folder, Project.close, [True]

    def close_on_a_full_disk(project):
        if full:
            raise ProjectError("1 edit(s) could not be written")
        close(project)

    monkeypatch.setattr(Project, "close", close_on_a_full_disk)
    monkeypatch.setattr("napari_inkling.widgets.dock.RETRY_MS", 20)
    notification_manager.records.clear()
    dock_widget(viewer).destroyOnClose()
    settle(0.2)
    told = [(str(n.severity), n.message) for n in notification_manager.records]
    assert [severity for severity, _ in told] == ["error"]
    assert "could not be written" in told[0][1]
    assert session.has_project
    full.clear()
    wait_until(lambda: not session.has_project)
    assert "could be written now" in notification_manager.records[-1].message
    with Project.open(folder) as kept:
        assert len(kept.hints(kept.images[0].planes()[0])) == 1


def test_folded_parts_stay_folded(viewer):
    dock = open_dock(viewer)
    assert dock.export.is_folded
    assert not dock.review.is_folded
    click(dock.review.fold_button)
    click(dock.export.fold_button)
    assert not dock.review.content.isVisible()
    dock_widget(viewer).destroyOnClose()
    settle(0.1)
    again = open_dock(viewer)
    assert again.review.is_folded
    assert not again.export.is_folded


def shows(dock, panel):
    """Whether the panel's header and, as far as the dock is high enough, its end are on screen."""
    top = panel.mapTo(dock.scroll.viewport(), panel.rect().topLeft()).y()
    room = dock.scroll.viewport().height()
    return top >= 0 and (top + panel.height() <= room or top == 0)


def test_a_part_that_unfolds_comes_into_view(viewer, tmp_path):
    from napari_inkling.core import HintSet, Masks

    dock = open_dock(viewer)
    dock.images.add_paths([picture(tmp_path)])
    drawn = Masks.from_crops([(10, 10), (40, 40)], [np.ones((5, 5))] * 2)
    dock.session.annotations.edit(HintSet(), HintSet(masks=drawn), "draw")
    viewer.window._qt_window.resize(1000, 500)
    settle(0.2)
    bar = dock.scroll.verticalScrollBar()
    for panel in (dock.measure, dock.export):
        bar.setValue(bar.maximum())
        click(panel.fold_button)
        wait_until(lambda panel=panel: shows(dock, panel))
    wait_until(lambda: len(dock.session.measuring.table) == 2)
    bar.setValue(bar.maximum())
    for _ in range(2):  # folded and unfolded again, it grows when its table comes
        click(dock.measure.fold_button)
    wait_until(lambda: dock.measure.view.isVisible() and shows(dock, dock.measure))


@pytest.mark.parametrize("key", ["N", "G"])
def test_what_is_said_of_the_next_cell_comes_into_view(viewer, tmp_path, key):
    dock = open_dock(viewer)
    dock.images.add_paths([picture(tmp_path)])
    suggest(dock.session, [[20, 20], [60, 60]], [0.55, 0.8])
    viewer.window._qt_window.resize(1000, 700)
    settle(0.2)
    dock.scroll.verticalScrollBar().setValue(0)
    press_key(viewer, key)
    said = dock.review.why
    wait_until(lambda: shows(dock, dock.review) and said.isVisible() and not said.visibleRegion().isEmpty())
    assert said.text() == "Worth a look: score near the threshold."


def test_train_comes_into_view_once_there_is_enough_to_train(viewer, tmp_path):
    dock = open_dock(viewer)
    dock.images.add_paths([picture(tmp_path)])
    viewer.window._qt_window.resize(1000, 480)
    settle(0.2)
    assert not shows(dock, dock.train)
    for place in CELLS:
        click_at(viewer, *place)
    wait_until(lambda: shows(dock, dock.train))
    assert dock.train.go.visibleRegion().boundingRect().size() == dock.train.go.size()


def test_a_message_moves_no_button(viewer, tmp_path):
    dock = open_dock(viewer)
    dock.images.add_paths([picture(tmp_path)])
    settle(0.1)
    buttons = (dock.annotate.undo, dock.train.go, dock.images.fold_button)
    before = [button.mapToGlobal(QPoint(0, 0)).y() for button in buttons]
    dock.session.message.emit("error", "one thing\n" * 5)
    settle(0.1)
    assert dock.messages.isVisible()
    assert [button.mapToGlobal(QPoint(0, 0)).y() for button in buttons] == before


def test_the_key_says_what_is_missing_and_that_goes_by_itself(viewer, tmp_path):
    dock = open_dock(viewer)
    press_key(viewer, "Shift+T")
    assert (dock.messages.current.level, dock.messages.current.text) == ("info", "Add an image first.")
    dock.images.add_paths([picture(tmp_path)])
    press_key(viewer, "Shift+T")
    assert (dock.messages.current.level, dock.messages.current.text) == ("info", dock.train.next_step.text())
    assert dock.messages.current.text.startswith("Mark 2 ")
    assert not dock.session.training.active


def test_it_fits_into_320_pixels_and_scrolls_when_short(viewer, tmp_path):
    dock = open_dock(viewer)
    dock.images.add_paths([picture(tmp_path, "a_rather_long_name_of_an_image_that_goes_on_and_on.png")])
    viewer.window._qt_window.resize(1000, 600)
    settle(0.2)
    column = dock.scroll.widget()
    assert column.minimumSizeHint().width() <= dock.scroll.viewport().width()
    assert dock.minimumSizeHint().width() <= 340
    assert dock.scroll.verticalScrollBar().maximum() > 0


def test_it_fits_with_large_numbers(viewer, tmp_path):
    from napari_inkling.core import HintSet, PlaneRef, Points, Predictions

    dock = open_dock(viewer)
    dock.images.add_paths([picture(tmp_path, "a.png"), picture(tmp_path, "b.png")])
    places = np.random.default_rng(0).uniform(0, 99, (20000, 2))
    for name in "ab":
        dock.session.annotations.edit(HintSet(), HintSet(Points(places[:1500])), "add points", PlaneRef(name))
    dock.session.images.update("b", complete=True)
    dock.session.project.add_seconds(7200)
    dock.session.radius.chosen = 123.4
    train_to_the_end(dock)
    dock.session.radius.chosen = 0.5
    dock.session.suggestions.put(PlaneRef("a"), Predictions(Points(places, sources="model", scores=0.6)))
    viewer.window._qt_window.resize(1000, 600)
    settle(0.3)
    assert dock.review.accept_all.isVisible()
    assert dock.scroll.verticalScrollBar().isVisible()
    assert dock.scroll.widget().width() <= dock.scroll.viewport().width()


@pytest.mark.parametrize("theme", ["dark", "light", "system"])
def test_it_follows_the_theme(viewer, theme):
    from napari_inkling.widgets.panels._style import palette

    dock = open_dock(viewer)
    viewer.theme = theme
    settle()
    assert palette(theme).surface in dock.styleSheet()


def test_the_cheat_sheet_lists_every_key(viewer):
    from qtpy.QtWidgets import QLabel

    from napari_inkling.widgets.keys import KEYS
    from napari_inkling.widgets.panels._keys import shown

    dock = open_dock(viewer)
    click(dock.project_bar.help)
    sheet = dock.cheat_sheet
    assert sheet.isVisible()
    texts = {label.text() for label in sheet.findChildren(QLabel)}
    assert {shown(k.keys) for k in KEYS} <= texts
    assert {k.description for k in KEYS} <= texts
    assert all(shown(k.keys) for k in KEYS)
    assert sheet.parentWidget().rect().contains(sheet.geometry())
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    assert not sheet.isVisible()
    viewer.window._qt_window.activateWindow()
    wait_until(viewer.window._qt_window.isActiveWindow)
    press_key(viewer, "?")
    assert sheet.isVisible()
    press_key(viewer, "?")
    assert not sheet.isVisible()
    press_key(viewer, "?")
    press_key(viewer, "Esc")  # the canvas has the focus
    assert not sheet.isVisible()


def test_every_button_says_what_it_does(viewer):
    from qtpy.QtWidgets import QPushButton

    dock = open_dock(viewer)
    silent = [b.text() for b in dock.findChildren(QPushButton) if not b.toolTip() and b.text()]
    assert not silent
    for made, keys in ((dock.review.accept_button, "W"), (dock.train.go, "Shift+T"), (dock.review.next, "G")):
        assert made.toolTip().endswith(f"[{keys}]")


def test_a_second_viewer_opens_read_only_and_says_so(viewer, tmp_path):
    from napari_inkling.project import Project

    folder = tmp_path / "shared.inkling"
    with Project.create(folder) as first:
        first.add_images([picture(tmp_path)])
        dock = open_dock(viewer)
        dock.open_project(folder)
        settle(0.1)
        assert dock.project_bar.badge.isVisible()
        assert dock.messages.current.level == "warning"
        assert "read-only" in dock.messages.current.text
        assert not dock.annotate.tools["cell"].isEnabled()
        assert not dock.train.go.isEnabled()


def test_unnamed_work_is_found_again_after_a_crash(viewer, tmp_path):
    from napari_inkling.widgets.panels._memory import Memory

    dock = open_dock(viewer)
    folder = dock.session.project.folder
    assert Memory().last == folder, "long before the dock is closed"
    dock.images.add_paths([picture(tmp_path)])
    settle(0.1)
    click_at(viewer, *CELLS[0])
    settle(0.1)
    beside = open_dock(viewer)  # of another viewer, say: the work is not its own
    assert beside.session.project.folder != folder and not beside.session.project.read_only
    beside.close_down()
    dock.close_down()
    Memory().write(last=str(folder), closed_by=None)  # as the crash has left it
    viewer.layers.clear()
    again = open_dock(viewer)
    assert again.session.project.folder == folder, (folder.exists(), Memory().read())
    assert not again.session.project.read_only
    assert len(again.session.annotations.hints.points) == 1
    again.close_down()
