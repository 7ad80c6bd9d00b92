"""What the list of images shows while it is empty: the ways to a first image."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtWidgets import QFrame

from napari_inkling.widgets.panels._panel import button, column, label, row

__all__ = ["StartFrame", "short"]


class StartFrame(QFrame):
    """A frame to drop files on, with a button for each other way.

    Parameters
    ----------
    add_layer, add_files, add_folder, add_sample : callable
        What the buttons do.
    """

    def __init__(
        self,
        add_layer: Callable[[], None],
        add_files: Callable[[], None],
        add_folder: Callable[[], None],
        add_sample: Callable[[], None],
    ) -> None:
        super().__init__()
        self.setObjectName("drop")
        self.use_layer = button("", "Annotate the image that is open in napari", add_layer, role="primary")
        self.use_files = button("Files…", "Add image files", add_files)
        self.use_folder = button("Folder…", "Add every image of a folder", add_folder)
        self.use_sample = button(
            "or try it with a sample", "Add an H&E-stained tissue that comes along", add_sample, role="link"
        )
        layout = column(spacing=6)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.addWidget(self.use_layer)
        layout.addWidget(label("Drop images here, or add", role="muted"))
        layout.addLayout(row(self.use_files, self.use_folder))
        layout.addLayout(row(self.use_sample, None))
        self.setLayout(layout)

    def offer(self, layer: str | None) -> None:
        """Offer the image layer of this name, or none."""
        self.use_layer.setVisible(layer is not None)
        self.use_layer.setText(f"Use “{short(layer)}”" if layer is not None else "")


def short(name: str, most: int = 28) -> str:
    """Return a name that fits on a button."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
