"""Measurements of cells as a table that sorts by any column; no canvas, no session."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt

from napari_inkling.evaluation import Measurements

__all__ = ["CellTable"]

#: What a column is called in the narrow dock, and what it means; others keep their name.
_TITLES = {
    "class": ("class", "Class of the cell"),
    "source": ("by", "Who made the mask: you, or a model whose suggestion you accepted or not"),
    "score": ("score", "The model's score"),
    "y_px": ("y", "Row of the centroid, in pixels"),
    "x_px": ("x", "Column of the centroid, in pixels"),
    "area_px": ("area px", "Area in pixels"),
    "area_um2": ("area µm²", "Area in µm²"),
    "eccentricity": (
        "eccentr.",
        "Eccentricity of the ellipse with the same second moments: 0 round, 1 a line",
    ),
    "mean_intensity": ("mean", "Mean intensity"),
}
#: How numbers are written; others with four digits.
_FORMATS = {
    "area_px": ",.0f",
    "area_um2": ",.1f",
    "eccentricity": ".2f",
    "score": ".2f",
    "y_px": ",.0f",
    "x_px": ",.0f",
}
#: What to look at first stands left.
_FIRST = ("class", "area_um2", "area_px", "eccentricity")
_LAST = ("score", "source", "y_px", "x_px")
_NO_INDEX = QModelIndex()


class CellTable(QAbstractTableModel):
    """One row for each cell, in the order of a column; ``id`` is not shown, but names the cell."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self._table = Measurements({"id": np.empty(0, np.int64)})
        self._order: npt.NDArray[np.intp] = np.empty(0, np.intp)
        self._sorted: tuple[int, Any] = (-1, Qt.SortOrder.AscendingOrder)
        self.names: list[str] = []

    def show_table(self, table: Measurements) -> None:
        """Show these measurements instead, in the order that was chosen."""
        self.beginResetModel()
        self._table = table
        others = [name for name in table.columns if name not in ("id", *_FIRST, *_LAST)]
        self.names = [name for name in (*_FIRST, *others, *_LAST) if name in table.columns]
        self._arrange()
        self.endResetModel()

    def id_at(self, row: int) -> int:
        """Return the id of the cell in a row."""
        return int(self._table.columns["id"][self._order[row]])

    def row_of(self, one: int) -> int | None:
        """Return the row of the cell with this id, ``None`` if there is none."""
        at = np.flatnonzero(self._table.columns["id"][self._order] == one)
        return int(at[0]) if len(at) else None

    # -- what Qt asks for

    def rowCount(self, parent: QModelIndex = _NO_INDEX) -> int:
        """Return how many cells there are."""
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: QModelIndex = _NO_INDEX) -> int:
        """Return how many columns are shown."""
        return 0 if parent.isValid() else len(self.names)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the text of a field, or on which side it stands."""
        if not index.isValid():
            return None
        name = self.names[index.column()]
        value: Any = self._table.columns[name][self._order[index.row()]]
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(value, _FORMATS.get(name, ".4g"))
        if role == Qt.ItemDataRole.TextAlignmentRole and not isinstance(value, str):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return what a column is called, and what it means."""
        if orientation != Qt.Orientation.Horizontal or section >= len(self.names):
            return None
        name = self.names[section]
        title, tip = _TITLES.get(
            name, (name.replace("mean_intensity_", "mean "), "Mean intensity of a channel")
        )
        return {Qt.ItemDataRole.DisplayRole: title, Qt.ItemDataRole.ToolTipRole: tip}.get(role)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Put the rows in the order of a column; what is not known comes last."""
        self.beginResetModel()
        self._sorted = (column, order)
        self._arrange()
        self.endResetModel()

    def _arrange(self) -> None:
        column, direction = self._sorted
        self._order = np.arange(len(self._table))
        if 0 <= column < len(self.names):
            values: npt.NDArray[Any] = self._table.columns[self.names[column]]
            numbers = values if values.dtype.kind in "fi" else np.unique(values, return_inverse=True)[1]
            down = direction == Qt.SortOrder.DescendingOrder
            self._order = np.argsort(-numbers if down else numbers, kind="stable")


def _text(value: Any, style: str) -> str:
    """Return a value as people read it, nothing for what is not known."""
    if isinstance(value, str):
        return value
    if np.isnan(value):
        return ""
    return format(value, style)
