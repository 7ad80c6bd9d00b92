"""How right the labels made from points are, pixel by pixel, against the true masks.

    python benchmarks/labels.py [--images 12] [--seed 0]

On the training tiles of MoNuSeg (r1 = 11 px, as in the paper), at full scale and at the scale that is worked
at (a nucleus 10 px across), and on training images of DSB2018 (fluorescence; r1 is that of each image's
masks), with the points of all nuclei, and with points as a detector finds them: 15 % are missing, 15 % are
false, and the rest lie off by 0.2 r1 in each direction. The labels:
  voronoi   disks at points and edges between cells
  cluster   k-means on colour and distance, with what the paper publishes
  local     a mixture with each nucleus's own colour and size, the default
  agreed    the Voronoi label with one of the others, ignored where they contradict
Coverage is the share of pixels that are not ignored. Recall is of all true pixels, those ignored counted as
missed; F1 with it, and "f1_known" with the recall of those that are not ignored. Figures are means over
images; seconds are CPU seconds of all threads.
Bound: on MoNuSeg the local label is better than the cluster label in every F1, and knows more pixels. Exit
code 1 if it is broken.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from common import arguments, find_data, load_data, say, write_result

from napari_inkling.core import Image, PlaneRef
from napari_inkling.evaluation import cell_centres
from napari_inkling.supervision import (
    agreed,
    at_paper_scale,
    cluster_label,
    local_mixture_label,
    voronoi_cells,
    voronoi_label,
)
from napari_inkling.training.intensity import Intensity
from napari_inkling.training.working_image import WorkingImage

TISSUE, R1 = "monuseg", 11.0
#: Name: data set, scale, r1 at full scale (none: that of each image's masks).
SETS: dict[str, tuple[str, float, float | None]] = {
    "monuseg, full scale": (TISSUE, 1.0, R1),
    "monuseg, working scale": (TISSUE, 10 / (2 * R1), R1),
    "dsb2018_fluo, full scale": ("dsb2018_fluo", 1.0, None),
}
MISSING, FALSE, OFF = 0.15, 0.15, 0.2
F1 = ("nucleus_f1", "nucleus_f1_known", "background_f1", "background_f1_known")

Label = npt.NDArray[np.int8]
Labels = dict[str, Label | None]


@dataclass(frozen=True, eq=False)
class Tile:
    """An image at some scale: normalised pixels (Y, X, C), points (N, 2), where nuclei are (Y, X), and r1."""

    pixels: npt.NDArray[np.float32]
    points: npt.NDArray[np.float64]
    nuclei: npt.NDArray[np.bool_]
    r1: float


def masks_of(folder: Path, name: str) -> npt.NDArray[np.bool_]:
    """Return where the true nuclei are, (Y, X)."""
    from PIL import Image as Picture

    (path,) = (folder / "labels").glob(f"{name}.*")
    with Picture.open(path) as picture:
        return np.asarray(picture) > 0


def tiles_of(kind: str, scale: float, r1: float | None, most: int) -> dict[str, Tile]:
    """Return training images at a scale; without r1 (in pixels at full scale), it is that of the masks."""
    data, folder = load_data(kind, "train"), find_data(kind)
    assert folder is not None
    step = max(1, len(data.files) // most)
    images = {name: Image(PlaneRef(name), data.pixels(name)) for name in list(data.files)[::step][:most]}
    intensity = Intensity.of(images.values())
    tiles = {}
    for name, image in images.items():
        if not len(points := cell_centres(data.truth[name]).coordinates):
            continue
        working = WorkingImage(image, scale, intensity)
        places = [
            np.round(axis.to_input(np.arange(axis.out))).astype(int).clip(0, axis.size - 1)
            for axis in (working.rows, working.columns)
        ]
        nuclei = masks_of(folder, name)[np.ix_(*places)]
        radius = float(np.sqrt(nuclei.sum() / len(points) / np.pi)) if r1 is None else r1 * scale
        pixels = working.read(working.whole).transpose(1, 2, 0)
        tiles[name] = Tile(pixels, working.to_working(points), nuclei, radius)
    return tiles


def found_points(tile: Tile, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """Return points as a detector might find them."""
    kept = tile.points[random.random(len(tile.points)) >= MISSING]
    false = random.uniform(0, tile.nuclei.shape, (round(FALSE * len(tile.points)), 2))
    return np.concatenate([kept + random.normal(0, OFF * tile.r1, kept.shape), false])


def labels_of(tile: Tile, points: npt.NDArray[np.float64], seed: int) -> tuple[Labels, dict[str, float]]:
    """Return each label (``None`` where k-means tells nothing), and what it takes, in CPU seconds."""
    seconds: dict[str, float] = {}

    def timed(name: str, make: Callable[[], Any]) -> Any:
        begin = time.process_time()
        made = make()
        seconds[name] = time.process_time() - begin
        return made

    cells = timed("cells", lambda: voronoi_cells(points, tile.nuclei.shape))
    voronoi = timed("voronoi", lambda: voronoi_label(cells, at_paper_scale(2, tile.r1)))
    cluster = timed("cluster", lambda: cluster_label(tile.pixels, cells, tile.r1, seed=seed))
    local = timed("local", lambda: local_mixture_label(tile.pixels, cells, tile.r1, seed=seed)).label
    labels: Labels = {"voronoi": voronoi, "cluster": cluster, "local": local}
    labels["agreed voronoi cluster"] = None if cluster is None else agreed(voronoi, cluster)
    labels["agreed voronoi local"] = agreed(voronoi, local)
    return labels, seconds


def scores(label: Label, nuclei: npt.NDArray[np.bool_]) -> dict[str, float]:
    """Return coverage, accuracy of what is known, and precision, recall and F1 of both kinds of pixels."""
    known = label >= 0
    figures = {
        "coverage": float(known.mean()),
        "accuracy_known": float((label[known] == nuclei[known]).mean()),
    }
    for name, truth, said in (("nucleus", nuclei, label == 1), ("background", ~nuclei, label == 0)):
        right = (truth & said).sum()
        precision = right / max(1, said.sum())
        recall, recall_known = right / max(1, truth.sum()), right / max(1, (truth & known).sum())
        figures |= {
            f"{name}_precision": float(precision),
            f"{name}_recall": float(recall),
            f"{name}_f1": float(2 * precision * recall / max(1e-9, precision + recall)),
            f"{name}_f1_known": float(2 * precision * recall_known / max(1e-9, precision + recall_known)),
        }
    return figures


def measure(tiles: Mapping[str, Tile], found: bool, seed: int) -> dict[str, object]:
    """Return the mean figures of each label, and its CPU seconds per megapixel."""
    figures: dict[str, list[dict[str, float]]] = {}
    seconds: dict[str, float] = {}
    for number, tile in enumerate(tiles.values()):
        random = np.random.default_rng([seed, number])
        points = found_points(tile, random) if found else tile.points
        labels, spent = labels_of(tile, points, seed)
        for name, label in labels.items():
            if label is not None:
                figures.setdefault(name, []).append(scores(label, tile.nuclei))
        seconds = {name: seconds.get(name, 0) + value for name, value in spent.items()}
    megapixels = sum(tile.nuclei.size for tile in tiles.values()) / 1e6
    return {
        "tiles_with_a_label": {name: len(rows) for name, rows in figures.items()},
        "labels": {
            name: {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
            for name, rows in figures.items()
        },
        "seconds_per_megapixel": {name: value / megapixels for name, value in seconds.items()},
    }


def main() -> int:
    parser = arguments(__doc__, "two images of each")
    parser.add_argument("--images", type=int, default=24, help="how many of each data set, at most")
    parser.add_argument("--seed", type=int, default=0, help="for k-means, the mixture, and found points")
    options = parser.parse_args()
    results: dict[str, dict[str, object]] = {}
    most = 2 if options.quick else options.images
    for name, (kind, scale, r1) in SETS.items():
        tiles = tiles_of(kind, scale, r1, most)
        for points in ("all", "found"):
            say(f"{name}, {points} points")
            results[f"{name}, {points} points"] = measure(tiles, points == "found", options.seed)
    bound = {name: result for name, result in results.items() if name.startswith(TISSUE)}
    broken = [f"{name}: {what}" for name, result in bound.items() for what in worse(result["labels"])]
    result = write_result("labels", options, {"results": results, "bounds_broken": broken})
    print(json.dumps(result, indent=1))
    return int(bool(broken))


def worse(labels: object) -> list[str]:
    """Return the figures in which the local label is no better than the cluster label."""
    assert isinstance(labels, dict)
    if "cluster" not in labels:
        return []
    return [key for key in (*F1, "coverage") if labels["local"][key] <= labels["cluster"][key]]


if __name__ == "__main__":
    sys.exit(main())
