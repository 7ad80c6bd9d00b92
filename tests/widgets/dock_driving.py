"""Opens the dock in a real viewer, with a method and a worker that answer within a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as PillowImage
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QContextMenuEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QCheckBox

from tests.fake_method import FAKE
from tests.widgets.driving import settle, wait_until

SHAPE = (100, 120)


def open_dock(viewer: Any, method: str | None = FAKE) -> Any:
    """Return a dock in the viewer's window; its worker does not import torch."""
    from napari_inkling.session import Session
    from napari_inkling.widgets._dispatch import QtDispatcher
    from napari_inkling.widgets.dock import InklingDock
    from napari_inkling.workers import LocalRunner

    dispatcher = QtDispatcher()
    session = Session(LocalRunner(ahead=()), dispatcher, method=method)
    dock = InklingDock(viewer, session)
    dock.dispatcher.setParent(None)
    dock.dispatcher = dispatcher
    viewer.window.add_dock_widget(dock, name="Inkling", area="right")
    settle(0.1)
    return dock


def dock_widget(viewer: Any) -> Any:
    """Return napari's dock widget around the dock."""
    return viewer.window._wrapped_dock_widgets["Inkling"]


def picture(folder: Path, name: str = "tile.png", shape: tuple[int, int] = SHAPE) -> Path:
    """Write a picture with some texture and return its path."""
    path = folder / name
    pixels = np.random.default_rng(len(name)).integers(60, 200, (*shape, 3)).astype(np.uint8)
    PillowImage.fromarray(pixels).save(path)
    return path


def click(button: Any) -> None:
    """Press a button with the mouse."""
    assert button.isEnabled(), f"{button.text()!r} is disabled"
    where = QPoint(10, button.height() // 2) if isinstance(button, QCheckBox) else button.rect().center()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=where)
    settle()


def choose(dock: Any, menu: Any, *words: str) -> None:
    """Open a menu and choose an entry by its words, one for each level, with the keyboard."""
    menu.popup(dock.mapToGlobal(QPoint(5, 5)))
    settle(0.05)
    for level, text in enumerate(words, start=1):
        entry = next(action for action in menu.actions() if action.text() == text)
        assert entry.isEnabled(), f"{text!r} is disabled"
        menu.setActiveAction(entry)
        if level < len(words):
            QTest.keyClick(menu, Qt.Key.Key_Right)
            settle(0.05)
            menu = entry.menu()
    QTest.keyClick(menu, Qt.Key.Key_Return)
    settle(0.1)


def right_click(view: Any, where: QPoint) -> Any:
    """Ask for the menu at a place of a widget, as the right mouse button does; return the open menu."""
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where, view.mapToGlobal(where))
    QApplication.sendEvent(view, event)
    settle(0.05)
    menu = QApplication.activePopupWidget()
    assert menu is not None, "no menu opened"
    return menu


def train_to_the_end(dock: Any) -> None:
    """Press Train and wait until the training is over."""
    settle(0.1)
    click(dock.train.go)
    wait_until(lambda: dock.session.training.state.status not in ("idle", "starting"))
    wait_until(lambda: not dock.session.training.active)
    settle(0.1)
