"""A few cells are marked, the others are not: how well *pu-ranking* does, beside its peers and bounds.

    python benchmarks/pu_ranking.py                     everything that docs/benchmarks.md shows
    python benchmarks/pu_ranking.py --data psc_phase --seeds 0 --arms ours "fully marked"
    python benchmarks/pu_ranking.py --shares 0.9 --arms ours partial-points --seeds 0

10 % of the cells (or other --shares) are clicked on some frames or the train images; F1, precision and
recall are measured on others, within the mean radius of a cell, one to one. Every arm has the same network,
takes the same steps, and is told the cell radius, as a person sets it with the circle in the dock.

Arms: *ours* is the default. "plain" takes all that is unmarked for background, "masked" learns from disks
around the marked cells alone, both with the paper's threshold: half of an image's highest peak, after
scaling the map to the image's minimum and maximum. "…, our threshold" is the same network with the threshold
that the clicks tell. "PU" classifies the peaks of "masked" by a second network with the PU risk, as the
paper's comparison does. "fully marked" has every cell, and our threshold. "as selected" is ours with the
paper's fixed shares of pseudo-labels and two rounds. "partial-points" is the other method, with the same
clicks and its own settings.

False detections per empty megapixel are those on parts of the images that lie further than two cell radii
from every cell. The largest squares of these, at most three of an image, are also given as images of their
own, which hold no cell: how many are found on each. Results add up in one JSON file; what is there is not
run again unless --again.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from common import arguments, commit, kept_result, say, spread, write_result
from point_data import DATA, PointData, load
from scipy import ndimage

from napari_inkling.core import (
    Checkpoint,
    HintSet,
    Image,
    PlaneRef,
    Points,
    Round,
    TrainingData,
    TrainingImage,
)
from napari_inkling.evaluation import score_images, weaken_images
from napari_inkling.methods.partial_points import PartialPoints
from napari_inkling.methods.pu_ranking import PuRanking
from napari_inkling.methods.pu_ranking.candidates import find
from napari_inkling.methods.pu_ranking.patches import cut_patches, train_classifier
from napari_inkling.methods.pu_ranking.peak_model import PeakModel
from napari_inkling.methods.pu_ranking.task import prepare
from napari_inkling.supervision import nearest_point
from napari_inkling.supervision.class_prior import estimate_class_prior
from napari_inkling.training.pieces import finish
from napari_inkling.training.point_fields import fields_of

NAME = "pu_ranking"
#: Share of the cells that are clicked, in (0, 1], unless one says otherwise.
SHARE = 0.1
#: So low that all peaks are there to be judged by another threshold.
LOW = 0.05
PLAIN = {"mask": "plain", "rounds": 0}
MASKED = {"mask": "disks", "rounds": 0, "unmarked_weight": 0.0}
#: At most so many empty squares are cut from an image.
MOST_SQUARES = 3
FIGURES = ("f1", "precision", "recall", "false_per_empty_megapixel", "found_per_empty_image", "cpu_seconds")
#: What each arm changes of the settings.
ARMS: dict[str, dict[str, Any]] = {
    "ours": {},
    "fully marked": PLAIN,
    "plain": PLAIN,
    "plain, our threshold": PLAIN,
    "masked": MASKED,
    "masked, our threshold": MASKED,
    "PU": MASKED,
    "as selected": {"choice": "fixed", "rounds": 2, "empty_places": 0.0},
    "partial-points": {"masks": False},
}
#: Arms that are the same network, trained once, and differ in what is made of its peaks.
SHARED = (("plain", "plain, our threshold"), ("masked", "masked, our threshold", "PU"))


@dataclass(frozen=True)
class Case:
    """One thing to measure."""

    data: str
    arm: str
    seed: int
    #: Share of the cells that are clicked.
    share: float = SHARE

    @property
    def key(self) -> str:
        """What the result is kept under."""
        share = "" if self.share == SHARE else f"/{self.share:g}"
        return f"{self.data}/{self.arm}{share}/{self.seed}"


@dataclass(frozen=True)
class Splits:
    """A data set."""

    train: PointData
    val: PointData

    @cached_property
    def empty(self) -> dict[str, Image]:
        """The largest squares of the images that judge which hold no cell, as images of their own."""
        result = {}
        for name, image in self.val.images.items():
            free = self._is_empty(name)
            for number in range(MOST_SQUARES):
                reach = ndimage.distance_transform_cdt(np.pad(free, 1), "chessboard")[1:-1, 1:-1]
                half = int(reach.max()) - 1
                if half < 2 * self.val.radius:
                    break
                y, x = np.unravel_index(reach.argmax(), reach.shape)
                rows, columns = slice(y - half, y + half + 1), slice(x - half, x + half + 1)
                free[rows, columns] = False
                key = f"{name}, empty {number}"
                result[key] = Image(PlaneRef(key), image.read(rows, columns))
        return result

    def clicks(self, share: float, seed: int) -> dict[str, HintSet]:
        """Return the points on the train images; those that have none are left out."""
        hints = weaken_images(self.train.truth, self.train.shapes, points=share, seed=seed)
        return {name: own for name, own in hints.items() if len(own.points)}

    def training(self, share: float, seed: int) -> TrainingData:
        """Return what is learnt from."""
        clicks = self.clicks(share, seed)
        return TrainingData(tuple(TrainingImage(self.train.images[n], own) for n, own in clicks.items()))

    def score(self, found: Mapping[str, Points]) -> dict[str, float | None]:
        """Return F1, precision, recall, and what is found where there is no cell."""
        scores = score_images({n: found[n] for n in self.val.truth}, self.val.truth, self.val.radius)
        return {key: float(scores[key]) for key in ("f1", "precision", "recall")} | {
            "false_per_empty_megapixel": self._false_alarms(found),
            "found_per_empty_image": self._found_on_empty(found),
        }

    def _false_alarms(self, found: Mapping[str, Points]) -> float:
        count, area = 0, 0
        for name in self.val.images:
            empty = self._is_empty(name)
            y, x = np.clip(np.round(found[name].coordinates).astype(int), 0, np.array(empty.shape) - 1).T
            count, area = count + int(empty[y, x].sum()), area + int(empty.sum())
        return 1e6 * count / area if area else 0.0

    def _found_on_empty(self, found: Mapping[str, Points]) -> float | None:
        """Return the mean number, ``None`` without any such image."""
        counts = [len(found[name]) for name in self.empty]
        return float(np.mean(counts)) if counts else None

    def _is_empty(self, name: str) -> npt.NDArray[np.bool_]:
        """Return which pixels (Y, X) of an image lie further than two cell radii from all cells."""
        image, truth = self.val.images[name], self.val.truth[name]
        cells = truth.points.cells.coordinates
        empty = nearest_point(cells, (image.height, image.width)).distance > 2 * self.val.radius
        for y0, x0, y1, x1 in truth.boxes.ignored.coordinates + 0.5:
            empty[int(y0) : int(y1), int(x0) : int(x1)] = False
        return empty


# -- the arms


def measure(cases: Sequence[Case], splits: Splits, settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Train the network of some arms, and judge each of them on the other images, round by round.

    Returns what was measured, by the cases' keys.
    """
    first = cases[0]
    data = splits.training(1.0 if first.arm == "fully marked" else first.share, first.seed)
    chosen = {"radius": splits.train.radius} | ARMS[first.arm]
    method: Any = PartialPoints() if first.arm == "partial-points" else PuRanking()
    chosen |= {key: value for key, value in settings.items() if key in method.Settings.model_fields}
    used, judging = time.process_time(), 0.0
    began = time.monotonic()
    rounds: dict[str, list[dict[str, float | None]]] = {case.key: [] for case in cases}
    extra = dict.fromkeys(rounds, 0.0)
    model = None
    for event in method.fit(data, method.Settings.preset("quick", **chosen), device="cpu", seed=first.seed):
        if isinstance(event, Checkpoint):
            model = event.model
        elif isinstance(event, Round):
            for case in cases:
                before = time.process_time()
                rounds[case.key].append(splits.score(_judged(case, splits, model, data)))
                extra[case.key] = time.process_time() - before
                judging += extra[case.key]
    trained = time.process_time() - used - judging  # but the second network of "PU", which judging trains
    return {
        case.key: {
            "data": case.data,
            "arm": case.arm,
            "seed": case.seed,
            "share": case.share,
            **rounds[case.key][-1],
            "rounds": rounds[case.key],
            "clicks": sum(len(plane.hints.points) for plane in data.train),
            "seconds": time.monotonic() - began,
            "cpu_seconds": trained + (extra[case.key] if case.arm == "PU" else 0),
            "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
            "commit": commit(),
        }
        for case in cases
    }


def _judged(case: Case, splits: Splits, model: Any, data: TrainingData) -> dict[str, Points]:
    """Return what the model of an arm finds on the images that judge."""
    if case.arm in ("plain", "masked", "PU"):
        model = PeakModel(model.description.model_copy(update={"threshold": LOW}), model.net, model.device)
    images = {**splits.val.images, **splits.empty}
    found = {name: model.predict(image).points for name, image in images.items()}
    if case.arm in ("plain", "masked"):
        return {name: _above_half(points) for name, points in found.items()}
    if case.arm == "PU":
        return _classified(case, images, model, data)
    return {name: points.take(points.scores >= 0.5) for name, points in found.items()}


def _above_half(points: Points) -> Points:
    """Return the peaks of at least half of the image's highest: the map's minimum is about 0."""
    heights = np.interp(points.scores, [0, 0.5, 1], [0, LOW, 1])
    return points.take(heights >= 0.5 * heights.max(initial=0))


def _classified(case: Case, images: Mapping[str, Image], model: Any, data: TrainingData) -> dict[str, Points]:
    """Return the peaks that a classifier of patches takes for cells, which has learnt with the PU risk."""
    settings = model.description.settings.model_copy(update={"empty_places": 0.0})
    task = finish(prepare(data, settings, "cpu", case.seed, model))
    candidates = finish(find(task))
    prior = estimate_class_prior(candidates.marked, candidates.features, task.random).estimate
    marked = torch.cat([cut_patches(part, part.field.marked) for part in task.fields])
    others = [
        cut_patches(part, candidates.places[candidates.field == n]) for n, part in enumerate(task.fields)
    ]
    net = finish(train_classifier(task, marked, torch.cat(others), prior))
    about, found = model.description, {}
    for name, image in images.items():
        points = model.predict(image).points
        (part,) = fields_of(
            TrainingImage(image, HintSet(points.changed(sources="human"))),
            about.intensity, about.scale, about.radius, about.classes,
        )  # fmt: skip
        with torch.inference_mode():
            scores = net(cut_patches(part, part.field.marked)).numpy()
        found[name] = points.take(scores > 0)
    return found


# -- what comes of it


def summary(runs: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return mean and range over seeds of each arm on each data set, and of the average over these."""
    rows = []
    shares = sorted({run.get("share", SHARE) for run in runs.values()})
    for data, share, arm in itertools.product((*DATA, "average"), shares, ARMS):
        own = [
            run
            for run in (_averaged(runs) if data == "average" else runs.values())
            if (run["data"], run.get("share", SHARE), run["arm"]) == (data, share, arm)
        ]
        if own:
            about = {"data": data, "share": share, "arm": arm, "seeds": sorted(run["seed"] for run in own)}
            rows.append(about | {key: spread(run.get(key) for run in own) for key in FIGURES})
    return rows


def _averaged(runs: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the mean over the data sets for each arm and seed that has been run on all of them."""
    result = []
    for arm, seed in itertools.product(ARMS, sorted({run["seed"] for run in runs.values()})):
        own = [runs[key] for data in DATA if (key := Case(data, arm, seed).key) in runs]
        if len(own) == len(DATA):
            known = {key: [run[key] for run in own if run.get(key) is not None] for key in FIGURES}
            means = {key: float(np.mean(values)) for key, values in known.items() if values}
            result.append({"data": "average", "share": SHARE, "arm": arm, "seed": seed} | means)
    return result


def _groups(cases: Sequence[Case]) -> list[list[Case]]:
    """Return the cases, those together that share a network."""
    groups: dict[tuple[str, float, int, tuple[str, ...]], list[Case]] = {}
    for case in cases:
        arms = next((shared for shared in SHARED if case.arm in shared), (case.arm,))
        groups.setdefault((case.data, case.share, case.seed, arms), []).append(case)
    return list(groups.values())


def main() -> int:
    parser = arguments(__doc__, "1 train and 1 val image, 8 steps")
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--shares", type=float, nargs="+", default=[SHARE], help="of the cells, clicked")
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings for all arms")
    parser.add_argument("--again", action="store_true", help="run also what the JSON file holds already")
    options = parser.parse_args()
    if wrong := [text for text in options.set if "=" not in text]:
        parser.error(f"--set {wrong[0]!r}: expected KEY=VALUE")
    settings: dict[str, Any] = dict(text.split("=", 1) for text in options.set)
    if options.quick:
        settings |= {"steps": 8}
    most = 1 if options.quick else None
    splits = {name: Splits(load(name, "train", most), load(name, "val", most)) for name in options.data}
    result = kept_result(NAME, options)
    runs: dict[str, Any] = result.get("runs", {})
    resolved = PuRanking.Settings.preset("quick", **settings).model_dump()
    if runs and result.get("settings") != resolved:
        parser.error("the JSON file holds runs with other settings: give another one with --out")
    wanted = itertools.product(options.seeds, options.data, options.shares, options.arms)
    cases = [
        Case(data, arm, seed, share)
        for seed, data, share, arm in wanted
        if share == SHARE or arm != "fully marked"  # whose share is 1
    ]
    cases = [case for case in cases if options.again or case.key not in runs]
    done = 0
    for group in _groups(cases):
        say(f"{done + 1} of {len(cases)}: {', '.join(case.key for case in group)}")
        for key, run in measure(group, splits[group[0].data], settings).items():
            runs[key] = run
            by_round = " ".join(f"{own['precision']:.2f}/{own['recall']:.2f}" for own in run["rounds"])
            say(f"  {run['arm']}: F1 {run['f1']:.3f}  precision/recall by round {by_round}")
            empty = f"{run['false_per_empty_megapixel']:.1f} false per empty megapixel"
            say(f"  {empty}, CPU {run['cpu_seconds']:.0f} s")
        done += len(group)
        seeds = sorted({r["seed"] for r in runs.values()})
        result = write_result(NAME, options, {
            "seeds": seeds, "settings": resolved, "summary": summary(runs), "runs": runs,
        })  # fmt: skip
    print(json.dumps({key: value for key, value in result.items() if key != "runs"}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
