"""Sizes of boxes for the tests of guidance: drawn by a formula, and those of real images if there are any."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

FloatArray = np.ndarray


def gaussian(count: int, mean=(100.0, 110.0), deviation=(12.0, 14.0), seed: int = 0) -> FloatArray:
    """Heights and widths (N, 2) in pixels; none is below a pixel."""
    random = np.random.default_rng(seed)
    return np.maximum(random.normal(mean, deviation, (count, 2)), 1)


def real_sizes(name: str) -> dict[str, FloatArray]:
    """Class → (N, 2) of the boxes for training in ``bccd`` or ``umid_urine``; those without area left out."""
    given = os.environ.get("INKLING_DATA")
    folder = (Path(given) if given else Path(__file__).parents[3] / "shared" / "data") / name
    if not folder.is_dir():
        pytest.skip(f"no real images: {folder} is not there and INKLING_DATA is not set")
    rows = _voc(folder) if name == "bccd" else _csv(folder)
    found: dict[str, list[tuple[float, float]]] = {}
    for label, height, width in rows:
        if height > 0 and width > 0 and label != "missedlabel" and not label.startswith("point"):
            found.setdefault(label, []).append((height, width))
    return {label: np.array(sizes) for label, sizes in found.items()}


def _voc(folder: Path):
    for stem in (folder / "ImageSets" / "Main" / "train.txt").read_text().split():
        for item in ElementTree.parse(folder / "Annotations" / f"{stem}.xml").iter("object"):
            side = {child.tag: float(child.text) for child in item.find("bndbox")}
            yield item.findtext("name"), side["ymax"] - side["ymin"], side["xmax"] - side["xmin"]


def _csv(folder: Path):
    with (folder / "train.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            height = float(row["ymax"]) - float(row["ymin"])
            yield row["label"], height, float(row["xmax"]) - float(row["xmin"])
