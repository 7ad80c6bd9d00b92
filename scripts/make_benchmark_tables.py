"""Write the tables of docs/benchmarks.md from benchmarks/results/*.json, between their markers.

    python scripts/make_benchmark_tables.py [--check]

No figure is typed by hand. What was not measured yet is "not run". ``--check`` changes nothing and fails if
the page is not what the results say.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = ROOT / "benchmarks" / "results"
NOT_RUN = "not run"
Result = Mapping[str, Any]


# -- words


def number(value: float | None, digits: int = 3, unit: str = "") -> str:
    return NOT_RUN if value is None else f"{value:,.{digits}f}{unit}"


def span(figures: Result | None, digits: int = 3, unit: str = "") -> str:
    """Return mean and range: ".812 (.805 to .820)"."""
    if not figures:
        return NOT_RUN
    mean = number(figures["mean"], digits)
    if figures["n"] == 1:
        return mean + unit + " (1 run)"
    return f"{mean}{unit} ({number(figures['min'], digits)} to {number(figures['max'], digits)})"


def percent(figures: Result | None) -> str:
    return span(figures and {**figures, **{k: 100 * figures[k] for k in ("mean", "min", "max")}}, 1, " %")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def origin(result: Result) -> str:
    """Return when, on what and from which source the figures come."""
    if not result:
        return "Not run yet."
    if isinstance(result.get("machine"), str):  # worker_kill.py prints it so
        return f"{result['machine']}; {result.get('date', 'no date')}."
    machine, versions = result["machine"], result["versions"]
    seeds = result.get("seeds", result.get("seed"))
    words = [
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}",
        f"load {machine['load_before']} before",
        f"Python {versions['python']}, torch {versions['torch']}",
        f"commit {result['commit']}, {result['date']}",
        f"`{result['command']}`",
    ]
    if seeds is not None:
        words.insert(2, "seeds " + ", ".join(map(str, seeds)) if isinstance(seeds, list) else f"seed {seeds}")
    return "; ".join(words) + "."


# -- one table for each claim


def partial_points(result: Result) -> str:
    rows = result.get("summary", [])

    def found(arm: str, preset: str, fraction: float) -> Result:
        same = (arm, preset, fraction, {})
        return next((r for r in rows if (r["arm"], r["preset"], r["fraction"], r["settings"]) == same), {})

    def line(label: str, share: float, row: Result) -> list[str]:
        distance = NOT_RUN
        if row:
            distance = f"{number(row['mean_distance']['mean'], 1)} ± {number(row['sd_distance']['mean'], 1)}"
        scores = [span(row.get(key)) for key in ("f1", "precision", "recall")]
        compared = [percent(row.get("of_all_points")), span(row.get("f1_best_threshold"))]
        return [label, f"{share:.0%}", *scores, distance, *compared]

    head = ["", "points", "F1", "precision", "recall", "distance, px", "of all points", "F1, best threshold"]
    ours = [
        line(f"**{preset}**", share, found("inkling", preset, share))
        for preset in ("quick", "standard")
        for share in (0.05, 0.1, 0.25, 0.5, 1.0)
        if share == 0.1 or found("inkling", preset, share)
    ]
    peers = [
        line(label, share, found(peer, "-", share))
        for peer, label in (("log", "LoG blobs"), ("forest", "forest"), ("forest-full", "forest, full scale"))
        for share in (0.05, 0.1, 0.25, 0.5)
        if (peer, share) in (("log", 0.1), ("forest", 0.1)) or found(peer, "-", share)
    ]
    arms = [
        [label, paper, *(span(found(arm, "quick", 0.1).get(k)) for k in ("f1", "precision", "recall"))]
        for arm, label, paper in (
            ("GM", "GM: plain Gaussian mask", ".645"),
            ("ext-GM", "ext-GM: extended Gaussian mask", ".819"),
            ("ST-nu", "ST-nu: and self-training on nuclei", ".794"),
            ("ST-bg", "ST-bg: and background propagation", ".828"),
        )
    ]
    chosen = {r["arm"]: r.get("chosen") for r in result.get("runs", {}).values() if "chosen" in r}
    parts = [table(head, ours + peers)]
    if chosen:
        choices = "; ".join(f"{arm} {json.dumps(what)}" for arm, what in sorted(chosen.items()))
        parts.append(f"What the peers chose at the clicks, last run: {choices}.")
    parts.append("The paper's arms, 10 % of the points, `quick`, equal steps:")
    parts.append(table(["arm", "F1 in the paper", "F1", "precision", "recall"], arms))
    changed = [r for r in rows if r["settings"]]
    if changed:
        parts.append("With other settings:")
        parts.append(table(["arm", "preset", "points", "settings", "F1"], [
            [r["arm"], r["preset"], f"{r['fraction']:.0%}",
             " ".join(f"`{k}={v}`" for k, v in r["settings"].items()), span(r["f1"])] for r in changed
        ]))  # fmt: skip
    return "\n\n".join(parts)


#: How the arms of masks.py are called in its table, in this order; others go by their own name.
MASK_ARMS = {
    "inkling": "**{preset}**",
    "true masks": "{preset}, trained on true masks",
    "otsu": "Otsu, with the centres of {preset}",
    "forest": "forest, with the centres of {preset}",
}


#: The paper's figures on its test images of MoNuSeg: points, AJI, pixel F1, Dice_obj, F1 of centres.
PAPER_MASKS = [
    ["the paper", "100%", "0.517", "0.772", "0.724", *[""] * 5],
    ["the paper", "10%", "0.503", "0.749", "0.703", "", "", "", "0.828", ""],
    ["the paper, true masks", "", "0.392", "0.810", "0.676", "", "", "", "0.854", ""],
]


def masks(result: Result) -> str:
    """Return our masks beside those of peers, and the paper's arms in a table of their own."""
    rows = result.get("summary", [])
    ours = [row for row in rows if row["arm"] in MASK_ARMS]
    arms = [row for row in rows if row["arm"] not in MASK_ARMS]
    parts = [mask_table(ours, PAPER_MASKS)]
    if arms:
        whole = [row for row in ours if row["arm"] == "inkling" and row["preset"] == "quick"]
        parts += [
            "The paper's arms of this stage, with our small network and equal steps:",
            mask_table(whole + arms),
        ]
    return "\n\n".join(parts)


def fluorescence_masks(result: Result) -> str:
    """Return masks of fluorescent nuclei."""
    return mask_table(result.get("summary", []))


def mask_table(found: Sequence[Result], beside: Iterable[Sequence[str]] = ()) -> str:
    """Return a line for each arm, and what is known from elsewhere."""

    def line(row: Result) -> list[str]:
        label = MASK_ARMS.get(row["arm"], row["arm"] + ", {preset}").format(preset=row["preset"])
        changed = "".join(f" `{key}={value}`" for key, value in row["settings"].items())
        scores = [span(row[key]) for key in ("aji", "pixel_f1", "dice_obj", "pq")]
        centres = [span(row[key]) if row["det_f1"] else "the same" for key in ("det_f1", "det_f1_before")]
        spent = span(row["cpu_seconds"], 0) if row["cpu_seconds"] else "not measured"
        told = [label + changed, f"{row['fraction']:.0%}", *scores, percent(row["of_true_masks"])]
        return [*told, *centres, spent]

    def order(row: Result) -> tuple[int, float]:
        names = list(MASK_ARMS)
        return names.index(row["arm"]) if row["arm"] in names else len(names), -row["fraction"]

    head = ["", "points", "AJI", "pixel F1", "Dice_obj", "PQ", "of true masks'"]
    head += ["F1 of centres", "… before outlines", "CPU s"]
    rows = [line(row) for row in sorted(found, key=order)]
    return table(head, [*(rows or [[NOT_RUN] * len(head)]), *beside])


def loop(result: Result) -> str:
    figures = result.get("summary", {})
    rows = [
        [label, f"{row['reached']} of {row['runs']}" if row else NOT_RUN,
         *(span(row.get(key), 0) for key in ("seconds", "all_points_seconds")), percent(row.get("share")),
         span(row.get("last_f1")), span(row.get("last_seconds"), 0)]
        for arm, label in (("review", "corrections as *Next* brings them"),
                           ("random", "corrections in random order"), ("points", "points without a loop"))
        for row in [figures.get(arm, {})]
    ]  # fmt: skip
    head = [
        "",
        "reached 95 %",
        "after, s",
        "all points, s",
        "share of it",
        "F1 at the end",
        "which is after, s",
    ]
    return table(head, rows)


def first_suggestions(result: Result) -> str:
    scenes = result.get("scenes", {})
    labels = {
        "few": "one tile, 3 % clicked",
        "tile": "one tile, 10 %",
        "all": "12 tiles, 10 %",
        "he_tile": "sample `he_tile`",
    }

    def each(key: str, digits: int = 2) -> list[str]:
        return [span(scenes.get(scene, {}).get(key), digits) for scene in labels]

    def start(key: str) -> list[str]:
        return [span(scenes.get(scene, {}).get("first_seconds", {}).get(key), 1) for scene in labels]

    def at(key: str, seconds: str) -> list[str]:
        return [span(scenes.get(scene, {}).get(key, {}).get(seconds)) for scene in labels]

    paid = []
    for scene in labels:
        curves = scenes.get(scene, {}).get("each_curve", ())
        runs = [run["correction"] for run in curves if "correction" in run]
        better = sum(run["better_seconds"] is not None for run in runs)
        paid.append(f"{better} of {len(runs)}" if runs else "not run")
    rows = [
        ["first suggestions, warm worker, s", *start("warm")],
        ["first suggestions, cold worker, s", *start("cold")],
        ["first suggestions, second training, s", *start("second")],
        *(
            ["F1 on the nuclei not clicked, after " + s + " s", *at("f1_at", s)]
            for s in ("5", "10", "20", "60")
        ),
        ["… at the end", *each("f1_last", 3)],
        *(["F1 on the val tiles, after " + s + " s", *at("f1_val_at", s)] for s in ("10", "20", "60")),
        ["… at the end", *each("f1_val", 3)],
        ["after a correction: suggestions, s", *each("correction_first_seconds", 1)],
        ["after a correction: better ones, s", *each("correction_better_seconds", 1)],
        ["… in so many of the runs", *paid],
        ["F1 where nothing was corrected, before it", *each("correction_f1_before", 3)],
        ["… 10 s after Train was pressed again", *at("correction_f1_at", "10")],
        ["… and when it has been learnt", *each("correction_f1_after", 3)],
        ["F1 on the val tiles, before the correction", *each("correction_val_before", 3)],
        ["… and when it has been learnt", *each("correction_val_after", 3)],
    ]
    return table(["", *labels.values()], rows)


def ui_stall(result: Result) -> str:
    phases = result.get("phases", {})
    labels = {
        "idle": "nothing runs",
        "training": "training in the worker",
        "previews": "5,000 suggestions, twice a second",
        "previews-load": "the same, the worker at full load",
        "boxes": "3,000 suggested boxes, twice a second, the worker at full load",
        "thread": "training in a thread of the viewer",
        "bare": "napari alone, no dock: 5,000 points, twice a second",
        "bare-boxes": "napari alone, no dock: 3,000 rectangles, twice a second",
    }

    def row(phase: str) -> list[str]:
        figures = phases.get(phase, {})
        if "error" in figures:
            return [figures["error"], "", "", "", ""]
        gaps = [number(figures.get(key), 1) for key in ("p50", "p99", "max")]
        counts = [number(figures.get(key), 0) for key in ("over_50_ms", "previews")]
        return [*gaps, *counts]

    head = ["while …", "median, ms", "99th percentile, ms", "longest, ms", "> 50 ms", "previews"]
    return table(head, [[label, *row(phase)] for phase, label in labels.items() if phase in phases])


def journal_kill(result: Result) -> str:
    edit = result.get("edit_ms", {})
    rows = [
        ["kills (of them while the project opened)",
         f"{result['kills']} ({result['kills_while_opening']})" if result else NOT_RUN],
        ["edits", number(result.get("edits"), 0)],
        ["edits per second", number(result.get("edits_per_second"), 0)],
        ["lost although their call had returned", number(result.get("lost_after_return"), 0)],
        ["lost although older than 0.5 s", number(result.get("lost_older_than_half_a_second"), 0)],
        ["killed in the middle of an edit", number(result.get("killed_during_an_edit"), 0)],
        ["times the project opened", number(result.get("opened"), 0)],
        ["an edit takes, median / 99th percentile / longest, ms",
         " / ".join(number(edit.get(key), 1) for key in ("p50", "p99", "max"))],
    ]  # fmt: skip
    return table(["", ""], rows)


def prediction(result: Result) -> str:
    memory = result.get("memory", {})
    rows = [
        [f"MPix/s in memory, {speed['image']} (working scale {speed['scale']:.2f}, {speed['views']} views; "
         f"{speed['device']})", span(speed["mpix_per_second"], 2)]
        for speed in result.get("speed", [])
    ] + [
        ["OME-Zarr, edge in pixels", number(memory.get("size"), 0)],
        ["greatest resident memory, GB", number(memory.get("peak_gb"), 2)],
        ["of it libraries and model, GB", number(memory.get("libraries_gb"), 2)],
        ["seconds, reading included", number(memory.get("seconds"), 0)],
    ]  # fmt: skip
    keys = ("points", "without_counterpart", "moved")
    tiles = [
        [f"{row['side']:,}² in {row['tiles']} tiles", row["precision"], *(number(row[k], 0) for k in keys),
         number(row["max_distance"], 3), number(row["max_score_difference"], 4)]
        for row in result.get("tiles", [])
    ] or [[NOT_RUN] * 7]  # fmt: skip
    head = [
        "crop",
        "precision",
        "points",
        "only in one",
        "moved > 0.05 px",
        "furthest, px",
        "score differs by",
    ]
    return table(["", ""], rows) + "\n\nTiles against one piece:\n\n" + table(head, tiles)


def worker_kill(result: Result) -> str:
    rows = [
        ["trainings killed, stopped", f"{result['kills']}, {result['stops']}" if result else NOT_RUN],
        ["until the message, median / longest, s",
         " / ".join(number(result.get(f"message_s_{k}"), 2) for k in ("median", "max"))],
        ["from Stop to stopped, median / longest, s",
         " / ".join(number(result.get(f"stopped_s_{k}"), 2) for k in ("median", "max"))],
        ["hints intact", {True: "yes", False: "no", None: NOT_RUN}[result.get("hints_intact")]],
        ["the training after all that", str(result.get("last_training", NOT_RUN))],
    ]  # fmt: skip
    return table(["", ""], rows)


def labels(result: Result) -> str:
    rows = [
        [data, label, *(number(figures.get(key)) for key in (
            "coverage", "nucleus_f1", "nucleus_f1_known", "background_f1", "background_f1_known"))]
        for data, measured in result.get("results", {}).items()
        for label, figures in measured["labels"].items()
    ]  # fmt: skip
    costs = [
        [
            data,
            *(
                number(measured["seconds_per_megapixel"].get(key), 2)
                for key in ("voronoi", "cluster", "local")
            ),
        ]
        for data, measured in result.get("results", {}).items()
    ]
    head = ["", "label", "known", "nuclei: F1", "… of what is known", "background: F1", "… of what is known"]
    parts = [table(head, rows or [[NOT_RUN] * 7]), "CPU seconds per megapixel:"]
    return "\n\n".join([*parts, table(["", "Voronoi", "cluster", "local"], costs or [[NOT_RUN] * 4])])


def crf(result: Result) -> str:
    costs, errors = result.get("seconds_per_megapixel", {}), result.get("against_all_pairs", {})
    names = list(dict.fromkeys(name for row in (*costs.values(), *errors.values()) for name in row))
    rows = [
        [name, *(number(row.get(name), 2) for row in costs.values()),
         *(cell for row in errors.values() for cell in crf_error(row.get(name)))]
        for name in names if name != "loss"
    ]  # fmt: skip
    kinds = [f"{sigma}: {what}" for sigma in errors for what in ("loss off by", "gradient off by", "cosine")]
    head = ["", *(f"s per megapixel, {name}" for name in costs), *kinds]
    return table(head, rows) if rows else table(["", "s per megapixel"], [[NOT_RUN] * 2])


def crf_error(figures: Result | None) -> list[str]:
    """Return how far loss and gradient are off, and the cosine between the gradients."""
    if not figures:
        return [NOT_RUN] * 3
    off = [number(100 * figures[key], 1, " %") for key in ("loss_error", "gradient_error")]
    return [*off, number(figures["gradient_cosine"], 3)]


def stochastic_boxes(result: Result) -> str:
    head = ["data", "arm", "boxes in", "mAP50", "mAP", "over box-only", "of all boxes", "CPU s"]
    rows = [
        [row["data"], f"**{row['arm']}**" if row["arm"] == "ours" else row["arm"],
         f"{100 * row['share']:g} %" if row["share"] < 1 else "", span(row["map50"]), span(row["map"]),
         span(row["over_box_only"]), percent(row["of_all_boxes"]), span(row["cpu_seconds"], 0)]
        for row in sorted(result.get("summary", []), key=lambda r: (r["data"], r["share"], r["arm"]))
    ]  # fmt: skip
    return table(head, rows or [[NOT_RUN] * len(head)])


def pu_ranking(result: Result) -> str:
    rows = result.get("summary", [])
    usual = 0.1  # of the cells are clicked
    full = {row["data"]: row["f1"]["mean"] for row in rows if row["arm"] == "fully marked"}

    def of_full(row: Result) -> str:
        return f"{100 * row['f1']['mean'] / full[row['data']]:.0f} %" if row["data"] in full else NOT_RUN

    def of_what(row: Result) -> str:
        return row["data"] + ("" if row["share"] == usual else f", {100 * row['share']:.0f} % clicked")

    arms = [
        [of_what(row), f"**{row['arm']}**" if row["arm"] == "ours" else row["arm"], span(row["f1"]),
         of_full(row), span(row["precision"], 2), span(row["recall"], 2),
         span(row["false_per_empty_megapixel"], 1), span(row.get("found_per_empty_image"), 1),
         span(row["cpu_seconds"], 0)]
        for row in rows
    ]  # fmt: skip
    head = ["data", "arm", "F1", "of fully marked", "precision", "recall", "false, per empty Mpx",
            "found, per empty image", "CPU s"]  # fmt: skip
    return table(head, arms or [[NOT_RUN] * len(head)]) + "\n\n" + _by_round(result)


def _by_round(result: Result) -> str:
    """Return precision and recall of the default after each round, as in the paper's Table 2."""
    runs = [run for run in result.get("runs", {}).values() if run["arm"] == "ours"]
    head = ["data, seed", "precision / recall with the marked cells", "round 1", "round 2", "round 3"]
    rows = [
        [
            f"{run['data']}, {run['seed']}",
            *(f"{r['precision']:.2f} / {r['recall']:.2f}" for r in run["rounds"]),
        ]
        for run in runs
    ]
    return table(head, rows or [[NOT_RUN] * len(head)])


def enough_boxes(result: Result) -> str:
    names = list(result.get("sizes", {}))
    head = [
        "order of the images",
        '"enough" after boxes',
        *names,
        "off from where mAP50 stops rising, of all boxes",
    ]
    each = result.get("summary", {}).get("off_share", {}).get("each", [])
    rows = [
        [order, str(own["boxes"]), *(str(own["classes"][name]) for name in names), percent_off(off)]
        for (order, own), off in zip(result.get("advice", {}).items(), each, strict=True)
    ]
    return table(head, rows or [[NOT_RUN] * len(head)])


def percent_off(share: float) -> str:
    return f"{100 * share:+.0f} %"


def responses(result: Result) -> str:
    rows = [
        [name, number(row["median"], 3), number(row["longest"], 3)]
        for name, row in result.get("seconds", {}).items()
    ]
    return table(["", "median, s", "longest, s"], rows or [[NOT_RUN] * 3])


def mask_editing(result: Result) -> str:
    seconds, phases = result.get("seconds", {}), result.get("phases", {})

    def waited(name: str) -> str:
        row = seconds.get(name, {})
        return f"{number(row['median'], 2)} / {number(row['longest'], 2)}" if row else NOT_RUN

    def of_brush(phase: str, key: str) -> str:
        row = phases.get(phase, {}).get(key, {})
        return " / ".join(number(row[k], 0) for k in ("p50", "p99", "max")) if row else NOT_RUN

    rows = [
        ["accept 1,000 masks, s, median / longest", waited("accept"), ""],
        ["undo of it, s, median / longest", waited("undo"), ""],
        *(
            [words, of_brush("dock", key), of_brush("bare", key)]
            for words, key in (
                ("a frame of the brush, ms, median / 99th percentile / longest", "frames_ms"),
                ("the end of a stroke, ms, likewise", "end_ms"),
            )
        ),
    ]
    return table(["", "with the dock", "bare napari"], rows)


TABLES: dict[str, Callable[[Result], str]] = {
    "partial_points": partial_points,
    "masks": masks,
    "masks_dsb2018_fluo": fluorescence_masks,
    "stochastic_boxes": stochastic_boxes,
    "pu_ranking": pu_ranking,
    "enough_boxes": enough_boxes,
    "loop": loop,
    "first_suggestions": first_suggestions,
    "ui_stall": ui_stall,
    "journal_kill": journal_kill,
    "prediction": prediction,
    "worker_kill": worker_kill,
    "responses": responses,
    "mask_editing": mask_editing,
    "labels": labels,
    "crf": crf,
}


def page_with_tables(page: str, results: Path) -> str:
    """Return the page with what stands between ``<!-- NAME: … -->`` and ``<!-- /NAME -->`` written anew."""
    for name, make in TABLES.items():
        file = results / f"{name}.json"
        result = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        marked = re.compile(rf"(<!-- {name}: [^\n]*-->\n).*?(<!-- /{name} -->)", re.DOTALL)
        escaped = f"\n{make(result)}\n\n{origin(result)}\n\n".replace("\\", r"\\")
        page, count = marked.subn(rf"\g<1>{escaped}\g<2>", page)
        if count != 1:
            raise SystemExit(f"{PAGE.name} has {count} places for the table {name!r}, expected one")
    return page


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    before = PAGE.read_text(encoding="utf-8")
    after = page_with_tables(before, RESULTS)
    if options.check:
        if after != before:
            print("docs/benchmarks.md is not what the results say: run this without --check", file=sys.stderr)
        return int(after != before)
    PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
