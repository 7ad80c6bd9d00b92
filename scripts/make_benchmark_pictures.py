"""Draw the curves of docs/benchmarks.md from benchmarks/results/*.json; what was not measured has no picture.

python scripts/make_benchmark_pictures.py
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from napari_inkling.guidance import mean_box, mean_iou_box, size_priors

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
IMAGES = ROOT / "docs" / "images"
SIZE = (7, 3.8)  # inches
#: Told apart by the colour-blind, too (Okabe & Ito).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
ARMS = {"review": "corrections as Next brings them", "random": "corrections in random order",
        "points": "points without a loop"}  # fmt: skip
SCENES = {"few": "one tile, 3 % clicked", "tile": "one tile, 10 %", "all": "12 tiles, 10 %",
          "he_tile": "the sample"}  # fmt: skip

Result = Mapping[str, Any]
Curve = list[tuple[float, float]]


def loop(result: Result) -> Figure:
    """F1 on the val tiles against the seconds that the annotator has given, a line for each arm and seed."""
    figure = Figure(SIZE, layout="constrained")
    axes = figure.subplots()
    curves: dict[str, list[Curve]] = defaultdict(list)
    for run in result["runs"].values():
        curves[run["arm"]].append(sorted((r["seconds"], r["f1"]) for r in run["rounds"]))
    for (arm, label), colour in zip(ARMS.items(), COLOURS, strict=False):
        draw(axes, curves[arm], label, colour)
    whole = result["summary"].get("points", {}).get("all_points_f1")
    if whole:
        axes.axhline(0.95 * whole["mean"], color="0.5", linestyle=":", linewidth=1)
        at = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "ha": "right"}
        axes.annotate("95 % of all points", (1, 0.95 * whole["mean"]), (-4, 3), fontsize="small", **at)
    axes.set_xscale("log")
    axes.set_xticks([100, 200, 500, 1000, 2000, 5000], ["100", "200", "500", "1,000", "2,000", "5,000"])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="seconds of annotation", ylabel="F1 on the validation tiles")
    axes.legend(frameon=False, loc="lower right")
    return figure


def first_suggestions(result: Result) -> Figure:
    """F1 against the seconds since Train, on the tile on screen and on the val tiles, for each scene."""
    figure = Figure(SIZE, layout="constrained")
    both = figure.subplots(1, 2, sharey=True)
    places = ("tile", "val"), ("nuclei not clicked, as on screen", "validation tiles")
    for axes, place, title in zip(both, *places, strict=True):
        for (scene, label), colour in zip(SCENES.items(), COLOURS, strict=True):
            runs = result["scenes"].get(scene, {}).get("each_curve", [])
            draw(axes, [[(p["seconds"], p["f1"]) for p in run.get(place, [])] for run in runs], label, colour)
        axes.set(xlabel="seconds since Train", title=title)
    both[0].set_ylabel("F1")
    both[0].legend(frameon=False, loc="lower right")
    return figure


def box_sizes(result: Result) -> Figure:
    """Densities of box sizes, with the two boxes that stand for each class: the paper's Fig. 1."""
    priors = size_priors(result["sizes"])
    figure = Figure((7, 2.8), layout="constrained")
    for axes, (name, prior) in zip(figure.subplots(1, len(priors)), priors.items(), strict=True):
        high = prior.sizes.max(axis=0) + 3 * prior.bandwidth
        low = np.maximum(prior.sizes.min(axis=0) - 3 * prior.bandwidth, 0)
        heights, widths = np.linspace(low, high, 80).T
        axes.contourf(widths, heights, prior.on_grid(heights, widths), levels=8, cmap="Blues")
        for (y, x), mark, label, colour in (
            (mean_box(prior), "o", "mean", COLOURS[2]),
            (mean_iou_box(prior), "*", "mean-IOU", COLOURS[1]),
        ):
            axes.plot(x, y, mark, color=colour, markersize=8, markeredgecolor="white", label=label)
        axes.set(title=f"{name} ({len(prior.sizes)})", xlabel="width, px")
    figure.axes[0].set_ylabel("height, px")
    figure.axes[0].legend(frameon=False, loc="lower right", fontsize="small")
    return figure


def enough_boxes(result: Result) -> Figure:
    """mAP50 and the divergence of box sizes against the share of boxes drawn: the paper's Fig. 2."""
    figure = Figure(SIZE, layout="constrained")
    axes = figure.subplots()
    curve = result["summary"]["curve"]
    shares = [100 * row["share"] for row in curve]
    found = {key: [row["map50"][key] for row in curve] for key in ("mean", "min", "max")}
    axes.fill_between(shares, found["min"], found["max"], color=COLOURS[0], alpha=0.2, linewidth=0)
    draw(axes, [list(zip(shares, found["mean"], strict=True))], "mAP50, boxes alone", COLOURS[0])
    total = result["summary"]["total_boxes"]
    said = [100 * own["boxes"] / total for own in result["advice"].values()]
    axes.axvspan(min(said), max(said), color=COLOURS[2], alpha=0.15, linewidth=0, label='advice: "enough"')
    stop = 100 * result["summary"]["stops_rising"]["boxes"] / total
    axes.axvline(stop, color="0.4", linestyle=":", label="rises by no more than .01 from here")
    axes.set_xscale("log")
    axes.set_xticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="boxes drawn, % of all", ylabel="mAP50 on the validation images")
    right = axes.twinx()
    falls = [[(100 * p["share"], p["nats"]) for p in own] for own in result["divergences"].values()]
    draw(right, falls, "divergence of sizes", COLOURS[1], mark="")
    right.set_ylabel("divergence from all box sizes, nats")
    right.grid(visible=False)
    lines = [each.get_legend_handles_labels() for each in (axes, right)]
    axes.legend(lines[0][0] + lines[1][0], lines[0][1] + lines[1][1], frameon=False, loc="center right")
    return figure


def draw(axes: Axes, curves: Iterable[Curve], label: str, colour: str, mark: str = "o") -> None:
    for curve in filter(None, curves):
        axes.plot(
            *zip(*curve, strict=True), f"{mark}-", color=colour, markersize=3, linewidth=1.2, label=label
        )
        label = "_"  # one entry in the legend
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)


#: Each picture, and the result that it shows.
PICTURES = {loop: "loop", first_suggestions: "first_suggestions", box_sizes: "enough_boxes",
            enough_boxes: "enough_boxes"}  # fmt: skip


def main() -> int:
    # The same results give the same file, byte for byte.
    mpl.rcParams.update({"svg.hashsalt": "inkling", "svg.fonttype": "none"})
    for make, source in PICTURES.items():
        file = RESULTS / f"{source}.json"
        if file.is_file():
            picture = IMAGES / f"benchmark_{make.__name__}.svg"
            make(json.loads(file.read_text("utf-8"))).savefig(picture, metadata={"Date": None})
            print(picture.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
