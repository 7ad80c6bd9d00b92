"""The cell radius: chosen by the person, or estimated from the image."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QDoubleSpinBox, QWidget

from napari_inkling.widgets.panels._panel import button, calm_wheel, label, row, shrinking

if TYPE_CHECKING:
    from napari_inkling.session import Session

__all__ = ["RadiusRow"]

#: Before a radius that the program has estimated: a word would be cut off in a narrow dock.
ESTIMATED = "≈"


class RadiusRow(QWidget):
    """A number in pixels, 0 for automatic, and the estimate beside it.

    Parameters
    ----------
    session : Session
        Whose radius it is.
    telling : callable
        Makes a context in which errors are told to the person.
    """

    def __init__(self, session: Session, telling: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__()
        self._session, self._telling = session, telling
        self.radius = QDoubleSpinBox()
        self.radius.setRange(0, 500)
        self.radius.setDecimals(1)
        self.radius.setSingleStep(0.5)
        self.radius.setSpecialValueText("auto")
        self.radius.setKeyboardTracking(False)
        self.radius.setToolTip("Radius of a typical cell in pixels; 0 leaves it to the program")
        self.radius.valueChanged.connect(self._set)
        self.radius.setFixedWidth(92)
        calm_wheel(self.radius)
        self.estimate = button("", "Take this radius", self._take_estimate, role="link")
        self.setLayout(row(label("Cell radius"), self.radius, shrinking(self.estimate), None))

    def refresh(self) -> None:
        """Show the radius that was chosen, and what the image on screen suggests."""
        if self.isHidden():
            return
        chosen, plane = self._session.radius.chosen, self._session.plane
        self.radius.blockSignals(True)
        self.radius.setValue(chosen or 0)
        self.radius.blockSignals(False)
        guess = None
        if plane is not None and len(self._session.annotations.hints):
            with self._telling():
                guess = self._session.radius.estimate(plane)
        if guess is not None and (chosen is None or abs(chosen - guess) > 0.05):
            self.estimate.setText(f"{ESTIMATED} {guess:.1f} px")
            tip = "Estimated from the image at the cells you marked. Click to take it"
        else:
            self.estimate.setText("back to automatic" if chosen is not None else "")
            tip = "Click to leave it to the program"
        self.estimate.setToolTip(f"{tip}; the circle in the image shows the radius and can be dragged")

    def _set(self, value: float) -> None:
        with self._telling():
            self._session.radius.chosen = value or None

    def _take_estimate(self) -> None:
        with self._telling():
            plane = self._session.plane
            if self.estimate.text().startswith(ESTIMATED) and plane is not None:
                self._session.radius.chosen = self._session.radius.estimate(plane)
            else:
                self._session.radius.chosen = None
