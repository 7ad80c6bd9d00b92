"""The dock: one narrow column of panels over one session."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from napari.layers import Image
from napari.utils.notifications import Notification, notification_manager
from qtpy.QtCore import QEvent, QObject, QSize, QTimer
from qtpy.QtWidgets import QApplication, QMainWindow, QSizePolicy, QVBoxLayout, QWidget

from napari_inkling.core import InklingError, ProjectLockedError
from napari_inkling.project.locking import WriteLock
from napari_inkling.project.scratch import is_scratch
from napari_inkling.session import Session, TrainingState
from napari_inkling.widgets._dispatch import QtDispatcher
from napari_inkling.widgets._timers import single_shot
from napari_inkling.widgets.cheat_sheet import CheatSheet
from napari_inkling.widgets.layers import LayerBridge
from napari_inkling.widgets.messages import MessageBar
from napari_inkling.widgets.panels._keys import cheat_sheet_groups
from napari_inkling.widgets.panels._memory import Memory
from napari_inkling.widgets.panels._panel import Panel
from napari_inkling.widgets.panels._scroll import PanelScroll
from napari_inkling.widgets.panels._style import palette, stylesheet
from napari_inkling.widgets.panels.annotate import AnnotatePanel
from napari_inkling.widgets.panels.export import ExportPanel
from napari_inkling.widgets.panels.guidance import GuidancePanel
from napari_inkling.widgets.panels.images import ImagesPanel
from napari_inkling.widgets.panels.measure import MeasurePanel
from napari_inkling.widgets.panels.project_bar import ProjectBar
from napari_inkling.widgets.panels.review import ReviewPanel
from napari_inkling.widgets.panels.train import TrainPanel

__all__ = ["InklingDock"]

WIDTH = 330
#: A project that cannot be written when the dock closes is tried again so often.
RETRY_MS = 5000
#: The worker starts so long after an image came on screen: it must not slow down what a person waits for.
WARM_UP_MS = 1500


class InklingDock(QWidget):
    """Annotate, train, review and export in one column, read from top to bottom.

    It lives as long as its dock widget and napari's window: hiding keeps everything running, closing either
    one ends the worker, saves the project and disconnects from napari.

    Parameters
    ----------
    napari_viewer : napari.Viewer
        The viewer whose layers it works with.
    session : Session, optional
        By default a new one with a worker on this machine.
    """

    def __init__(self, napari_viewer: Any, session: Session | None = None) -> None:
        super().__init__()
        # napari hands plugins a proxy; the layers' owner needs the viewer itself.
        self.viewer = getattr(napari_viewer, "__wrapped__", napari_viewer)
        self.memory = Memory()
        self.dispatcher = QtDispatcher()
        self.session = session or Session(dispatch=self.dispatcher)
        self.messages = MessageBar()
        self.cheat_sheet: CheatSheet | None = None
        self._closed = False
        self._window: QMainWindow | None = None
        self._window_closing = False
        self.session.message.connect(self._tell)
        self.bridge = LayerBridge(self.viewer, self.session)
        self._open_first_project()
        self._make_panels()
        self._connect()

    # -- making it

    def _open_first_project(self) -> None:
        """Open what was open last, unless the viewer shows images of its own and nothing was closed here."""
        if self.session.has_project:
            return
        last = self.memory.last
        if last is not None and is_free(last) and (self.memory.closed_here or not self._has_images()):
            try:
                self.session.open_project(last)
                return
            except InklingError as error:
                self._tell("warning", str(error))
        made = self.session.project  # a scratch one
        self.memory.opened(made.folder, scratch=True)  # now, that it is found again after a crash

    def _has_images(self) -> bool:
        return any(isinstance(layer, Image) for layer in self.viewer.layers)

    def _make_panels(self) -> None:
        both = self.session, self.bridge
        self.project_bar = ProjectBar(*both, self.memory)
        self.images, self.annotate = ImagesPanel(*both), AnnotatePanel(*both)
        self.train, self.review = TrainPanel(*both), ReviewPanel(*both)
        rest = self.measure, self.guidance, self.export = (
            MeasurePanel(*both),
            GuidancePanel(*both),
            ExportPanel(*both),
        )
        self.panels: tuple[Panel, ...] = (self.images, self.annotate, self.train, self.review, *rest)
        column = QWidget()
        column_layout = QVBoxLayout(column)
        column_layout.setContentsMargins(0, 0, 4, 0)
        column_layout.setSpacing(3)
        folded = {**{panel.title: True for panel in rest}, **self.memory.folded}
        for panel in self.panels:
            panel.set_folded(bool(folded.get(panel.title, False)))
            panel.folded.connect(partial(self._on_fold, panel))
            column_layout.addWidget(panel)
        column_layout.addStretch(1)
        self.scroll = PanelScroll(column)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 4, 2, 4)
        layout.setSpacing(5)
        layout.addWidget(self.project_bar)
        layout.addWidget(self.scroll, 1)
        layout.addWidget(self.messages)  # below: when one comes, no button moves away from under the mouse
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setMinimumWidth(300)
        self._retheme()

    def sizeHint(self) -> QSize:
        """Ask for a narrow column."""
        return QSize(WIDTH, 600)

    def _connect(self) -> None:
        self.viewer.events.theme.connect(self._retheme)
        self.project_bar.help_asked.connect(self.toggle_cheat_sheet)
        for action, slot in (
            ("train", self.train.train_or_stop),
            ("compare", self.train.comparison.compare_or_stop),
            ("cheat_sheet", self.toggle_cheat_sheet),
            ("export", self.export.export),
            ("next_unusual", self.guidance.go_on),
        ):
            self.bridge.keys.on(action, slot)
        self.train.ready.connect(self._on_ready)
        self.session.training.changed.connect(self._on_training)
        self.bridge.review.stepped.connect(self._on_step)
        self._warm = single_shot(self.session.warm_up, WARM_UP_MS, self)
        self.session.workspace.plane_changed.connect(self._warm_up_soon)
        self._warm_up_soon()

    def _warm_up_soon(self, *_: Any) -> None:
        if self.session.plane is not None and not self.session.project.read_only:
            self._warm.start()

    # -- while it lives

    def open_project(self, folder: Path | str) -> None:
        """Open a project; a refusal goes to the message bar."""
        self.project_bar.open_folder(Path(folder))

    def toggle_cheat_sheet(self) -> None:
        """Show all keys over the canvas, or put the sheet away."""
        if self.cheat_sheet is None:
            over = self._window.centralWidget() if self._window is not None else None
            style = stylesheet(palette(self.viewer.theme))
            self.cheat_sheet = CheatSheet(over or self, cheat_sheet_groups(), style)
        self.cheat_sheet.toggle()

    def _on_training(self, state: TrainingState) -> None:
        """Bring the review into view once there is something to review."""
        if state.status in ("finished", "stopped") and not self.review.is_folded:
            self.scroll.bring(self.review)

    def _on_ready(self) -> None:
        """Bring the button into view that is pressed next, but move none away under the mouse."""
        if not self.train.is_folded and not self.scroll.underMouse():
            self.scroll.bring(self.train)

    def _on_step(self) -> None:
        """Bring into view what Review says of the cell, but move no button away under the mouse."""
        if not self.review.is_folded and not self.review.underMouse():
            self.scroll.bring(self.review)

    def _on_fold(self, panel: Panel, folded: bool) -> None:
        self.memory.fold(panel.title, folded)
        if folded:
            self.scroll.rest()
        else:
            self.scroll.bring(panel)

    def _tell(self, level: str, text: str) -> None:
        if self._closed:  # nobody sees the dock any more
            if level != "info":
                notification_manager.dispatch(Notification(text, level))
            return
        state = self.session.training.state
        about_training = text == state.full_message
        if about_training and level == "info" and not self.train.is_folded:
            return  # it stands below the button
        self.messages.show_message(level, text, state.details if about_training else "")

    def _retheme(self, *_: Any) -> None:
        colours = palette(self.viewer.theme)
        self.setStyleSheet(stylesheet(colours))
        for panel in (self.project_bar, *self.panels):
            panel.set_palette(colours)
        if self.cheat_sheet is not None:
            self.cheat_sheet.setStyleSheet(stylesheet(colours))

    # -- the end

    def event(self, event: QEvent | None) -> bool:
        """Notice that napari took the widget out of its dock: that is how it closes one."""
        handled = super().event(event)
        if event is not None and event.type() == QEvent.Type.ParentChange:
            self._find_window()
            if self.parentWidget() is None and self._window is not None:
                self.close_down()
                self.deleteLater()
        return handled

    def showEvent(self, event: Any) -> None:
        """Find napari's window, now that there is one."""
        self._find_window()
        super().showEvent(event)

    def _find_window(self) -> None:
        if self._closed:
            return
        widget: QWidget | None = self
        while widget is not None and not isinstance(widget, QMainWindow):
            widget = widget.parentWidget()
        if self._window is None and isinstance(widget, QMainWindow):
            self._window = widget
            widget.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Notice that napari's window closes: it hides right after it agreed to close."""
        if event is not None and watched is self._window:
            if event.type() == QEvent.Type.Close:
                self._window_closing = True
                QTimer.singleShot(0, self._stay_open)
            elif event.type() == QEvent.Type.Hide and self._window_closing:
                self.close_down()
        return False

    def _stay_open(self) -> None:
        self._window_closing = False

    def close_down(self) -> None:
        """End the worker, save and close the project, and let go of napari. May be called twice."""
        if self._closed:
            return
        self._closed = True
        self.setEnabled(False)
        self._warm.stop()
        self.scroll.stop()
        with ExitStack() as every:  # backwards, and each one whatever becomes of the others
            every.callback(save_later, self.session)
            every.callback(self.session.message.disconnect, self._tell)  # the session may fail to save
            every.callback(self.dispatcher.close)
            every.callback(self.session.close)
            every.callback(self.bridge.close)
            every.callback(self.session.training.changed.disconnect, self._on_training)
            every.callback(self.bridge.review.stepped.disconnect, self._on_step)
            every.callback(self.session.workspace.plane_changed.disconnect, self._warm_up_soon)
            for panel in (self.project_bar, *self.panels):
                every.callback(panel.release)
            every.callback(self.viewer.events.theme.disconnect, self._retheme)
            every.callback(self._drop_cheat_sheet)
            every.callback(self.memory.closed, self.session.project.folder)
        if self._window is not None:
            self._window.removeEventFilter(self)
            self._window = None  # it holds napari's canvas

    def _drop_cheat_sheet(self) -> None:
        if self.cheat_sheet is not None:
            self.cheat_sheet.setParent(None)
            self.cheat_sheet.deleteLater()
            self.cheat_sheet = None


def is_free(folder: Path) -> bool:
    """Return whether a project is not an unnamed one that another viewer has open: that is its own affair."""
    if not is_scratch(folder):
        return True
    try:
        WriteLock(folder).release()
    except ProjectLockedError:
        return False
    except OSError:  # it cannot be written: it opens read-only, and says so
        return True
    return True


def save_later(session: Session) -> None:
    """Go on trying to close a session whose project cannot be written, as long as napari runs."""
    if not session.has_project:
        return
    name = session.project.name

    def attempt() -> None:
        session.close()
        if not session.has_project:
            timer.stop()
            timer.deleteLater()
            notification_manager.dispatch(Notification(f"The project {name} could be written now.", "info"))

    timer = QTimer(QApplication.instance())
    timer.setInterval(RETRY_MS)
    timer.timeout.connect(attempt)
    timer.start()
