"""The mask half of `inkling evaluate`, with scores worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_inkling.core import BACKGROUND, HintSet, Masks, Points
from napari_inkling.evaluation import difficulty
from napari_inkling.project.formats import export_annotations
from tests.cli.driving import CELLS, Inkling, make_project

#: Of six squares of 8 × 8 pixels: one found, one 4 pixels beside its place, four missed, and one extra.
SCORES = {
    "pixel_accuracy": 1 - 384 / 2400, "pixel_f1": 2 * 96 / (192 + 384), "aji": 96 / (64 + 96 + 4 * 64 + 64),
    "dice_obj": ((64 + 64 / 2) / 384 + (64 + 64 / 2) / 192) / 2, "pq": 2 / 9, "sq": 1, "rq": 2 / 9,
    "map": 17 / 101, "map50": 17 / 101, "map75": 17 / 101,
    "found_masks": 3, "truth_masks": 6, "matched_masks": 1,
}  # fmt: skip


def squares(*centres: Any, shape: tuple[int, int] = (40, 60)) -> np.ndarray[Any, Any]:
    """Return a label image with a square of 8 × 8 pixels for each centre."""
    labels = np.zeros(shape, np.uint16)
    for number, (y, x) in enumerate(np.array(centres, int), 1):
        labels[y - 4 : y + 4, x - 4 : x + 4] = number
    return labels


TRUTH = squares(*CELLS)
FOUND = squares(CELLS[0], CELLS[1] + (0, 4), (20, 20))


def save(path: Path, labels: np.ndarray[Any, Any]) -> Path:
    path.parent.mkdir(exist_ok=True)
    tifffile.imwrite(path, labels)
    return path


def masked(labels: np.ndarray[Any, Any], **columns: Any) -> HintSet:
    return HintSet(masks=Masks.from_labels(labels, **columns))


@pytest.fixture(autouse=True)
def found(here: Path) -> None:
    save(here / "found" / "a.tif", FOUND)


def told_of(values: dict[str, Any]) -> dict[str, Any]:
    return {key: values[key] for key in SCORES}


@pytest.mark.parametrize("name", ["truth/a.tif", "truth/a_mask.tif", "a_labels.tif"])
def test_label_images_on_both_sides(inkling: Inkling, here: Path, name: str) -> None:
    save(here / name, TRUTH)
    told = inkling("evaluate", "found", name.split("/")[0], "--json").json
    assert told_of(told) == pytest.approx(SCORES)
    (own,) = told["images"].values()
    assert told_of(own) == pytest.approx(SCORES)
    assert told_of(told["classes"]["cell"]) == pytest.approx(SCORES)
    assert told["image_means"]["aji"] == pytest.approx(SCORES["aji"])
    assert "nuclei_std" not in own
    # The centres' scores stand beside: one at its place, one within 4 pixels of its place.
    assert (told["true_positives"], told["false_positives"], told["false_negatives"]) == (2, 1, 4)


def test_a_project_with_masks_is_truth(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": masked(TRUTH, classes="nucleus")}, ("a",))
    told = inkling("evaluate", "found", "p", "--json").json
    assert told_of(told) == pytest.approx(SCORES)
    assert told_of(told["classes"]["cell"]) == pytest.approx(SCORES)
    assert (told["radius"], told["radius_from"]) == (4, "mean radius of the truth")
    pixels = tifffile.imread(here / "images" / "a.tif")
    expected = difficulty(pixels, TRUTH).to_dict()
    assert {key: told["images"]["a"][key] for key in expected} == pytest.approx(expected)
    assert {key: told["image_means"][key] for key in expected} == pytest.approx(expected)


def test_a_project_can_be_compared(inkling: Inkling, here: Path) -> None:
    save(here / "truth" / "a.tif", TRUTH)
    make_project(here / "p", {"a": masked(FOUND, scores=[0.9, 0.5, 0.7], sources="accepted")})
    told = inkling("evaluate", "p", "truth", "--json").json
    assert told_of(told) == pytest.approx(SCORES)


@pytest.mark.parametrize(("format", "name"), [("coco", "f.json"), ("geojson", "f.geojson"), ("masks", "f")])
def test_what_was_found_may_be_in_any_format_with_masks(
    inkling: Inkling, here: Path, format: str, name: str
) -> None:
    scored = {"a": masked(FOUND, scores=[0.6, 0.9, 0.8], sources="model")}
    export_annotations(scored, here / name, format, shapes={"a": (40, 60)})
    make_project(here / "p", {"a": masked(TRUTH)}, ("a",))
    told = inkling("evaluate", name, "p", "--json").json
    # The right one comes last: precision 1/3 at recalls up to 1/6.
    assert told_of(told) == pytest.approx(SCORES | dict.fromkeys(("map", "map50", "map75"), 17 / 101 / 3))


def test_the_tables_for_people(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": masked(TRUTH), "b": masked(TRUTH)}, ("a", "b"))
    tifffile.imwrite(here / "images" / "a.tif", np.where(TRUTH, 10, 50).astype(np.uint8))
    (here / "images" / "b.tif").unlink()
    ended = inkling("evaluate", "found", "p")
    assert ended.out.splitlines() == [
        "     precision  recall     F1   distance ± sd  right  extra  missed",
        "a        0.667   0.333  0.444  2.00 ± 2.00 px      2      1       4",
        "b        0.000   0.000  0.000               –      0      0       6",
        "all      0.667   0.167  0.267  2.00 ± 2.00 px      2      1      10",
        "radius 4 px (mean radius of the truth)",
        "",
        "                pixel acc  pixel F1   Dice    AJI     PQ    mAP   AP50   AP75  bg-diff    std",
        "a                   0.840     0.333  0.375  0.200  0.222  0.168  0.168  0.168       40      0",
        "b                   0.840     0.000  0.000  0.000  0.000  0.000  0.000  0.000        –      –",
        "mean of images      0.840     0.167  0.188  0.100  0.111      –      –      –       40      0",
        "all                 0.840     0.200  0.312  0.111  0.133  0.089  0.089  0.089        –      –",
    ]
    assert "no nuclei-bg-diff and nuclei-std for b: " in ended.err


@pytest.mark.parametrize("kind", ["points", "masks"])
def test_a_side_without_masks_is_told(inkling: Inkling, here: Path, kind: str) -> None:
    centres = {"a": HintSet(Points(CELLS))}
    export_annotations(centres, here / "points.csv", "points-csv", shapes={"a": (40, 60)})
    make_project(here / "p", {"a": masked(TRUTH), "b": HintSet(Points(CELLS))})
    arguments = ("points.csv", "p") if kind == "masks" else ("found", "points.csv")
    ended = inkling("evaluate", *arguments, "--json")
    assert not {"aji", "map", "image_means"} & set(ended.json)
    lacking = "the predictions have none" if kind == "masks" else "the truth has none"
    (told,) = [line for line in ended.err.splitlines() if "no mask scores" in line]
    assert lacking in told
    assert "AJI" not in inkling("evaluate", *arguments).out


def test_points_against_points_say_nothing_of_masks(inkling: Inkling, here: Path) -> None:
    export_annotations(
        {"a": HintSet(Points(CELLS))}, here / "points.csv", "points-csv", shapes={"a": (40, 60)}
    )
    make_project(here / "p", {"a": HintSet(Points(CELLS))})
    assert "mask" not in inkling("evaluate", "points.csv", "p").err


def test_truth_that_lacks_masks_is_told(inkling: Inkling, here: Path) -> None:
    some = HintSet(Points([(38.0, 58.0)]), masks=Masks.from_labels(TRUTH))
    nothing = HintSet(Points([(3.0, 3.0)], classes=BACKGROUND))
    make_project(here / "p", {"a": some, "b": HintSet(Points(CELLS)), "c": nothing}, ("a", "b", "c"))
    ended = inkling("evaluate", "found", "p", "--json")
    assert "no mask scores for 1 image without masks in the truth" in ended.err
    assert "1 cell without a mask in the truth: not in the mask scores" in ended.err
    images = ended.json["images"]
    assert images["a"]["aji"] == pytest.approx(SCORES["aji"])
    assert "aji" not in images["b"]
    assert images["c"]["aji"] == 1  # nothing there, nothing found


def test_another_size_than_the_image_is_refused(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": masked(TRUTH)}, ("a",))
    save(here / "found" / "a.tif", FOUND[:30])
    said = inkling.refuses("evaluate", "found", "p")
    assert "a.tif is 60 × 30 pixels" in said and "60 × 40" in said


def test_another_size_than_the_true_labels_is_refused(inkling: Inkling, here: Path) -> None:
    save(here / "truth" / "a_mask.tif", TRUTH[:, :50])
    assert inkling.refuses("evaluate", "found", "truth") == (
        "the masks found on 'a_mask' are for 60 × 40 pixels, the true ones for 50 × 40: "
        "expected the same size"
    )


def test_planes_of_a_stack(inkling: Inkling, here: Path) -> None:
    for name, labels in (("found", FOUND), ("truth", TRUTH)):
        stack = np.stack([labels, np.zeros_like(labels)])
        (here / name).mkdir(exist_ok=True)
        tifffile.imwrite(here / name / "s.tif", stack, photometric="minisblack", metadata={"axes": "ZYX"})
    (here / "found" / "a.tif").unlink()
    told = inkling("evaluate", "found", "truth", "--json").json
    assert told["images"]["s[0]"]["aji"] == pytest.approx(SCORES["aji"])
    assert told["images"]["s[1]"]["aji"] == 1
    assert told["aji"] == pytest.approx(SCORES["aji"])
