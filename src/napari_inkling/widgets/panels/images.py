"""Images: the list, going through it, what is done, and what cannot be found any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QCheckBox, QListView, QMenu

from napari_inkling.core import PlaneRef
from napari_inkling.widgets.panels._image_actions import ImageActions
from napari_inkling.widgets.panels._image_list import ImageLine, ImageListModel
from napari_inkling.widgets.panels._keys import key_of
from napari_inkling.widgets.panels._panel import button, label, row
from napari_inkling.widgets.panels._start_frame import StartFrame

if TYPE_CHECKING:
    from napari_inkling.project import ImageRecord
    from napari_inkling.session import Session
    from napari_inkling.widgets.layers import LayerBridge
    from napari_inkling.widgets.panels._style import Palette

__all__ = ["ImagesPanel"]

#: So many lines show before the list scrolls.
SHOWN = 6


class ImagesPanel(ImageActions):
    """Which images there are and which one is on screen."""

    title = "Images"

    def __init__(self, session: Session, bridge: LayerBridge) -> None:
        super().__init__(session, bridge)
        self.setAcceptDrops(True)
        self._make_header_buttons()
        self.start = self.add(StartFrame(self.add_layer, self.add_files, self.add_folder, self.add_sample))
        self._make_list()
        self._make_problem()
        self._make_ticks()
        self.listen(
            self.refresh_soon,
            session.project_changed,
            session.images.changed,
            session.images.problems_changed,
            session.workspace.plane_changed,
            session.annotations.hints_changed,
            session.prediction.models_changed,
        )
        layers = bridge.viewer.layers
        self.listen(self._show_layer, layers.selection.events.active, layers.events.removed)
        self.refresh()

    def _make_header_buttons(self) -> None:
        self.previous = button(
            "◀", "Previous image", self._previous, key=key_of("previous_image"), role="flat"
        )
        self.next = button("▶", "Next image", self._next, key=key_of("next_image"), role="flat")
        self.more = button(
            "+", "Add images (files, a folder, the selected layer), or import annotations", role="flat"
        )
        self.add_menu = QMenu(self)  # in the header it would be see-through
        self.add_menu.aboutToShow.connect(lambda: self.fill_add_menu(self.add_menu))
        self.more.setMenu(self.add_menu)
        for widget in (self.previous, self.next, self.more):
            self.header_row.addWidget(widget)

    def _make_list(self) -> None:
        self.model = ImageListModel(self)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setUniformItemSizes(True)
        self.list.setIconSize(QSize(36, 12))
        self.list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.list.clicked.connect(lambda index: self._show(index.row()))
        self.list.activated.connect(lambda index: self._show(index.row()))
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._show_menu)
        self.add(self.list)

    def _make_problem(self) -> None:
        self.problem = self.add(label(role="warning", wrap=True))
        self.relink_button = self.add(button("Re-link…", "Say where this image lies now", self.relink))

    def _make_ticks(self) -> None:
        self.complete = QCheckBox("Every cell is marked")
        self.complete.setToolTip(
            "Hold this image out: it is never trained on, but shows how good the model is (F1)"
        )
        self.complete.clicked.connect(lambda on: self._update(complete=on))
        self.done = QCheckBox("Done")
        self.done.setToolTip("Tick off the image for yourself; nothing else changes")
        self.done.clicked.connect(lambda on: self._update(done=on))
        self.add(row(self.complete, None, self.done))

    # -- what shows

    def refresh(self) -> None:
        """Show the list, the current image's ticks, and its problem."""
        project, plane = self.session.project, self.session.plane
        marked = {ref.image for ref in project.planes_with_hints()}
        trained = self.session.training.trained_images
        lines = [self._line(record, marked, trained) for record in project.images]
        self.model.set_lines(lines)
        names = [line.name for line in lines]
        at = names.index(plane.image) if plane is not None and plane.image in names else -1
        if at >= 0 and self.list.currentIndex().row() != at:
            self.list.setCurrentIndex(self.model.index(at))
        record = project.images[at] if at >= 0 else None
        self._show_state(lines, at, record, read_only=project.read_only)

    def _line(self, record: ImageRecord, marked: set[str], trained: frozenset[str]) -> ImageLine:
        problem = self.session.images.problems.get(record.name)
        return ImageLine(
            record.name,
            marked=record.name in marked,
            trained=record.name in trained,
            reviewed=record.reviewed,
            done=record.done,
            complete=record.complete,
            problem=problem.message if problem else "",
            detail=record.path,
        )

    def _show_state(
        self, lines: list[ImageLine], at: int, record: ImageRecord | None, *, read_only: bool
    ) -> None:
        some = bool(lines)
        self.start.setVisible(not some)
        self.list.setVisible(some)
        height = self.list.sizeHintForRow(0) if some else 0
        self.list.setFixedHeight(max(1, min(len(lines), SHOWN)) * max(height, 18) + 8)
        for widget in (self.complete, self.done):
            widget.setVisible(some)
            widget.setEnabled(record is not None and not read_only)
        if record is not None:
            self.complete.setChecked(record.complete)
            self.done.setChecked(record.done)
        for widget in (self.previous, self.next):
            widget.setVisible(some)
            widget.setEnabled(len(lines) > 1)
        where = f"{at + 1}/{len(lines)}" if at >= 0 else (f"{len(lines)}" if some else "")
        self.summary.setText(where)
        self._show_layer()
        problems = self.session.images.problems
        shown = problems.get(record.name) if record is not None else None
        self.problem.setVisible(shown is not None)
        self.relink_button.setVisible(shown is not None)
        self.problem.setText(shown.message if shown is not None else "")
        if not some:
            self._say_how_to_start()
        elif record is None:
            self.say_next("Click an image to open it.", now=True)
        elif problems and shown is None:
            some_of = "An image" if len(problems) == 1 else f"{len(problems):,} images"
            self.say_next(f"{some_of} cannot be read, or changed: look for ⚠.")
        else:
            self.say_next("")

    def _show_layer(self, *_: Any) -> None:
        """Offer the image layer that is selected in napari."""
        self.start.offer(self.bridge.layer_to_add())
        if not self.model.lines:
            self._say_how_to_start()

    def _say_how_to_start(self) -> None:
        open_one = self.bridge.layer_to_add()
        words = "Start with an image." if open_one is None else "Start with the image that is open."
        self.say_next(words, now=True)

    # -- what it does

    def _show(self, at: int) -> None:
        record = self.session.project.images[at]
        with self.telling():
            self.session.go_to(record.planes()[0] if record.planes() else PlaneRef(record.name))

    def _previous(self) -> None:
        with self.telling():
            self.session.workspace.previous_image()

    def _next(self) -> None:
        with self.telling():
            self.session.workspace.next_image()

    def _update(self, **marks: bool) -> None:
        if self.session.plane is not None:
            with self.telling():
                self.session.images.update(self.session.plane.image, **marks)

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a new theme for the hollow dots."""
        self.model.set_ring(palette.muted)

    def _show_menu(self, at: Any) -> None:
        if (index := self.list.indexAt(at)).isValid():
            self.menu_for(self.model.lines[index.row()].name).popup(self.list.viewport().mapToGlobal(at))
