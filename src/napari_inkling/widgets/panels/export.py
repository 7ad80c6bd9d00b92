"""Export: hints or suggestions, of this image or all, in a format that others read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QComboBox, QFileDialog, QGridLayout

from napari_inkling.core import Boxes, HintSet, PlaneRef, Points, Predictions
from napari_inkling.project.formats import FORMATS, export_annotations
from napari_inkling.widgets.panels._keys import key_of
from napari_inkling.widgets.panels._panel import Panel, button, calm_wheel, label, row

__all__ = ["ExportPanel"]

WHAT = {"hints": "hints", "suggestions": "suggestions", "both": "hints and suggestions"}
SCOPE = {"all": "all images", "this": "this image"}


def _choice(options: dict[str, str], tip: str) -> QComboBox:
    made = QComboBox()
    for value, text in options.items():
        made.addItem(text, value)
    made.setToolTip(tip)
    calm_wheel(made)
    return made


class ExportPanel(Panel):
    """Writes files, and runs the model over the images that it has not seen."""

    title = "Export"

    def __init__(self, session: Any, bridge: Any) -> None:
        super().__init__(session, bridge)
        self.what = _choice(WHAT, "What to write: what you marked, what is suggested, or both")
        self.scope = _choice(SCOPE, "Which images")
        titles = {f.name: f"{f.title}{', one file per image' * f.folder}" for f in FORMATS.values()}
        self.format = _choice(titles, "How to write it; classes, sources and scores are kept")
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(5)
        for line, (words, choice) in enumerate(
            (("What", self.what), ("Of", self.scope), ("As", self.format))
        ):
            grid.addWidget(label(words, role="muted"), line, 0)
            grid.addWidget(choice, line, 1)
        grid.setColumnStretch(1, 1)
        self.add(grid)
        self.export_button = button(
            "Export…", "Choose where to, and write", self.export, key=key_of("export"), role="primary"
        )
        self.add(self.export_button)
        self.result = self.add(label(role="muted", wrap=True))
        self.result.hide()
        self.show_button = button(
            "Show the folder", "Open it in the file manager", self._show_folder, role="link"
        )
        self.show_button.hide()
        self.add(row(self.show_button, None))
        self.run_button = button(
            "Run on all images",
            "Let the newest model suggest on the images that it has not seen",
            self.run_on_all,
        )
        self.add(self.run_button)
        self._written: Path | None = None

        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(100)
        self._soon.timeout.connect(self.refresh)
        for name in (
            "project_changed",
            "images_changed",
            "hints_changed",
            "suggestions_changed",
            "training_changed",
        ):
            self.listen(self._later, getattr(session, name))
        self.refresh()

    def _later(self, *_: Any) -> None:
        if not self._soon.isActive():
            self._soon.start()

    def refresh(self, *_: Any) -> None:
        """Show whether there is something to write."""
        project = self.session.project
        images, predicted = len(project.images), len({r.image for r in self.session.suggested_planes})
        self.export_button.setEnabled(bool(images))
        idle = not self.session.is_training and not self.session.is_predicting
        unseen = images - predicted
        self.run_button.setVisible(self.session.newest_model is not None and unseen > 0)
        self.run_button.setEnabled(idle)
        self.run_button.setText(f"Run on {unseen:,} more image{'s' * (unseen != 1)}" if idle else "Running…")
        if not images:
            self.say_next("Nothing to export yet.")
        else:
            self.say_next("Write what you have for other programs. The project keeps everything anyway.")

    def export(self) -> None:
        """Ask where to, and write."""
        chosen_format, what = FORMATS[self.format.currentData()], self.what.currentData()
        start = self.session.project.exports_folder
        if chosen_format.folder and self.scope.currentData() == "all":
            chosen = QFileDialog.getExistingDirectory(self, "Export into a folder", str(start))
        else:
            ending = chosen_format.suffixes[0]
            chosen, _ = QFileDialog.getSaveFileName(
                self, "Export", str(start / f"{what}{ending}"), f"{chosen_format.title} (*{ending})"
            )
            if chosen and not Path(chosen).suffix:
                chosen += ending
        if chosen:
            self.write(Path(chosen))

    def write(self, path: Path) -> None:
        """Export to a path with what is chosen; the panel says where it went."""
        with self.telling():
            chosen, what = self.format.currentData(), self.what.currentData()
            plane, project = self.session.plane, self.session.project
            if self.scope.currentData() == "this" and plane is not None:
                items = {ref: self._rows(ref, what) for ref in project.image(plane.image).planes()}
                written = export_annotations(project, path, chosen, items=items, images=[plane.image])
            else:
                written = self.session.export(path, chosen, what)
            self._written = Path(written)
            self.result.setText(f"Wrote {self._written}")
            self.result.setToolTip(str(self._written))
            self.result.show()
            self.show_button.show()

    def _rows(self, ref: PlaneRef, what: str) -> HintSet | Predictions:
        hints, shown = self.session.hints_of(ref), self.session.suggestions(ref)
        if what != "both":
            return hints if what == "hints" else shown
        return HintSet(
            Points.concatenate([hints.points, shown.points]), Boxes.concatenate([hints.boxes, shown.boxes])
        )

    def run_on_all(self) -> None:
        """Predict the images that the newest model has not seen."""
        with self.telling():
            self.session.predict()
        self.refresh()

    def _show_folder(self) -> None:
        if self._written is not None:
            folder = self._written if self._written.is_dir() else self._written.parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
