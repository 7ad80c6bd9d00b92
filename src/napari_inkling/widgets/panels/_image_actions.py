"""What can be done with images: adding, re-linking and removing them, and importing annotations."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog, QMenu

from napari_inkling.project.formats import FORMATS
from napari_inkling.project.samples import sample
from napari_inkling.widgets.panels._annotation_files import ask_file, ask_folder, imported
from napari_inkling.widgets.panels._panel import Panel, entry
from napari_inkling.widgets.panels._start_frame import short

__all__ = ["ImageActions"]


class ImageActions(Panel):
    """A panel with commands on the list of images, and the menus that offer them."""

    def add_paths(self, paths: list[Path]) -> None:
        """Add files and folders; what cannot be read is told in the message bar."""
        with self.telling():
            self.session.images.add(paths)

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
                self.session.images.relink(name, Path(chosen))

    def remove(self, name: str) -> None:
        """Take an image off the list, and say what becomes of its file and its hints."""
        self.bridge.flush()  # what was just clicked is kept, too
        project = self.session.project
        hints = sum(len(project.hints(ref)) for ref in project.planes_with_hints() if ref.image == name)
        kept = f": that brings back its {hints:,} hint{'s' * (hints != 1)}" * bool(hints)
        with self.telling():
            self.session.images.remove(name)
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
            result = self.session.files.import_annotations(path, format)
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

    # -- its menus

    def fill_add_menu(self, menu: QMenu) -> None:
        """Put every way to add something into a menu, for what is there now."""
        plane = self.session.plane
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
