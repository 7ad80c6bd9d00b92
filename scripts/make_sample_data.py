#!/usr/bin/env python3
"""Write sample_data/: pictures that look like microscopy, their truth, and a few hints for each.

    python scripts/make_sample_data.py [FOLDER] [--only NAME]

Everything comes from fixed seeds; nothing is copied from real images. What is written:

    samples.json          what there is: per sample its title, classes, images, hint files, held-out images
    NAME.png, NAME.tif    the images
    truth/NAME.png        instance masks, uint16: 0 background, 1, 2, … one number per cell
    truth/NAME.csv        the class of each number, where a sample has several classes
    hints/NAME.csv        points: y, x, class, image ("background" says "not a cell")
    hints/NAME.json       boxes, in COCO's format
"""

from __future__ import annotations

import argparse
import csv
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image as PillowImage
from scipy import ndimage
from synthetic.blood import CLASSES, blood_smear
from synthetic.fluorescence import nuclei_field
from synthetic.histology import second_slide, tissue_tile

FOLDER = Path(__file__).resolve().parent.parent / "sample_data"
BACKGROUND = "background"
#: Of the fluorescence pictures.
PIXEL_SIZE_UM = 0.65

Labels = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Picture:
    """An image, the labels of its cells (1 … N without gaps), and the class of each label."""

    pixels: npt.NDArray[Any]
    labels: Labels
    classes: tuple[str, ...]


def picture(pixels: npt.NDArray[Any], labels: Labels, classes: Sequence[str]) -> Picture:
    """Return the picture with its labels renumbered 1 … N; ``classes`` belong to the labels as they were."""
    present = np.unique(labels[labels > 0])
    number = np.zeros(len(classes) + 1, np.uint16)
    number[present] = np.arange(1, len(present) + 1)
    return Picture(pixels, number[labels], tuple(classes[i - 1] for i in present))


def one_class(pixels: npt.NDArray[Any], labels: Labels) -> Picture:
    """Return a picture in which everything is a nucleus."""
    return picture(pixels, labels, ["nucleus"] * int(labels.max()))


PICTURES: Mapping[str, Callable[[], Picture]] = {
    "he_tile": lambda: one_class(*tissue_tile(5)),
    "he_tile_2": lambda: one_class(*tissue_tile(3, (384, 384), second_slide())),
    "fluorescence": lambda: one_class(*nuclei_field(1)),
    "fluorescence_2": lambda: one_class(*nuclei_field(2, (384, 384), full=1700)),
    "blood_smear": lambda: picture(*blood_smear(1)),
}

SAMPLES: Mapping[str, dict[str, Any]] = {
    "he_tile": {
        "title": "H&E-stained tissue: glands, stroma, lymphocytes",
        "classes": {"nucleus": "#009e73"},
        "images": ["he_tile.png", "he_tile_2.png"],
        "held_out": ["he_tile_2"],
        "hints": {"points-csv": "hints/he_tile.csv"},
    },
    "fluorescence": {
        "title": "Fluorescence: nuclei in culture, DAPI, 16 bit",
        "classes": {"nucleus": "#e69f00"},
        "images": ["fluorescence.tif", "fluorescence_2.tif"],
        "held_out": ["fluorescence_2"],
        "hints": {"points-csv": "hints/fluorescence.csv"},
    },
    "blood_smear": {
        "title": "Blood smear: red cells, white cells, platelets",
        "classes": {"RBC": "#009e73", "WBC": "#e69f00", "Platelet": "#d55e00"},
        "images": ["blood_smear.png"],
        "held_out": [],
        "hints": {"points-csv": "hints/blood_smear.csv", "coco": "hints/blood_smear.json"},
    },
}


def click(rng: np.random.Generator, labels: Labels, number: int) -> tuple[float, float]:
    """Return where a person clicks on a cell (y, x): near its middle, never beside it."""
    inside = np.argwhere(labels == number)
    middle = inside.mean(0)
    for _ in range(20):
        y, x = np.round(middle + rng.normal(0, 0.12 * np.sqrt(len(inside)), 2), 1)
        row, column = round(float(y)), round(float(x))
        on_image = 0 <= row < labels.shape[0] and 0 <= column < labels.shape[1]
        if on_image and labels[row, column] == number:
            return float(y), float(x)
    y, x = inside[int(((inside - middle) ** 2).sum(1).argmin())]
    return float(y), float(x)


def clicks_beside(
    rng: np.random.Generator, shown: Picture, count: int, away: float = 9.0
) -> list[tuple[float, float]]:
    """Return ``count`` places (y, x), ``away`` px from every cell; half of them on what looks like one."""
    free = ndimage.distance_transform_edt(shown.labels == 0) > away
    grey = shown.pixels.astype(np.float64)
    grey = grey.mean(-1) if grey.ndim == 3 else -grey
    grey = ndimage.gaussian_filter(grey, 1.5)
    tempting = np.argsort(np.where(free, grey, np.inf).ravel())
    anywhere = rng.permutation(np.flatnonzero(free.ravel()))
    places: list[tuple[float, float]] = []
    for order, wanted in ((tempting, count // 2), (anywhere, count)):
        for flat in order[: int(free.sum())]:
            if len(places) >= wanted:
                break
            y, x = divmod(int(flat), free.shape[1])
            if all(np.hypot(y - b, x - a) > 40 for b, a in places):
                places.append((float(y), float(x)))
    return places


def choose(rng: np.random.Generator, classes: Sequence[str], share: float) -> set[int]:
    """Return label numbers: the share of each class, at least one, without replacement."""
    chosen: set[int] = set()
    for name in sorted(set(classes)):
        numbers = [i for i, c in enumerate(classes, start=1) if c == name]
        chosen.update(int(i) for i in rng.choice(numbers, max(1, round(share * len(numbers))), replace=False))
    return chosen


def write_points(path: Path, rows: Sequence[tuple[float, float, str]], image: str) -> None:
    """Write points as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["y", "x", "class", "image"])
        writer.writerows([*row, image] for row in rows)


def write_boxes(
    path: Path, shown: Picture, numbers: set[int], classes: Sequence[str], file_name: str
) -> None:
    """Write the bounding boxes of some labels as COCO has them: x, y, width, height, to the pixels' edges."""
    windows = ndimage.find_objects(shown.labels)
    annotations = []
    for index, number in enumerate(sorted(numbers), start=1):
        rows, columns = windows[number - 1]
        height, width = rows.stop - rows.start, columns.stop - columns.start
        annotations.append({
            "id": index, "image_id": 1, "category_id": 1 + classes.index(shown.classes[number - 1]),
            "bbox": [columns.start, rows.start, width, height], "area": height * width, "iscrowd": 0,
        })  # fmt: skip
    content = {
        "images": [
            {"id": 1, "file_name": file_name, "height": shown.labels.shape[0], "width": shown.labels.shape[1]}
        ],
        "categories": [{"id": i, "name": name} for i, name in enumerate(classes, start=1)],
        "annotations": annotations,
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def write_picture(folder: Path, name: str, shown: Picture) -> None:
    """Write the image (PNG, or OME-TIFF with its pixel size for 16 bit), its masks, and its class table."""
    if shown.pixels.dtype == np.uint16:
        tifffile.imwrite(
            folder / f"{name}.tif", shown.pixels, ome=True, compression="zlib", predictor=True,
            metadata={
                "axes": "YX",
                "PhysicalSizeX": PIXEL_SIZE_UM,
                "PhysicalSizeY": PIXEL_SIZE_UM,
                # Fixed, so that the same pixels give the same file.
                "UUID": str(uuid.uuid5(uuid.NAMESPACE_URL, name)),
                "Creator": "make_sample_data.py",
            },
        )  # fmt: skip
    else:
        PillowImage.fromarray(shown.pixels).save(folder / f"{name}.png", optimize=True)
    PillowImage.fromarray(shown.labels).save(folder / "truth" / f"{name}.png", optimize=True)
    if len(set(shown.classes)) > 1:
        with (folder / "truth" / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(["label", "class"])
            writer.writerows(enumerate(shown.classes, start=1))


def write_hints(folder: Path, name: str, shown: Picture) -> None:
    """Write the hints that a person would give in about a minute; the same for the same picture."""
    rng = np.random.default_rng([7, len(shown.classes)])
    if name == "blood_smear":
        boxed = choose(rng, shown.classes, 0.2)
        write_boxes(folder / "hints" / f"{name}.json", shown, boxed, CLASSES, f"{name}.png")
        clicked, beside = set(range(1, len(shown.classes) + 1)) - boxed, 0
    else:
        clicked = choose(rng, shown.classes, 0.12 if name == "he_tile" else 0.10)
        beside = 8 if name == "he_tile" else 4
    rows = [(*click(rng, shown.labels, n), shown.classes[n - 1]) for n in sorted(clicked)]
    rows += [(*place, BACKGROUND) for place in clicks_beside(rng, shown, beside)]
    write_points(folder / "hints" / f"{name}.csv", rows, name)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write everything, or the one picture ``--only`` names."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--only", choices=sorted(PICTURES))
    options = parser.parse_args(arguments)
    for part in ("truth", "hints"):
        (options.folder / part).mkdir(parents=True, exist_ok=True)
    text = json.dumps(SAMPLES, indent=1, ensure_ascii=False) + "\n"
    (options.folder / "samples.json").write_text(text, encoding="utf-8")
    for name, render in PICTURES.items():
        if options.only in (None, name):
            shown = render()
            write_picture(options.folder, name, shown)
            if name in SAMPLES:
                write_hints(options.folder, name, shown)
            print(f"{name}: {shown.pixels.shape}, {len(shown.classes)} cells")


if __name__ == "__main__":
    main()
