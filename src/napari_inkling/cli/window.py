"""napari with the dock on a project: the one command that opens a window."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

__all__ = ["no_window", "open_window"]

#: Qt ends the process where no display answers, so another one asks.
_PROBE = "from qtpy.QtGui import QGuiApplication; QGuiApplication([])"


def no_window() -> str:
    """Return why no window can be opened here, ``""`` if one can."""
    if find_spec("napari") is None or find_spec("qtpy") is None:
        return 'napari is not installed (pip install "napari-inkling[all]")'
    if sys.platform not in ("win32", "darwin") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        return "there is no display"
    if os.environ.get("QT_QPA_PLATFORM") in ("offscreen", "minimal"):
        return f"QT_QPA_PLATFORM is {os.environ['QT_QPA_PLATFORM']}"
    probe = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, check=False)
    return "" if probe.returncode == 0 else "Qt cannot open a window on this display"


def open_window(project: Path) -> None:
    """Open napari with the dock and a project, and return when the window is closed."""
    import napari

    viewer = napari.Viewer(title="Inkling demo")
    _, dock = viewer.window.add_plugin_dock_widget("napari-inkling", "Inkling")
    dock.open_project(project)
    napari.run()
