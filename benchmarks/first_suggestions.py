"""Seconds from Train to the first suggestions, the curve from there, and what a correction gains.

    python benchmarks/first_suggestions.py [--scenes few tile all he_tile] [--seeds 0 1 2]

Everything goes through the session and its worker process, as in the dock, without a window. Scenes: one
monuseg tile with 3 % of its nuclei clicked ("few": a dozen clicks or so) or 10 % ("tile"), another tile for
each seed; all 12 with 10 % and one on screen ("all"); and the sample that the program ships with its own
hints ("he_tile").

1. First suggestions: with a cold worker (it starts when Train is pressed), a warm one (it started with the
   image, as the dock does it; nothing was trained yet), and the second training of a worker.
2. Curve: F1 on the nuclei of the tile on screen that nobody clicked, as shown at each moment, and F1 on the 4
   val tiles of the checkpoints that the training writes on its way (predicted afterwards), within 11 px.
3. Correction: in the left half of the tile on screen the 30 suggestions next to the threshold are accepted or
   rejected by truth, 20 missed nuclei are added, and training goes on: seconds until what is shown in the
   right half, where nothing was corrected, is better than before, on the nuclei that nobody clicked. (Where a
   person corrected, what is left to find is what the model before had right.) F1 on the val tiles, on which
   nothing is marked, is told before and after, too.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import psutil
from common import DataSet, arguments, find_data, load_data, say, spread, until, write_result

from napari_inkling.core import HintSet, PlaneRef, Points, Predictions
from napari_inkling.evaluation import match_points, score_detection, score_images, weaken_images
from napari_inkling.project import Project
from napari_inkling.project.samples import make_sample_project, sample
from napari_inkling.session import Session
from napari_inkling.workers import LocalRunner

RADIUS = 11.0
SHARES = {"few": 0.03, "tile": 0.1, "all": 0.1}
JUDGED, ADDED = 30, 20
STARTS = ("cold", "warm", "second")
SAMPLE = "he_tile"
PATIENCE = 1200.0


class Scene:
    """A project that can be made again, and the truth of the plane on screen."""

    def __init__(self, name: str, tiles: DataSet | None, seed: int) -> None:
        self.name, self._seed = name, seed
        if tiles is not None and name != "all":
            tiles = tiles.only([sorted(tiles.files)[seed % len(tiles.files)]])
        self._tiles = tiles
        self.watch = PlaneRef(SAMPLE if tiles is None else next(iter(tiles.files)))
        cells = sample(SAMPLE).truth_points(SAMPLE) if tiles is None else tiles.truth[self.watch.image].points
        self.truth: npt.NDArray[np.float64] = cells.coordinates
        shape = sample(SAMPLE).truth_mask(SAMPLE).shape if tiles is None else tiles.shapes[self.watch.image]
        self.middle = shape[1] / 2

    def make(self, folder: Path) -> None:
        """Write the project; the sample's hints are the same for every seed."""
        if self._tiles is None:
            make_sample_project(SAMPLE, folder).close()
            return
        hints = weaken_images(
            self._tiles.truth, self._tiles.shapes, points=SHARES[self.name], seed=self._seed
        )
        with Project.create(folder, ["cell"]) as project:
            project.add_images(self._tiles.files.values())
            for name, given in hints.items():
                project.edit(PlaneRef(name), HintSet(), HintSet(given.points), "simulated annotator")


class Watch:
    """A session with a worker, and what was on screen when."""

    def __init__(self, folder: Path, ref: PlaneRef) -> None:
        self.runner = LocalRunner()
        self.session = Session(self.runner, predict_on_visit=False)
        self.shown: list[tuple[float, Predictions]] = []
        self.error = ""
        self.began = 0.0
        self.session.suggestions.changed.connect(self._on_suggestions)
        self.session.message.connect(self._on_message)
        self.session.open_project(folder)
        self.session.go_to(ref)
        self.ref = ref

    def _on_suggestions(self, ref: PlaneRef) -> None:
        suggestions = self.session.suggestions.shown(ref)
        if ref == self.ref and len(suggestions.points):
            self.shown.append((time.monotonic(), suggestions))

    def _on_message(self, level: str, text: str) -> None:
        if level == "error":
            self.error = text

    def warm_up(self) -> None:
        """Start the worker and wait until it has imported what it imports ahead: it then uses no time."""
        self.session.warm_up()
        assert self.runner.pid is not None
        process, quiet, last = psutil.Process(self.runner.pid), 0, -1.0
        while quiet < 10:
            time.sleep(0.1)
            used = sum(process.cpu_times()[:2])
            quiet, last = (quiet + 1 if used == last and used > 0.5 else 0), used

    def train(self, preset: str, seed: int, resume: bool, steps: int | None) -> None:
        """Press Train."""
        self.shown.clear()
        self.began = time.monotonic()
        self.session.training.start(
            preset=preset, seed=seed, resume=resume, overrides={"steps": steps} if steps else None
        )

    def first(self) -> float | None:
        """Return the seconds from Train to the first suggestions."""
        until(lambda: self.shown or not self.session.training.active, PATIENCE)
        if self.error:
            raise SystemExit(f"the training failed: {self.error}")
        return self.shown[0][0] - self.began if self.shown else None

    def stop(self) -> None:
        """Press Stop, and wait."""
        self.session.training.stop()
        until(lambda: not self.session.training.active, 30)

    def follow(self, keep: Path) -> list[tuple[float, Path]]:
        """Wait for the end; returns the checkpoints with the seconds at which they were there."""
        kept: list[tuple[float, Path]] = []
        last = 0.0
        models = self.session.project.folder / "models"
        while self.session.training.active and time.monotonic() - self.began < PATIENCE:
            last = self._keep_newest(models, keep, kept, last)
            time.sleep(0.05)
        self._keep_newest(models, keep, kept, last)
        if self.error:
            raise SystemExit(f"the training failed: {self.error}")
        return kept

    def _keep_newest(self, models: Path, keep: Path, kept: list[tuple[float, Path]], last: float) -> float:
        """Copy the model if it is newer than ``last``; returns the time stamp of the newest copy."""
        files = [f for f in models.glob("*/model.json") if not f.parent.name.startswith(".")]
        copy = keep / f"{len(kept):03d}"
        try:
            newest = max(files, key=lambda f: f.stat().st_mtime, default=None)
            if newest is None or (stamp := newest.stat().st_mtime) <= last or stamp < time.time() - 3600:
                return last
            seconds = time.monotonic() - self.began
            shutil.copytree(newest.parent, copy)
        except OSError:  # it was replaced by a newer one at this very moment: the next look finds that
            shutil.rmtree(copy, ignore_errors=True)
            return last
        kept.append((seconds, copy))
        return stamp

    def unmarked(self, truth: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the nuclei of the plane on screen that have no hint."""
        marked = self.session.annotations.hints_of(self.ref).points.cells.coordinates
        return np.delete(truth, match_points(marked, truth, RADIUS).truth_index, axis=0)


@contextmanager
def opened(scene: Scene) -> Iterator[tuple[Watch, Path]]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "first.inkling"
        scene.make(folder)
        watch = Watch(folder, scene.watch)
        try:
            yield watch, Path(temporary)
        finally:
            watch.session.close()


# -- the three parts


def first_seconds(scene: Scene, seed: int, steps: int | None) -> dict[str, float | None]:
    """Return the seconds to the first suggestions for each way to start."""
    seconds: dict[str, float | None] = {}
    with opened(scene) as (watch, _):
        watch.train("quick", seed, resume=False, steps=steps)
        seconds["cold"] = watch.first()
        watch.stop()
    with opened(scene) as (watch, _):
        watch.warm_up()
        for start in ("warm", "second"):
            watch.train("quick", seed, resume=False, steps=steps)
            seconds[start] = watch.first()
            watch.stop()
    return seconds


def curve(scene: Scene, seed: int, val: DataSet | None, steps: int | None, preset: str) -> dict[str, Any]:
    """Train to the end, then correct and train on."""
    with opened(scene) as (watch, temporary):
        watch.warm_up()
        watch.train(preset, seed, resume=False, steps=steps)
        kept = watch.follow(temporary / "kept")
        unmarked = watch.unmarked(scene.truth)
        result: dict[str, Any] = {
            "seed": seed,
            "unmarked": len(unmarked),
            "tile": scored(watch, unmarked),
            "val": [{"seconds": s, "f1": f1_on(model, val)} for s, model in kept] if val else [],
        }
        say(f"  F1 on unclicked: {shortly(result['tile'])}; on val: {shortly(result['val'])}")
        result["correction"] = correct_and_train_on(watch, scene, seed, steps)
        if val:
            result["correction"]["val"] = [f1_on(model, val) for model in newest_models(watch)]
        return result


def newest_models(watch: Watch) -> tuple[Path, Path]:
    """Return the folders of the model before the last training, and of that after it."""
    before, after = watch.session.project.models()[-2:]
    return before, after


def scored(watch: Watch, truth: npt.NDArray[np.float64], first: float = 0.0) -> list[dict[str, float]]:
    """Return F1 of everything that was shown, from a column of the tile on."""
    return [{"seconds": at - watch.began, "f1": f1_from(shown, truth, first),
             "suggestions": len(shown.points)} for at, shown in watch.shown]  # fmt: skip


def f1_from(shown: Predictions, truth: npt.NDArray[np.float64], first: float) -> float:
    """Return F1 of what is shown, of the part of the tile from a column on."""
    found = shown.points
    right, true = found.coordinates[:, 1] >= first, truth[:, 1] >= first
    return score_detection(found.take(right), truth[true], RADIUS).f1


def shortly(rows: list[dict[str, Any]]) -> str:
    return ", ".join(f"{row['f1']:.3f} at {row['seconds']:.0f} s" for row in rows[:1] + rows[-1:]) or "none"


def f1_on(model: Path, val: DataSet) -> float:
    from napari_inkling.core import Image
    from napari_inkling.methods.partial_points import PartialPoints

    loaded = PartialPoints().Model.load(model, "cpu")
    found = {name: loaded.predict(Image(PlaneRef(name), val.pixels(name))).above(0.5) for name in val.files}
    return float(score_images(found, val.truth, RADIUS)["f1"])


def correct_and_train_on(watch: Watch, scene: Scene, seed: int, steps: int | None) -> dict[str, Any]:
    """Judge and add on the left as a person would; returns how soon that pays on the right."""
    judged, wrong, added = correct(watch, scene, np.random.default_rng(seed))
    unmarked = watch.unmarked(scene.truth)
    before = f1_from(watch.session.suggestions.shown(), unmarked, scene.middle)
    watch.train("quick", seed + 1, resume=True, steps=steps)
    first = watch.first()
    until(lambda: not watch.session.training.active, PATIENCE)
    rows = scored(watch, unmarked, scene.middle)
    better = next((row["seconds"] for row in rows if row["f1"] > before), None)
    say(f"  judged {judged} ({wrong} wrong), added {added}; F1 {before:.3f} before, then {shortly(rows)}")
    return {
        "judged": judged,
        "rejected": wrong,
        "added": added,
        "f1_before": before,
        "first_seconds": first,
        "better_seconds": better,
        "f1_after": rows[-1]["f1"] if rows else None,
        "total_seconds": time.monotonic() - watch.began,
        "tile": rows,
    }


def correct(watch: Watch, scene: Scene, random: np.random.Generator) -> tuple[int, int, int]:
    """Accept or reject the most doubtful suggestions on the left, and add missed nuclei there.

    Returns
    -------
    tuple of int
        How many were judged, how many of them rejected, and how many nuclei added.
    """
    session, truth = watch.session, scene.truth
    shown = session.suggestions.shown()
    missed = np.delete(truth, match_points(marked_or_shown(watch), truth, RADIUS).truth_index, axis=0)
    missed = missed[missed[:, 1] < scene.middle]
    left = shown.points.take(shown.points.coordinates[:, 1] < scene.middle)
    order = session.guide.order()
    doubtful = left.with_ids(order[np.isin(order, left.ids)][:JUDGED])
    free = watch.unmarked(truth)
    matches = match_points(doubtful.coordinates, free, RADIUS)
    right = np.isin(np.arange(len(doubtful)), matches.found_index)
    session.review.accept(doubtful.ids[right])
    session.review.reject(doubtful.ids[~right], as_background=True)
    places = missed[random.permutation(len(missed))[:ADDED]]
    if len(places):
        name = session.project.classes[0].name
        session.annotations.edit(HintSet(), HintSet(Points(places, classes=name)), "add points")
    return len(doubtful), int((~right).sum()), len(places)


def marked_or_shown(watch: Watch) -> npt.NDArray[np.float64]:
    marked = watch.session.annotations.hints_of(watch.ref).points.cells.coordinates
    return np.concatenate([marked, watch.session.suggestions.shown().points.coordinates])


# -- all of it


def measure_scene(
    name: str, tiles: DataSet | None, options: argparse.Namespace, val: DataSet | None
) -> dict[str, Any]:
    firsts, curves, nuclei = [], [], []
    for seed in options.seeds:
        scene = Scene(name, tiles, seed)
        nuclei.append(len(scene.truth))
        for _ in range(options.repeat):
            firsts.append(first_seconds(scene, seed, options.steps))
            say(f"{scene.name}, seed {seed}: first suggestions {firsts[-1]}")
        curves.append(curve(scene, seed, val, options.steps, options.preset))
    corrections = [c["correction"] for c in curves]
    return {
        "nuclei_on_screen": spread(nuclei),
        "first_seconds": {start: spread(f[start] for f in firsts) for start in STARTS},
        "f1_first": spread(c["tile"][0]["f1"] if c["tile"] else None for c in curves),
        "f1_last": spread(c["tile"][-1]["f1"] if c["tile"] else None for c in curves),
        "f1_val": spread(c["val"][-1]["f1"] if c["val"] else None for c in curves),
        "f1_at": {str(s): spread(value_at(c["tile"], s) for c in curves) for s in (5, 10, 20, 30, 60)},
        "f1_val_at": {str(s): spread(value_at(c["val"], s) for c in curves) for s in (5, 10, 20, 30, 60)},
        "correction_first_seconds": spread(c["first_seconds"] for c in corrections),
        "correction_better_seconds": spread(c["better_seconds"] for c in corrections),
        "corrections_that_never_paid": sum(c["better_seconds"] is None for c in corrections),
        "correction_f1_before": spread(c["f1_before"] for c in corrections),
        "correction_f1_at": {str(s): spread(value_at(c["tile"], s) for c in corrections) for s in (10, 60)},
        "correction_val_before": spread(c["val"][0] for c in corrections if "val" in c),
        "correction_val_after": spread(c["val"][1] for c in corrections if "val" in c),
        "correction_f1_after": spread(c["f1_after"] for c in corrections),
        "each_first": firsts,
        "each_curve": curves,
    }


def value_at(rows: list[dict[str, Any]], seconds: float) -> float | None:
    """Return the F1 that stood on screen at a moment."""
    return next((row["f1"] for row in reversed(rows) if row["seconds"] <= seconds), None)


def main() -> int:
    parser = arguments(__doc__, "one seed, 8 steps, the sample only")
    known = (*SHARES, SAMPLE)
    parser.add_argument("--scenes", nargs="+", choices=known, default=list(known))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--repeat", type=int, default=1, help="first suggestions so many times for each seed")
    parser.add_argument("--preset", default="quick", help="of the curve")
    parser.add_argument("--steps", type=int, help="other than the preset's")
    options = parser.parse_args()
    if options.quick:
        options.scenes, options.seeds, options.steps = [SAMPLE], options.seeds[:1], options.steps or 8
    if find_data("monuseg") is None and options.scenes != [SAMPLE]:
        say("monuseg is not in ../shared/data, nor in the folder that INKLING_DATA names: the sample only")
        options.scenes = [SAMPLE]
    val = load_data("monuseg", "val") if options.scenes != [SAMPLE] else None
    scenes: dict[str, Any] = {}
    result: dict[str, Any] = {}
    for name in options.scenes:
        tiles = None if name == SAMPLE else load_data("monuseg", "train")
        scenes[name] = measure_scene(name, tiles, options, None if name == SAMPLE else val)
        result = write_result("first_suggestions", options, {"seeds": options.seeds, "scenes": scenes})
    short = {n: {k: v for k, v in s.items() if not k.startswith("each")} for n, s in scenes.items()}
    print(json.dumps(result | {"scenes": short}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
