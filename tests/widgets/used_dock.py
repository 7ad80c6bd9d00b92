"""A dock that is used by one test after the other."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QCheckBox, QComboBox

from tests.widgets.conftest import SIZE, THEME
from tests.widgets.dock_driving import open_dock
from tests.widgets.driving import settle, wait_until

__all__ = ["UsedDock"]


class UsedDock:
    """A window with a dock, for one test after the other.

    To open them takes longer than most tests. So the next test goes on with them in a new project, as a
    person does; a dock that was closed is opened anew. The worker goes on too; where a test has ended it,
    each later one starts its own, so such tests come last in their file.
    """

    def __init__(self, viewer: Any, method: str) -> None:
        self.viewer = viewer
        self.method = method
        self._dock: Any = None
        self._first: dict[Any, Any] = {}
        self._worker: int | None = None

    def open(self) -> None:
        """Open the dock, and start its worker: it lasts as long as the dock."""
        self._open()
        self._dock._warm.stop()
        self._runner.warm_up()
        self._worker = self._runner.pid

    def on(self, folder: Path) -> Any:
        """Return the dock with a new project in this folder, and everything else as it is at first."""
        if self._dock is None or self._dock._closed:
            self.close()
            self._open()
        self._dock.session.new_project(folder)
        for layer in [layer for layer in self.viewer.layers if "inkling" not in layer.metadata]:
            self.viewer.layers.remove(layer)
        settle(0.1)
        assert self._dock.bridge.review.focused is None
        assert all(layer.visible for layer in self.viewer.layers), "a test has hidden a layer"
        return self._dock

    def leave(self) -> None:
        """Put back what a new project leaves as it is."""
        if (dock := self._dock) is None or dock._closed:
            return
        session, bridge = dock.session, dock.bridge
        session._desk.stop()
        wait_until(lambda: session._desk.job is None)
        bridge.flush()
        for choice, first in self._first.items():
            put_back(choice, first)
        bridge.tool = "cell"
        dock.messages.waiting.clear()
        dock.messages.dismiss()
        dock.export.result.hide()
        dock.export.show_button.hide()
        dock.measure.view.sortByColumn(-1, Qt.SortOrder.AscendingOrder)
        dock.train._fill_advanced()
        dock.train.advanced.hide()
        dock.train.refresh()
        dock.scroll.verticalScrollBar().setValue(0)
        self.viewer.theme = THEME
        self.viewer.window._qt_window.resize(*SIZE)
        settle(0.05)
        dock._warm.stop()
        if (worker := self._runner.pid) not in (None, self._worker):
            os.kill(worker, signal.SIGKILL)

    def close(self) -> None:
        """Close the dock, and take it out of the window."""
        if (dock := self._dock) is None:
            return
        dock.close_down()
        for around in list(self.viewer.window._wrapped_dock_widgets.values()):
            self.viewer.window.remove_dock_widget(around)
        dock.deleteLater()
        self._dock, self._first, self._worker = None, {}, None
        self.viewer.layers.clear()
        settle(0.05)

    def _open(self) -> None:
        self._dock = open_dock(self.viewer, self.method)
        self._first = {choice: state_of(choice) for choice in self._choices()}

    @property
    def _runner(self) -> Any:
        return self._dock.session._desk.runner

    def _choices(self) -> list[Any]:
        form = self._dock.train.advanced  # made anew for each method
        found = [*self._dock.findChildren(QComboBox), *self._dock.findChildren(QCheckBox)]
        return [*(choice for choice in found if not form.isAncestorOf(choice)), *self._dock.panels]


def state_of(choice: Any) -> Any:
    """Return what is chosen in a menu, whether a box is ticked, or whether a panel is folded."""
    if isinstance(choice, QComboBox):
        return choice.currentData()
    return choice.isChecked() if isinstance(choice, QCheckBox) else choice.is_folded


def put_back(choice: Any, state: Any) -> None:
    """Choose, tick or fold as it was."""
    if isinstance(choice, QComboBox):
        choice.setCurrentIndex(max(0, choice.findData(state)))
    elif isinstance(choice, QCheckBox):
        choice.setChecked(state)
    elif choice.is_folded != state:
        choice.set_folded(state)
