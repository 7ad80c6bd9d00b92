"""Review: which suggestions to keep, the doubtful ones first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QCheckBox, QGridLayout, QVBoxLayout, QWidget

from napari_inkling.widgets.panels._keys import key_of
from napari_inkling.widgets.panels._panel import Panel, button, label
from napari_inkling.widgets.panels._threshold import ThresholdSlider

__all__ = ["DOUBT", "ReviewPanel"]

#: A suggestion whose score is this close to the threshold is a doubtful one.
DOUBT = 0.15


class ReviewPanel(Panel):
    """Goes through suggestions by doubt; accepts and rejects them one by one or many at once."""

    title = "Review"

    def __init__(self, session: Any, bridge: Any) -> None:
        super().__init__(session, bridge)
        # Without suggestions there is only the sentence that says when they come.
        self.controls = QWidget()
        self._column = QVBoxLayout(self.controls)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(self.body.spacing())
        self.add(self.controls)
        self.slider: ThresholdSlider = self._put(ThresholdSlider())
        self.slider.changed.connect(self._set_threshold)
        self.counts = label(role="strong")
        self.score = label(role="muted")
        self._put(self.counts)
        self.previous = button("◀", "The one before", self.go_back, key=key_of("previous_suggestion"))
        self.next = button(
            "▶", "The most doubtful one that is left", self.go_on, key=key_of("next_suggestion")
        )
        self.accept_button = button("✓ accept", "It is a cell", self.accept, key=key_of("accept"))
        self.reject_button = button("✕ reject", "", self.reject, key=key_of("reject"))
        self.accept_all = button(
            "Accept all above",
            "Accept everything that is shown",
            self.accept_above,
            key=key_of("accept_above"),
        )
        self.accept_view = button(
            "Accept in view",
            "Accept what the window shows now",
            self.accept_in_view,
            key=key_of("accept_in_view"),
        )
        grid = QGridLayout()
        grid.setSpacing(5)
        for column, widget in enumerate((self.previous, self.accept_button, self.reject_button, self.next)):
            grid.addWidget(widget, 0, column)
        for column, stretch in enumerate((1, 3, 3, 1)):
            grid.setColumnStretch(column, stretch)
        self._put(grid)
        both = QGridLayout()
        both.setSpacing(5)
        both.addWidget(self.accept_all, 0, 0)
        both.addWidget(self.accept_view, 0, 1)
        self._put(both)
        self._put(self.score)
        self.as_background = self._put(QCheckBox("Rejecting also marks “not a cell”"))
        self.as_background.setChecked(True)
        self.as_background.setToolTip(
            "A rejected suggestion becomes a hint, so that the next training learns from it; "
            f"{key_of('reject_background')} does that in any case"
        )
        self.as_background.toggled.connect(self._set_background)
        self._set_background(True)

        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(50)
        self._soon.timeout.connect(self.refresh)
        for name in ("project_changed", "plane_changed", "suggestions_changed", "training_changed"):
            self.listen(self._later, getattr(session, name))
        self.listen(self._show_focus, bridge.focus_changed)
        self.refresh()

    def _put(self, item: Any) -> Any:
        if isinstance(item, QWidget):
            self._column.addWidget(item)
        else:
            self._column.addLayout(item)
        return item

    # -- what shows

    def _later(self, *_: Any) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def refresh(self, *_: Any) -> None:
        """Show how many suggestions there are and how their scores are spread."""
        every = self.session.suggestions(threshold=0.0)
        scores = np.concatenate([every.points.scores, every.boxes.scores])
        threshold = self.session.threshold
        shown = int((scores >= threshold).sum())
        doubtful = int((np.abs(scores - threshold) < DOUBT)[scores >= threshold].sum())
        self.slider.set_value(threshold)
        self.slider.histogram.set_scores(scores)
        self.counts.setText(f"{shown:,} suggested, {doubtful:,} doubtful")
        self.summary.setText(f"{shown:,}" if len(scores) else "")
        writable = not self.session.project.read_only
        for widget in (self.previous, self.next):
            widget.setEnabled(shown > 0)
        for widget in (self.accept_all, self.accept_view):
            widget.setEnabled(shown > 0 and writable)
        for widget in (self.accept_button, self.reject_button):
            widget.setEnabled(shown > 0 and writable)
        self._show_focus(self.bridge.review.focused)
        self.controls.setVisible(len(scores) > 0)
        self._advise(len(scores), shown, doubtful)

    def _advise(self, total: int, shown: int, doubtful: int) -> None:
        if not total:
            training = self.session.is_training
            self.say_next("They come in a moment." if training else "Suggestions appear here after training.")
        elif not shown:
            self.say_next("None is left above the threshold: lower it, train on, or go to the next image.")
        elif self.session.is_training:
            self.say_next("Still training: these change until it is done.")
        elif doubtful:
            self.say_next("Go through the doubtful ones with ▶, then accept all above.", now=True)
        else:
            self.say_next("Nothing doubtful is left: accept all above.", now=True)

    def _show_focus(self, focused: int | None = None) -> None:
        shown = self.session.suggestions()
        ids = np.concatenate([shown.points.ids, shown.boxes.ids])
        scores = np.concatenate([shown.points.scores, shown.boxes.scores])
        at = np.flatnonzero(ids == (-1 if focused is None else focused))
        self.score.setText(f"The one in the ring has score {scores[at[0]]:.2f}." if len(at) else "")
        self.score.setVisible(bool(self.score.text()))

    def _set_background(self, marks: bool) -> None:
        """Let the button, its key and Ctrl+click reject in the same way, and say which."""
        self.bridge.review.marks_background = marks
        words = "It is no cell: reject it" + (" and mark “not a cell”" if marks else "")
        self.reject_button.setToolTip(f"{words}  [{key_of('reject')}]")
        self.reject_button.setAccessibleName(words)

    # -- what it does

    def _set_threshold(self, value: float) -> None:
        self.session.threshold = value

    def go_on(self) -> None:
        """Look at the next in the order of doubt."""
        self.bridge.review.step(1)

    def go_back(self) -> None:
        """Look at the one before."""
        self.bridge.review.step(-1)

    def accept(self) -> None:
        """Accept the suggestion under the mouse, else the one in focus; without one, go to the next."""
        self._judge(self.bridge.review.accept)

    def reject(self) -> None:
        """Reject it; the box below says whether that makes a hint, too."""
        self._judge(self.bridge.review.reject)

    def _judge(self, verdict: Callable[[], Any]) -> None:
        self.bridge.flush()  # what was just clicked comes first
        if self.bridge.review.meant() is None:
            self.go_on()
            return
        with self.telling():
            verdict()
            self._mark_reviewed()

    def accept_above(self) -> None:
        """Accept all that is shown; one undo takes it back."""
        self.bridge.flush()
        with self.telling():
            self._tell(self.session.accept_above())
            self._mark_reviewed()

    def accept_in_view(self) -> None:
        """Accept what lies in the visible part of the image."""
        self.bridge.flush()
        with self.telling():
            self._tell(self.session.accept_in(*self.bridge.view_box()))
            self._mark_reviewed()

    def _mark_reviewed(self) -> None:
        """Tick the image off when nothing above the threshold is left to judge."""
        plane, left = self.session.plane, self.session.suggestions()
        if plane is None or len(left.points) or len(left.boxes):
            return
        if not self.session.project.image(plane.image).reviewed:
            self.session.update_image(plane.image, reviewed=True)

    def _tell(self, count: int) -> None:
        words = f"Accepted {count:,} suggestion{'s' * (count != 1)}."
        self.session.message.emit(
            "info", f"{words} Undo takes all of them back." if count else "None to accept here."
        )

    def set_palette(self, palette: Any) -> None:
        """Take the colours of a new theme for the histogram."""
        self.slider.set_palette(palette)
