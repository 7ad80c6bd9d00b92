"""Kill a scripted annotator with SIGKILL at random moments, and look whether an edit is lost.

    python benchmarks/journal_kill.py [--kills 100] [--rate 100] [--seed 0]

A process edits a project (adds, moves and deletes points, accepts many at once, undoes, redoes), and writes
what it is about to do, and that it is done, into a log of its own. The parent kills it, opens the project,
and replays the log on a model of its own, of dicts and lists: the hints on disk must be those after the last
edit that returned, or after the one that was under way.
Bounds: no edit lost whose call had returned (the issue asks for those older than 0.5 s); the project always
opens, for writing, without damage. What a power failure does is not tested. Exit code 1 if a bound is broken.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from common import arguments, percentiles, say, until, write_result

from napari_inkling.core import HintSet, PlaneRef, Points
from napari_inkling.project import Project

AGE = 0.5
IMAGE, SIDE = PlaneRef("field"), 512
#: A plane that holds more than this is thinned out at once, so that a hundred lives do not slow each other.
MOST_ROWS = 1500
Row = tuple[float, float, str, str]  # y, x, class, source


# -- the annotator, in a process of its own


class Log:
    """Lines that are in the operating system's hands when :meth:`write` returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, entry: Mapping[str, Any]) -> None:
        """Write a line, with the time."""
        os.write(self._file, (json.dumps({**entry, "t": time.time()}) + "\n").encode())


def annotate(folder: Path, log: Log, rate: float, seed: int) -> None:
    """Edit until somebody kills the process."""
    log.write({"what": "opening"})
    project = Project.open(folder)
    log.write({"what": "open", "read_only": project.read_only})
    chance = random.Random(seed)
    due = time.monotonic()
    for number in range(1_000_000):
        before, after, edit = next_edit(project, chance)
        log.write({"what": "begin", "n": number, **edit})
        if edit["op"] == "edit":
            project.edit(IMAGE, before, after, "edit")
        elif edit["op"] == "undo":
            project.undo()
        else:
            project.redo()
        log.write({"what": "end", "n": number})
        due += 1 / rate
        time.sleep(max(0.0, due - time.monotonic()))


def next_edit(project: Project, chance: random.Random) -> tuple[HintSet, HintSet, dict[str, Any]]:
    """Return rows to take and to add, and the same for the log."""
    points, draw = project.hints(IMAGE).points, chance.random()
    before = after = Points()
    if len(points) > MOST_ROWS:
        before = points.take(slice(0, len(points) - MOST_ROWS // 3))
    elif draw < 0.10 and project.can_undo:
        return HintSet(), HintSet(), {"op": "undo"}
    elif draw < 0.15 and project.can_redo:
        return HintSet(), HintSet(), {"op": "redo"}
    elif draw < 0.18:
        after = Points(places(chance, 200), sources="accepted", scores=0.75)
    elif draw < 0.40 and len(points):
        before = points.take([chance.randrange(len(points))])
        after = before.changed(coordinates=places(chance, 1))
    elif draw < 0.50 and len(points):
        before = points.take([chance.randrange(len(points))])
    else:
        after = Points(places(chance, 1), classes=chance.choice(["cell", "background"]))
    edit = {"op": "edit", "gone": before.ids.tolist(), "come": rows_of(after)}
    return HintSet(before), HintSet(after), edit


def places(chance: random.Random, count: int) -> np.ndarray[Any, Any]:
    return np.array([[chance.uniform(0, SIDE), chance.uniform(0, SIDE)] for _ in range(count)])


def rows_of(points: Points) -> dict[str, Row]:
    """Return the rows by id, as plain values that survive JSON."""
    columns = zip(
        points.ids.tolist(), points.coordinates.tolist(), points.classes, points.sources, strict=True
    )
    return {str(i): (y, x, str(name), str(source)) for i, (y, x), name, source in columns}


# -- what should be on disk


@dataclass
class Model:
    """What the log adds up to; knows nothing of the project's code."""

    rows: dict[str, Row] = field(default_factory=dict)
    undo: list[tuple[dict[str, Row], dict[str, Row]]] = field(default_factory=list)
    redo: list[tuple[dict[str, Row], dict[str, Row]]] = field(default_factory=list)

    def apply(self, entry: Mapping[str, Any]) -> None:
        """Do what a line of the log says."""
        if entry["op"] == "undo":
            gone, come = self.undo.pop()
            self._replace(come, gone)
            self.redo.append((gone, come))
        elif entry["op"] == "redo":
            gone, come = self.redo.pop()
            self._replace(gone, come)
            self.undo.append((gone, come))
        else:
            gone = {str(i): self.rows[str(i)] for i in entry["gone"]}
            come = {i: as_row(row) for i, row in entry["come"].items()}
            self._replace(gone, come)
            self.undo.append((gone, come))
            self.redo.clear()

    def _replace(self, gone: Mapping[str, Row], come: Mapping[str, Row]) -> None:
        for row in gone:
            del self.rows[row]
        self.rows.update(come)


def as_row(values: Any) -> Row:
    y, x, name, source = values
    return float(y), float(x), str(name), str(source)


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the log's lines; the last one may be torn."""
    for line in path.read_bytes().split(b"\n"):
        try:
            yield json.loads(line)
        except ValueError:
            continue


# -- the parent


def kill_once(folder: Path, model: Model, number: int, chance: random.Random, rate: float) -> dict[str, Any]:
    """Let an annotator live for a while, kill it, and compare; ``model`` becomes what is on disk."""
    path = folder.parent / f"{number}.log"
    path.touch()
    command = [
        sys.executable,
        __file__,
        "--annotate",
        str(folder),
        str(path),
        str(rate),
        str(chance.randrange(2**31)),
    ]
    process = subprocess.Popen(command)
    try:
        until(lambda: path.stat().st_size > 0, 120)
        # One in five dies while the project opens, or soon after; the others while they edit.
        early = number % 5 == 0
        if not early:
            until(lambda: path.read_bytes().count(b'"begin"') > 0, 120)
        time.sleep(chance.uniform(0, 0.4 if early else 1.5))
    finally:
        process.kill()  # SIGKILL
        killed_at = time.time()
        process.wait()
    return {"early": early} | compare(folder, model, list(entries(path)), killed_at)


def compare(folder: Path, model: Model, log: list[dict[str, Any]], killed_at: float) -> dict[str, Any]:
    begun = [entry for entry in log if entry["what"] == "begin"]
    ends = {entry["n"]: entry["t"] for entry in log if entry["what"] == "end"}
    waits = [ends[entry["n"]] - entry["t"] for entry in begun if entry["n"] in ends]
    opened_for_writing = all(not entry["read_only"] for entry in log if entry["what"] == "open")
    try:
        with Project.open(folder) as project:
            on_disk = rows_of(project.hints(IMAGE).points)
            opens = not project.read_only and opened_for_writing
            notices = list(project.notices)
    except Exception as error:  # whatever it is, it is what this benchmark looks for
        nothing = {"old_lost": None, "in_flight": None, "wait_ms": [], "seconds": 0.0}
        return nothing | {"opens": False, "notices": [repr(error)], "edits": len(begun), "lost": len(ends)}
    # Walk through the log; the last place where the model equals the disk says what was kept.
    walked, kept, state = Model(dict(model.rows), list(model.undo), list(model.redo)), None, model
    for count in range(len(begun) + 1):
        if count:
            walked.apply(begun[count - 1])
        if count >= len(ends) and walked.rows == on_disk:
            kept = count
            state = Model(dict(walked.rows), list(walked.undo), list(walked.redo))
    if kept is None:
        kept, state = longest_prefix(model, begun, on_disk)
    lost = [entry["n"] for entry in begun[kept:] if entry["n"] in ends]
    old = [n for n in lost if killed_at - ends[n] > AGE]
    model.rows, model.undo, model.redo = state.rows, state.undo, state.redo
    in_flight = len(begun) - len(ends)
    return {
        "opens": opens,
        "notices": notices,
        "edits": len(begun),
        "lost": len(lost),
        "old_lost": len(old),
        "in_flight": in_flight,
        "in_flight_kept": kept - len(ends) if in_flight else None,
        "wait_ms": [1000 * wait for wait in waits],
        "seconds": (begun[-1]["t"] - begun[0]["t"]) if len(begun) > 1 else 0.0,
    }


def longest_prefix(model: Model, begun: list[dict[str, Any]], on_disk: dict[str, Row]) -> tuple[int, Model]:
    """Return after how many edits the model equals the disk, the most; 0 and the disk if it never does."""
    walked, kept = Model(dict(model.rows), list(model.undo), list(model.redo)), 0
    state = Model(dict(on_disk))
    for count in range(len(begun) + 1):
        if count:
            walked.apply(begun[count - 1])
        if walked.rows == on_disk:
            kept, state = count, Model(dict(walked.rows), list(walked.undo), list(walked.redo))
    return kept, state


def make_project(folder: Path) -> None:
    from PIL import Image as Picture

    picture = folder.parent / "field.png"
    Picture.fromarray(np.zeros((SIDE, SIDE), np.uint8)).save(picture)
    with Project.create(folder) as project:
        project.add_images([picture])


def measure(options: argparse.Namespace) -> dict[str, Any]:
    chance, model, lives = random.Random(options.seed), Model(), []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "kill.inkling"
        make_project(folder)
        for number in range(options.kills):
            lives.append(kill_once(folder, model, number, chance, options.rate))
            if number % 10 == 9 or not lives[-1]["opens"] or lives[-1]["lost"]:
                say(f"{number + 1} kills, {sum(life['edits'] for life in lives)} edits, "
                    f"{sum(life['lost'] for life in lives)} lost")  # fmt: skip
            if not lives[-1]["opens"]:
                break
        journal_bytes = sum(f.stat().st_size for f in folder.iterdir() if f.is_file())
    edits, seconds = sum(life["edits"] for life in lives), sum(life["seconds"] for life in lives)
    figures = {
        "seed": options.seed,
        "kills": len(lives),
        "kills_while_opening": sum(life["early"] for life in lives),
        "edits": edits,
        "edits_per_second": edits / seconds if seconds else None,
        "edit_ms": percentiles([wait for life in lives for wait in life["wait_ms"]]),
        "lost_after_return": sum(life["lost"] for life in lives),
        "lost_older_than_half_a_second": sum(life["old_lost"] or 0 for life in lives),
        "killed_during_an_edit": sum(bool(life["in_flight"]) for life in lives),
        "opened": sum(life["opens"] for life in lives),
        "notices": sorted({text for life in lives for text in life["notices"]}),
        "journal_mb": journal_bytes / 2**20,
        "rows_at_the_end": len(model.rows),
    }
    figures["passed"] = bool(
        not figures["lost_after_return"] and figures["opened"] == options.kills and not figures["notices"]
    )
    return figures


def main() -> int:
    if sys.argv[1:2] == ["--annotate"]:
        folder, log, rate, seed = sys.argv[2:]
        annotate(Path(folder), Log(Path(log)), float(rate), int(seed))
    parser = arguments(__doc__, "3 kills")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--rate", type=float, default=100.0, help="edits per second")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.quick:
        options.kills = 3
    result = write_result("journal_kill", options, measure(options))
    print(json.dumps(result, indent=1))
    return 0 if result["passed"] else 1


if __name__ == "__main__":
    sys.exit(main())
