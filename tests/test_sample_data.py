"""The sample data: truth and hints agree with the images, and the script makes the same again."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import tifffile
from PIL import Image
from scipy import ndimage

from napari_inkling.core import BACKGROUND
from napari_inkling.project.samples import sample

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "sample_data"
SAMPLES = ("he_tile", "fluorescence", "blood_smear")

#: Image → shape, dtype, least and most cells.
IMAGES = {
    "he_tile": ((512, 512, 3), "uint8", 280, 340),
    "he_tile_2": ((384, 384, 3), "uint8", 140, 200),
    "fluorescence": ((512, 512), "uint16", 150, 220),
    "fluorescence_2": ((384, 384), "uint16", 80, 130),
    "blood_smear": ((480, 640, 3), "uint8", 45, 80),
}


def owner(image: str) -> str:
    return image.removesuffix("_2")


def read(path: Path) -> np.ndarray:
    if path.suffix == ".tif":
        return tifffile.imread(path)
    with Image.open(path) as opened:
        return np.asarray(opened)


def image_path(image: str) -> Path:
    (path,) = (p for p in sample(owner(image)).images if p.stem == image)
    return path


def hint_points(name: str) -> list[tuple[float, float, str]]:
    text = (FOLDER / "hints" / f"{name}.csv").read_text(encoding="utf-8").splitlines()
    assert text[0] == "y,x,class,image"
    rows = [line.split(",") for line in text[1:]]
    assert {row[3] for row in rows} == {name}
    return [(float(y), float(x), kind) for y, x, kind, _ in rows]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("make_sample_data")


def test_small_enough_to_ship() -> None:
    assert sum(p.stat().st_size for p in FOLDER.rglob("*")) < 5_000_000


@pytest.mark.parametrize("image", IMAGES)
def test_truth_matches_the_image(image: str) -> None:
    shape, dtype, least, most = IMAGES[image]
    pixels, labels = read(image_path(image)), sample(owner(image)).truth_mask(image)
    assert pixels.shape == shape
    assert pixels.dtype == dtype
    assert labels.shape == shape[:2]
    assert labels.dtype == np.uint16
    count = int(labels.max())
    assert least <= count <= most
    assert np.array_equal(np.unique(labels), np.arange(count + 1)), "labels without gaps"
    for number, window in enumerate(ndimage.find_objects(labels), start=1):
        mine = labels[window] == number
        assert ndimage.label(mine)[1] == 1, f"label {number} is in one piece"
        assert mine.sum() >= 12
    assert len(sample(owner(image)).truth_classes(image)) == count


@pytest.mark.parametrize("image", IMAGES)
def test_cells_stand_out_where_the_truth_says(image: str) -> None:
    pixels, labels = read(image_path(image)).astype(float), sample(owner(image)).truth_mask(image)
    grey = pixels.mean(-1) if pixels.ndim == 3 else -pixels
    near = (ndimage.distance_transform_edt(labels == 0) > 3) & (
        ndimage.distance_transform_edt(labels == 0) < 9
    )
    inside = grey[labels > 0].mean()
    assert inside < grey[near].mean() - 0.5 * grey[near].std()


@pytest.mark.parametrize("name", ["he_tile", "fluorescence"])
def test_some_cells_touch(name: str) -> None:
    labels = sample(name).truth_mask(name)
    _, count = ndimage.label(labels > 0, np.ones((3, 3)))
    assert count < 0.9 * labels.max()


@pytest.mark.parametrize("name", SAMPLES)
def test_point_hints_lie_in_a_cell_of_their_class_or_in_none(name: str) -> None:
    labels, classes = sample(name).truth_mask(name), sample(name).truth_classes(name)
    away = ndimage.distance_transform_edt(labels == 0)
    hit = []
    for y, x, kind in hint_points(name):
        at = round(y), round(x)
        if kind == BACKGROUND:
            assert away[at] > 8
        else:
            assert classes[labels[at] - 1] == kind
            assert labels[at] > 0
            hit.append(int(labels[at]))
    assert len(hit) == len(set(hit)), "no cell is clicked twice"


@pytest.mark.parametrize(
    ("name", "least", "most", "background"), [("he_tile", 0.10, 0.15, 8), ("fluorescence", 0.09, 0.11, 4)]
)
def test_point_hints_are_few(name: str, least: float, most: float, background: int) -> None:
    kinds = [kind for _, _, kind in hint_points(name)]
    cells = int(sample(name).truth_mask(name).max())
    assert least <= (len(kinds) - background) / cells <= most
    assert kinds.count(BACKGROUND) == background


def test_blood_has_a_box_or_a_point_for_every_cell() -> None:
    labels, classes = (
        sample("blood_smear").truth_mask("blood_smear"),
        sample("blood_smear").truth_classes("blood_smear"),
    )
    windows = ndimage.find_objects(labels)
    coco = json.loads((FOLDER / "hints" / "blood_smear.json").read_text(encoding="utf-8"))
    names = {c["id"]: c["name"] for c in coco["categories"]}
    assert list(names.values()) == ["RBC", "WBC", "Platelet"]
    boxed = set()
    for annotation in coco["annotations"]:
        x, y, width, height = annotation["bbox"]
        (number,) = (
            i for i, w in enumerate(windows, start=1) if w == (slice(y, y + height), slice(x, x + width))
        )
        assert names[annotation["category_id"]] == classes[number - 1]
        boxed.add(number)
    clicked = {int(labels[round(y), round(x)]) for y, x, _ in hint_points("blood_smear")}
    assert {classes[n - 1] for n in boxed} == {"RBC", "WBC", "Platelet"}
    assert len(boxed) == pytest.approx(0.2 * len(classes), abs=1.5)
    assert not boxed & clicked
    assert boxed | clicked == set(range(1, len(classes) + 1))


def test_the_script_makes_the_same_file_again(tmp_path: Path) -> None:
    for folder in ("first", "second"):
        command = [sys.executable, str(ROOT / "scripts" / "make_sample_data.py"), str(tmp_path / folder)]
        subprocess.run([*command, "--only", "fluorescence_2"], check=True, capture_output=True, timeout=200)
    for file in ("fluorescence_2.tif", "truth/fluorescence_2.png"):
        first, second = (tmp_path / folder / file for folder in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
        # Against the shipped file only the pixels count: compressors differ between platforms.
        assert np.array_equal(read(first), read(FOLDER / file))


@pytest.mark.parametrize("image", ["he_tile_2", "blood_smear"])
def test_the_shipped_truth_is_what_the_script_makes(script: ModuleType, image: str) -> None:
    made = script.PICTURES[image]()
    assert np.array_equal(made.labels, sample(owner(image)).truth_mask(image))
    assert np.array_equal(made.pixels, read(image_path(image)))
