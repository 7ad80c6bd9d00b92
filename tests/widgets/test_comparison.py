"""Compare: two methods on held-out clicks, by real clicks in a real window."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import numpy as np
import pytest

from napari_inkling import methods
from napari_inkling.core import HintSet, PlaneRef, Points
from tests.compared_methods import ALL, HALF, NEVER, REFUSES
from tests.fake_method import FakeModel
from tests.widgets.dock_driving import click, open_dock, picture
from tests.widgets.driving import click_at, listeners, press_key, settle, wait_until

pytestmark = pytest.mark.window


CELLS = FakeModel._places(100, 120)[0]  # of the picture: 120 cells
MARKED = CELLS[::3]


@pytest.fixture
def make_dock(viewer, tmp_path, monkeypatch):
    """Return a function that opens a dock where these methods are installed, with an image."""
    made = []

    def make(*names, marked=MARKED):
        points = tuple(EntryPoint(name, name, methods.GROUP) for name in names)
        monkeypatch.setattr(methods, "_installed", lambda: points)
        dock = open_dock(viewer, method=None)
        made.append(dock)
        dock.session.new_project(tmp_path / "work.inkling")
        dock.images.add_paths([picture(tmp_path)])
        settle(0.1)
        mark(dock, marked)
        return dock

    yield make
    for dock in made:
        dock.close_down()


def mark(dock, places):
    points = Points(np.array(places, float).reshape(-1, 2))
    dock.session.annotations.edit(HintSet(), HintSet(points), "add points", PlaneRef("tile"))
    settle(0.2)


def compare(dock):
    click(dock.train.comparison.button)
    wait_until(lambda: not dock.session.comparing.active)
    settle(0.1)


def test_both_are_shown_and_one_is_taken(make_dock):
    dock = make_dock(HALF, ALL)
    view = dock.train.comparison
    hints, messages = dock.session.annotations.hints, []
    dock.session.message.connect(lambda level, text: messages.append((level, text)))
    compare(dock)
    assert view.isVisible() and list(view.bars) == [ALL, HALF]
    first, second = (view.bars[name].detector for name in (ALL, HALF))
    assert first.f1 > 0.9 and second.f1 < 0.7
    assert (first.hits, first.cells, first.found) == (10, 10, 120)
    said = [text for level, text in messages if level == "info"]
    assert said == [view.text.text()] and said[0].startswith("FindsAll is better: F1 ≈ ")
    assert dock.session.annotations.hints.points.equals(hints.points)
    assert dock.session.project.models() == []

    click(view.use[ALL])
    assert dock.session.advice.method == ALL
    assert dock.train.method.currentData() == ALL
    assert (view.use[ALL].text(), view.use[HALF].text()) == ("In use", "Use")
    assert not view.use[ALL].isEnabled()
    click(view.use[HALF])
    assert dock.session.advice.method == HALF

    click(view.close_button)
    assert not view.isVisible() and not view.bars


def test_the_bars_are_as_long_as_f1(make_dock):
    dock = make_dock(HALF, ALL)
    compare(dock)
    view = dock.train.comparison
    dock.scroll.ensureWidgetVisible(view.bars[HALF])
    settle(0.1)
    for bar in view.bars.values():
        picture, colour = bar.grab().toImage(), bar.bar.rgb()
        scale = picture.width() / bar.width()
        y = round(4 * scale)  # above the line of the interval
        filled = sum(picture.pixel(x, y) == colour for x in range(picture.width()))
        assert filled == pytest.approx(bar.detector.f1 * picture.width(), abs=14 * scale)


def test_it_stands_still_while_the_person_goes_on(make_dock, viewer):
    dock = make_dock(ALL, NEVER)
    view = dock.train.comparison
    press_key(viewer, "Shift+Y")
    wait_until(lambda: dock.session.comparing.state.number == 1)
    wait_until(lambda: "NeverEnds, step" in view.text.text())
    assert view.text.text().startswith("Comparing: NeverEnds, step ")
    assert view.bar.isVisible() and 450 < view.bar.value() < 600
    assert not dock.train.go.isEnabled() and "being compared" in dock.train.go.toolTip()
    assert dock.train.next_step.text().startswith("Nothing that you have changes.")
    before = len(dock.session.annotations.hints.points)
    press_key(viewer, "Shift+C")
    click_at(viewer, 52, 61)
    wait_until(lambda: len(dock.session.annotations.hints.points) == before + 1)
    press_key(viewer, "Shift+T")
    assert not dock.session.training.active

    assert view.button.text() == "Stop"
    click(view.button)
    wait_until(lambda: not dock.session.comparing.active)
    settle(0.1)
    assert list(view.bars) == [ALL]
    assert view.text.text().startswith("Stopped early. FindsAll alone")
    assert view.button.text() == "Compare" and dock.train.go.isEnabled()


def test_too_few_clicks_and_one_suitable_method_are_said(make_dock):
    dock = make_dock(HALF, ALL, marked=MARKED[:9])
    button = dock.train.comparison.button
    assert not button.isEnabled() and "mark 1 more" in button.toolTip()
    mark(dock, MARKED[9:10])
    assert button.isEnabled() and "2 min for each" in button.toolTip()


def test_with_one_method_there_is_no_button(make_dock):
    assert not make_dock(ALL).train.comparison.button.isVisible()


def test_a_failure_is_told_in_words(make_dock):
    dock = make_dock(REFUSES, ALL)
    compare(dock)
    view = dock.train.comparison
    assert list(view.bars) == [ALL]
    assert "Refuses failed: weights were asked for that are not there." in view.text.text()
    assert view.text.property("role") == "warning"


def test_it_goes_once_hints_have_changed_much(make_dock):
    dock = make_dock(HALF, ALL)
    compare(dock)
    mark(dock, CELLS[1::3][:20])
    assert not dock.train.comparison.isVisible()


def test_a_new_theme_and_the_end(make_dock, viewer):
    dock = make_dock(HALF, ALL)
    compare(dock)
    bar = dock.train.comparison.bars[ALL]
    before = bar.line.name()
    viewer.theme = "light"
    settle(0.1)
    assert bar.line.name() != before
    session = dock.session
    count = listeners(session)["Comparing", "changed"]
    dock.close_down()
    assert listeners(session)["Comparing", "changed"] == count - 1
