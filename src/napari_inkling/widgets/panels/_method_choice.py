"""Which method trains: the one that suits the hints, or another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QComboBox

from napari_inkling.core import SettingsError
from napari_inkling.methods import get_method, method_names

if TYPE_CHECKING:
    from napari_inkling.session import Session

__all__ = ["MethodChoice"]


class MethodChoice(QComboBox):
    """A list of the installed methods, the recommended one first; hidden if there is nothing to choose."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self.setToolTip("Which method learns from the hints; the recommended one changes with what you mark")
        self.addItem("Recommended", None)
        self.setItemData(0, "The one that is recommended, whichever it is", Qt.ItemDataRole.ToolTipRole)
        own = session.advice.method
        for name in (*method_names(), *([own] if own and own not in method_names() else [])):
            self._add(name)
        self.setCurrentIndex(max(0, self.findData(own)))
        if self.count() <= 2:
            self.hide()
        self.currentIndexChanged.connect(self._choose)

    def _add(self, name: str) -> None:
        try:
            title = get_method(name).title
        except SettingsError:  # told once by the recommendation
            return
        self.addItem(name, name)
        self.setItemData(self.count() - 1, title, Qt.ItemDataRole.ToolTipRole)

    def show_recommended(self, name: str) -> None:
        """Name the method that is recommended now."""
        chosen = self._session.advice.method is None
        self.setItemText(0, f"{name} (auto)" if chosen and name else "Recommended")

    def _choose(self) -> None:
        self._session.advice.method = self.currentData()
