"""Review: which suggestions to keep, the doubtful ones first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QCheckBox, QGridLayout, QProgressBar, QWidget

from napari_inkling.session import scored, with_ids
from napari_inkling.widgets.panels._keys import key_of
from napari_inkling.widgets.panels._panel import Panel, button, column, label, put, row, shrinking
from napari_inkling.widgets.panels._threshold import ThresholdSlider

if TYPE_CHECKING:
    from napari_inkling.session import Session
    from napari_inkling.widgets.layers import LayerBridge
    from napari_inkling.widgets.panels._style import Palette

__all__ = ["ReviewPanel"]


class ReviewPanel(Panel):
    """Goes through suggestions by doubt; accepts and rejects them one by one or many at once."""

    title = "Review"

    def __init__(self, session: Session, bridge: LayerBridge) -> None:
        super().__init__(session, bridge)
        # Without suggestions there is only the sentence that says when they come.
        self._column = column(self.body.spacing())
        self.controls = self.add(QWidget())
        self.controls.setLayout(self._column)
        self.slider: ThresholdSlider = put(self._column, ThresholdSlider())
        self.slider.changed.connect(self._set_threshold)
        self.counts = put(self._column, shrinking(label(role="strong")))
        self._make_progress()
        self._make_one_by_one()
        self._make_many_at_once()
        self._make_rejecting()
        self.listen(
            self.refresh_soon,
            session.project_changed,
            session.workspace.plane_changed,
            session.annotations.history_changed,
        )
        self.listen(self.refresh_calmly, session.suggestions.changed)
        self.listen_to_activity()
        self.listen(self._show_focus, bridge.focus_changed)
        self.listen(self._show_words, bridge.review.moved_onto)
        self.refresh()

    def _make_progress(self) -> None:
        self.looked = label(role="muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setMinimumWidth(20)
        tip = "Go to the cell, in any image, whose judging teaches the model most"
        self.next_anywhere = button(
            "Next", tip, lambda: self.bridge.keys.run("next_anywhere"), key=key_of("next_anywhere")
        )
        line = put(self._column, row(shrinking(self.looked), self.bar, self.next_anywhere))
        line.setStretch(1, 1)
        self.in_bulk = put(self._column, shrinking(label(role="muted")))
        self.in_bulk.setToolTip(
            "Accepted many at once, in this image, without a look at each; go to one in Measure to look at it"
        )

    def _make_one_by_one(self) -> None:
        self.previous = button("◀", "The one before", self.go_back, key=key_of("previous_suggestion"))
        self.next = button(
            "▶", "The most doubtful one that is left", self.go_on, key=key_of("next_suggestion")
        )
        self.accept_button = button("✓ accept", "It is a cell", self.accept, key=key_of("accept"))
        self.reject_button = button("✕ reject", "", self.reject, key=key_of("reject"))
        grid = put(self._column, QGridLayout())
        grid.setSpacing(5)
        shares = {self.previous: 1, self.accept_button: 3, self.reject_button: 3, self.next: 1}
        for at, (widget, share) in enumerate(shares.items()):
            grid.addWidget(widget, 0, at)
            grid.setColumnStretch(at, share)

    def _make_many_at_once(self) -> None:
        run = self.bridge.keys.run
        self.accept_all = button(
            "", "Accept everything that is shown", lambda: run("accept_above"), key=key_of("accept_above")
        )
        self.accept_view = button(
            "Accept in view",
            "Accept what the window shows now",
            lambda: run("accept_in_view"),
            key=key_of("accept_in_view"),
        )
        line = put(self._column, row(shrinking(self.accept_all), self.accept_view, spacing=5))
        line.setStretch(0, 1)
        self.score = put(self._column, label(role="muted", wrap=True))
        self.why = put(self._column, label(role="muted", wrap=True))

    def _make_rejecting(self) -> None:
        self.as_background = put(self._column, QCheckBox("Rejecting also marks “not a cell”"))
        self.as_background.setChecked(True)
        self.as_background.setToolTip(
            "A rejected suggestion becomes a hint, so that the next training learns from it; "
            f"{key_of('reject_background')} does that in any case"
        )
        self.as_background.toggled.connect(self._set_background)
        self._set_background(True)
        self.restore_button = button(
            "",
            "Show again what was rejected here without marking “not a cell”",
            self.restore_rejected,
            role="link",
        )
        self.add(row(self.restore_button, None))  # also where nothing else is left to judge

    # -- what shows

    def refresh(self) -> None:
        """Show how many suggestions there are and how their scores are spread."""
        session, threshold = self.session, self.session.suggestions.threshold
        scores = scored(session.suggestions.shown(threshold=0.0))[1]
        shown = int((scores >= threshold).sum())
        doubtful = len(session.guide.doubted()) if shown else 0
        self.slider.set_value(threshold)
        self.slider.histogram.set_scores(scores)
        self.counts.setText(f"{shown:,} suggested, {doubtful:,} doubtful")
        self.summary.setText(f"{shown:,}" if len(scores) else "")
        self.accept_all.setText(f"Accept {shown:,} above {threshold:.2f}")
        writable = not session.project.read_only
        for widget in (self.previous, self.next):
            widget.setEnabled(shown > 0)
        for widget in (self.accept_all, self.accept_view, self.accept_button, self.reject_button):
            widget.setEnabled(shown > 0 and writable)
        if session.training.guesses:
            self.accept_all.setEnabled(False)
            self.accept_view.setEnabled(False)
        self._show_focus()
        self.controls.setVisible(len(scores) > 0)
        self._show_rejected(writable=writable)
        self._advise(len(scores), shown, doubtful)

    def _show_rejected(self, *, writable: bool) -> None:
        count = self.session.review.rejected_count()
        self.restore_button.setText(f"Bring back {count:,} rejected")
        self.restore_button.setVisible(count > 0)
        self.restore_button.setEnabled(writable)

    def _advise(self, total: int, shown: int, doubtful: int) -> None:
        # Counting takes some milliseconds.
        known, found, in_bulk = (0, 0, 0) if total else self.session.guide.looked()
        if found and not self.session.training.active:
            unseen = f" {in_bulk:,} more accepted without a look at each." if in_bulk else ""
            self.say_next(f"Nothing is left to judge here: {known:,} of {found:,} looked at.{unseen}")
        elif not total:
            busy = self.session.training.active or self.session.prediction.active
            self.say_next("They come in a moment." if busy else "Suggestions appear here after training.")
        elif self.session.training.guesses:
            then = "wait" if self.session.training.active else "train again"
            self.say_next(f"A first guess, from before the model has learnt: {then}, or judge one by one.")
        elif self.session.training.active:
            self.say_next("Still training: these change until it is done.")
        elif not shown:
            self.say_next("None is left above the threshold: lower it, train on, or go to the next image.")
        elif doubtful:
            self.say_next("Go through the doubtful ones with ▶, then accept all above.", now=True)
        else:
            self.say_next("Nothing doubtful is left: accept all above, then mark what is missed.", now=True)

    def _show_focus(self, *_: Any) -> None:
        self._show_words()
        self._show_progress()

    def _show_words(self, *_: Any) -> None:
        """Say what is known of the one that a key would judge: under the mouse, else in the ring."""
        review = self.bridge.review
        words = self._words_of(review.under_mouse, "under the mouse")
        in_ring = not words
        if in_ring:
            words = self._words_of(review.focused, "in the ring")
        self.score.setText(words)
        self.score.setVisible(bool(words))
        why = review.why if words and (in_ring or review.under_mouse == review.focused) else ""
        self.why.setText(f"Worth a look: {why}." if why else "")
        self.why.setVisible(bool(why))

    def _words_of(self, one: int | None, where: str) -> str:
        """Return class, score and size of a suggestion; nothing of one that is not shown."""
        if one is None:
            return ""
        shown = with_ids(self.session.suggestions.shown(), [one])
        if not any(map(len, shown.kinds)):
            return ""
        if self.session.review.is_marked(one):
            noun = "outline" if len(shown.masks) else "box"
            return f"The one {where} is the {noun} of a cell that you marked."
        said = [f"score {scored(shown)[1][0]:.2f}"]
        if len(shown.boxes):
            height, width = (
                (shown.boxes.coordinates[0, 2:] - shown.boxes.coordinates[0, :2]).round().astype(int)
            )
            said.append(f"{height} px high, {width} wide")
        if one_of_many := len(self.session.project.classes) > 1:
            said.insert(0, next(str(name) for rows in shown.kinds for name in rows.classes))
        in_ring = one == self.bridge.review.focused
        keys = " A class's key accepts it as that class." * (one_of_many and in_ring)
        keys += f" If it fits badly, drag a corner with box [{key_of('tool_box')}]." * (
            in_ring and len(shown.boxes) > 0 and not self.session.project.read_only
        )
        return f"The one {where}: {', '.join(said)}.{keys}"

    def _show_progress(self) -> None:
        """Say how many of the cells that the model found here the person knows by now."""
        known, found, in_bulk = self.session.guide.looked()
        self.looked.setText(f"{known:,} of {found:,} looked at")
        self.looked.setToolTip(
            "Cells above the slider that you marked, judged one by one or went to, in this image"
        )
        self.in_bulk.setText(f"{in_bulk:,} more accepted without a look at each")
        self.in_bulk.setVisible(in_bulk > 0)
        self.bar.setRange(0, max(1, found))
        self.bar.setValue(known)

    def _set_background(self, marks: bool) -> None:
        """Let the button, its key and Ctrl+click reject in the same way, and say which."""
        self.bridge.review.marks_background = marks
        words = "It is no cell: reject it" + (" and mark “not a cell”" if marks else "")
        self.reject_button.setToolTip(f"{words}  [{key_of('reject')}]")
        self.reject_button.setAccessibleName(words)

    # -- what it does

    def _set_threshold(self, value: float) -> None:
        self.session.suggestions.threshold = value
        self.refresh_soon()

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

    def restore_rejected(self) -> None:
        """Show again what was rejected on this plane without becoming a hint."""
        self.bridge.flush()
        with self.telling():
            if count := self.session.review.restore_rejected():
                words = f"Brought back {count:,} suggestion{'s' * (count != 1)}."
                self.session.message.emit("info", f"{words} Undo rejects them again.")

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a new theme for the histogram."""
        self.slider.set_palette(palette)
