"""Which method trains: the recommended one, which follows the hints, or another, chosen by mouse or keys."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_inkling.core import Boxes, HintSet, PlaneRef, Points
from tests.widgets.dock_driving import open_dock, picture
from tests.widgets.driving import settle

pytestmark = pytest.mark.window


@pytest.fixture
def dock(viewer, tmp_path):
    made = open_dock(viewer, method=None)
    made.session.new_project(tmp_path / "work.inkling")
    made.images.add_paths([picture(tmp_path)])
    settle(0.1)
    yield made
    made.close_down()


def mark(dock, hints):
    dock.session.annotations.edit(HintSet(), hints, "mark", PlaneRef("tile"))
    settle(0.2)


BOXES = HintSet(boxes=Boxes(np.array([(y, 4, y + 8, 12) for y in (4, 20, 36)], float)))
CLICKS = HintSet(Points(np.array([(10, 30), (30, 30)], float)))


def test_the_recommendation_follows_the_hints(dock):
    choice = dock.train.method
    mark(dock, CLICKS)
    assert choice.currentText() == "partial-points (auto)"
    assert dock.train.radius.isVisible()
    mark(dock, BOXES)
    assert choice.currentText() == "stochastic-boxes (auto)"
    assert not dock.train.radius.isVisible()  # that method has none
    assert "Stochastic boxes" in dock.train.why.text()


def test_another_method_is_chosen_by_keys(dock):
    mark(dock, BOXES)
    choice = dock.train.method
    choice.setFocus()
    QTest.keyClick(choice, Qt.Key.Key_Down)
    settle(0.2)
    assert choice.currentText() == "partial-points"
    assert dock.session.advice.method == "partial-points"
    assert dock.train.radius.isVisible()
    assert "Partial points" in dock.train.why.text()
    QTest.keyClick(choice, Qt.Key.Key_Up)
    settle(0.2)
    assert dock.session.advice.method is None
    assert choice.currentText() == "stochastic-boxes (auto)"


def test_each_method_says_what_it_does(dock):
    choice = dock.train.method
    titles = {choice.itemText(i): choice.itemData(i, 3) for i in range(1, choice.count())}
    assert set(titles) == {"partial-points", "pu-ranking", "stochastic-boxes"}
    assert all("→" in title for title in titles.values())
