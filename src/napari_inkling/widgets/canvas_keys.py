"""Binds the table of keys to a viewer, and gives back what was bound there before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from napari_inkling.widgets.keys import CLASS_KEYS, KEYS

__all__ = ["CanvasKeys"]

#: Keys that napari cannot bind (its key codes have no name for them); Qt can.
_QT_ONLY = ("?",)


class CanvasKeys:
    """Runs an action when its key is pressed anywhere in the viewer's window but in a text field.

    Parameters
    ----------
    viewer : napari.Viewer
        Whose keys they are.
    actions : mapping of str to callable
        By the names in :data:`~napari_inkling.widgets.keys.KEYS`; ``class_1`` … ``class_9`` for the classes.
        More can be added with :meth:`on`; a key without an action does nothing.
    """

    def __init__(self, viewer: Any, actions: Mapping[str, Callable[[], object]]) -> None:
        self._viewer = viewer
        self._actions = dict(actions)
        self._before: dict[str, Any] = {}
        self._shortcuts: list[Any] = []
        named = [(key.action, key.keys) for key in KEYS]
        classes = [(f"class_{n}", keys) for n, keys in enumerate(CLASS_KEYS, start=1)]
        for action, keys in (*named, *classes):
            self._bind(action, keys)

    def on(self, action: str, call: Callable[[], object]) -> None:
        """Say what an action does; the dock adds Train and the cheat sheet so."""
        self._actions[action] = call

    def run(self, action: str) -> None:
        """Do what the key of an action does."""
        if action in self._actions:
            self._actions[action]()

    def close(self) -> None:
        """Unbind every key and restore what they did before."""
        for keys, before in self._before.items():
            self._viewer.bind_key(keys, before, overwrite=True)
        for shortcut in self._shortcuts:
            with suppress(RuntimeError):  # it has gone with the window
                shortcut.setEnabled(False)
                shortcut.setParent(None)
                shortcut.deleteLater()
        self._before, self._shortcuts, self._actions = {}, [], {}

    def _bind(self, action: str, keys: str) -> None:
        if keys in _QT_ONLY:
            self._shortcuts += self._qt_shortcut(action, keys)
        else:
            self._before[keys] = self._viewer.bind_key(keys, lambda _viewer: self.run(action), overwrite=True)

    def _qt_shortcut(self, action: str, keys: str) -> Iterable[Any]:
        from qtpy.QtGui import QKeySequence
        from qtpy.QtWidgets import QShortcut

        window = getattr(self._viewer.window, "_qt_window", None)
        if window is None:  # a viewer without a window
            return ()
        shortcut = QShortcut(QKeySequence(keys), window)
        shortcut.activated.connect(lambda: self.run(action))
        return (shortcut,)
