"""Take the pictures of the README and the guide: drive the dock on the H&E sample and grab the window.

Run by ``make screenshots``, which brings Xvfb where there is no screen.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[1]
SIZE = (1440, 900)
SAMPLE, HELD_OUT, BOXED = "he_tile", "he_tile_2", "blood_smear"
CLICKS = 28
#: Seconds to wait for half of the training, and for the rest of it.
PATIENCE = 150


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--method", help="a method instead of the recommended one, e.g. module:Class")
    parser.add_argument("--theme", default="dark")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["INKLING_HOME"] = home
        os.environ["NAPARI_CONFIG"] = str(Path(home) / "napari.yaml")
        with opened(Path(home), arguments.method, arguments.theme) as (viewer, dock):
            tell_the_story(viewer, dock, arguments.out)
        with opened(Path(home) / "boxes", arguments.method, arguments.theme) as (viewer, dock):
            show_guidance(dock, arguments.out)
        with opened(Path(home) / "rounds", "pu-ranking", arguments.theme) as (viewer, dock):
            show_pseudo_labels(viewer, dock, arguments.out)


@contextmanager
def opened(home: Path, method: str | None, theme: str) -> Iterator[tuple[Any, Any]]:
    """Open napari with the dock, and close both."""
    import napari

    from napari_inkling.session import Session
    from napari_inkling.widgets._dispatch import QtDispatcher
    from napari_inkling.widgets.dock import InklingDock

    viewer = napari.Viewer(title="napari")
    viewer.theme = theme
    viewer.window._qt_window.resize(*SIZE)
    dock = InklingDock(viewer, Session(dispatch=QtDispatcher(), method=method))
    viewer.window.add_dock_widget(dock, name="Inkling")
    dock.session.new_project(home / "tissue.inkling", ["nucleus"])
    try:
        yield viewer, dock
    finally:
        viewer.close()
        wait(0.2)


def tell_the_story(viewer: Any, dock: Any, out: Path) -> None:
    from napari_inkling.core import HintSet, PlaneRef
    from napari_inkling.project.samples import sample

    session, chosen = dock.session, sample(SAMPLE)
    session.images.add(chosen.images)
    session.annotations.edit(
        HintSet(), HintSet(chosen.truth_points(HELD_OUT)), "import truth", PlaneRef(HELD_OUT)
    )
    session.images.update(HELD_OUT, complete=True)
    session.go_to(PlaneRef(SAMPLE))
    wait(1.0)
    shoot(dock, out / "dock_start.png")

    click_cells(session, chosen)
    wait(0.5)
    shoot_window(viewer, out / "1_clicks.png")

    dock.train.train_or_stop()
    wait_until(
        lambda: len(session.suggestions.shown().points) > 0 and len(session.training.state.losses) > 2, 600
    )
    wait_until(lambda: session.training.state.fraction > 0.45, PATIENCE, give_up=False)
    shoot_window(viewer, out / "2_training.png")
    wait_until(lambda: not session.training.active, PATIENCE, give_up=False)
    session.training.stop()  # on a slow machine; what was learnt is kept
    wait_until(lambda: not session.training.active, 10)
    wait(1.5)

    dock.review.go_on()
    wait(0.8)
    shoot_window(viewer, out / "3_review.png")
    shoot(dock.scroll.widget(), out / "dock.png")  # also what one would have to scroll to
    dock.toggle_cheat_sheet()
    wait(0.3)
    shoot(dock.cheat_sheet, out / "cheat_sheet.png")
    dock.toggle_cheat_sheet()

    dock.bridge.keys.run("accept_above")
    viewer.reset_view()
    wait(0.8)
    shoot_window(viewer, out / "4_accepted.png")


def show_guidance(dock: Any, out: Path) -> None:
    """Draw a box around every cell of a blood smear, and unfold what that tells."""
    from napari_inkling.core import Boxes, HintSet
    from napari_inkling.project.samples import sample

    session, chosen = dock.session, sample(BOXED)
    session.annotations.set_classes(chosen.classes)
    session.images.add(chosen.images)
    windows = ndimage.find_objects(chosen.truth_mask(BOXED))
    corners = [[y.start, x.start, y.stop, x.stop] for y, x in windows]
    names = chosen.truth_classes(BOXED)
    boxes = Boxes(corners, classes=names, sources="imported", times=np.arange(len(names)))
    session.annotations.edit(HintSet(), HintSet(boxes=boxes), "draw boxes")
    for panel in dock.panels:
        panel.set_folded(panel is not dock.guidance)
    dock.guidance.refresh()
    wait(1.0)
    shoot(dock.guidance, out / "how_many_more.png")


def show_pseudo_labels(viewer: Any, dock: Any, out: Path) -> None:
    """Train by rounds, until the second has chosen among what nobody marked."""
    from napari_inkling.project.samples import sample

    session, chosen = dock.session, sample(SAMPLE)
    session.images.add(chosen.images)
    click_cells(session, chosen)
    session.training.start()
    wait_until(lambda: session.pseudo_labels.round == 2, 4 * PATIENCE)
    wait(1.0)
    shoot_window(viewer, out / "pseudo_labels.png")
    session.training.stop()
    wait_until(lambda: not session.training.active, 10)


def click_cells(session: Any, chosen: Any) -> None:
    """Mark every so many-th cell, not quite in its middle, as a person does."""
    from napari_inkling.core import HintSet, Points

    rng = np.random.default_rng(4)
    truth = chosen.truth_points(SAMPLE).coordinates
    picked = truth[rng.permutation(len(truth))[:CLICKS]]
    for place in picked + rng.normal(0, 1.0, picked.shape):
        session.annotations.edit(HintSet(), HintSet(Points([place], classes="nucleus")), "add point")
    session.project.add_seconds(34)
    session.annotations.announce([session.plane])


def shoot_window(viewer: Any, path: Path) -> None:
    """Save the whole window."""
    wait(0.3)
    shoot(viewer.window._qt_window, path)


def shoot(widget: Any, path: Path) -> None:
    """Save what a widget shows, with 256 colours: a third of the size and nobody sees it."""
    from PIL import Image

    widget.grab().save(str(path))
    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(256, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    small.save(path, optimize=True)
    print(
        f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}: {path.stat().st_size // 1024} KiB"
    )


def wait(seconds: float) -> None:
    """Let the window live for a while."""
    from qtpy.QtTest import QTest

    QTest.qWait(int(1000 * seconds))


def wait_until(condition: Callable[[], bool], seconds: float, *, give_up: bool = True) -> None:
    """Let the window live until something is the case, or the time is over."""
    end = time.monotonic() + seconds
    while not condition() and (time.monotonic() < end or give_up):
        if time.monotonic() > end:
            raise SystemExit(f"gave up after {seconds:.0f} s")
        wait(0.02)


if __name__ == "__main__":
    main()
