"""Measure: size, shape and brightness of every cell with a mask, each row tied to its cell in the image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QItemSelectionModel, QModelIndex
from qtpy.QtWidgets import QAbstractItemView, QFileDialog, QHeaderView, QTableView

from napari_inkling.widgets.panels._cell_table import CellTable
from napari_inkling.widgets.panels._panel import Panel, button, row

if TYPE_CHECKING:
    from napari_inkling.session import Session
    from napari_inkling.widgets.layers import LayerBridge

__all__ = ["MeasurePanel"]

HEIGHT = 210
#: A burst of edits is measured once, so many milliseconds later.
MEASURE_MS = 300


class MeasurePanel(Panel):
    """The cells of the image on screen as a table; measures only while it is unfolded."""

    title = "Measure"

    def __init__(self, session: Session, bridge: LayerBridge) -> None:
        super().__init__(session, bridge)
        self._chosen: int | None = None
        self.table = CellTable(self)
        self.view: QTableView = self.add(self._make_view())
        self.export_button = button(
            "Save as CSV…", "Write this table; `inkling measure` writes that of all images", self.export
        )
        self.add(row(self.export_button, None))
        self._measure_soon = self.soon(MEASURE_MS, self.measure)
        self.listen(
            self._measure_soon,
            session.project_changed,
            session.workspace.plane_changed,
            session.workspace.pixels_changed,
            session.annotations.hints_changed,
        )
        self.listen(self._on_suggestions, session.suggestions.changed, session.training.changed)
        self.listen(self._show_progress, session.measuring.progress)
        self.listen(self.refresh, session.measuring.done, session.workspace.plane_changed)
        self.listen(self._select, bridge.cells.picked)
        self.folded.connect(self._measure_soon)
        self.refresh()
        self._measure_soon()

    def _make_view(self) -> QTableView:
        view = QTableView()
        view.setModel(self.table)
        view.setSortingEnabled(True)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setMinimumWidth(60)
        view.setFixedHeight(HEIGHT)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(22)
        view.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        view.horizontalHeader().setDefaultSectionSize(66)
        view.horizontalHeader().setSortIndicatorClearable(True)
        view.sortByColumn(-1, view.horizontalHeader().sortIndicatorOrder())
        view.setToolTip("Click a row to see its cell; click a column's title to sort")
        view.selectionModel().currentRowChanged.connect(self._on_row)
        view.clicked.connect(self._go_to_row)  # also the row that is chosen already
        self.table.modelReset.connect(self._select_again)
        return view

    # -- what shows

    def measure(self) -> None:
        """Measure what has changed, if anybody looks."""
        if self.is_folded or self.session.plane is None:
            self.session.measuring.stop()
            return
        with self.telling():
            self.session.measuring.start()

    def _on_suggestions(self, *_: object) -> None:
        if not self.session.training.active:  # else each preview would be measured
            self._measure_soon()

    def refresh(self, *_: object) -> None:
        """Show what was measured last on the plane on screen."""
        table = self.session.measuring.table
        self.table.show_table(table)
        some = len(table) > 0
        self.view.setVisible(some)
        self.export_button.setVisible(some)
        self.summary.setText(f"{len(table):,}" if some else "")
        self.say_next(
            ""
            if some
            else "No masks in this image yet: the end of a training brings them, or draw one with the brush."
        )

    def _show_progress(self, done: int, total: int) -> None:
        if done < total:
            self.say_next(f"Measuring {done:,} of {total:,} cells.")

    # -- row and cell

    def _on_row(self, *_: object) -> None:
        """Go to the cell of the row that a person chose."""
        index = self.view.currentIndex()
        if index.isValid() and self.table.id_at(index.row()) != self._chosen:
            self._go_to_row(index)

    def _go_to_row(self, index: QModelIndex) -> None:
        self._chosen = self.table.id_at(index.row())
        with self.telling():
            self.bridge.cells.go_to(self._chosen)

    def _select(self, one: int) -> None:
        """Show the row of the cell that was clicked."""
        self._chosen = one
        self._select_again()

    def _select_again(self) -> None:
        """Keep the row of the chosen cell selected, wherever it is now."""
        at = None if self._chosen is None else self.table.row_of(self._chosen)
        if at is None:
            return
        whole = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        self.view.selectionModel().setCurrentIndex(self.table.index(at, 0), whole)
        self.view.scrollTo(self.table.index(at, 0))

    # -- files

    def export(self) -> None:
        """Ask where to, and write the table."""
        start = self.session.project.exports_folder / "cells.csv"
        chosen, _ = QFileDialog.getSaveFileName(self, "Save the table", str(start), "Table (*.csv)")
        if chosen:
            path = Path(chosen)
            path = path if path.suffix.lower() == ".csv" else path.with_name(f"{path.name}.csv")
            with self.telling():
                count = self.session.measuring.export(path)
                self.session.message.emit("info", f"Wrote {count:,} cell{'s' * (count != 1)} to {path}.")
