"""When to stop drawing boxes: what the advice says, against when a detector no longer gains from boxes.

    python benchmarks/enough_boxes.py

Boxes are drawn around all blood cells of one image (BCCD train) after the other, in several orders. For
growing shares of the images, from 1 to 100 %: the divergence of the box sizes of all images from those so
far, and mAP50 on the val images of a detector that learns from these boxes alone (*stochastic-boxes* without
points). "Stops rising": from the first share on of which no greater one is better by more than .01 in the
mean of the orders. "Enough": after the first image with which the advice says so of every class. What is in
the JSON file is not run again unless --again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from box_data import BoxData, load_bccd
from common import arguments, commit, kept_result, say, spread, write_result
from stochastic_boxes import Images, train

from napari_inkling.core import Boxes, HintSet
from napari_inkling.evaluation import average_precision
from napari_inkling.guidance import divergence_curve, enough_boxes
from napari_inkling.methods.stochastic_boxes import StochasticBoxes

NAME = "enough_boxes"
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
#: Less is no rise.
RISE = 0.01
#: The figure of sizes shows the boxes of this share of the images, as in the paper's Fig. 1.
SHOWN = 0.2


def ordered(data: BoxData, order: int) -> list[str]:
    """Return the images in one order of drawing."""
    names = sorted(data.files)
    np.random.default_rng(order).shuffle(names)
    return names


def first_images(names: Sequence[str], share: float) -> list[str]:
    """Return a share of the images, at least one."""
    return list(names[: max(1, round(share * len(names)))])


def boxes_of(data: BoxData, names: Sequence[str]) -> Boxes:
    return Boxes.concatenate([data.hints[name].boxes.cells for name in names])


def sizes_of(boxes: Boxes, name: str) -> np.ndarray[Any, Any]:
    """Return heights and widths (N, 2) of a class, in the order of the rows."""
    own = boxes.coordinates[boxes.classes == name]
    result: np.ndarray[Any, Any] = own[:, 2:] - own[:, :2]
    return result


# -- what the advice says


def advice(data: BoxData, names: Sequence[str]) -> dict[str, Any]:
    """Return after how many boxes, of all and of each class, the advice says "enough"; else all."""
    every = boxes_of(data, names)
    counts = np.cumsum([len(data.hints[name].boxes.cells) for name in names])
    own_counts = {name: np.cumsum([int((data.hints[n].boxes.cells.classes == name).sum()) for n in names])
                  for name in data.classes}  # fmt: skip
    own_sizes = {name: sizes_of(every, name) for name in data.classes}
    said: dict[str, int] = {}
    at_once = 0
    for number, count in enumerate(counts):
        states = {name: enough_boxes(name, own_sizes[name][: own_counts[name][number]]).state
                  for name in data.classes}  # fmt: skip
        for name, state in states.items():
            if state == "enough":
                said.setdefault(name, int(own_counts[name][number]))
        if set(states.values()) == {"enough"}:
            at_once = int(count)
            break
    return {
        "boxes": at_once or len(every),
        "classes": {name: said.get(name, len(own_sizes[name])) for name in data.classes},
    }


def divergences(data: BoxData, names: Sequence[str]) -> list[dict[str, float]]:
    """Return the divergence of all box sizes from those of the first n, a mean over classes, for growing n.

    At a share of the images, each class has its share of its own boxes.
    """
    every = boxes_of(data, names)
    curves = [divergence_curve(sizes_of(every, name)) for name in data.classes]
    shares = np.geomspace(0.01, 1, 25)
    of_classes = [np.interp(np.log(shares), np.log(c.counts / c.counts[-1]), c.drawn) for c in curves]
    return [{"share": float(s), "nats": float(d)}
            for s, d in zip(shares, np.mean(of_classes, axis=0), strict=True)]  # fmt: skip


# -- what a detector learns


def measure(images: Images, names: Sequence[str], settings: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Train on the boxes of these images alone, and judge on the val images."""
    began = time.process_time()
    hints = {name: HintSet(boxes=images.train.hints[name].boxes.cells) for name in names}
    model = train(images, hints, settings, seed)
    truth = {name: own.boxes for name, own in images.val.hints.items()}
    scores = average_precision({name: model.predict(images.image(name)).boxes for name in truth}, truth)
    drawn = boxes_of(images.train, names)
    return {
        "images": len(names),
        "boxes": len(drawn),
        "boxes_of_classes": {name: int((drawn.classes == name).sum()) for name in images.train.classes},
        "map50": scores["map50"],
        "map50_of_classes": {name: own["map50"] for name, own in scores["classes"].items()},
        "cpu_seconds": time.process_time() - began,
        "commit": commit(),
    }


def stops_rising(shares: Sequence[float], values: Sequence[float]) -> float:
    """Return the first share of which no greater one is better by more than :data:`RISE`."""
    best_later = np.maximum.accumulate(values[::-1])[::-1]
    return next(s for s, own, best in zip(shares, values, best_later, strict=True) if best - own <= RISE)


def summary(
    runs: Mapping[str, Mapping[str, Any]], said: Mapping[str, Mapping[str, Any]], total: int
) -> dict[str, Any]:
    """Return the mean curve, where it stops rising, and how far from there the advice is, in boxes."""
    by_share: dict[float, list[Mapping[str, Any]]] = {}
    for key, run in runs.items():
        by_share.setdefault(float(key.split("/")[1]), []).append(run)
    rising = {share: float(np.mean([run["map50"] for run in own])) for share, own in sorted(by_share.items())}
    stop = stops_rising(list(rising), list(rising.values()))
    boxes = {share: spread(run["boxes"] for run in own) for share, own in by_share.items()}
    enough = float(np.mean([run["boxes"] for run in by_share[stop]]))
    off = [(own["boxes"] - enough) / total for own in said.values()]
    return {
        "curve": [
            {"share": share, "boxes": boxes[share], "map50": spread(run["map50"] for run in by_share[share])}
            for share in rising
        ],
        "stops_rising": {"share": stop, "boxes": enough},
        "says_enough": spread(own["boxes"] for own in said.values()),
        "total_boxes": total,
        "off_share": {"median": float(np.median(np.abs(off))), "each": off},
    }


def main() -> int:
    parser = arguments(__doc__, "4 train and 2 val images, 1 order, 4 steps")
    parser.add_argument("--shares", type=float, nargs="+", default=list(SHARES))
    parser.add_argument("--orders", type=int, nargs="+", default=list(range(5)))
    parser.add_argument("--steps", type=int, default=300, help="of each training; 300 unless told")
    parser.add_argument("--again", action="store_true", help="run also what the JSON file holds already")
    options = parser.parse_args()
    most = (4, 2) if options.quick else (None, None)
    images = Images(load_bccd("train", most[0]), load_bccd("val", most[1]))
    settings = {"steps": 4 if options.quick else options.steps}
    result = measured(images, settings, options)
    print(json.dumps(result["summary"], indent=1))
    return 0


def measured(images: Images, settings: Mapping[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    """Run what is not there yet; the result is written after each training."""
    data, result = images.train, kept_result(NAME, options)
    settings = StochasticBoxes.Settings.preset("quick", **settings).model_dump()
    if result.get("settings", settings) != settings:
        raise SystemExit("the JSON file holds runs with other settings: give another one with --out")
    runs: dict[str, Any] = result.get("runs", {})
    orders = options.orders[:1] if options.quick else options.orders
    names = {order: ordered(data, order) for order in orders}
    said = result.get("advice", {}) | {str(order): advice(data, own) for order, own in names.items()}
    falls = result.get("divergences", {}) | {str(o): divergences(data, own) for o, own in names.items()}
    few = boxes_of(data, first_images(ordered(data, 0), SHOWN))
    total = len(boxes_of(data, sorted(data.files)))
    figures = {
        "settings": settings,
        "advice": said,
        "divergences": falls,
        "sizes": {name: sizes_of(few, name).round(1).tolist() for name in data.classes},
    }
    for order in orders:
        for share in options.shares:
            key = f"{order}/{share:g}"
            if key not in runs or options.again:
                runs[key] = run = measure(images, first_images(names[order], share), settings, order)
                say(f"order {order}, {share:g}: {run['boxes']} boxes, mAP50 {run['map50']:.3f}, "
                    f"CPU {run['cpu_seconds']:.0f} s")  # fmt: skip
            result = write_result(NAME, options, {
                "seeds": sorted({int(k.split("/")[0]) for k in runs}),
                "summary": summary(runs, said, total), **figures, "runs": runs,
            })  # fmt: skip
    return result


if __name__ == "__main__":
    sys.exit(main())
