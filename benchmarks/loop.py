"""What correcting is worth: detection F1 against the seconds that a person has given.

    python benchmarks/loop.py
    python benchmarks/loop.py --arms review random --rounds 8 --seeds 0

The 12 train tiles of monuseg begin with 2 % of their nuclei clicked; a model is trained (preset quick).
Then, round by round, a simulated annotator gives 30 s of corrections: it goes from suggestion to suggestion,
says whether each is a nucleus, and clicks the nuclei that were missed beside it; each verdict or click costs
0.9 s, as the papers measured a point. The model trains on. In the arm "review" the suggestions come as
"next" in the dock brings them (doubt × density, spread over the images); in "random" in random order. The arm
"points" has no loop: it clicks a share of the nuclei at random, and all of them in the end. F1 is that on the
4 val tiles, a detection being right within 11 px of a nucleus, at the threshold that the method sets.

A loop ends when it has reached 95 % of the F1 that all points give, unless --to-the-end. Results of several
runs add up; what is there is not run again unless --again. A loop that was stopped goes on with its last
round, which is kept beside the results.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from common import RESULTS, arguments, commit, kept_result, load_data, say, spread, write_result
from partial_points import RADIUS, Tiles

from napari_inkling.core import HintSet, Predictions, TrainingData, TrainingImage
from napari_inkling.evaluation import annotation_seconds, correct, weaken_images
from napari_inkling.evaluation.annotator import SECONDS_PER_POINT
from napari_inkling.guidance import Candidates, doubts, what_next
from napari_inkling.methods.partial_points import PartialPoints
from napari_inkling.methods.partial_points.detection_model import DetectionModel
from napari_inkling.session.suggested_cells import without_known
from napari_inkling.training.pieces import finish

ARMS = ("review", "random", "points")
START = 0.02
SECONDS_PER_ROUND = 30.0
#: Around a suggestion the annotator sees what was missed within so many cell radii.
VIEW = 4.0
SHARES = (0.05, 0.1, 0.25, 1.0)
ENOUGH = 0.95
FIGURES = ("seconds", "share", "last_f1", "last_seconds", "all_points_f1", "all_points_seconds")
STATES = RESULTS / ".loop"

Hints = dict[str, HintSet]


# -- one loop


@dataclass(eq=False)
class Loop:
    """What a loop has come to: hints, suggestions that were only hidden, and the last model."""

    hints: Hints
    hidden: dict[str, list[list[float]]]
    model: DetectionModel
    rounds: list[dict[str, Any]] = field(default_factory=list)

    def keep(self, folder: Path) -> None:
        """Write everything, so that :meth:`restore` finds it; the old state goes last."""
        new = folder.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        self.model.save(new)
        state = {"hints": {name: own.to_json() for name, own in self.hints.items()},
                 "hidden": self.hidden, "rounds": self.rounds}  # fmt: skip
        (new / "state.json").write_text(json.dumps(state), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)

    @classmethod
    def restore(cls, folder: Path) -> Loop | None:
        """Return what was kept, ``None`` if there is nothing."""
        if not (folder / "state.json").is_file():
            return None
        state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        hints = {name: HintSet.from_json(own) for name, own in state["hints"].items()}
        return cls(hints, state["hidden"], DetectionModel.load(folder), state["rounds"])


def left_to_judge(loop: Loop, name: str, found: Predictions) -> Predictions:
    """Return what the review shows of a tile: above the threshold, not marked, not hidden."""
    hidden = np.array(loop.hidden.get(name, [])).reshape(-1, 2)
    return without_known(found.above(0.5), loop.hints[name], hidden, found.radius or RADIUS)


def order(arm: str, shown: Mapping[str, Predictions], count: int, seed: list[int]) -> list[tuple[str, int]]:
    """Return which suggestions to look at: the tile, and the id."""
    if arm == "random":
        every = [(name, int(i)) for name, found in shown.items() for i in found.points.ids]
        return [every[i] for i in np.random.default_rng(seed).permutation(len(every))[:count]]
    candidates = {
        name: Candidates(found.points.coordinates, doubts(found, 0.5), found.radius or RADIUS)
        for name, found in shown.items()
    }
    return [(pick.plane, int(shown[pick.plane].points.ids[pick.index]))
            for pick in what_next(candidates, count)]  # fmt: skip


def give(loop: Loop, tiles: Tiles, arm: str, seed: list[int]) -> dict[str, Any]:
    """Let the annotator correct for one round; returns what it did."""
    found = {name: loop.model.predict(tiles.image(name)) for name in loop.hints}
    shown = {name: left_to_judge(loop, name, of) for name, of in found.items()}
    left = SECONDS_PER_ROUND
    did: Counter[str] = Counter()
    for name, wanted in order(arm, shown, round(SECONDS_PER_ROUND / SECONDS_PER_POINT), seed):
        points = left_to_judge(loop, name, shown[name]).points
        at = np.flatnonzero(points.ids == wanted)
        if left < SECONDS_PER_POINT or not len(at):  # a click of this round was on it
            continue
        done = correct(tiles.train.truth[name], loop.hints[name], points, int(at[0]), radius=RADIUS,
                       view=VIEW * loop.model.description.radius, seconds=left)  # fmt: skip
        left -= done.seconds
        given = done.hints.mapped(lambda rows: rows.changed(rounds=len(loop.rounds)))  # as the session does
        loop.hints[name] = loop.hints[name].joined(given)
        if done.hidden:
            loop.hidden.setdefault(name, []).append(points.coordinates[at[0]].tolist())
        new = done.hints.points
        did.update(looked_at=1, accepted=int((new.sources == "accepted").sum()), hidden=int(done.hidden),
                   background=len(new.background))  # fmt: skip
        did["clicked"] += len(new.cells) - int((new.sources == "accepted").sum())
    return dict(did)


def fit(
    tiles: Tiles, hints: Hints, seed: int, overrides: dict[str, Any], start: DetectionModel | None
) -> Any:
    """Train, or train on, as the dock does."""
    data = TrainingData(tuple(TrainingImage(tiles.image(name), own) for name, own in hints.items()))
    settings = PartialPoints.Settings.preset("quick", masks=False, **overrides)
    return finish(PartialPoints().fit(data, settings, device="cpu", seed=seed, start=start))


def judged(tiles: Tiles, hints: Hints, model: DetectionModel, began: float) -> dict[str, Any]:
    """Return the scores on the val tiles, and what they cost."""
    found = {name: model.predict(tiles.image(name)).points for name in tiles.val.files}
    spent = sum(map(annotation_seconds, hints.values()))
    return tiles.score(found, 0.5) | {
        "seconds": spent,
        "hints": sum(map(len, hints.values())),
        "training_seconds": time.monotonic() - began,
    }


def start_loop(tiles: Tiles, seed: int, overrides: dict[str, Any]) -> Loop:
    """Return the loop at its beginning, that both orders share."""
    began = time.monotonic()
    hints = weaken_images(tiles.train.truth, tiles.train.shapes, points=START, seed=seed)
    model = fit(tiles, hints, seed, overrides, None)
    return Loop(hints, {}, model, [judged(tiles, hints, model, began)])


def run_round(loop: Loop, tiles: Tiles, arm: str, seed: int, overrides: dict[str, Any]) -> None:
    """Correct, train on, judge."""
    began, number = time.monotonic(), len(loop.rounds)
    did = give(loop, tiles, arm, [seed, number])
    loop.model = fit(tiles, loop.hints, seed, overrides, loop.model)
    loop.rounds.append(judged(tiles, loop.hints, loop.model, began) | {"did": did})


def points_only(tiles: Tiles, share: float, seed: int, overrides: dict[str, Any]) -> dict[str, Any]:
    """Return what a share of all points gives without a loop."""
    began = time.monotonic()
    hints = weaken_images(tiles.train.truth, tiles.train.shapes, points=share, seed=seed)
    return judged(tiles, hints, fit(tiles, hints, seed, overrides, None), began) | {"share": share}


# -- what comes of it


def seconds_to(rounds: list[dict[str, Any]], f1: float) -> float | None:
    """Return the seconds of the first round that reaches an F1, ``None`` if none does."""
    return next((r["seconds"] for r in rounds if r["f1"] >= f1), None)


def complete_run(runs: Mapping[str, Mapping[str, Any]], seed: int) -> dict[str, Any] | None:
    """Return what all points give, ``None`` if that was not run."""
    return next((r for r in runs.get(f"points/{seed}", {"rounds": []})["rounds"] if r["share"] == 1), None)


def has_reached(runs: Mapping[str, Mapping[str, Any]], seed: int, rounds: list[dict[str, Any]]) -> bool:
    """Whether a loop has come as far as it is to come."""
    complete = complete_run(runs, seed)
    return complete is not None and seconds_to(rounds, ENOUGH * complete["f1"]) is not None


def summary(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return, for each arm, the seconds to 95 % of the F1 of all points, and the share of their time."""
    every: dict[str, list[dict[str, Any]]] = {arm: [] for arm in ARMS}
    for run in runs.values():
        complete = complete_run(runs, run["seed"])
        if complete is None:
            continue
        reached = seconds_to(run["rounds"], ENOUGH * complete["f1"])
        every[run["arm"]].append({
            "seed": run["seed"], "all_points_f1": complete["f1"], "all_points_seconds": complete["seconds"],
            "last_f1": run["rounds"][-1]["f1"], "last_seconds": run["rounds"][-1]["seconds"],
            "seconds": reached, "share": None if reached is None else reached / complete["seconds"],
        })  # fmt: skip
    return {
        arm: {key: spread(run[key] for run in found) for key in FIGURES}
        | {"reached": sum(run["seconds"] is not None for run in found), "runs": len(found)}
        for arm, found in every.items() if found
    }  # fmt: skip


def broken(figures: Mapping[str, Any]) -> list[str]:
    """Return what of the claim does not hold."""
    review = figures.get("review")
    if review is None:
        return []
    if review["reached"] < review["runs"]:
        return [f"{review['runs'] - review['reached']} loop(s) did not reach {ENOUGH:.0%} of all points' F1"]
    return [f"took {review['share']['max']:.0%} of the time"] * (review["share"]["max"] > 0.5)


# -- all of them


@dataclass(frozen=True, eq=False)
class Study:
    """All loops and shares of points, and what was made of them so far; ``runs`` are by arm and seed."""

    options: argparse.Namespace
    tiles: Tiles
    overrides: dict[str, Any]
    states: Path
    runs: dict[str, Any]

    @classmethod
    def begun(cls, options: argparse.Namespace) -> Study:
        """Return what earlier runs have left, nothing with --again."""
        few = 2 if options.quick else None
        tiles = Tiles(load_data("monuseg", "train", few), load_data("monuseg", "val", 1 if few else None))
        runs = {} if options.again else kept_result("loop", options).get("runs", {})
        states = STATES.with_name(".loop.quick") if options.quick else STATES
        if options.again:
            shutil.rmtree(states, ignore_errors=True)
        return cls(options, tiles, {"steps": 8} if options.quick else {}, states, runs)

    def made(self, arm: str, seed: int) -> list[dict[str, Any]]:
        """Return the rounds of an arm so far."""
        rounds: list[dict[str, Any]] = self.runs.get(f"{arm}/{seed}", {"rounds": []})["rounds"]
        return rounds

    def keep(self, arm: str, seed: int, made: list[dict[str, Any]]) -> None:
        """Write the rounds of an arm, and what comes of all."""
        runs = self.runs
        runs[f"{arm}/{seed}"] = {"arm": arm, "seed": seed, "rounds": made, "commit": commit()}
        last = made[-1]
        say(f"{arm}, seed {seed}: {last['seconds']:.0f} s, F1 {last['f1']:.3f}")
        figures = summary(runs)
        about = {
            "train": sorted(self.tiles.train.files),
            "val": sorted(self.tiles.val.files),
            "seeds": sorted({run["seed"] for run in runs.values()}),
        }
        result = about | {"summary": figures, "claim_broken": broken(figures), "runs": runs}
        write_result("loop", self.options, result)

    def run(self, seed: int) -> None:
        """Run everything with one seed: all points first, as the loops end by what those give."""
        shares = (0.25, 1.0) if self.options.quick else SHARES
        rounds = 2 if self.options.quick else self.options.rounds
        self.point(seed, shares[-1:])
        # Round by round, so that the arms can be compared whenever this is stopped.
        for number, arm in itertools.product(range(rounds + 1), self.options.arms):
            made = self.made(arm, seed)
            reached = has_reached(self.runs, seed, made) and not self.options.to_the_end
            if arm != "points" and number >= len(made) and not reached:
                self.go_on(arm, seed, number)
        self.point(seed, shares[:-1])

    def point(self, seed: int, shares: Iterable[float]) -> None:
        """Run the shares of all points that were not run yet, if they are asked for."""
        for share in shares if "points" in self.options.arms else ():
            before = self.made("points", seed)
            if share not in {r["share"] for r in before}:
                made = [*before, points_only(self.tiles, share, seed, self.overrides)]
                self.keep("points", seed, sorted(made, key=lambda r: r["share"]))

    def go_on(self, arm: str, seed: int, number: int) -> None:
        """Run a round of a loop, which goes on from where it was left."""
        folder, first = self.states / f"{arm}-{seed}", self.states / f"start-{seed}"
        loop = Loop.restore(folder) or Loop.restore(first)
        if loop is None:
            loop = start_loop(self.tiles, seed, self.overrides)
            loop.keep(first)
        if number == len(loop.rounds):
            run_round(loop, self.tiles, arm, seed, self.overrides)
            loop.keep(folder)
        self.keep(arm, seed, loop.rounds)


def parsed() -> argparse.Namespace:
    parser = arguments(__doc__, "2 train and 1 val tile, 8 steps, 2 rounds")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--rounds", type=int, default=16, help="of corrections, 30 s each")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--to-the-end", action="store_true", help="all rounds, also after 95 %% is reached")
    parser.add_argument("--again", action="store_true", help="run also what the JSON file holds already")
    return parser.parse_args()


def main() -> int:
    options = parsed()
    study = Study.begun(options)
    for seed in options.seeds:
        study.run(seed)
    result = kept_result("loop", options)
    print(json.dumps({key: value for key, value in result.items() if key != "runs"}, indent=1))
    return int(bool(result["claim_broken"]))


if __name__ == "__main__":
    sys.exit(main())
