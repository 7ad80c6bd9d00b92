"""The table of measurements for itself: what it shows, and in which order."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_inkling.evaluation import Measurements
from napari_inkling.widgets.panels._cell_table import CellTable

COLUMNS = {
    "id": np.array([7, 8, 9]),
    "class": np.array(["b", "a", "b"], dtype=object),
    "source": np.array(["human", "model", "accepted"], dtype=object),
    "score": np.array([1.0, 0.55, 0.9]),
    "y_px": np.array([1.5, 20.25, 30.0]),
    "x_px": np.array([2.0, 3.0, 4.0]),
    "area_px": np.array([12.0, 1234.0, 5.0]),
    "eccentricity": np.array([0.123456, np.nan, 0.9]),
    "mean_intensity_R": np.array([10.0, 20.0, 30.0]),
    "mean_intensity_Ki-67": np.array([0.0, 1.0, 2.0]),
}


@pytest.fixture
def table(qapp, qtmodeltester):
    made = CellTable()
    made.show_table(Measurements(COLUMNS))
    qtmodeltester.check(made)
    return made


def shown(table, column):
    at = [table.headerData(i, Qt.Orientation.Horizontal) for i in range(table.columnCount())].index(column)
    return [table.data(table.index(row, at)) for row in range(table.rowCount())]


def test_what_matters_most_stands_left(table):
    titles = [table.headerData(i, Qt.Orientation.Horizontal) for i in range(table.columnCount())]
    assert titles == ["class", "area px", "eccentr.", "mean R", "mean Ki-67", "score", "by", "y", "x"]
    assert shown(table, "area px") == ["12", "1,234", "5"]
    assert shown(table, "eccentr.") == ["0.12", "", "0.90"]
    assert shown(table, "by") == ["human", "model", "accepted"]


def test_areas_in_um2_where_they_are_known(qapp):
    table = CellTable()
    table.show_table(Measurements({**COLUMNS, "area_um2": COLUMNS["area_px"] / 4}))
    assert shown(table, "area µm²") == ["3.0", "308.5", "1.2"]


@pytest.mark.parametrize(
    ("name", "up", "down"),
    [
        ("area_px", [9, 7, 8], [8, 7, 9]),
        ("class", [8, 7, 9], [7, 9, 8]),  # of one class as they were
        ("eccentricity", [7, 9, 8], [9, 7, 8]),  # what is not known comes last
    ],
)
def test_order(table, name, up, down):
    column = table.names.index(name)
    for order, expected in ((Qt.SortOrder.AscendingOrder, up), (Qt.SortOrder.DescendingOrder, down)):
        table.sort(column, order)
        assert [table.id_at(row) for row in range(3)] == expected
        assert [table.row_of(one) for one in expected] == [0, 1, 2]
    table.sort(-1)
    assert [table.id_at(row) for row in range(3)] == [7, 8, 9]
    assert table.row_of(5) is None


def test_the_order_stays_when_the_table_changes(table):
    table.sort(table.names.index("area_px"), Qt.SortOrder.DescendingOrder)
    fewer = {name: column[:2] for name, column in COLUMNS.items()}
    table.show_table(Measurements(fewer))
    assert [table.id_at(row) for row in range(2)] == [8, 7]
    table.show_table(Measurements({"id": np.empty(0, np.int64)}))
    assert (table.rowCount(), table.columnCount()) == (0, 0)
