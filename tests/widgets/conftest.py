"""Real napari windows, for a test alone or for the tests of a file; what one leaves behind fails."""

from __future__ import annotations

import gc
import multiprocessing
import os
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Before napari reads its settings: tests neither see nor change the ones of the person who runs them.
os.environ["NAPARI_CONFIG"] = str(Path(tempfile.mkdtemp(prefix="inkling-tests-")) / "settings.yaml")
os.environ.setdefault("NAPARI_ASYNC", "0")

#: A small image for tests that need just any.
IMAGE = np.random.default_rng(0).integers(0, 255, (100, 150), dtype=np.uint8)
#: Of a window.
SIZE, THEME = (1200, 800), "dark"
#: Pools that libraries keep for the life of the process; they are not ours to end.
_LASTING_THREADS = ("ThreadPoolExecutor", "zarr_io", "asyncio", "Dummy", "pydev", "QDBus")


def _threads() -> set[threading.Thread]:
    return {t for t in threading.enumerate() if not t.name.startswith(_LASTING_THREADS)}


def _processes() -> set[multiprocessing.process.BaseProcess]:
    return set(multiprocessing.active_children())


@pytest.fixture
def nothing_left(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Fail when the test leaves a thread or a child process behind."""
    monkeypatch.setenv("INKLING_HOME", str(tmp_path / "home"))
    before, processes_before = _threads(), _processes()
    yield
    end = time.monotonic() + 30
    while time.monotonic() < end and (_threads() - before or _processes() - processes_before):
        gc.collect()  # which takes .15 s, and hardly ever is what is waited for
        time.sleep(0.02)
    assert not _threads() - before, f"threads left behind: {_threads() - before}"
    assert not _processes() - processes_before, "processes left behind"


@pytest.fixture(scope="session")
def napari() -> Any:
    """Return napari, imported without the warnings that it and npe2 give while they are imported."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import napari
        import napari.layers
        import napari.viewer
    gc.collect()
    gc.freeze()  # the libraries' objects stay: looking through them after every test takes most of its time
    return napari


@contextmanager
def shown_viewer(napari: Any) -> Iterator[Any]:
    """Open a napari viewer of :data:`SIZE`; closed afterwards, it must leave no widget or canvas."""
    from napari._qt.qt_viewer import QtViewer
    from qtpy.QtCore import QEvent
    from qtpy.QtTest import QTest
    from qtpy.QtWidgets import QApplication

    from tests.widgets import driving

    QApplication.instance().setDoubleClickInterval(1)  # two clicks are two clicks, however fast a test is
    widgets_before, canvases_before = set(QApplication.topLevelWidgets()), len(QtViewer._instances)
    made = napari.Viewer(show=True)
    window = made.window._qt_window
    window.resize(*SIZE)
    made.theme = THEME
    assert QTest.qWaitForWindowExposed(window, 60_000)
    driving.settle()
    del window
    yield made
    try:
        made.close()
    except RuntimeError:  # the test closed the window by its cross: the model, still in use here, names it on
        del made.window._qt_window
    del made
    for _ in range(3):  # what is freed may free more
        QApplication.processEvents()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        gc.collect()
    assert len(QtViewer._instances) <= canvases_before, "something holds on to napari's canvas"
    # vispy's canvas lives a little longer than its window.
    left = [w for w in set(QApplication.topLevelWidgets()) - widgets_before
            if type(w).__name__ != "CanvasBackendDesktop"]  # fmt: skip
    assert not left, f"widgets left behind: {left}"
    if not canvases_before:
        gc.freeze()  # what lasts, such as libraries that were loaded meanwhile, is not looked through again


@pytest.fixture
def viewer(qapp: Any, napari: Any, nothing_left: None) -> Iterator[Any]:
    """Return a viewer of this test alone."""
    with shown_viewer(napari) as made:
        yield made


@pytest.fixture(scope="module")
def dock_of_file(
    request: pytest.FixtureRequest, qapp: Any, napari: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """Return the dock that the tests of a file share, with the method that the file names ``METHOD``."""
    from tests.fake_method import FAKE
    from tests.widgets.used_dock import UsedDock

    with shown_viewer(napari) as viewer:
        made = UsedDock(viewer, getattr(request.module, "METHOD", FAKE))
        del viewer
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("INKLING_HOME", str(tmp_path_factory.mktemp("home")))
            made.open()
        yield made
        made.close()
        del made
    assert not _processes(), "processes left behind"


@pytest.fixture
def used_dock(dock_of_file: Any, nothing_left: None, tmp_path: Path) -> Iterator[Any]:
    """Return the dock of the file on a new project: for tests of what a dock does, not of how it opens."""
    yield dock_of_file.on(tmp_path / "work.inkling")
    dock_of_file.leave()


def open_session() -> Any:
    """Return a session without a project that keeps what it says, and trains nothing."""
    from napari_inkling.session import Session

    made = Session(runner=NoRunner())
    made.messages = []
    made.message.connect(lambda level, text: made.messages.append((level, text)))
    return made


def start_project(session: Any, folder: Path, arrays: dict[str, Any], classes: tuple[str, ...]) -> None:
    """Open a new project with images of these arrays by name."""
    session.new_project(folder / f"test-{len(list(folder.glob('*.inkling')))}.inkling", classes)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    if arrays:
        session.images.add([folder / f"{name}.npy" for name in arrays])


@pytest.fixture
def make_session(tmp_path: Path, nothing_left: None) -> Iterator[Any]:
    """Return a function that opens a session on a new project with images of these arrays by name."""
    sessions = []

    def make(arrays: dict[str, Any], classes: tuple[str, ...] = ("cell",)) -> Any:
        sessions.append(open_session())
        start_project(sessions[-1], tmp_path, arrays, classes)
        return sessions[-1]

    yield make
    for made in sessions:
        made.close()


class NoRunner:
    """A place to run jobs that never runs one."""

    busy = False

    def submit(self, job: Any, on_event: Any, on_done: Any) -> None:
        """Take nothing."""

    def tell_hints(self, ref: Any, hints: Any) -> None:
        """Tell nobody."""

    def warm_up(self) -> None:
        """Do nothing."""

    cancel = kill = close = warm_up


class Canvas:
    """A window and the canvas side of the dock on it, for one test after the other.

    To open a window and to make its layers takes longer than most tests. So the next test goes on with them
    in a new project, as a person does; one that closed them gets new ones.
    """

    def __init__(self, viewer: Any) -> None:
        self.viewer = viewer
        self._bridge: Any = None

    def bridge(self, folder: Path, arrays: dict[str, Any], classes: tuple[str, ...]) -> Any:
        """Return a bridge whose session has a new project in this folder."""
        from napari_inkling.widgets.layers import LayerBridge
        from tests.widgets import driving

        if self._bridge is None or self._bridge._closed:
            self.close()
            self.viewer.layers.clear()
            self._bridge = LayerBridge(self.viewer, open_session())
        bridge = self._bridge
        start_project(bridge.session, folder, arrays, classes)
        driving.settle(0.05)
        return bridge

    def leave(self) -> None:
        """Put back what a new project leaves as it is."""
        if (bridge := self._bridge) is not None and not bridge._closed:
            bridge.flush()
            bridge.tool, bridge.review.marks_background = "cell", False
            bridge.session.messages.clear()

    def close(self) -> None:
        """Close the bridge and its session."""
        if self._bridge is not None:
            self._bridge.close()
            self._bridge.session.close()
            self._bridge = None


@pytest.fixture(scope="module")
def canvas(qapp: Any, napari: Any) -> Iterator[Canvas]:
    """Return the window that the tests of a file share."""
    with shown_viewer(napari) as viewer:
        made = Canvas(viewer)
        del viewer
        yield made
        made.close()
        del made


@pytest.fixture
def make_bridge(canvas: Canvas, tmp_path: Path, nothing_left: None) -> Iterator[Any]:
    """Return a function that puts the canvas side of the dock, without the dock, on the file's window."""

    def make(arrays: dict[str, Any] | None = None, classes: tuple[str, ...] = ("cell",)) -> Any:
        return canvas.bridge(tmp_path, {"tile": IMAGE} if arrays is None else arrays, classes)

    yield make
    canvas.leave()


@pytest.fixture
def bridge(make_bridge: Any) -> Any:
    """Return the canvas side on one small grey image."""
    return make_bridge()
