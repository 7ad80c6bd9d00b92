"""Export: hints or suggestions, of this image or all, in a format that others read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QComboBox, QFileDialog, QGridLayout

from napari_inkling.project.formats import FORMATS, Format
from napari_inkling.widgets.panels._keys import key_of
from napari_inkling.widgets.panels._panel import Panel, button, calm_wheel, label, row

if TYPE_CHECKING:
    from napari_inkling.session import Session
    from napari_inkling.widgets.layers import LayerBridge

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

    def __init__(self, session: Session, bridge: LayerBridge) -> None:
        super().__init__(session, bridge)
        self._written: Path | None = None
        self._what_is_chosen = False
        self._make_choices()
        self._make_export()
        self.run_button = self.add(
            button("", "Let the newest model suggest where it has not looked yet", self.run_on_all)
        )
        self.listen(self._on_project, session.project_changed)
        self.listen(
            self.refresh_soon,
            session.images.changed,
            session.annotations.hints_changed,
            session.prediction.models_changed,
        )
        self.listen(self.refresh_calmly, session.suggestions.changed)
        self.listen_to_activity()
        self.refresh()

    def _make_choices(self) -> None:
        self.what = _choice(WHAT, "What to write: what you marked, what is suggested, or both")
        self.what.currentIndexChanged.connect(self._on_what)
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

    def _make_export(self) -> None:
        self.export_button = button(
            "Export…", "Choose where to, and write", self.export, key=key_of("export"), role="primary"
        )
        self.result = label(role="muted", wrap=True)
        self.show_button = button(
            "Show the folder", "Open it in the file manager", self._show_folder, role="link"
        )
        self.result.hide()
        self.show_button.hide()
        self.add(self.export_button)
        self.add(self.result)
        self.add(row(self.show_button, None))

    def refresh(self) -> None:
        """Show whether there is something to write, and how much the newest model has not seen."""
        some = bool(self.session.project.images)
        self.export_button.setEnabled(some)
        self.say_next(
            "Write what you have for other programs. The project keeps everything anyway."
            if some
            else "Nothing to export yet."
        )
        self._propose_what()
        self._show_run()

    def _propose_what(self) -> None:
        """Begin with all that there is, until the person chooses."""
        if self._what_is_chosen:
            return
        all_there_is = "both" if self.session.suggestions.planes else "hints"
        self.what.setCurrentIndex(self.what.findData(all_there_is))
        self._what_is_chosen = False

    def _on_project(self, *_: Any) -> None:
        self._what_is_chosen = False
        self.result.hide()
        self.show_button.hide()
        self.refresh_soon()

    def _on_what(self) -> None:
        self._what_is_chosen = True

    def _show_run(self) -> None:
        unseen = self.session.prediction.unpredicted_planes
        idle = not self.session.training.active and not self.session.prediction.active
        noun = "image" if len({ref.image for ref in unseen}) == len(unseen) else "plane"
        self.run_button.setVisible(self.session.prediction.newest_model is not None and bool(unseen))
        self.run_button.setEnabled(idle)
        more = f"Run on {len(unseen):,} more {noun}{'s' * (len(unseen) != 1)}"
        self.run_button.setText(more if idle else "Running…")

    def export(self) -> None:
        """Ask where to, and write."""
        chosen_format, what = FORMATS[self.format.currentData()], self.what.currentData()
        start = self.session.project.exports_folder
        if chosen_format.folder and self._makes_several(chosen_format):
            chosen = QFileDialog.getExistingDirectory(self, "Export into a folder", str(start))
        else:
            ending = chosen_format.suffixes[0]
            name = WHAT[what].replace(" ", "_") + ending
            chosen, _ = QFileDialog.getSaveFileName(
                self, "Export", str(start / name), f"{chosen_format.title} (*{ending})"
            )
            if chosen and Path(chosen).suffix.lower() not in chosen_format.suffixes:
                chosen += ending  # a name may have dots
        if chosen:
            self.write(Path(chosen))

    def _makes_several(self, chosen: Format) -> bool:
        """Whether what is asked for becomes several files."""
        if (images := self._images()) is None:
            return True
        planes = sum(len(self.session.project.image(name).planes()) for name in images)
        return planes > 1 and not chosen.stacks

    def _images(self) -> list[str] | None:
        """Return the names of the images that are asked for, ``None`` for all."""
        plane = self.session.plane
        return [plane.image] if self.scope.currentData() == "this" and plane is not None else None

    def write(self, path: Path) -> None:
        """Export to a path with what is chosen; the panel says where it went."""
        with self.telling():
            self._written = self.session.files.export(
                path, self.format.currentData(), self.what.currentData(), self._images()
            )
            self.result.setText(f"Wrote {self._written}")
            self.result.setToolTip(str(self._written))
            self.result.show()
            self.show_button.show()
            self.session.message.emit("info", f"Exported {self.what.currentText().lower()} to {path}.")

    def run_on_all(self) -> None:
        """Predict what the newest model has not seen."""
        with self.telling():
            self.session.prediction.start()
        self.refresh()

    def _show_folder(self) -> None:
        if self._written is not None:
            folder = self._written if self._written.is_dir() else self._written.parent
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
