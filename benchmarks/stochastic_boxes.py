"""Boxes for some cells, points for the rest: how well *stochastic-boxes* does, beside its peers and bounds.

    python benchmarks/stochastic_boxes.py                     everything that docs/benchmarks.md shows
    python benchmarks/stochastic_boxes.py --data bccd --shares 0.05 --seeds 0 --arms ours box-only all-boxes

``bccd`` (blood, three classes): boxes in a share of the train images, and in the others either nothing
("box-only"), points, or boxes ("all-boxes"); mAP50 on the val images. "half" draws half of the boxes of every
image, and points for the others there. ``umid`` (urine): the annotators' own mixture of boxes, points, and
objects known to be left out.

Arms: *ours* is the default, "mean-IOU box" the same without sizes from the image. "mean IOU" and "mean" are
the paper's one stage, the latter with its other box; "noisy" marks points as far off as the paper measured.
"two-stage" trains a teacher on the boxes alone, takes what it finds at the points for boxes, and trains a
student on both, each with the same steps; "two-stage bound" gives the student true boxes where the teacher
finds one of IOU > .5, as in the paper. Every arm has the same network and takes the same steps. Results add
up in one JSON file; what is there is not run again unless --again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from box_data import BoxData, load_bccd, load_umid
from common import arguments, commit, kept_result, say, spread, write_result

from napari_inkling.core import Boxes, HintSet, Image, PlaneRef, TrainingData, TrainingImage, new_ids
from napari_inkling.evaluation import average_precision, weaken_images
from napari_inkling.methods.stochastic_boxes import StochasticBoxes
from napari_inkling.methods.stochastic_boxes.box_model import BoxModel
from napari_inkling.training.pieces import finish

NAME = "stochastic_boxes"
SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
PAPER = {"box_of_a_point": "mean IOU", "distance": "pixels", "sizes_at_points": 0.0, "unmarked": "background"}
#: What each arm changes of the settings.
ARMS: dict[str, dict[str, Any]] = {
    "ours": {},
    "ours, noisy": {},
    "mean IOU": PAPER,
    "mean IOU, noisy": PAPER,
    "mean": PAPER | {"box_of_a_point": "mean"},
    "ours, mean-IOU box": {"box_of_a_point": "mean IOU"},
    "fixed box": {"predictions_replace_points": False},
    "box-only": {},
    "two-stage": {},
    "two-stage bound": {},
    "all-boxes": {},
    "half": {},
    "half, box-only": {},
    "mixture": {},
    "mixture, box-only": {},
    "mixture, misses are background": {"unmarked": "background"},
}
ON_UMID = tuple(name for name in ARMS if name.startswith("mixture"))
IN_HALVES = ("half", "half, box-only")


@dataclass(frozen=True)
class Case:
    """One thing to measure. ``share`` is that of the images with boxes; 1 where it plays no part."""

    data: str
    arm: str
    share: float
    seed: int

    @property
    def key(self) -> str:
        """What the result is kept under."""
        return f"{self.data}/{self.arm}/{self.share:g}/{self.seed}"


# -- what to run


def plan(options: argparse.Namespace) -> list[Case]:
    """Return the cases asked for, seed by seed."""
    cases = list(itertools.chain.from_iterable(_of_seed(options, seed) for seed in options.seeds))
    return list(dict.fromkeys(cases))


def _of_seed(options: argparse.Namespace, seed: int) -> Iterator[Case]:
    for data, share, arm in itertools.product(options.data, options.shares, options.arms):
        if (data == "umid") != (arm in ON_UMID):
            continue
        has_share = arm != "all-boxes" and arm not in IN_HALVES and data != "umid"
        yield Case(data, arm, share if has_share else 1.0, seed)


# -- the hints of an arm


def hints_of(case: Case, train: BoxData) -> dict[str, HintSet]:
    """Return what the annotator of an arm marks; images without any hint are left out."""
    if case.data == "umid":
        return _mixture(case.arm, train)
    if case.arm == "all-boxes":
        return dict(train.hints)
    points = 0.0 if case.arm in ("box-only", "half, box-only") else 1.0
    noise = "paper" if case.arm.endswith("noisy") else None
    in_halves = case.arm in IN_HALVES
    return weaken_images(
        train.hints,
        train.shapes,
        boxes=0.5 if in_halves else case.share,
        per="object" if in_halves else "image",
        points=points,
        noise=noise,
        seed=case.seed,
    )


def _mixture(arm: str, train: BoxData) -> dict[str, HintSet]:
    """Return what the annotators of the urine images drew and left out, or a part of it."""
    if arm == "mixture":
        return dict(train.hints)
    if arm == "mixture, misses are background":
        return {name: HintSet(own.points, own.boxes.cells) for name, own in train.hints.items()}
    return {name: HintSet(boxes=own.boxes.cells) for name, own in train.hints.items()}


# -- running it


@dataclass(frozen=True, eq=False)
class Images:
    """A data set, and the pixels as they were read."""

    train: BoxData
    val: BoxData

    @cache  # noqa: B019  # lives as long as the program
    def image(self, name: str) -> Image:
        """Return an image of either split as a method takes it."""
        return Image(PlaneRef(name), (self.train if name in self.train.files else self.val).pixels(name))


def train(images: Images, hints: Mapping[str, HintSet], settings: Mapping[str, Any], seed: int) -> BoxModel:
    """Train on the images that have hints."""
    data = TrainingData(
        tuple(TrainingImage(images.image(name), own) for name, own in hints.items() if len(own)),
        classes=images.train.classes,
    )
    chosen = StochasticBoxes.Settings.preset("quick", **settings)
    return finish(StochasticBoxes().fit(data, chosen, device="cpu", seed=seed))


def student_hints(
    case: Case, images: Images, hints: Mapping[str, HintSet], teacher: BoxModel
) -> dict[str, HintSet]:
    """Return the hints with a box in place of each point for which the teacher finds one.

    It is the box of the point's class that the teacher is surest of, with the point inside it; for the bound,
    the true box, if any found one has an IOU of more than .5 with it. Other points are left out.
    """
    result = {}
    for name, own in hints.items():
        points = own.points.cells
        if not len(points):
            result[name] = own
            continue
        found = teacher.predict(images.image(name)).boxes
        true = images.train.hints[name].boxes
        rows = [
            _bound(true.with_ids([i]), found) if case.arm == "two-stage bound" else _found_at(found, place, c)
            for i, place, c in zip(points.ids, points.coordinates, points.classes, strict=True)
        ]
        drawn = [row.changed(ids=new_ids(len(row))) for row in rows]  # one may be found at two points
        result[name] = HintSet(boxes=Boxes.concatenate([own.boxes, *drawn]).changed(sources="human"))
    return result


def _found_at(found: Boxes, place: np.ndarray[Any, Any], name: str) -> Boxes:
    corners = found.coordinates
    around = ((corners[:, :2] <= place) & (corners[:, 2:] >= place)).all(1) & (found.classes == name)
    if not around.any():
        return Boxes()
    return found.take(np.array([int(np.flatnonzero(around)[found.scores[around].argmax()])]))


def _bound(true: Boxes, found: Boxes) -> Boxes:
    same = found.take(found.classes == true.classes[0])
    return true if (ious(true.coordinates[0], same.coordinates) > 0.5).any() else Boxes()


def ious(box: np.ndarray[Any, Any], others: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the IOU of a box (4,) with others (N, 4)."""
    shared = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    common = shared.clip(0).prod(1)
    return common / ((box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(1) - common)


def measure(case: Case, images: Images, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Train an arm, and judge it on the val images."""
    hints = hints_of(case, images.train)
    boxes = sum(len(own.boxes.cells) for own in hints.values())
    points = sum(len(own.points.cells) for own in hints.values())
    chosen = dict(settings) | ARMS[case.arm]
    began, used = time.monotonic(), time.process_time()
    if case.arm.startswith("two-stage"):
        boxed = {name: own for name, own in hints.items() if len(own.boxes)}
        teacher = train(images, boxed, chosen, case.seed)
        hints = student_hints(case, images, hints, teacher)
    model = train(images, hints, chosen, case.seed)
    seconds, cpu = time.monotonic() - began, time.process_time() - used
    truth = {name: own.boxes for name, own in images.val.hints.items()}
    found = {name: model.predict(images.image(name)).boxes for name in truth}
    scores = average_precision(found, truth)
    return {
        "data": case.data,
        "arm": case.arm,
        "share": case.share,
        "seed": case.seed,
        "threshold": model.description.threshold,
        **{key: scores[key] for key in ("map", "map50", "map75")},
        "map50_of_classes": {name: own["map50"] for name, own in scores["classes"].items()},
        "boxes": boxes,
        "points": points,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "steps": model.description.trained_steps,
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "commit": commit(),
    }


# -- what comes of it


def summary(runs: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return mean and range over seeds, and what each arm has of all-boxes and over box-only, by seed."""
    groups: dict[tuple[str, str, float], list[Mapping[str, Any]]] = {}
    for run in runs.values():
        groups.setdefault((run["data"], run["arm"], run["share"]), []).append(run)
    rows = []
    for (data, arm, share), members in sorted(groups.items()):
        figures = {key: spread(run[key] for run in members)
                   for key in ("map50", "map", "map75", "seconds", "cpu_seconds")}  # fmt: skip
        of_all, over = [], []
        for run in members:
            every = runs.get(Case(data, "all-boxes", 1.0, run["seed"]).key)
            least = runs.get(Case(data, "box-only", share, run["seed"]).key)
            of_all += [run["map50"] / every["map50"]] if every else []
            over += [run["map50"] - least["map50"]] if least else []
        about = {"data": data, "arm": arm, "share": share, "seeds": sorted(run["seed"] for run in members)}
        rows.append(about | figures | {"of_all_boxes": spread(of_all), "over_box_only": spread(over)})
    return rows


def main() -> int:
    parser = arguments(__doc__, "4 train and 2 val images, 4 steps")
    parser.add_argument("--data", nargs="+", choices=("bccd", "umid"), default=["bccd", "umid"])
    parser.add_argument("--shares", type=float, nargs="+", default=list(SHARES), help="of images with boxes")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings for all arms")
    parser.add_argument("--again", action="store_true", help="run also what the JSON file holds already")
    options = parser.parse_args()
    if wrong := [text for text in options.set if "=" not in text]:
        parser.error(f"--set {wrong[0]!r}: expected KEY=VALUE")
    settings: dict[str, Any] = dict(text.split("=", 1) for text in options.set)
    if options.quick:
        settings |= {"steps": 4}
    most = (4, 2) if options.quick else (None, None)
    loaders = {"bccd": load_bccd, "umid": load_umid}
    images = {name: Images(loaders[name]("train", most[0]), loaders[name]("val", most[1]))
              for name in options.data}  # fmt: skip
    result = kept_result(NAME, options)
    runs: dict[str, Any] = result.get("runs", {})
    resolved = StochasticBoxes.Settings.preset("quick", **settings).model_dump()
    if runs and result.get("settings") != resolved:
        parser.error("the JSON file holds runs with other settings: give another one with --out")
    cases = [case for case in plan(options) if options.again or case.key not in runs]
    for number, case in enumerate(cases, 1):
        say(f"{number} of {len(cases)}: {case.key}")
        runs[case.key] = run = measure(case, images[case.data], settings)
        by_class = " ".join(f"{name} {value or 0:.3f}" for name, value in run["map50_of_classes"].items())
        say(f"  mAP50 {run['map50']:.3f} ({by_class})  mAP {run['map']:.3f}  {run['seconds']:.0f} s, "
            f"CPU {run['cpu_seconds']:.0f} s")  # fmt: skip
        seeds = sorted({r["seed"] for r in runs.values()})
        result = write_result(NAME, options, {
            "seeds": seeds, "settings": resolved, "summary": summary(runs), "runs": runs,
        })  # fmt: skip
    print(json.dumps({key: value for key, value in result.items() if key != "runs"}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
