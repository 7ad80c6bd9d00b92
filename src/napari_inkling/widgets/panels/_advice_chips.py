"""A chip for every class with the advice on its boxes in two words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QPushButton, QWidget
from superqt.utils import QFlowLayout

from napari_inkling.guidance import BoxAdvice
from napari_inkling.widgets.panels._class_chips import dot
from napari_inkling.widgets.panels._panel import button

__all__ = ["AdviceChips"]


#: A name that is wider, in pixels of the screen, is cut short; the tooltip has it whole.
WIDEST = 120


class AdviceChips(QWidget):
    """Shows what is advised for each class; the class that is chosen is the one that is explained."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.layout_ = QFlowLayout(self)
        self.layout_.setContentsMargins(0, 0, 0, 0)
        self.layout_.setHorizontalSpacing(5)
        self.layout_.setVerticalSpacing(5)
        self.chips: dict[str, QPushButton] = {}

    def show_advice(self, advice: Sequence[BoxAdvice], colours: Mapping[str, str], current: str) -> None:
        """Show one chip for each class, in this order."""
        if [one.name for one in advice] != list(self.chips):
            self._build([one.name for one in advice])
        for one in advice:
            chip = self.chips[one.name]
            name = chip.fontMetrics().elidedText(one.name, Qt.TextElideMode.ElideRight, WIDEST)
            chip.setText(f"{name}  {one.short}")
            chip.setToolTip(one.sentence)
            chip.setIcon(dot(colours[one.name]))
            chip.setChecked(one.name == current)

    def _build(self, names: Sequence[str]) -> None:
        for chip in self.chips.values():
            self.layout_.removeWidget(chip)
            chip.deleteLater()
        self.chips = {name: self._chip(name) for name in names}
        for chip in self.chips.values():
            self.layout_.addWidget(chip)

    def _chip(self, name: str) -> QPushButton:
        chip = button(
            "", f"Show the sizes of the boxes of {name}", lambda: self.chosen.emit(name), role="chip"
        )
        chip.setCheckable(True)
        return chip
