"""How long a person waits for what should be instant.

    python benchmarks/responses.py [--repeat 5]

Seconds of single operations on large projects, without a window: median and longest of some repetitions.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from common import arguments, say, write_result

from napari_inkling.core import Boxes, HintSet, Masks, PlaneRef, Points, Predictions
from napari_inkling.evaluation import match_points
from napari_inkling.project import Project
from napari_inkling.session import Session
from napari_inkling.widgets.canvas_edits import Seen, compare_points
from napari_inkling.widgets.canvas_mask_edits import compare_masks
from napari_inkling.widgets.label_plane import LabelPlane

#: Seconds that each may take at most; exit code 1 if the median of one takes longer.
BOUNDS = {
    "5,000 points in one edit": 0.5,
    "undo of it": 0.5,
    "open a project after 10,000 edits": 1.0,
    "add 1,000 images": 5.0,
    "match 20,000 points, apart": 20.0,
    "match 20,000 points, crowded": 20.0,
    "notice what changed among 5,000 points": 0.25,
    "accept 1,000 masks": 1.0,
    "undo of 1,000 masks": 1.0,
    "a stroke on 4,000² pixels with 1,000 masks": 1 / 30,
    "advice after a box more, 200 of 5 classes": 0.1,
    "advice after a box more, 10,000 of 5 classes": 0.1,
    "inkling --help": 5.0,
}
PLANE = PlaneRef("large")
SIDE = 4000


@contextmanager
def large_project() -> Iterator[Project]:
    """Give a project with one image of 4,000² pixels."""
    with tempfile.TemporaryDirectory() as folder:
        project = Project.create(Path(folder) / "large.inkling", ["cell"])
        project.add_array(PLANE.image, np.zeros((SIDE, SIDE), np.uint8), "YX")
        with project:
            yield project


def many(count: int, seed: int = 0) -> Points:
    return Points(np.random.default_rng(seed).uniform(0, SIDE - 1, (count, 2)))


def timed(act: Callable[[], object]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start


# -- each returns the seconds of one repetition


def accept_5000_and_undo() -> dict[str, float]:
    with large_project() as project:
        after = HintSet(many(5000))
        return {
            "5,000 points in one edit": timed(lambda: project.edit(PLANE, HintSet(), after, "accept")),
            "undo of it": timed(project.undo),
        }


def open_after_10000_edits(edits: int) -> dict[str, float]:
    with large_project() as project:
        for place in many(edits):
            project.edit(PLANE, HintSet(), HintSet(Points([place])), "add point")
        project.close()
        return {f"open a project after {edits:,} edits": timed(lambda: Project.open(project.folder).close())}


def list_of_1000_images() -> dict[str, float]:
    with large_project() as project:
        files = []
        for number in range(1000):
            files.append(project.folder.parent / f"{number:04d}.png")
            write_png(files[-1])
        return {"add 1,000 images": timed(lambda: project.add_images(files))}


def write_png(path: Path) -> None:
    from PIL import Image as Picture

    Picture.fromarray(np.zeros((8, 8), np.uint8)).save(path)


def match_20000() -> dict[str, float]:
    seconds = {}
    for name, side in (("apart", 10_000), ("crowded", 1_000)):
        random = np.random.default_rng(0)
        truth = random.uniform(0, side, (20_000, 2))
        found = random.permutation(truth + random.normal(0, 3, truth.shape))
        seconds[f"match 20,000 points, {name}"] = timed(lambda f=found, t=truth: match_points(f, t, 11))
    return seconds


def notice_a_change_among_5000() -> dict[str, float]:
    rows = many(5000)
    now = Seen(np.add(rows.coordinates, [0, 1e-3]), rows.classes, rows.ids)
    return {
        "notice what changed among 5,000 points": timed(
            lambda: compare_points(rows, now, (SIDE, SIDE), ["cell"])
        )
    }


def accept_1000_masks() -> dict[str, float]:
    """Measure the session's part and the label images'; the canvas itself is not in it."""
    session, shown, suggested = Session(), LabelPlane(["cell"]), LabelPlane(["cell"], 1, hollow=True)
    y, x = np.mgrid[-10:11, -10:11]
    corners = np.stack(np.meshgrid(*[np.arange(20, SIDE - 40, 120)] * 2), -1).reshape(-1, 2)[:1000]
    masks = Masks.from_crops(corners, [y**2 + x**2 <= 100] * 1000, sources="model", scores=0.9)
    points = Points(masks.centres, sources="model", scores=0.9, ids=masks.ids)
    for plane in (shown, suggested):
        plane.resize((SIDE, SIDE))

    def show() -> None:
        shown.show(session.annotations.hints.masks)
        suggested.show(session.suggestions.shown().masks)

    with tempfile.TemporaryDirectory() as folder:
        session.new_project(Path(folder) / "masks.inkling")
        session.images.add_array(PLANE.image, np.zeros((SIDE, SIDE), np.uint8), "YX")
        session.suggestions.put(PLANE, Predictions(points, masks=masks, radius=10.0))
        show()
        accept = timed(lambda: (session.review.accept_above(), show()))
        stroke = timed(lambda: paint_a_stroke(shown))
        shown.show(session.annotations.hints.masks, (0, 0, SIDE, SIDE))
        undo = timed(lambda: (session.annotations.undo(), show()))
        session.close()
    return {
        "accept 1,000 masks": accept,
        "undo of 1,000 masks": undo,
        "a stroke on 4,000² pixels with 1,000 masks": stroke,
    }


def paint_a_stroke(plane: LabelPlane) -> None:
    """Find out what a painted stroke of 60 by 10 pixels has changed."""
    value = plane.new_value("cell", (50, 50, 60, 110))
    plane.image[50:60, 50:110] = value
    assert compare_masks(plane, (50, 50, 60, 110), {}, lambda _: None)


def advice_after_a_box() -> dict[str, float]:
    """Measure what is worked out after a box was drawn; neither the canvas nor the plots are in it."""
    return {
        f"advice after a box more, {5 * count:,} of 5 classes": _advice_after_a_box(count)
        for count in (40, 2000)
    }


def _advice_after_a_box(count: int) -> float:
    session, names = Session(), [f"class {i}" for i in range(5)]
    with tempfile.TemporaryDirectory() as folder:
        session.new_project(Path(folder) / "boxes.inkling", names)
        session.images.add_array(PLANE.image, np.zeros((SIDE, SIDE), np.uint8), "YX")
        for number, name in enumerate(names):
            drawn = HintSet(boxes=some_boxes(count, 20 + 10 * number, name))
            session.annotations.edit(HintSet(), drawn, "add boxes", PLANE)
        sizes = session.box_sizes
        sizes.advice(), sizes.mean_iou_box(names[0])
        session.annotations.edit(HintSet(), HintSet(boxes=some_boxes(1, 21, names[0], 1)), "add box", PLANE)
        seconds = timed(lambda: (sizes.advice(), sizes.mean_iou_box(names[0])))
        session.close()
    return seconds


def some_boxes(count: int, side: float, name: str, seed: int = 0) -> Boxes:
    """Return boxes of about a side, anywhere."""
    random = np.random.default_rng(seed)
    corners = random.uniform(0, SIDE - 2 * side - 10, (count, 2))
    return Boxes(np.hstack([corners, corners + random.normal(side, side / 10, (count, 2))]), classes=name)


def start_of_the_command() -> dict[str, float]:
    command = [sys.executable, "-c", "from napari_inkling.cli import main; main(['--help'])"]
    return {"inkling --help": timed(lambda: subprocess.run(command, check=True, capture_output=True))}


def measure(options: argparse.Namespace) -> dict[str, list[float]]:
    parts: tuple[Callable[[], dict[str, float]], ...] = (
        accept_5000_and_undo,
        lambda: open_after_10000_edits(options.edits),
        list_of_1000_images,
        match_20000,
        notice_a_change_among_5000,
        accept_1000_masks,
        advice_after_a_box,
        start_of_the_command,
    )
    seconds: dict[str, list[float]] = {}
    for part in parts:
        for _ in range(options.repeat):
            for name, value in part().items():
                seconds.setdefault(name, []).append(value)
        say(", ".join(f"{n} {np.median(v):.3f} s" for n, v in list(seconds.items())[-2:]))
    return seconds


def main() -> int:
    parser = arguments(__doc__, "one repetition, 100 edits")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--edits", type=int, default=10_000)
    options = parser.parse_args()
    if options.quick:
        options.repeat, options.edits = 1, 100
    rows: dict[str, Any] = {
        name: {"median": float(np.median(values)), "longest": max(values)}
        for name, values in measure(options).items()
    }
    slow = [name for name, row in rows.items() if row["median"] > BOUNDS.get(name, float("inf"))]
    print(json.dumps(write_result("responses", options, {"seconds": rows, "too_slow": slow}), indent=1))
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
