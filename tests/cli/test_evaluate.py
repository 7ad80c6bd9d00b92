"""`inkling evaluate`, with scores worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_inkling.core import HintSet, Points
from napari_inkling.project.formats import export_annotations
from tests.cli.driving import CELLS, Inkling, boxed_cells, make_project

#: Of the six cells in CELLS: two found (at distances 3 and 4), four missed, one found where there is none.
FOUND = np.array([[13.0, 10.0], [10.0, 34.0], [20.0, 20.0]])
SCORES = {
    "precision": 2 / 3, "recall": 2 / 6, "f1": 4 / 9, "mean_distance": 3.5, "sd_distance": 0.5,
    "true_positives": 2, "false_positives": 1, "false_negatives": 4,
}  # fmt: skip


@pytest.fixture(autouse=True)
def found(here: Path) -> None:
    """Write ``found.csv`` with what was found on image "a"."""
    suggestions = {"a": HintSet(Points(FOUND, scores=0.9, sources="model"))}
    export_annotations(suggestions, here / "found.csv", "points-csv", shapes={"a": (40, 60)})


def masks(path: Path) -> None:
    """Write six cells of 8 × 8 pixels; their centres lie half a pixel before CELLS."""
    labels = np.zeros((40, 60), np.uint16)
    for number, (y, x) in enumerate(CELLS.astype(int), 1):
        labels[y - 4 : y + 4, x - 4 : x + 4] = number
    path.parent.mkdir(exist_ok=True)
    tifffile.imwrite(path, labels)


def approximately(expected: dict[str, Any]) -> Any:
    return pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("complete", [(), ("a",)])
def test_a_project_is_truth(inkling: Inkling, here: Path, complete: tuple[str, ...]) -> None:
    make_project(here / "p", {"a": boxed_cells()}, complete)
    ended = inkling("evaluate", "found.csv", "p", "--json")
    told = ended.json
    assert {key: told[key] for key in SCORES} == approximately(SCORES)
    assert told["images"] == {"a": approximately(SCORES)}
    assert told["classes"] == {"cell": approximately(SCORES)}
    assert (told["radius"], told["radius_from"]) == (4, "mean radius of the truth")
    assert (told["not_scored"], told["not_predicted"]) == ([], [])
    assert ("no image of p is marked complete" in ended.err) is not complete


def test_only_complete_images_are_the_truth_where_there_are_some(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": boxed_cells(), "b": boxed_cells()}, ("a",))
    told = inkling("evaluate", "found.csv", "p", "--json").json
    assert list(told["images"]) == ["a"]


@pytest.mark.parametrize("name", ["truth/a.tif", "truth/a_mask.tif", "a.tif", "a_labels.tif"])
def test_masks_are_truth_by_folder_or_file(inkling: Inkling, here: Path, name: str) -> None:
    masks(here / name)
    path = name.split("/")[0]
    told = inkling("evaluate", "found.csv", path, "--json").json
    # Half a pixel further away in y and x: 3.54 and 4.53 px, and only the first is within 4 px.
    assert (told["true_positives"], told["false_negatives"], told["radius"]) == (1, 5, 4)
    assert told["mean_distance"] == pytest.approx(np.hypot(3.5, 0.5))


@pytest.mark.parametrize(("format", "name"), [("coco", "t.json"), ("points-csv", "t.csv"), ("voc", "t")])
def test_annotation_files_are_truth(inkling: Inkling, here: Path, format: str, name: str) -> None:
    export_annotations({"a": boxed_cells()}, here / name, format, shapes={"a": (40, 60)})
    told = inkling("evaluate", "found.csv", name, "--json").json
    assert {key: told[key] for key in SCORES} == approximately(SCORES)


def test_points_tell_no_radius(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": HintSet(Points(CELLS))})
    told = inkling("evaluate", "found.csv", "p", "--json").json
    assert (told["radius"], told["radius_from"]) == (11, "default, the truth tells no size")


@pytest.mark.parametrize(("radius", "right"), [(2.9, 0), (3, 1), (4, 2)])
def test_the_radius_that_is_given_counts(inkling: Inkling, here: Path, radius: float, right: int) -> None:
    make_project(here / "p", {"a": boxed_cells()})
    told = inkling("evaluate", "found.csv", "p", "--radius", radius, "--json").json
    assert (told["true_positives"], told["radius"], told["radius_from"]) == (right, radius, "given")


def test_images_on_one_side_only_are_told(inkling: Inkling, here: Path) -> None:
    found = {name: HintSet(Points(FOUND)) for name in ("a", "c")}
    export_annotations(found, here / "found.csv", "points-csv")
    truth = {name: boxed_cells() for name in ("a", "b")}
    export_annotations(truth, here / "truth.json", "coco", shapes=dict.fromkeys("ab", (40, 60)))
    ended = inkling("evaluate", "found.csv", "truth.json", "--json")
    assert ended.json["not_scored"] == ["c"] and ended.json["not_predicted"] == ["b"]
    assert ended.json["false_negatives"] == 4 + 6
    assert "found.csv says nothing of 'b': all their cells count as missed" in ended.err
    assert "there is no truth for 'c': not scored" in ended.err


def test_one_class_on_each_side_is_the_same_class(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": boxed_cells(classes="nucleus")})
    told = inkling("evaluate", "found.csv", "p", "--json").json
    assert told["classes"] == {"cell": approximately(SCORES)}


def test_classes_are_scored_apart(inkling: Inkling, here: Path) -> None:
    kinds = ["RBC"] * 3 + ["WBC"] * 3
    make_project(here / "p", {"a": HintSet(Points(CELLS, classes=kinds))})
    found = {"a": HintSet(Points(CELLS, classes=["RBC"] * 4 + ["WBC"] * 2))}
    export_annotations(found, here / "found.csv", "points-csv")
    told = inkling("evaluate", "found.csv", "p", "--json").json
    assert told["f1"] == 1
    assert (told["classes"]["RBC"]["precision"], told["classes"]["RBC"]["recall"]) == (0.75, 1)
    assert (told["classes"]["WBC"]["precision"], told["classes"]["WBC"]["recall"]) == (
        1,
        pytest.approx(2 / 3),
    )
    assert "class WBC" in inkling("evaluate", "found.csv", "p").out


def test_the_table_for_people(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": boxed_cells()}, ("a",))
    assert inkling("evaluate", "found.csv", "p").out.splitlines() == [
        "     precision  recall     F1   distance ± sd  right  extra  missed",
        "a        0.667   0.333  0.444  3.50 ± 0.50 px      2      1       4",
        "all      0.667   0.333  0.444  3.50 ± 0.50 px      2      1       4",
        "radius 4 px (mean radius of the truth)",
    ]


def test_the_only_label_image_is_taken_for_the_only_truth(inkling: Inkling, here: Path) -> None:
    for name in ("found", "truth"):
        export_annotations({name: boxed_cells()}, here / f"{name}.tif", "masks", shapes={name: (40, 60)})
    ended = inkling("evaluate", "found.tif", "truth.tif", "--json")
    assert ended.err == "inkling: found is taken for truth: each side has one image\n"
    assert ended.json["images"]["truth"]["f1"] == 1


def test_nothing_in_common_is_refused(inkling: Inkling, here: Path) -> None:
    export_annotations({"b": boxed_cells()}, here / "t.json", "coco", shapes={"b": (40, 60)})
    said = inkling.refuses("evaluate", "found.csv", "t.json")
    assert said == "found.csv and t.json have no image in common: 'a', expected 'b'"


def test_what_is_swapped_for_certain_is_refused(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": boxed_cells()}, ("a",))
    export_annotations({"a": boxed_cells()}, here / "t.json", "coco", shapes={"a": (40, 60)})
    for truth in ("p", "t.json"):
        said = inkling.refuses("evaluate", truth, "found.csv")
        assert said == (
            f"found.csv holds only what a model suggested, and {truth} nothing of that kind: "
            "the two seem swapped, expected PREDICTIONS first and TRUTH second"
        )


def test_what_may_be_swapped_is_told(inkling: Inkling, here: Path) -> None:
    make_project(here / "p", {"a": boxed_cells()}, ("a",))
    export_annotations({"a": boxed_cells()}, here / "t.json", "coco", shapes={"a": (40, 60)})
    (here / "others.csv").write_text("y,x,image,score\n10,10,a,0.7\n30,30,a,1\n")
    (here / "mixed.csv").write_text("y,x,image,source\n10,10,a,model\n30,30,a,human\n")
    for predictions, truth, said in (
        (
            "found.csv",
            "found.csv",
            "a model suggested 3 of 3 cells of found.csv, and nobody has checked them",
        ),
        ("t.json", "mixed.csv", "a model suggested 1 of 2 cells of mixed.csv, and nobody has checked them"),
        (
            "t.json",
            "others.csv",
            "others.csv has scores, as predictions have, and t.json has none: is others.csv the truth?",
        ),
        ("p", "t.json", "p is a project: its hints are taken for predictions; truth comes second"),
        ("p", "p", ""),
        ("others.csv", "p", ""),
        ("found.csv", "p", ""),
        ("found.csv", "others.csv", ""),
        ("t.json", "p", ""),
    ):
        ended = inkling("evaluate", predictions, truth)
        told = [line for line in ended.err.splitlines() if "no average precision" not in line]
        assert (ended.code, told) == (0, [f"inkling: {said}"] if said else []), (predictions, truth)


@pytest.mark.parametrize("radius", ["0", "-1", "nan"])
def test_a_radius_that_is_none_is_refused(inkling: Inkling, here: Path, radius: str) -> None:
    export_annotations({"a": boxed_cells()}, here / "t.json", "coco", shapes={"a": (40, 60)})
    assert "the matching radius is" in inkling.refuses("evaluate", "found.csv", "t.json", "--radius", radius)
