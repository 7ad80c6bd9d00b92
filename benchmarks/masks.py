"""How right the masks are that *partial-points* draws from points, next to true masks, peers and the paper.

    python benchmarks/masks.py                             what docs/benchmarks.md shows
    python benchmarks/masks.py --fractions 0.1 --seeds 0 --arms inkling
    python benchmarks/masks.py --arms published "alpha 0" "alpha 1" "no CRF" "given points" --fractions 0.1
    python benchmarks/masks.py --data dsb2018_fluo         fluorescence; goes to masks_dsb2018_fluo.json

Learns from the 12 train tiles of monuseg with a share of the nuclei clicked, judges on the 4 val tiles: pixel
F1, object-level Dice (Eq. 12 of the paper), AJI (Eq. 13) and PQ, each the mean over the tiles as the paper
has it, at the threshold that the method sets by the clicks; "det_f1" is that of the centres within 11 px, and
"det_f1_before" that before outlines were learnt.
"true masks" has the points of all nuclei too, and learns outlines from the true masks instead of what points
say of pixels. The paper's arms have its second stage (two classes, global clusters, no watershed) with our
small network, steps and centres; ``--presets as-published`` is the published network, too, and takes hours.

The peers get the centres that our model finds, for seeds and for labels of the train tiles, so that only the
outlines differ: Otsu's threshold on haematoxylin, or on grey where images are not stained; and a random
forest of pixel features that learns what the Voronoi and the cluster label agree on. Both then part touching
nuclei by a watershed on the distance transform. Results of several runs add up in one JSON file; what is
there is not run again unless --again.
"cpu_seconds" are those of all threads, for fit and prediction. One run of "quick" is about 6 CPU minutes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from common import RESULTS, arguments, by_case, commit, kept_result, load_data, say, spread, write_result
from partial_points import RADIUS, Case, Tiles
from scipy import ndimage
from skimage.color import rgb2gray, rgb2hed
from skimage.filters import threshold_otsu
from skimage.transform import resize
from sklearn.ensemble import RandomForestClassifier

from napari_inkling.core import Checkpoint, Event, HintSet, Masks, Predictions, TrainingData, TrainingImage
from napari_inkling.evaluation import score_images, score_masks
from napari_inkling.methods.partial_points import PartialPoints, mask_stage
from napari_inkling.methods.partial_points.detection_model import DetectionModel
from napari_inkling.methods.partial_points.pixel_labels import PixelLabels, drawn_labels
from napari_inkling.methods.partial_points.seeds import seeds_beside
from napari_inkling.supervision import (
    agreed,
    at_paper_scale,
    cluster_label,
    voronoi_cells,
    voronoi_label,
)
from napari_inkling.training.instances import seeded_instances
from napari_inkling.training.pixel_classifier import pixel_features
from napari_inkling.training.working_image import WorkingImage

#: The data sets, and what of their pixels (Y, X, 3) is high where nuclei are.
DATA: dict[str, Callable[[Any], Any]] = {
    "monuseg": lambda pixels: rgb2hed(pixels)[..., 0],
    "dsb2018_fluo": rgb2gray,
}
SCORES = ("aji", "pixel_f1", "pixel_accuracy", "dice_obj", "pq")
PUBLISHED = {
    "heads": "two-class",
    "labels": "cluster",
    "instances": "components",
    "refine_share": "0.1667",
    "crf": "0.005",
}
#: "inkling" is the default; of "true masks" only the settings are here.
ARMS: dict[str, dict[str, str]] = {
    "inkling": {},
    "true masks": {"refine_share": "0"},
    "published": PUBLISHED,
    **{f"alpha {alpha:g}": {**PUBLISHED, "alpha": str(alpha)} for alpha in (0, 0.25, 0.75, 1)},
    "no CRF": {**PUBLISHED, "crf": "0"},
    "given points": {**PUBLISHED, "label_points": "given"},
    "cluster labels": {"labels": "cluster"},
    "not refined": {"refine_share": "0"},
}
TREES, FOREST_PIXELS = 50, 40_000
#: Diameter of a nucleus in the forest's pixels.
FOREST_DIAMETER = 12.0

Array = npt.NDArray[Any]


def plan(options: argparse.Namespace) -> Iterator[Case]:
    """Yield the cases asked for; true masks are not a matter of how many points are given."""
    settings = tuple(sorted(tuple(text.split("=", 1)) for text in options.set))
    for seed, preset, fraction, arm in itertools.product(
        options.seeds, options.presets, options.fractions, options.arms
    ):
        share = 1.0 if arm == "true masks" else fraction
        yield Case(arm, preset, share, seed, settings)


# -- running it


def measure(case: Case, tiles: Tiles, device: str) -> tuple[dict[str, Any], DetectionModel]:
    """Return the figures of one of our arms, and its model."""
    settings = PartialPoints.Settings.preset(case.preset, **ARMS[case.arm] | dict(case.settings))
    hints = tiles.clicks(case)
    data = TrainingData(tuple(TrainingImage(tiles.image(name), hints[name]) for name in hints))
    truth = patch.object(mask_stage, "label_fields", true_labels(tiles))
    began, cpu = time.monotonic(), time.process_time()
    with truth if case.arm == "true masks" else nullcontext():
        centres, model = trained(PartialPoints().fit(data, settings, device=device, seed=case.seed))
    seconds = time.monotonic() - began
    found = predicted(model, tiles)
    figures = tiles_scores(tiles, {name: predictions.masks for name, predictions in found.items()}) | {
        "det_f1": score_images(found, tiles.val.truth, RADIUS)["f1"],
        "seconds": seconds,
        "cpu_seconds": time.process_time() - cpu,
        "det_f1_before": score_images(predicted(centres, tiles), tiles.val.truth, RADIUS)["f1"],
        "threshold": model.description.threshold,
        "radius": model.description.radius,
        "clicks": sum(len(own.points) for own in hints.values()),
    }
    return figures, model


def predicted(model: DetectionModel, tiles: Tiles) -> dict[str, Predictions]:
    return {name: model.predict(tiles.image(name)).above(0.5) for name in tiles.val.files}


def trained(fit: Generator[Event, None, DetectionModel]) -> tuple[DetectionModel, DetectionModel]:
    """Return the last model that knew centres alone, and the one in the end."""
    told, centres = 0.0, None
    while True:
        try:
            event = next(fit)
        except StopIteration as end:
            return centres or end.value, end.value
        if isinstance(event, Checkpoint) and event.model.description.heads == "centres":
            centres = event.model
        if time.monotonic() - told > 30 and hasattr(event, "steps"):
            told = time.monotonic()
            say(f"  {event.stage}: step {event.step} of {event.steps}")


def true_labels(tiles: Tiles) -> Callable[..., Generator[Event, None, list[PixelLabels]]]:
    """Return what stands in for the labels that points give: every pixel is known."""

    def label_fields(task: Any, nuclei: Sequence[Any]) -> Generator[Event, None, list[PixelLabels]]:
        labels = []
        for part, known in zip(task.fields, nuclei, strict=True):
            yield task.at_work("reading the true masks")
            working = WorkingImage(part.image, task.scale, task.intensity)
            drawn = drawn_labels(tiles.train.truth[part.image.ref.image].masks, working, part)
            label = (drawn > 0).astype(np.int8)
            labels.append(PixelLabels(label, label, voronoi_cells(known.places, part.shape), drawn))
        return labels

    return label_fields


def tiles_scores(tiles: Tiles, found: Mapping[str, Masks]) -> dict[str, Any]:
    truth = {name: hints.masks for name, hints in tiles.val.truth.items()}
    scores = score_masks(found, truth, tiles.val.shapes)
    by_image = {name: image["aji"] for name, image in scores["images"].items()}
    return {key: scores["image_means"][key] for key in SCORES} | {"aji_by_image": by_image}


# -- the peers


def measure_peers(case: Case, tiles: Tiles, model: DetectionModel, data: str) -> dict[str, dict[str, Any]]:
    """Return the figures of the peers with the centres of our model."""
    places = {name: found.points.coordinates for name, found in predicted(model, tiles).items()}
    forest = Forest(case, tiles, model)
    ways: dict[str, Callable[[str], Array]] = {
        "otsu": lambda name: otsu(DATA[data](tiles.pixels(name))),
        "forest": forest,
    }
    figures = {}
    for peer, foreground in ways.items():
        say(f"  {peer}")
        found = {name: parted(foreground(name), places[name]) for name in tiles.val.files}
        figures[peer] = tiles_scores(tiles, found)
    return figures


def parted(inside: Array, places: Array) -> Masks:
    """Return a mask for each place with foreground, (Y, X) of bool: a watershed on the distance transform."""
    height = ndimage.distance_transform_edt(inside)
    return Masks.from_labels(seeded_instances(inside.astype(float), height, places))


def otsu(grey: Array) -> Array:
    """Return where the smoothed values (Y, X) are above Otsu's threshold."""
    smooth = ndimage.gaussian_filter(grey, 1)
    return np.asarray(smooth > threshold_otsu(smooth))


class Forest:
    """A random forest on pixel features, that learns from points as our method gets them."""

    def __init__(self, case: Case, tiles: Tiles, model: DetectionModel) -> None:
        self._tiles, self._model, about = tiles, model, model.description
        self._scale = FOREST_DIAMETER / (2 * about.radius)
        hints, random = tiles.clicks(case), np.random.default_rng(case.seed)
        features, labels = [], []
        for name, own in hints.items():
            label = self._label(name, own, case.seed).ravel()
            known = np.flatnonzero(label >= 0)
            chosen = random.choice(known, min(len(known), FOREST_PIXELS // len(hints)), replace=False)
            features.append(self._features(name).reshape(-1, label.size).T[chosen])
            labels.append(label[chosen])
        forest = RandomForestClassifier(TREES, min_samples_leaf=5, random_state=case.seed)
        self._forest = forest.fit(np.concatenate(features), np.concatenate(labels))

    def _pixels(self, name: str) -> Array:
        working = WorkingImage(self._tiles.image(name), self._scale, self._model.description.intensity)
        return working.read(working.whole)

    def _features(self, name: str) -> Array:
        return pixel_features(self._pixels(name))

    def _label(self, name: str, hints: HintSet, seed: int) -> Array:
        about = self._model.description
        found: Predictions = self._model.predict(self._tiles.image(name)).above(0.5)
        seeds = seeds_beside(hints, found.points, about.classes, about.radius)
        working = WorkingImage(self._tiles.image(name), self._scale, about.intensity)
        pixels, r1 = working.read(working.whole).transpose(1, 2, 0), FOREST_DIAMETER / 2
        cells = voronoi_cells(working.to_working(seeds.points.coordinates), pixels.shape[:2])
        voronoi = voronoi_label(cells, at_paper_scale(2, r1))
        cluster = cluster_label(pixels, cells, r1, seed=seed)
        return voronoi if cluster is None else agreed(voronoi, cluster)

    def __call__(self, name: str) -> Array:
        """Return where nuclei are, (Y, X) of bool."""
        features = self._features(name)
        probability = self._forest.predict_proba(features.reshape(len(features), -1).T)[:, 1]
        full = resize(probability.reshape(features.shape[1:]), self._tiles.val.shapes[name], order=1)
        return np.asarray(full >= 0.5)


# -- what comes of it


def summary(runs: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return mean and range over seeds, and the share of the AJI that true masks give with the same seed."""
    rows = []
    for about, members in by_case(runs.values()):
        keys = (*SCORES, "det_f1", "det_f1_before", "seconds", "cpu_seconds")
        figures = {key: spread(run.get(key) for run in members) for key in keys}
        shares = [run["aji"] / full["aji"] for run in members if (full := with_true_masks(runs, run))]
        rows.append(
            about
            | figures
            | {"of_true_masks": spread(shares), "seeds": sorted(run["seed"] for run in members)}
        )
    return sorted(rows, key=lambda row: (row["preset"], row["arm"], row["fraction"]))


def with_true_masks(
    runs: Mapping[str, Mapping[str, Any]], run: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    settings = tuple(sorted(run["settings"].items()))
    return runs.get(Case("true masks", run["preset"], 1.0, run["seed"], settings).key)


def parsed() -> argparse.Namespace:
    """Return the options; quick ones have few steps, and other data their own file."""
    parser = arguments(__doc__, "1 train and 1 val tile, 8 steps for each stage")
    parser.add_argument("--data", default="monuseg", choices=DATA)
    parser.add_argument("--fractions", type=float, nargs="+", default=[1.0, 0.1])
    parser.add_argument(
        "--presets", nargs="+", default=["quick"], choices=("quick", "standard", "as-published")
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", default=["inkling", "true masks"], choices=ARMS)
    parser.add_argument("--no-peers", action="store_true", help='leave the peers out, that go with "inkling"')
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="settings for all arms")
    parser.add_argument("--again", action="store_true", help="run also what the JSON file holds already")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    if wrong := [text for text in options.set if "=" not in text]:
        parser.error(f"--set {wrong[0]!r}: expected KEY=VALUE")
    if options.data != "monuseg" and options.out is None:
        options.out = RESULTS / f"masks_{options.data}{'.quick' * options.quick}.json"
    if options.quick:
        options.set = [*options.set, "steps=8", "mask_steps=8"]
    return options


def measure_arms(case: Case, tiles: Tiles, options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """Return the figures of a case, and of the peers that go with it, by arm."""
    figures, model = measure(case, tiles, options.device)
    with_peers = case.arm == "inkling" and not options.no_peers
    peers = measure_peers(case, tiles, model, options.data) if with_peers else {}
    return {case.arm: figures} | peers


def runs_of(case: Case, measured: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the JSON file says of a case's arms, and say the scores."""
    runs = {}
    for arm, figures in measured.items():
        say(f"  {arm}: " + ", ".join(f"{key} {figures[key]:.3f}" for key in SCORES))
        own = Case(arm, case.preset, case.fraction, case.seed, case.settings)
        about = {"arm": arm, "preset": case.preset, "fraction": case.fraction, "seed": case.seed}
        when = {"date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()), "commit": commit()}
        runs[own.key] = {**about, "settings": dict(case.settings), **figures, **when}
    return runs


def write(runs: Mapping[str, Any], tiles: Tiles, options: argparse.Namespace) -> dict[str, Any]:
    """Write all runs and what comes of them."""
    about = {
        "data": options.data,
        "train": sorted(tiles.train.files),
        "val": sorted(tiles.val.files),
        "seeds": sorted({run["seed"] for run in runs.values()}),
    }
    return write_result("masks", options, about | {"summary": summary(runs), "runs": runs})


def main() -> int:
    options = parsed()
    few = 1 if options.quick else None
    tiles = Tiles(load_data(options.data, "train", few), load_data(options.data, "val", few))
    result = kept_result("masks", options)
    runs: dict[str, Any] = result.get("runs", {})
    cases = [case for case in dict.fromkeys(plan(options)) if options.again or case.key not in runs]
    for number, case in enumerate(cases, 1):
        say(f"{number} of {len(cases)}: {case.key}")
        runs |= runs_of(case, measure_arms(case, tiles, options))
        result = write(runs, tiles, options)
    print(json.dumps({key: value for key, value in result.items() if key != "runs"}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
