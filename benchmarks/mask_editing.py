"""How long a person waits for masks in the window: accepting many, undoing it, and the frames of a brush.

    bash scripts/with_display.sh python benchmarks/mask_editing.py [--repeat 5] [--strokes 20]

An image of 4,000 × 4,000 pixels with 5,000 suggested masks in a napari window. Each phase has a window in a
process of its own:
  dock    Shift+W accepts the 1,000 masks in view, Ctrl+Z takes it back; each until the canvas stands still.
          Then strokes with the brush of the dock, by mouse, among 1,000 accepted and 4,000 suggested masks
  bare    napari alone: the same strokes with the brush of a Labels layer that shows the 5,000 masks
A frame is the time from a move of the mouse until the canvas has painted it; an end, from the release of the
button until the canvas stands still. Bounds: accepting and undo ≤ 1 s (median); the median frame ≤ 1/30 s, or
where that is out of reach (no graphics card) at most a quarter longer than bare napari's in the same run.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from common import arguments, end_phase, in_a_process, percentiles, skip, write_result

from napari_inkling.core import Masks, Points, Predictions

PHASES = ("dock", "bare")
SIDE, SPACING, RADIUS = 4000, 40, 10
COUNT, IN_VIEW = 5000, 1000
#: Image pixels that the canvas shows from top to bottom while masks are accepted, and while brushing.
HEIGHT_ACCEPTING, HEIGHT_BRUSHING = 1500.0, 400.0
BRUSH, MOVES = 16, 60
ACCEPT_BOUND, FRAME_BOUND, SLOWER = 1.0, 1000 / 30, 1.25
#: The canvas stands still when, for so many seconds, it has not painted and no turn of the event loop took
#: longer than BUSY.
STILL, BUSY = 0.4, 0.05


def picture() -> Any:
    """Return the image: noise, (SIDE, SIDE), uint8."""
    random = np.random.default_rng(0)
    return random.integers(90, 160, (SIDE, SIDE), dtype=np.uint8)


def disks(middle: Any, reach: Any) -> Masks:
    """Return disks on a grid, the first ``IN_VIEW`` of them within ``reach`` (y, x) of the middle."""
    grid = np.arange(SPACING // 2, SIDE, SPACING)
    places = np.stack(np.meshgrid(grid, grid, indexing="ij"), -1).reshape(-1, 2)
    apart = np.abs(places - middle) - reach
    inside, outside = places[(apart < -RADIUS).all(1)], places[(apart > RADIUS).any(1)]
    random = np.random.default_rng(0)
    chosen = np.concatenate([
        random.permutation(inside)[:IN_VIEW], random.permutation(outside)[: COUNT - IN_VIEW]
    ])  # fmt: skip
    y, x = np.mgrid[-RADIUS : RADIUS + 1, -RADIUS : RADIUS + 1]
    crop = y**2 + x**2 <= RADIUS**2
    return Masks.from_crops(chosen - RADIUS, [crop] * len(chosen), scores=0.9, sources="model")


class Screen:
    """A napari window: its camera, its mouse and keys, and when its canvas has painted."""

    def __init__(self) -> None:
        import napari

        self.viewer = napari.Viewer()
        self.viewer.window._qt_window.resize(1440, 900)
        self.canvas = self.viewer.window._qt_viewer.canvas
        self.native = self.canvas.native
        self.painted_at, self.frames = 0.0, 0
        self.native.frameSwapped.connect(self._painted)

    def _painted(self) -> None:
        self.painted_at, self.frames = time.perf_counter(), self.frames + 1

    def work(self, until: Callable[[], bool], most: float) -> bool:
        """Let Qt work until the condition holds, for ``most`` seconds; returns whether it does."""
        from qtpy.QtCore import QEventLoop
        from qtpy.QtWidgets import QApplication

        end = time.perf_counter() + most
        while not (done := until()) and time.perf_counter() < end:
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)
        return done

    def still(self, since: float, most: float = 60.0) -> float:
        """Let Qt work until nothing is painted or computed; returns when it painted last, or ``since``."""
        frames, turn, quiet = self.frames, time.perf_counter(), time.perf_counter()

        def is_still() -> bool:
            nonlocal frames, turn, quiet
            now = time.perf_counter()
            if self.frames != frames or now - turn > BUSY:
                quiet = now
            frames, turn = self.frames, now
            return now - quiet > STILL

        self.work(is_still, most)
        return max(since, self.painted_at)

    def look_at(self, middle: Any, height: float) -> None:
        """Show ``height`` pixels of the image around a place (y, x)."""
        camera = self.viewer.scene.camera if hasattr(self.viewer, "scene") else self.viewer.camera
        camera.center = (*camera.center[:-2], *middle)
        camera.zoom = self.native.height() / height
        self.still(time.perf_counter())

    def pixel(self, place: Any) -> Any:
        """Return the pixel of the canvas that shows a place (y, x) of the image."""
        from qtpy.QtCore import QPoint

        view = self.canvas.view
        found = (view.transform * view.scene.transform).map([place[1], place[0], 0, 1])
        return QPoint(round(found[0] / found[3]), round(found[1] / found[3]))

    def press(self, key: str, *modifiers: str) -> None:
        """Press and release a key on the canvas."""
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        held = Qt.KeyboardModifier.NoModifier
        for name in modifiers:
            held |= getattr(Qt.KeyboardModifier, f"{name}Modifier")
        QTest.keyClick(self.native, getattr(Qt.Key, f"Key_{key}"), held)

    def stroke(self, places: Any) -> tuple[list[float], float]:
        """Draw through places with the left button; returns milliseconds of each frame and of the end."""
        from qtpy.QtCore import QEvent, QPointF, Qt
        from qtpy.QtGui import QMouseEvent
        from qtpy.QtTest import QTest
        from qtpy.QtWidgets import QApplication

        left, pixels, frames = Qt.MouseButton.LeftButton, [self.pixel(place) for place in places], []
        QTest.mouseMove(self.native, pixels[0])
        self.still(time.perf_counter())
        QTest.mousePress(self.native, left, pos=pixels[0])
        for pixel in pixels[1:]:
            before, start = self.frames, time.perf_counter()
            where = QPointF(pixel), QPointF(self.native.mapToGlobal(pixel))
            move = QMouseEvent(
                QEvent.Type.MouseMove,
                *where,
                Qt.MouseButton.NoButton,
                left,
                Qt.KeyboardModifier.NoModifier,
            )
            QApplication.sendEvent(self.native, move)
            if self.work(lambda before=before: self.frames > before, 1.0):
                frames.append(1000 * (self.painted_at - start))
        start = time.perf_counter()
        QTest.mouseRelease(self.native, left, pos=pixels[-1])
        return frames, 1000 * (self.still(start) - start)


def strokes(count: int) -> list[Any]:
    """Return wavy lines across what is looked at while brushing, places (y, x) in the image."""
    t = np.linspace(0, 1, MOVES)
    half, made = HEIGHT_BRUSHING / 2, []
    for number in range(count):
        y = SIDE / 2 - 0.8 * half + 1.6 * half * (number + 0.5) / count + 12 * np.sin(9 * t)
        made.append(np.stack([y, SIDE / 2 - 0.8 * half + 1.6 * half * t], 1))
    return made


def brush(screen: Screen, count: int) -> dict[str, Any]:
    """Draw so many strokes with what is in hand; returns the figures of their frames and ends."""
    frames, ends = [], []
    screen.look_at((SIDE / 2, SIDE / 2), HEIGHT_BRUSHING)
    for places in strokes(count + 1):  # the first one warms up
        of_moves, end = screen.stroke(places)
        frames.append(of_moves)
        ends.append(end)
    every = [value for of_moves in frames[1:] for value in of_moves]
    late = sum(value > FRAME_BOUND for value in every)
    missed = count * (MOVES - 1) - len(every)
    return {
        "frames_ms": percentiles(every) | {"late": late, "missed": missed},
        "end_ms": percentiles(ends[1:]),
    }


# -- one phase, in a process of its own


def run_dock(repeat: int, count: int) -> dict[str, Any]:
    """Accept and undo so many times in the dock, then draw strokes among what was accepted once more."""
    from napari_inkling.session import Session
    from napari_inkling.widgets._dispatch import QtDispatcher
    from napari_inkling.widgets.dock import InklingDock

    home = Path(os.environ["INKLING_HOME"])  # it goes with the process
    np.save(home / "large.npy", picture())
    screen = Screen()
    session = Session(dispatch=QtDispatcher())
    session.prediction.on_visit = False
    dock = InklingDock(screen.viewer, session)
    screen.viewer.window.add_dock_widget(dock, name="Inkling")
    session.new_project(home / "masks.inkling")
    session.images.add([home / "large.npy"])
    screen.still(time.perf_counter())
    middle = np.array([SIDE / 2, SIDE / 2])
    screen.look_at(middle, HEIGHT_ACCEPTING)
    y0, x0, y1, x1 = dock.bridge.view_box()
    masks = disks(middle, np.array([y1 - y0, x1 - x0]) / 2)
    points = Points(masks.centres, scores=0.9, sources="model", ids=masks.ids)
    session.suggestions.put(session.plane, Predictions(points, masks=masks, radius=float(RADIUS)))
    screen.still(time.perf_counter())
    seconds: dict[str, list[float]] = {"accept": [], "undo": []}
    for _ in range(repeat):
        for name, press, left in (
            ("accept", ("W", "Shift"), IN_VIEW),
            ("undo", ("Z", "Control"), 0),
        ):
            start = time.perf_counter()
            screen.press(*press)
            seconds[name].append(screen.still(start) - start)
            assert len(session.annotations.hints.masks) == left, (
                f"{len(session.annotations.hints.masks)} masks after {name}"
            )
    screen.press("W", "Shift")
    screen.still(time.perf_counter())
    screen.press("D", "Shift")
    dock.bridge.hints.masks.layer.brush_size = BRUSH
    found = {
        "seconds": seconds,
        **brush(screen, count),
        "masks_at_the_end": len(session.annotations.hints.masks),
    }
    screen.viewer.close()
    return found


def run_bare(count: int) -> dict[str, Any]:
    """Draw the same strokes in a Labels layer of bare napari's."""
    screen = Screen()
    viewer = screen.viewer
    viewer.add_image(picture())
    middle = np.array([SIDE / 2, SIDE / 2])
    labels = disks(middle, np.array([HEIGHT_ACCEPTING, HEIGHT_ACCEPTING]) / 2).labels((SIDE, SIDE))
    layer = viewer.add_labels(labels.astype(np.int32))
    layer.brush_size, layer.mode, layer.selected_label = BRUSH, "paint", COUNT + 1
    found = brush(screen, count)
    viewer.close()
    return found


# -- both phases


def rows_of(found: dict[str, Any]) -> dict[str, Any]:
    """Return median, longest and number of the seconds of each action; empty if the phase failed."""
    return {
        name: {"median": float(np.median(values)), "longest": max(values), "n": len(values)}
        for name, values in found.get("seconds", {}).items()
    }


def too_slow(seconds: dict[str, Any], dock: dict[str, Any], bare: dict[str, Any]) -> list[str]:
    """Return what is over its bound."""
    slow = [name for name, row in seconds.items() if row["median"] > ACCEPT_BOUND]
    frame, other = dock["frames_ms"]["p50"], bare["frames_ms"]["p50"]
    bound = max(FRAME_BOUND, SLOWER * (other or 0))
    return [*slow, "frames"] if frame is None or frame > bound else slow


def main() -> int:
    if sys.argv[1:2] == ["--phase"]:
        phase, (repeat, count) = sys.argv[2], map(int, sys.argv[3:])
        end_phase(phase, run_dock(repeat, count) if phase == "dock" else run_bare(count))
    parser = arguments(__doc__, "one repetition, two strokes")
    parser.add_argument("--repeat", type=int, default=5, help="how often to accept and to undo")
    parser.add_argument("--strokes", type=int, default=20, help="in each window")
    options = parser.parse_args()
    if options.quick:
        options.repeat, options.strokes = 1, 2
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        skip(
            "there is no display: bash scripts/with_display.sh python benchmarks/mask_editing.py brings Xvfb"
        )
    asked = options.repeat, options.strokes
    phases = {phase: in_a_process(__file__, phase, asked, seconds=1800) for phase in PHASES}
    failed = [phase for phase, found in phases.items() if "error" in found]
    seconds = rows_of(phases["dock"])
    slow = failed or too_slow(seconds, phases["dock"], phases["bare"])
    figures = {"seconds": seconds, "phases": phases, "too_slow": slow}
    print(json.dumps(write_result("mask_editing", options, figures), indent=1))
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
