"""What every part of the dock is made of: a header that folds, one sentence on what to do next, some rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QEvent, QObject, Qt, QTimer, Signal
from qtpy.QtGui import QAction
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QElidingLabel

from napari_inkling.core import InklingError
from napari_inkling.widgets._timers import single_shot

if TYPE_CHECKING:
    from napari_inkling.session import Session, TrainingState
    from napari_inkling.widgets.layers import LayerBridge
    from napari_inkling.widgets.panels._style import Palette

__all__ = [
    "Panel",
    "button",
    "calm_wheel",
    "column",
    "entry",
    "label",
    "put",
    "restyle",
    "row",
    "set_role",
    "shrinking",
]

#: A part shows what changed so many milliseconds later; a burst of changes is shown once.
REFRESH_MS = 50


def restyle(widget: QWidget) -> None:
    """Apply the style sheet again, after a property that it asks for has changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget the look of that name in :mod:`._style`."""
    if widget.property("role") != role:
        widget.setProperty("role", role)
        restyle(widget)


def label(text: str = "", role: str = "plain", *, wrap: bool = False) -> QLabel:
    """Return a label; one that wraps never asks for more width than there is."""
    made = QLabel(text)
    made.setProperty("role", role)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(wrap)
    if wrap:
        made.setMinimumWidth(40)
    return made


def button(
    text: str, tip: str, slot: Callable[[], Any] | None = None, *, key: str = "", role: str = "plain"
) -> QPushButton:
    """Return a button with a tooltip that ends in its key.

    It takes the focus from the Tab key only: after a click, keys go on acting on the canvas.
    """
    made = QPushButton(text)
    made.setProperty("role", role)
    made.setToolTip(f"{tip}  [{key}]" if key else tip)
    made.setAccessibleName(tip)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    if slot is not None:
        made.clicked.connect(lambda _checked=False: slot())
    return made


def shrinking(widget: QWidget, least: int = 60) -> QWidget:
    """Return the widget, which now gets narrower than its text before the dock gets wider than its window."""
    widget.setMinimumWidth(least)
    return widget


def row(*widgets: QWidget | None, spacing: int = 6) -> QHBoxLayout:
    """Return a row of widgets; ``None`` is a gap that grows."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for widget in widgets:
        if widget is None:
            layout.addStretch(1)
        else:
            layout.addWidget(widget)
    return layout


def column(spacing: int = 6) -> QVBoxLayout:
    """Return an empty column without margins."""
    layout = QVBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    return layout


def put(layout: QVBoxLayout, item: Any) -> Any:
    """Append a widget or a layout to a column, and return it."""
    if isinstance(item, QWidget):
        layout.addWidget(item)
    else:
        layout.addLayout(item)
    return item


def entry(menu: QMenu, text: str, call: Callable[[], Any], *, enabled: bool = True) -> QAction:
    """Append an entry to a menu, and return it."""
    made = menu.addAction(text)
    made.setEnabled(enabled)
    made.triggered.connect(lambda _checked=False: call())
    return made


class _CalmWheel(QObject):
    """Lets the wheel scroll the dock instead of changing a value under the pointer."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is None or event.type() != QEvent.Type.Wheel:
            return False
        if isinstance(watched, QWidget) and watched.hasFocus():
            return False
        event.ignore()
        return True


def calm_wheel(widget: QWidget) -> QWidget:
    """Return the widget, which now changes by the wheel only when it has the focus, and may get narrow."""
    if isinstance(widget, QComboBox):
        widget.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        widget.setMinimumContentsLength(5)
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.installEventFilter(_CalmWheel(widget))
    return widget


class Panel(QWidget):
    """One part of the dock.

    A subclass sets :attr:`title`, fills :attr:`body`, and shows the state of the session in ``refresh``.

    Parameters
    ----------
    session : Session
        What the dock shows and drives.
    bridge : LayerBridge
        The canvas side: tools, layers, where the viewer looks.
    """

    title = ""
    #: The person folded or unfolded this part.
    folded = Signal(bool)

    def __init__(self, session: Session, bridge: LayerBridge) -> None:
        super().__init__()
        self.session = session
        self.bridge = bridge
        self._listening: list[tuple[Any, Callable[..., Any]]] = []
        self._on_beat: list[Callable[[], Any]] = []
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._make_header()
        self.next_step = label(role="next", wrap=True)
        self.content = QWidget()
        self.body = column(spacing=7)
        self.body.setContentsMargins(6, 6, 4, 10)
        self.body.addWidget(self.next_step)
        self.content.setLayout(self.body)
        outer = column(spacing=0)
        outer.addWidget(self.header)
        outer.addWidget(self.content)
        self.setLayout(outer)
        self.set_folded(False)
        #: Refreshes within :data:`REFRESH_MS`; takes the arguments of any signal.
        self.refresh_soon = self.soon(REFRESH_MS, self.refresh)
        self._refresh_on_beat = self.on_beat(self.refresh)

    def _make_header(self) -> None:
        self.fold_button = QToolButton()
        self.fold_button.setObjectName("fold")
        self.fold_button.setText(self.title)
        self.fold_button.setCheckable(True)
        self.fold_button.setChecked(True)
        self.fold_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.fold_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextOnly)
        self.fold_button.setToolTip(f"Fold or unfold {self.title}")
        self.fold_button.clicked.connect(self._on_fold)
        self.summary = QElidingLabel()
        self.summary.setProperty("role", "summary")
        self.summary.setTextFormat(Qt.TextFormat.PlainText)
        self.summary.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.header = QWidget()
        self.header.setObjectName("sectionHeader")
        self.header_row = row(self.fold_button, self.summary, spacing=2)
        self.header_row.setStretch(1, 1)  # all the room there is: a new text does not widen the label
        self.header_row.setContentsMargins(4, 0, 4, 0)
        self.header.setLayout(self.header_row)

    def add(self, item: Any) -> Any:
        """Append a widget or a row to the body, and return it."""
        return put(self.body, item)

    def say_next(self, sentence: str, *, now: bool = False) -> None:
        """Show the one sentence that says what to do; ``now`` marks it as the next thing of all."""
        self.next_step.setText(sentence)
        self.next_step.setVisible(bool(sentence))
        if self.next_step.property("now") != now:
            self.next_step.setProperty("now", now)
            restyle(self.next_step)

    @property
    def is_folded(self) -> bool:
        """Whether only the header shows."""
        return not self.fold_button.isChecked()

    def set_folded(self, folded: bool) -> None:
        """Show the header only, or everything."""
        self.fold_button.setChecked(not folded)
        self.fold_button.setText(f"{'▸' if folded else '▾'} {self.title}")
        self.content.setVisible(not folded)

    def _on_fold(self) -> None:
        self.set_folded(not self.fold_button.isChecked())
        self.folded.emit(self.is_folded)

    def listen(self, slot: Callable[..., Any], *signals: Any) -> None:
        """Connect signals of the session or the bridge until :meth:`release`."""
        for signal in signals:
            signal.connect(slot)
            self._listening.append((signal, slot))

    def soon(self, milliseconds: int, slot: Callable[[], Any]) -> Callable[..., None]:
        """Return what calls ``slot`` so much later, once for a burst of calls; its arguments are dropped."""
        timer = single_shot(slot, milliseconds, self)

        def start(*_: Any) -> None:
            if not timer.isActive():
                timer.start()

        return start

    def on_beat(self, slot: Callable[[], Any]) -> Callable[..., None]:
        """Return what calls ``slot`` at the next beat of the bridge; its arguments are dropped."""
        self._on_beat.append(slot)
        return lambda *_: self.bridge.beat.ask(slot)

    def refresh_calmly(self, *_: Any) -> None:
        """Refresh soon; with the other parts while a training runs, which has it done many times a second."""
        if self.session.training.active:
            self._refresh_on_beat()
        else:
            self.refresh_soon()

    def listen_to_activity(self) -> None:
        """Refresh soon when a training begins, begins to stop, or ends; not at each of its steps."""
        status = self.session.training.state.status

        def on_training(state: TrainingState) -> None:
            nonlocal status
            if state.status != status:
                status = state.status
                self.refresh_soon()

        self.listen(on_training, self.session.training.changed)

    def release(self) -> None:
        """Disconnect from everything that outlives this widget; what it was about to do is not done."""
        for slot in self._on_beat:
            self.bridge.beat.forget(slot)
        for signal, slot in self._listening:
            signal.disconnect(slot)
        self._listening.clear()
        for timer in self.findChildren(QTimer):  # a refresh that is due would find the session closed
            timer.stop()

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Turn a refusal inside the block into a message in the dock."""
        try:
            yield
        except (InklingError, OSError) as error:
            self.session.message.emit("error", str(error))

    def refresh(self) -> None:
        """Show the state that the session has now."""

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a new theme, for what is painted by hand."""
