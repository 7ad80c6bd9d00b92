"""Speed of prediction, memory on a large image, and whether tiles change the result.

    python benchmarks/prediction.py [--size 10000] [--seconds 20]

1. Full-resolution megapixels per second of the default network, on images of 2,000² pixels in memory: the
   sample, whose nuclei are small, so that it is worked on at a larger scale; and monuseg where it is there.
2. An OME-Zarr of 10,000 × 10,000 pixels RGB, made on the spot from pieces of the sample, is predicted in a
   process of its own: its greatest resident memory, with all libraries.
3. The points that come from tiles against those from one piece: a crop of 1,500² in tiles of a quarter of
   the usual edge, and one of 3,000² in tiles of the usual edge; in float32 and in the precision of this CPU.
The model is trained for a few steps on the sample: neither speed nor memory depends on what it learnt.
Bounds: 1.5 MPix/s on 2 cores on every image, 1.5 GB, the same points. Exit code 1 if one is broken.
"""

from __future__ import annotations

import argparse
import functools
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt
from common import arguments, find_data, load_data, say, spread, write_result

from napari_inkling.core import HintSet, Image, PlaneRef, Points, Predictions, TrainingData, TrainingImage
from napari_inkling.evaluation import match_points
from napari_inkling.methods.partial_points import PartialPoints
from napari_inkling.project import open_image
from napari_inkling.project.samples import sample
from napari_inkling.training.pieces import finish

SAMPLE = "he_tile"
SPEED_BOUND, MEMORY_BOUND = 1.5, 1.5
CHUNK = 1024
#: A point from tiles and one from one piece are the same if they are closer than this many pixels.
SAME = 0.05


@dataclass(frozen=True, eq=False)
class Tissue:
    """An image (Y, X, 3) and all of its nuclei (N, 2)."""

    name: str
    pixels: npt.NDArray[np.uint8]
    nuclei: npt.NDArray[np.float64]


def drawn_tissue() -> Tissue:
    from PIL import Image as Picture

    chosen = sample(SAMPLE)
    with Picture.open(chosen.images[0]) as picture:
        pixels = np.asarray(picture.convert("RGB"))
    return Tissue(SAMPLE, pixels, chosen.truth_points(chosen.images[0].stem).coordinates)


def real_tissue() -> Tissue | None:
    """Return a tile of monuseg, or ``None`` where it is not."""
    if find_data("monuseg") is None:
        return None
    tiles = load_data("monuseg", "train", 1)
    (name,) = tiles.files
    return Tissue("monuseg", tiles.pixels(name), tiles.truth[name].points.coordinates)


def mosaic(tile: npt.NDArray[np.uint8], size: tuple[int, int], seed: int) -> npt.NDArray[np.uint8]:
    """Return an image covered with turned, mirrored and shifted copies of ``tile``."""
    random = np.random.default_rng(seed)
    side = min(tile.shape[:2])
    out = np.empty((*size, 3), np.uint8)
    for top in range(0, size[0], side):
        for left in range(0, size[1], side):
            piece = np.roll(tile[:side, :side], random.integers(side, size=2), (0, 1))
            piece = np.rot90(piece, random.integers(4))[:: random.choice([-1, 1])]
            part = out[top : top + side, left : left + side]
            part[...] = piece[: part.shape[0], : part.shape[1]]
    return out


def write_zarr(path: Path, tile: npt.NDArray[np.uint8], size: int) -> None:
    """Write an OME-Zarr 0.5 with axes c, y, x, chunk row by chunk row."""
    import zarr

    group = zarr.open_group(path, mode="w")
    array = group.create_array("0", shape=(3, size, size), chunks=(1, CHUNK, CHUNK), dtype="uint8")
    for top in range(0, size, CHUNK):
        rows = mosaic(tile, (min(CHUNK, size - top), size), seed=top)
        array[:, top : top + CHUNK] = rows.transpose(2, 0, 1)
    axes = [{"name": "c", "type": "channel"}, {"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    scale = {"type": "scale", "scale": [1.0, 1.0, 1.0]}
    level = {"path": "0", "coordinateTransformations": [scale]}
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": [level]}]}


def make_model(tissue: Tissue, steps: int) -> Any:
    """Train for a few steps; the threshold comes from the clicks, so the number of peaks is realistic."""
    hints = HintSet(Points(tissue.nuclei[::4]))
    data = TrainingData((TrainingImage(Image(PlaneRef(tissue.name), tissue.pixels), hints),))
    settings = PartialPoints.Settings.preset("quick", steps=steps, rounds=1, warm_start=False, masks=False)
    return finish(PartialPoints().fit(data, settings, device="cpu", seed=0))


# -- the three parts


def measure_speed(tissue: Tissue, model: Any, seconds: float) -> dict[str, Any]:
    image = Image(PlaneRef("speed"), mosaic(tissue.pixels, (2000, 2000), seed=1))
    found = model.predict(image)  # once before: memory is there, kernels are chosen
    speeds: list[float] = []
    end = time.monotonic() + seconds
    while len(speeds) < 3 or time.monotonic() < end:
        began = time.perf_counter()
        model.predict(image)
        speeds.append(image.height * image.width / 1e6 / (time.perf_counter() - began))
    about = model.description
    return {
        "image": tissue.name,
        "mpix_per_second": spread(speeds),
        "device": str(model.device),
        "scale": about.scale,
        "views": about.settings.views,
        "points_per_mpix": len(found.above(0.5).points) / (image.height * image.width / 1e6),
    }


def measure_memory(folder: Path, zarr: Path, size: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--predict", str(folder), str(zarr)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the prediction of the OME-Zarr failed:\n{done.stderr}")
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return {"size": size} | figures | {"mpix_per_second": size**2 / 1e6 / figures["seconds"]}


def predict_alone(folder: Path, zarr: Path) -> None:
    """Predict an image, and print how much memory it took; in a process of its own."""
    model = PartialPoints().Model.load(folder, "cpu")
    image = open_image(zarr, PlaneRef("large"))
    before = peak_memory()
    began = time.perf_counter()
    found = model.predict(image)
    seconds = time.perf_counter() - began
    print(json.dumps({
        "seconds": seconds,
        "points": len(found.above(0.5).points),
        "libraries_gb": before,
        "peak_gb": peak_memory(),
    }))  # fmt: skip


def peak_memory() -> float | None:
    """Return the greatest resident memory so far in GB (10⁹ bytes); ``None`` if the system does not tell."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e9
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def compare_tiles(model: Any, image: Image, side: int, tile: int) -> dict[str, Any]:
    """Return how the points of a crop differ between tiles of an edge of ``tile`` working pixels and none."""
    top, left = (image.height - side) // 3, (image.width - side) // 3
    crop = Image(image.ref, image.read(slice(top, top + side), slice(left, left + side)))
    working = round(side * model.description.scale)
    with tiles_of(tile):
        tiled = model.predict(crop)
    with tiles_of(-(-working // 64 + 1) * 64):
        whole = model.predict(crop)
    return {
        "side": side,
        "working_side": working,
        "tile": tile,
        "tiles": (-(-working // tile)) ** 2,
        "precision": str(model.device.dtype).removeprefix("torch."),
    } | differences(tiled, whole)


@contextmanager
def tiles_of(side: int) -> Iterator[None]:
    """Let models predict in tiles of another edge: no setting does that, as nobody needs it."""
    from napari_inkling.methods.partial_points import detection_model

    wanted = functools.partial(detection_model.predict_tiles, side=side)
    with mock.patch.object(detection_model, "predict_tiles", wanted):
        yield


def differences(tiled: Predictions, whole: Predictions) -> dict[str, Any]:
    matches = match_points(tiled.points.coordinates, whole.points.coordinates, 3.0)
    scores = tiled.points.scores[matches.found_index] - whole.points.scores[matches.truth_index]
    shown = len(tiled.above(0.5).points), len(whole.above(0.5).points)
    unmatched = len(tiled.points) + len(whole.points) - 2 * len(matches.distances)
    return {
        "points": len(whole.points),
        "shown_tiled": shown[0],
        "shown_whole": shown[1],
        "without_counterpart": unmatched,
        "moved": int((matches.distances > SAME).sum()),
        "max_distance": float(matches.distances.max(initial=0)),
        "max_score_difference": float(np.abs(scores).max(initial=0)),
    }


def measure_tiles(model: Any, image: Image, quick: bool) -> list[dict[str, Any]]:
    import torch

    cases = [(1500, 256)] if quick else [(1500, 256), (3000, 1024)]
    own = model.device
    rows = []
    for dtype in dict.fromkeys((torch.float32, own.dtype)):
        model.device = replace(own, dtype=dtype)
        for side, tile in cases:
            rows.append(compare_tiles(model, image, min(side, image.height), tile))
            say(f"tiles: {rows[-1]}")
    model.device = own
    return rows


def measure(options: argparse.Namespace) -> dict[str, Any]:
    drawn = drawn_tissue()
    speeds = []
    for tissue in filter(None, (real_tissue(), drawn)):
        say(f"training for a few steps on {tissue.name}")
        model = make_model(tissue, options.steps)
        speeds.append(measure_speed(tissue, model, options.seconds))
        say(f"speed: {speeds[-1]}")
    with tempfile.TemporaryDirectory() as temporary:
        folder, zarr = Path(temporary) / "model", Path(temporary) / "large.ome.zarr"
        folder.mkdir()
        model.save(folder)
        if shutil.disk_usage(temporary).free < 4 * 3 * options.size**2:
            raise SystemExit(f"{temporary} has too little space for an image of {options.size}² pixels")
        say(f"writing {options.size} × {options.size} pixels")
        write_zarr(zarr, drawn.pixels, options.size)
        memory = measure_memory(folder, zarr, options.size)
        say(f"memory: {memory}")
        tiles = measure_tiles(model, open_image(zarr, PlaneRef("large")), options.quick)
    exact = [row for row in tiles if row["precision"] == "float32"]
    passed = {
        "speed": all(speed["mpix_per_second"]["mean"] >= SPEED_BOUND for speed in speeds),
        "memory": memory["peak_gb"] is None or memory["peak_gb"] <= MEMORY_BOUND,
        "tiles": all(not row["without_counterpart"] and not row["moved"] for row in exact),
    }
    return {"seed": 0, "speed": speeds, "memory": memory, "tiles": tiles, "passed": passed}


def main() -> int:
    if sys.argv[1:2] == ["--predict"]:
        predict_alone(Path(sys.argv[2]), Path(sys.argv[3]))
        return 0
    parser = arguments(__doc__, "an image of 2,000² pixels, 10 steps, a second of speed")
    parser.add_argument("--size", type=int, default=10_000, help="edge of the large image in pixels")
    parser.add_argument("--seconds", type=float, default=20.0, help="of measuring the speed")
    parser.add_argument("--steps", type=int, default=60, help="of training before")
    options = parser.parse_args()
    if options.quick:
        options.size, options.seconds, options.steps = 2000, 1.0, 10
    result = write_result("prediction", options, measure(options))
    print(json.dumps(result, indent=1))
    return 0 if all(result["passed"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
