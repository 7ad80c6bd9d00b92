"""Images: the list, adding, going through, what is done, and what cannot be found any more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QSize, QTimer
from qtpy.QtWidgets import QCheckBox, QFileDialog, QFrame, QListView, QMenu, QVBoxLayout

from napari_inkling.core import PlaneRef
from napari_inkling.project.samples import sample
from napari_inkling.widgets.panels._image_list import ImageLine, ImageListModel
from napari_inkling.widgets.panels._keys import key_of
from napari_inkling.widgets.panels._panel import Panel, button, label, row

__all__ = ["ImagesPanel"]

#: So many lines show before the list scrolls.
SHOWN = 6


class ImagesPanel(Panel):
    """Which images there are and which one is on screen."""

    title = "Images"

    def __init__(self, session: Any, bridge: Any) -> None:
        super().__init__(session, bridge)
        self.setAcceptDrops(True)
        self._problems: dict[str, Any] = {}
        self._learning: set[str] = set()
        self._files: list[tuple[str, str, str]] | None = None
        self._refreshing = QTimer(self)
        self._refreshing.setSingleShot(True)
        self._refreshing.setInterval(30)
        self._refreshing.timeout.connect(self.refresh)

        self.previous = button(
            "◀", "Previous image", self._previous, key=key_of("previous_image"), role="flat"
        )
        self.next = button("▶", "Next image", self._next, key=key_of("next_image"), role="flat")
        self.more = button("+", "Add images: files, a folder, or the layer that is selected", role="flat")
        self.add_menu = QMenu(self.more)
        self.add_menu.aboutToShow.connect(self._fill_menu)
        self.more.setMenu(self.add_menu)
        for widget in (self.previous, self.next, self.more):
            self.header_row.addWidget(widget)

        self.start = self._make_start()
        self.add(self.start)
        self.model = ImageListModel(self)
        self.list = QListView()
        self.list.setModel(self.model)
        self.list.setUniformItemSizes(True)
        self.list.setIconSize(QSize(36, 12))
        self.list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self.list.clicked.connect(lambda index: self._show(index.row()))
        self.list.activated.connect(lambda index: self._show(index.row()))
        self.add(self.list)
        self.problem = label(role="warning", wrap=True)
        self.relink_button = button("Re-link…", "Say where this image lies now", self.relink)
        self.add(self.problem)
        self.add(self.relink_button)
        self.complete = QCheckBox("Every cell is marked")
        self.complete.setToolTip(
            "Hold this image out: it is never trained on, but shows how good the model is (F1)"
        )
        self.complete.clicked.connect(lambda on: self._update(complete=on))
        self.done = QCheckBox("Done")
        self.done.setToolTip("Tick off the image for yourself; nothing else changes")
        self.done.clicked.connect(lambda on: self._update(done=on))
        self.add(row(self.complete, None, self.done))

        self.listen(self._recheck, session.project_changed)
        self.listen(self._reload, session.images_changed)
        for signal in (session.plane_changed, session.hints_changed):
            self.listen(self._later, signal)
        self.listen(self._on_training, session.training_changed)
        self.listen(self._on_models, session.models_changed)
        layers = bridge.viewer.layers
        for event in (layers.selection.events.active, layers.events.removed):
            self.listen(self._show_layer, event)
        self._reload()

    def _make_start(self) -> QFrame:
        frame = QFrame()
        frame.setObjectName("drop")
        layout = QVBoxLayout(frame)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.setSpacing(6)
        self.use_layer = button(
            "", "Annotate the image that is open in napari", self.add_layer, role="primary"
        )
        self.use_files = button("Files…", "Add image files", self.add_files)
        self.use_folder = button("Folder…", "Add every image of a folder", self.add_folder)
        layout.addWidget(self.use_layer)
        layout.addWidget(label("Drop images here, or add", role="muted"))
        layout.addLayout(row(self.use_files, self.use_folder))
        self.use_sample = button(
            "or try it with a sample",
            "Add an H&E-stained tissue that comes along",
            self.add_sample,
            role="link",
        )
        layout.addLayout(row(self.use_sample, None))
        return frame

    # -- what shows

    def _later(self, *_: Any) -> None:
        self._refreshing.start()  # a burst of edits is one refresh

    def _on_training(self, state: Any) -> None:
        if state.status == "starting":
            held_out = {r.name for r in self.session.project.images if r.complete}
            self._learning = {r.image for r in self.session.project.planes_with_hints()} - held_out

    def _on_models(self) -> None:
        """Remember which images the new model has learnt from."""
        if self._learning:
            known = self.session.project.setting("trained_images", ())
            self.session.project.set_setting("trained_images", sorted({*known, *self._learning}))
        self._later()

    def _recheck(self, *_: Any) -> None:
        self._files, self._learning = None, set()
        self._reload()

    def _reload(self, *_: Any) -> None:
        """Look for images that are missing or changed, if there can be others than before; it reads files."""
        files = [(r.name, r.path, r.fingerprint) for r in self.session.project.images]
        if files != self._files:
            self._files = files
            with self.telling():
                self._problems = {p.name: p for p in self.session.project.problems()}
        self.refresh()

    def refresh(self, *_: Any) -> None:
        """Show the list, the current image's ticks, and its problem."""
        project, plane = self.session.project, self.session.plane
        marked = {ref.image for ref in project.planes_with_hints()}
        trained = set(project.setting("trained_images", ()))
        lines = [self._line(r, marked, trained) for r in project.images]
        self.model.set_lines(lines)
        names = [line.name for line in lines]
        at = names.index(plane.image) if plane is not None and plane.image in names else -1
        if at >= 0 and self.list.currentIndex().row() != at:
            self.list.setCurrentIndex(self.model.index(at))
        record = project.images[at] if at >= 0 else None
        self._show_state(lines, at, record, read_only=project.read_only)

    def _line(self, record: Any, marked: set[str], trained: set[str]) -> ImageLine:
        problem = self._problems.get(record.name)
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

    def _show_state(self, lines: list[ImageLine], at: int, record: Any, *, read_only: bool) -> None:
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
        shown = record is not None and self._problems.get(record.name)
        self.problem.setVisible(bool(shown))
        self.relink_button.setVisible(bool(shown))
        self.problem.setText(shown.message if shown else "")
        if not some:
            self.say_next("Start with an image.", now=True)
        elif record is None:
            self.say_next("Click an image to open it.", now=True)
        elif self._problems and not shown:
            self.say_next(f"{len(self._problems)} images cannot be read: look for ⚠.")
        else:
            self.say_next("")

    def _show_layer(self, *_: Any) -> None:
        """Offer the image layer that is selected in napari."""
        layer = self.bridge.layer_to_add()
        self.use_layer.setVisible(layer is not None)
        self.use_layer.setText(f"Use “{_short(layer)}”" if layer is not None else "")

    # -- what it does

    def _show(self, at: int) -> None:
        record = self.session.project.images[at]
        with self.telling():
            self.session.go_to(record.planes()[0] if record.planes() else PlaneRef(record.name))

    def _previous(self) -> None:
        with self.telling():
            self.session.previous_image()

    def _next(self) -> None:
        with self.telling():
            self.session.next_image()

    def _update(self, **marks: bool) -> None:
        if self.session.plane is not None:
            with self.telling():
                self.session.update_image(self.session.plane.image, **marks)

    def add_paths(self, paths: list[Path]) -> None:
        """Add files and folders; what cannot be read is told in the message bar."""
        with self.telling():
            self.session.add_images(paths)

    def add_files(self) -> None:
        """Ask for image files."""
        chosen, _ = QFileDialog.getOpenFileNames(self, "Add images")
        if chosen:
            self.add_paths([Path(p) for p in chosen])

    def add_folder(self) -> None:
        """Ask for a folder of images."""
        if chosen := QFileDialog.getExistingDirectory(self, "Add every image of a folder"):
            self.add_paths([Path(chosen)])

    def add_sample(self) -> None:
        """Add an image to play with."""
        with self.telling():
            self.add_paths([sample("he_tile").images[0]])

    def add_layer(self) -> None:
        """Add the image layer that is selected in napari."""
        with self.telling():
            self.bridge.add_current_layer()

    def relink(self) -> None:
        """Ask where the current image lies now."""
        plane = self.session.plane
        if plane is None:
            return
        chosen, _ = QFileDialog.getOpenFileName(self, f"Where is {plane.image} now?")
        if chosen:
            with self.telling():
                self.session.relink(plane.image, Path(chosen))

    def dragEnterEvent(self, event: Any) -> None:
        """Take files that are dragged over the panel."""
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: Any) -> None:
        """Add the files that were dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            self.add_paths(paths)

    def set_palette(self, palette: Any) -> None:
        """Take the colours of a new theme for the hollow dots."""
        self.model.set_ring(palette.muted)

    def _fill_menu(self) -> None:
        self.add_menu.clear()
        self.add_menu.addAction("Add files…", self.add_files)
        self.add_menu.addAction("Add folder…", self.add_folder)
        layer = self.bridge.layer_to_add()
        action = self.add_menu.addAction(
            f"Add layer “{_short(layer)}”" if layer else "Add layer", self.add_layer
        )
        if action is not None:
            action.setEnabled(layer is not None)


def _short(name: str, most: int = 28) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
