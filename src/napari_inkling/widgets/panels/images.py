"""Images: the list, adding, going through, what is done, and what cannot be found any more."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSize, Qt
from qtpy.QtWidgets import QCheckBox, QFileDialog, QListView, QMenu

from napari_inkling.core import PlaneRef
from napari_inkling.project.formats import FORMATS
from napari_inkling.project.samples import sample
from napari_inkling.widgets.panels._annotation_files import ask_file, ask_folder, imported
from napari_inkling.widgets.panels._image_list import ImageLine, ImageListModel
from napari_inkling.widgets.panels._keys import key_of
from napari_inkling.widgets.panels._panel import Panel, button, entry, label, row
from napari_inkling.widgets.panels._start_frame import StartFrame, short

if TYPE_CHECKING:
    from napari_inkling.project import ImageRecord
    from napari_inkling.session import Session
    from napari_inkling.widgets.layers import LayerBridge
    from napari_inkling.widgets.panels._style import Palette

__all__ = ["ImagesPanel"]

#: So many lines show before the list scrolls.
SHOWN = 6


class ImagesPanel(Panel):
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
            session.images_changed,
            session.problems_changed,
            session.plane_changed,
            session.hints_changed,
            session.models_changed,
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
        self.add_menu.aboutToShow.connect(self._fill_menu)
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
        trained = self.session.trained_images
        lines = [self._line(record, marked, trained) for record in project.images]
        self.model.set_lines(lines)
        names = [line.name for line in lines]
        at = names.index(plane.image) if plane is not None and plane.image in names else -1
        if at >= 0 and self.list.currentIndex().row() != at:
            self.list.setCurrentIndex(self.model.index(at))
        record = project.images[at] if at >= 0 else None
        self._show_state(lines, at, record, read_only=project.read_only)

    def _line(self, record: ImageRecord, marked: set[str], trained: frozenset[str]) -> ImageLine:
        problem = self.session.problems.get(record.name)
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
        problems = self.session.problems
        shown = problems.get(record.name) if record is not None else None
        self.problem.setVisible(shown is not None)
        self.relink_button.setVisible(shown is not None)
        self.problem.setText(shown.message if shown is not None else "")
        if not some:
            self.say_next("Start with an image.", now=True)
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

    def relink(self, name: str = "") -> None:
        """Ask where an image (the current one) lies now."""
        if not name and self.session.plane is not None:
            name = self.session.plane.image
        if not name:
            return
        chosen, _ = QFileDialog.getOpenFileName(self, f"Where is {name} now?")
        if chosen:
            with self.telling():
                self.session.relink(name, Path(chosen))

    def remove(self, name: str) -> None:
        """Take an image off the list, and say what becomes of its file and its hints."""
        self.bridge.flush()  # what was just clicked is kept, too
        project = self.session.project
        hints = sum(len(project.hints(ref)) for ref in project.planes_with_hints() if ref.image == name)
        kept = f": that brings back its {hints:,} hint{'s' * (hints != 1)}" * bool(hints)
        with self.telling():
            self.session.remove_image(name)
            self.session.message.emit(
                "info",
                f"“{name}” was removed from the project, not from the disk. Add it again if need be{kept}.",
            )

    def import_file(self) -> None:
        """Ask for an annotation file and make hints of what it holds."""
        with self.telling():
            if (chosen := ask_file(self)) is not None:
                self.import_annotations(*chosen)

    def import_folder(self, format: str = "") -> None:
        """Ask for a folder of annotation files and make hints of what they hold."""
        with self.telling():
            if (chosen := ask_folder(self, format)) is not None:
                self.import_annotations(*chosen)

    def import_annotations(self, path: Path, format: str) -> None:
        """Make hints of a file or folder, and say how many; a refusal goes to the message bar."""
        self.bridge.flush()
        with self.telling():
            result = self.session.import_annotations(path, format)
            self.session.message.emit(*imported(result, path))

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

    def set_palette(self, palette: Palette) -> None:
        """Take the colours of a new theme for the hollow dots."""
        self.model.set_ring(palette.muted)

    # -- its menus

    def _fill_menu(self) -> None:
        menu, plane = self.add_menu, self.session.plane
        menu.clear()
        entry(menu, "Add files…", self.add_files)
        entry(menu, "Add folder…", self.add_folder)
        layer = self.bridge.layer_to_add()
        words = f"Add layer “{short(layer)}”" if layer else "Add layer"
        entry(menu, words, self.add_layer, enabled=layer is not None)
        menu.addSeparator()
        self._add_import(menu.addMenu("Import annotations"))
        if plane is not None:
            menu.addSeparator()
            self._add_remove(menu, plane.image)

    def _add_import(self, menu: QMenu) -> None:
        menu.setEnabled(bool(self.session.project.images) and not self.session.project.read_only)
        entry(menu, "From a file…", self.import_file)
        entry(menu, "From a folder…", self.import_folder)
        menu.addSeparator()
        for kind in FORMATS.values():
            if kind.folder:
                entry(menu, f"From a folder: {kind.title}…", partial(self.import_folder, kind.name))

    def _add_remove(self, menu: QMenu, name: str) -> None:
        writable = not self.session.project.read_only
        entry(menu, f"Remove “{short(name)}” from the project", partial(self.remove, name), enabled=writable)

    def menu_for(self, name: str) -> QMenu:
        """Return the menu of an image."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        entry(menu, "Re-link…", partial(self.relink, name), enabled=not self.session.project.read_only)
        self._add_remove(menu, name)
        return menu

    def _show_menu(self, at: Any) -> None:
        if (index := self.list.indexAt(at)).isValid():
            self.menu_for(self.model.lines[index.row()].name).popup(self.list.viewport().mapToGlobal(at))
