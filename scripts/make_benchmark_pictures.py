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
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

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


def draw(axes: Axes, curves: Iterable[Curve], label: str, colour: str) -> None:
    for curve in filter(None, curves):
        axes.plot(*zip(*curve, strict=True), "o-", color=colour, markersize=3, linewidth=1.2, label=label)
        label = "_"  # one entry in the legend
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)


def main() -> int:
    # The same results give the same file, byte for byte.
    mpl.rcParams.update({"svg.hashsalt": "inkling", "svg.fonttype": "none"})
    for make in (loop, first_suggestions):
        file = RESULTS / f"{make.__name__}.json"
        if file.is_file():
            picture = IMAGES / f"benchmark_{make.__name__}.svg"
            make(json.loads(file.read_text("utf-8"))).savefig(picture, metadata={"Date": None})
            print(picture.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
