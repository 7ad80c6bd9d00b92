"""Measure: a table of the masks, tied to the image both ways."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QFileDialog

from napari_inkling.core import HintSet, Masks, Points, Predictions
from napari_inkling.widgets.canvas_view import camera_of
from tests.widgets.dock_driving import click, open_dock, picture
from tests.widgets.driving import click_at, press_key, settle, wait_until

pytestmark = pytest.mark.window


PLACES, SIDES = [(10, 10), (30, 60), (70, 90)], [5, 9, 7]


@pytest.fixture
def dock(used_dock, tmp_path):
    """A dock with two drawn masks with points, a suggested one, and the part Measure unfolded."""
    made = used_dock
    made.images.add_paths([picture(tmp_path)])
    settle(0.1)
    drawn = Masks.from_crops(PLACES[:2], [np.ones((side, side)) for side in SIDES[:2]])
    made.session.annotations.edit(
        HintSet(), HintSet(Points(drawn.centres, ids=drawn.ids), masks=drawn), "draw"
    )
    found = Masks.from_crops(PLACES[2:], [np.ones((7, 7))], scores=0.8, sources="model")
    made.session.suggestions.put(made.session.plane, Predictions(masks=found, radius=4.0))
    click(made.measure.fold_button)
    wait_until(lambda: made.measure.table.rowCount() == 3)
    made.ids = [*drawn.ids.tolist(), *found.ids.tolist()]
    return made


def cell_of(dock, row, column=0):
    """Return where a field of the table is on the screen, and what it lies on."""
    view = dock.measure.view
    dock.scroll.ensureWidgetVisible(view)
    settle()
    return view.viewport(), view.visualRect(dock.measure.table.index(row, column)).center()


def chosen(dock):
    rows = dock.measure.view.selectionModel().selectedRows()
    return [dock.measure.table.id_at(index.row()) for index in rows]


def test_the_means_carry_the_names_of_the_channels(dock):
    table = dock.measure.table
    titles = [table.headerData(at, Qt.Orientation.Horizontal) for at in range(table.columnCount())]
    assert [title for title in titles if title.startswith("mean")] == ["mean R", "mean G", "mean B"]


def test_folded_it_measures_nothing(viewer, tmp_path):
    made = open_dock(viewer)
    made.session.new_project(tmp_path / "work.inkling")
    made.images.add_paths([picture(tmp_path)])
    drawn = Masks.from_crops(PLACES, [np.ones((5, 5))] * 3)
    made.session.annotations.edit(HintSet(), HintSet(masks=drawn), "draw")
    settle(0.5)
    assert made.measure.is_folded
    assert len(made.session.measuring.table) == 0


def test_it_follows_what_is_drawn_and_undone(dock):
    assert dock.measure.summary.text() == "3"
    column = dock.measure.table.names.index("area_px")
    texts = [dock.measure.table.data(dock.measure.table.index(row, column)) for row in range(3)]
    assert texts == ["25", "81", "49"]
    press_key(dock.viewer, "Ctrl+Z")
    wait_until(lambda: dock.measure.table.rowCount() == 1)
    press_key(dock.viewer, "Ctrl+Shift+Z")
    wait_until(lambda: dock.measure.table.rowCount() == 3)


def test_it_shows_the_cells_of_the_image_on_screen(dock, tmp_path, monkeypatch):
    dock.images.add_paths([picture(tmp_path, "other.png")])
    press_key(dock.viewer, "PageDown")
    assert dock.session.plane.image == "other"
    wait_until(lambda: dock.measure.table.rowCount() == 0 and not dock.measure.view.isVisible())
    assert dock.measure.next_step.text().startswith("No masks in this image yet")
    drawn = Masks.from_crops([(40, 40)], [np.ones((3, 3))])
    dock.session.annotations.edit(HintSet(), HintSet(masks=drawn), "draw")
    wait_until(lambda: dock.measure.table.rowCount() == 1)
    assert dock.measure.table.id_at(0) == drawn.ids[0]
    path = tmp_path / "table.csv"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", staticmethod(lambda *a, **k: (str(path), "")))
    click(dock.measure.export_button)
    with path.open(newline="") as file:
        assert [(row["image"], row["area_px"]) for row in csv.DictReader(file)] == [("other", "9")]
    press_key(dock.viewer, "PageUp")
    wait_until(lambda: dock.measure.table.rowCount() == 3)
    assert {dock.measure.table.id_at(row) for row in range(3)} == set(dock.ids)


def test_a_click_on_a_title_sorts(dock):
    view, table = dock.measure.view, dock.measure.table
    header = view.horizontalHeader()
    at = header.sectionViewportPosition(table.names.index("area_px")) + 20
    dock.scroll.ensureWidgetVisible(view)
    where = header.viewport().rect().topLeft()
    where.setX(at)
    where.setY(header.height() // 2)
    order = []
    for _ in range(2):
        QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=where)
        settle()
        order.append([dock.ids.index(table.id_at(row)) for row in range(3)])
    assert order == [[0, 2, 1], [1, 2, 0]]


def test_a_row_leads_to_its_cell(dock):
    widget, where = cell_of(dock, 1)
    camera_of(dock.viewer).zoom = 30
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=where)
    settle(0.05)
    np.testing.assert_allclose(camera_of(dock.viewer).center[-2:], [34, 64])
    np.testing.assert_allclose(dock.bridge.guides.layer.data[0], [34, 64])  # in the ring
    assert dock.bridge.hints.points.selected_ids.tolist() == [dock.ids[1]]
    masks = dock.bridge.hints.masks
    assert masks.layer.selected_label == masks.layer.data[34, 64]
    assert dock.session.annotations.can_undo == "draw"  # nothing was edited
    QTest.keyClick(dock.measure.view, Qt.Key.Key_Down)
    settle(0.05)
    np.testing.assert_allclose(camera_of(dock.viewer).center[-2:], [73, 93])
    assert dock.bridge.review.focused == dock.ids[2]
    assert dock.session.guide.looked().known == 1


def test_a_chosen_row_does_not_change_what_is_marked_next(dock):
    dock.session.annotations.set_classes(["cell", "other"])
    row = dock.session.annotations.hints.points.take([1])
    dock.session.annotations.edit(HintSet(row), HintSet(row.changed(classes="other")), "change class")
    size = dock.bridge.hints.points.layer.current_size
    widget, where = cell_of(dock, 1)
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=where)
    settle(0.05)
    assert dock.bridge.hints.points.layer.current_size == size
    assert dock.bridge.tool == "cell"
    click_at(dock.viewer, 50, 70)
    wait_until(lambda: len(dock.session.annotations.hints.points) == 3)
    assert dock.session.annotations.hints.points.classes[-1] == "cell"


def test_a_cell_leads_to_its_row(dock):
    press_key(dock.viewer, "Shift+Z")
    for at, place in enumerate([(12, 12), (34, 64), (73, 93)]):
        click_at(dock.viewer, *place)
        assert chosen(dock) == [dock.ids[at]]
    press_key(dock.viewer, "Shift+S")
    click_at(dock.viewer, 12, 12)
    assert chosen(dock) == [dock.ids[0]]
    press_key(dock.viewer, "N")
    assert chosen(dock) == [dock.ids[0]]  # looked at before: nothing is left
    press_key(dock.viewer, "G")
    assert chosen(dock) == [dock.ids[2]]


def test_the_row_stays_chosen_when_the_table_changes(dock):
    press_key(dock.viewer, "Shift+Z")
    click_at(dock.viewer, 34, 64)
    before = camera_of(dock.viewer).center
    drawn = Masks.from_crops([(80, 10)], [np.ones((4, 4))])
    dock.session.annotations.edit(HintSet(), HintSet(masks=drawn), "draw")
    wait_until(lambda: dock.measure.table.rowCount() == 4)
    dock.measure.view.sortByColumn(dock.measure.table.names.index("area_px"), Qt.SortOrder.DescendingOrder)
    assert chosen(dock) == [dock.ids[1]]
    assert dock.measure.view.currentIndex().row() == 0
    assert camera_of(dock.viewer).center == before


def test_as_csv(dock, tmp_path, monkeypatch):
    path = tmp_path / "table"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", staticmethod(lambda *a, **k: (str(path), "")))
    click(dock.measure.export_button)
    with (tmp_path / "table.csv").open(newline="") as file:
        assert [row["area_px"] for row in csv.DictReader(file)] == ["25", "81", "49"]
    assert "Wrote 3 cells" in dock.messages.current.text
