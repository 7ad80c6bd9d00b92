"""How well *partial-points* finds all nuclei from some clicks, next to its peers and the paper's arms.

    python benchmarks/partial_points.py                    everything that docs/benchmarks.md shows
    python benchmarks/partial_points.py --fractions 0.1 --presets quick --seeds 0 --arms inkling --peers log

Learns from the 12 train tiles of monuseg with a share of the nuclei clicked (centres of bounding boxes, drawn
without replacement), judges on the 4 val tiles: a detection is right within 11 px of a nucleus, one to one.
Thresholds are the methods' own, set by the clicks. ``f1_best_threshold`` is what the best threshold on the
val tiles would give: a diagnosis, never used. Each share of our default arm is compared with all points and
the same number of steps (share 1). Results of several runs add up in one JSON file; what is there is not run
again unless --again. Without options for what to run, it is about three hours on 2 cores.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from common import DataSet, arguments, by_case, commit, kept_result, load_data, say, spread, write_result
from peers import Found, LogBlobs, RandomForest

from napari_inkling.core import HintSet, Image, PlaneRef, Points, TrainingData, TrainingImage
from napari_inkling.evaluation import score_images, weaken_images
from napari_inkling.methods.partial_points import PartialPoints
from napari_inkling.supervision import estimate_radius

RADIUS = 11.0
#: The paper's arms start from random weights here and share one threshold, as in the paper; its 0.5 finds
#: nothing at our working scale, where a Gaussian is 1.25 pixels wide and its peak is seldom hit.
PUBLISHED = {"pretrained": "false", "threshold": "0.25"}
#: Centres are measured here, and outlines in masks.py.
ALONE = {"masks": "false"}
#: "inkling" is the default. The others are the paper's ablation, with the small network and our steps.
ARMS: dict[str, dict[str, str]] = {
    "inkling": {},
    "GM": {**PUBLISHED, "mask": "plain", "self_training": "none"},
    "ext-GM": {**PUBLISHED, "self_training": "none"},
    "ST-nu": {**PUBLISHED, "self_training": "nuclei"},
    "ST-bg": PUBLISHED,
    "GM, calibrated": {"mask": "plain", "self_training": "none"},
}
PEERS = ("log", "forest", "forest-full")


@dataclass(frozen=True)
class Case:
    """One thing to measure."""

    arm: str
    preset: str
    fraction: float
    seed: int
    settings: tuple[tuple[str, str], ...] = field(default=())

    @property
    def key(self) -> str:
        """What the result is kept under."""
        changed = "".join(f"/{key}={value}" for key, value in self.settings)
        return f"{self.arm}/{self.preset}/{self.fraction:g}/{self.seed}{changed}"


# -- what to run


def plan(options: argparse.Namespace) -> list[Case]:
    """Return the cases asked for, the cheap ones first."""
    settings = tuple(sorted(tuple(text.split("=", 1)) for text in options.set))
    named = (options.fractions, options.presets, options.arms, options.peers)
    if all(part is None for part in named):
        cases = list(everything(options.seeds))
    else:
        fractions = options.fractions or [0.1]
        arms = options.arms if options.arms is not None else ["inkling"] * (options.peers is None)
        presets = options.presets or ["quick"]
        peers = [
            Case(p, "-", f, s) for f, p, s in itertools.product(fractions, options.peers or [], options.seeds)
        ]
        ours = [Case(a, p, f, s) for p, f, a, s in itertools.product(presets, fractions, arms, options.seeds)]
        if "inkling" in arms and not options.no_reference:
            ours += [Case("inkling", p, 1.0, s) for p, s in itertools.product(presets, options.seeds)]
        cases = peers + ours
    return list(dict.fromkeys(Case(c.arm, c.preset, c.fraction, c.seed, settings if c.preset != "-" else ())
                              for c in cases))  # fmt: skip


def everything(seeds: list[int]) -> Iterator[Case]:
    for seed in seeds:
        for fraction in (0.1, 1.0, 0.05, 0.25, 0.5):
            yield Case("inkling", "quick", fraction, seed)
        for arm in ARMS:
            yield Case(arm, "quick", 0.1, seed)
        for peer in PEERS:
            yield Case(peer, "-", 0.1, seed)
        for fraction in (0.1, 1.0):
            yield Case("inkling", "standard", fraction, seed)
        for fraction in (0.05, 0.25, 0.5):
            yield Case("log", "-", fraction, seed)
            yield Case("forest", "-", fraction, seed)


# -- running it


@dataclass(frozen=True, eq=False)
class Tiles:
    """The data, and the pixels as they were read."""

    train: DataSet
    val: DataSet

    @cache  # noqa: B019  # lives as long as the program
    def pixels(self, name: str) -> npt.NDArray[np.uint8]:
        """Return an image of either split."""
        return (self.train if name in self.train.files else self.val).pixels(name)

    def image(self, name: str) -> Image:
        """Return an image of either split as a method takes it."""
        return Image(PlaneRef(name), self.pixels(name))

    def clicks(self, case: Case) -> dict[str, HintSet]:
        """Return the points on the train tiles."""
        return weaken_images(self.train.truth, self.train.shapes, points=case.fraction, seed=case.seed)

    def score(self, found: Mapping[str, Points], threshold: float) -> dict[str, Any]:
        """Score what is found on the val tiles, and name the threshold that would have been best."""
        shown = {name: points.take(points.scores >= threshold) for name, points in found.items()}
        scores = score_images(shown, self.val.truth, RADIUS)
        keys = ("f1", "precision", "recall", "mean_distance", "sd_distance", "true_positives",
                "false_positives", "false_negatives")  # fmt: skip
        best = best_f1(found, self.val.truth)
        by_image = {name: image["f1"] for name, image in scores["images"].items()}
        return {key: scores[key] for key in keys} | {"f1_best_threshold": best, "f1_by_image": by_image}


def best_f1(found: Mapping[str, Points], truth: Mapping[str, HintSet]) -> float:
    """Return F1 at the threshold that is best for the very images that judge."""
    scores = np.concatenate([points.scores for points in found.values()])
    if not len(scores):
        return 0.0
    f1 = []
    for threshold in np.unique(np.quantile(scores, np.linspace(0, 0.98, 40))):
        shown = {name: points.take(points.scores >= threshold) for name, points in found.items()}
        f1.append(score_images(shown, truth, RADIUS)["f1"])
    return float(max(f1))


def measure(case: Case, tiles: Tiles, log: LogBlobs, device: str) -> dict[str, Any]:
    run = measure_peer(case, tiles, log) if case.arm in PEERS else measure_ours(case, tiles, device)
    about = {"arm": case.arm, "preset": case.preset, "fraction": case.fraction, "seed": case.seed}
    when = {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "commit": commit()}
    return about | {"settings": dict(case.settings)} | run | when


def measure_ours(case: Case, tiles: Tiles, device: str) -> dict[str, Any]:
    chosen = ALONE | ARMS[case.arm] | dict(case.settings)
    settings = PartialPoints.Settings.preset(case.preset, **chosen)
    hints = tiles.clicks(case)
    data = TrainingData(tuple(TrainingImage(tiles.image(name), hints[name]) for name in hints))
    fit = PartialPoints().fit(data, settings, device=device, seed=case.seed)
    began, device_name, told = time.monotonic(), "", 0.0
    while True:
        try:
            event = next(fit)
        except StopIteration as end:
            model = end.value
            break
        device_name = getattr(event, "device", device_name)
        if time.monotonic() - told > 10 and hasattr(event, "steps"):
            told = time.monotonic()
            say(f"  {event.stage}: step {event.step} of {event.steps}")
    seconds = time.monotonic() - began
    found = {name: model.predict(tiles.image(name)).points for name in tiles.val.files}
    return tiles.score(found, 0.5) | {
        "seconds": seconds,
        "steps": settings.steps,
        "threshold": model.description.threshold,
        "radius": model.description.radius,
        "clicks": sum(len(h.points) for h in hints.values()),
        "device": device_name,
    }


def measure_peer(case: Case, tiles: Tiles, log: LogBlobs) -> dict[str, Any]:
    hints = tiles.clicks(case)
    clicks = {name: h.points.cells.coordinates for name, h in hints.items()}
    radius = estimate_radius([(tiles.image(name), places) for name, places in clicks.items()]) or 10.0
    peer = log if case.arm == "log" else RandomForest(tiles.pixels, case.arm == "forest-full", case.seed)
    began = time.monotonic()
    chosen = peer.fit(clicks, radius)
    seconds = time.monotonic() - began
    found: dict[str, Points] = {}
    threshold = 0.0
    for name in tiles.val.files:
        peaks, threshold = peer.predict(name)
        found[name] = as_points(peaks)
    return tiles.score(found, threshold) | {
        "seconds": seconds,
        "threshold": threshold,
        "radius": radius,
        "clicks": sum(map(len, clicks.values())),
        "chosen": chosen,
    }


def as_points(peaks: Found) -> Points:
    return Points(peaks.places, sources="model", scores=peaks.heights)


# -- what comes of it


def summary(runs: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return mean and range over seeds, and the share of what all points give with the same seed."""
    rows = []
    for about, members in by_case(runs.values()):
        figures = {key: spread(run.get(key) for run in members) for key in ("f1", "precision", "recall",
                   "mean_distance", "sd_distance", "seconds", "threshold", "f1_best_threshold")}  # fmt: skip
        complete = [complete_run(runs, run) for run in members]
        ratios = [run["f1"] / full["f1"] for run, full in zip(members, complete, strict=True) if full]
        seeds = sorted(run["seed"] for run in members)
        rows.append(about | figures | {"of_all_points": spread(ratios), "seeds": seeds})
    return sorted(rows, key=lambda row: (row["preset"], row["arm"], row["fraction"]))


def complete_run(runs: Mapping[str, Mapping[str, Any]], run: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the run of the same network, steps and seed with all points."""
    if run["preset"] == "-" or run["arm"] != "inkling":
        return None
    settings = tuple(sorted(run["settings"].items()))
    return runs.get(Case("inkling", run["preset"], 1.0, run["seed"], settings).key)


def main() -> int:
    parser = arguments(__doc__, "1 train and 1 val tile, 8 steps")
    parser.add_argument("--fractions", type=float, nargs="+", help="shares of the nuclei that are clicked")
    parser.add_argument("--presets", nargs="+", choices=("quick", "standard", "as-published"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="*", choices=ARMS)
    parser.add_argument("--peers", nargs="*", choices=PEERS)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings for all arms")
    parser.add_argument("--no-reference", action="store_true", help="leave out the runs with all points")
    parser.add_argument("--again", action="store_true", help="run also what the JSON file holds already")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    if wrong := [text for text in options.set if "=" not in text]:
        parser.error(f"--set {wrong[0]!r}: expected KEY=VALUE")
    few = 2 if options.quick else None
    tiles = Tiles(load_data("monuseg", "train", few), load_data("monuseg", "val", 1 if few else None))
    if options.quick:
        options.set = [*options.set, "steps=8"]
        LogBlobs.sigmas, LogBlobs.scales = LogBlobs.sigmas[:1], (0.5,)
    log = LogBlobs(tiles.pixels)
    runs: dict[str, Any] = kept_result("partial_points", options).get("runs", {})
    cases = [case for case in plan(options) if options.again or case.key not in runs]
    result = kept_result("partial_points", options)
    for number, case in enumerate(cases, 1):
        say(f"{number} of {len(cases)}: {case.key}")
        runs[case.key] = run = measure(case, tiles, log, options.device)
        say(f"  F1 {run['f1']:.3f}  P {run['precision']:.3f}  R {run['recall']:.3f}  {run['seconds']:.0f} s")
        about = {"radius": RADIUS, "train": sorted(tiles.train.files), "val": sorted(tiles.val.files)}
        seeds = sorted({r["seed"] for r in runs.values()})
        figures = about | {"seeds": seeds, "summary": summary(runs), "runs": runs}
        result = write_result("partial_points", options, figures)
    print(json.dumps({key: value for key, value in result.items() if key != "runs"}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
