"""`inkling evaluate` where both sides have boxes, with scores worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_inkling.core import IGNORE, Boxes, HintSet, Masks, Points
from napari_inkling.project.formats import export_annotations
from tests.cli.driving import Inkling, make_project

KEYS = ("map", "map50", "map75")
#: AP where one of two is found, at once: 51 of the 101 recalls 0, 0.01, … 1.
HALF = 51 / 101


def boxes(*places: tuple[float, ...], **columns: Any) -> HintSet:
    return HintSet(boxes=Boxes(places, **columns))


def write(here: Path, name: str, hints: dict[str, HintSet]) -> None:
    export_annotations(hints, here / name, "coco", shapes=dict.fromkeys(hints, (40, 60)))


def of(scores: Any, prefix: str = "") -> list[Any]:
    return [scores.get(prefix + key) for key in KEYS]


@pytest.fixture(autouse=True)
def both_sides(here: Path) -> None:
    """Of two RBCs one is found, well; the WBC is found too small (IoU 62/100), and one more where none is."""
    truth = {
        "a": boxes((0, 0, 9, 9), (20, 20, 29, 29), classes=["RBC", "RBC"]),
        "b": boxes((0, 0, 10, 10), classes="WBC"),
    }
    found = {
        "a": boxes((0, 0, 9, 9), classes="RBC", sources="model", scores=0.9),
        "b": boxes((0, 0, 10, 6.2), (20, 20, 29, 29), classes="WBC", sources="model", scores=[0.8, 0.3]),
    }
    write(here, "truth.json", truth)
    write(here, "found.json", found)


def test_average_precision_pooled_by_image_and_by_class(inkling: Inkling) -> None:
    ended = inkling("evaluate", "found.json", "truth.json", "--json")
    told = ended.json
    wbc = pytest.approx([0.3, 1, 0])  # an IoU of 0.62 is right at 0.50, 0.55 and 0.60
    assert of(told) == pytest.approx([(HALF + 0.3) / 2, (HALF + 1) / 2, HALF / 2])
    assert {name: of(own) for name, own in told["classes"].items()} == {
        "RBC": pytest.approx([HALF] * 3), "WBC": wbc
    }  # fmt: skip
    assert {name: of(own) for name, own in told["images"].items()} == {
        "a": pytest.approx([HALF] * 3), "b": wbc
    }  # fmt: skip
    assert told["images"]["a"]["recall"] == 0.5  # centres are scored as ever
    assert ended.err == ""


def test_the_table_for_people(inkling: Inkling) -> None:
    assert inkling("evaluate", "found.json", "truth.json").out.split("\n\n")[1].splitlines() == [
        "             mAP   AP50   AP75",
        "a          0.505  0.505  0.505",
        "b          0.300  1.000  0.000",
        "class RBC  0.505  0.505  0.505",
        "class WBC  0.300  1.000  0.000",
        "all        0.402  0.752  0.252",
    ]


def test_what_nobody_labelled_does_not_count(inkling: Inkling, here: Path) -> None:
    truth = boxes((0, 0, 9, 9), (19, 19, 39, 59), classes=["WBC", IGNORE])
    make_project(here / "p", {"b": truth}, ("b",))
    found = boxes((0, 0, 9, 9), (20, 20, 29, 29), classes="WBC", sources="model", scores=[0.3, 0.8])
    write(here, "found.json", {"b": found})
    told = inkling("evaluate", "found.json", "p", "--json").json
    assert of(told) == [1, 1, 1]
    assert (told["precision"], told["radius"]) == (1, 4.5)
    assert list(told["classes"]) == ["WBC"]


def test_all_of_many_detections_count(inkling: Inkling, here: Path) -> None:
    places = [(y, x, y + 2, x + 2) for y in range(0, 39, 3) for x in range(0, 58, 3)]
    assert len(places) > 200
    write(here, "truth.json", {"a": boxes(*places)})
    write(here, "found.json", {"a": boxes(*places, sources="model", scores=np.linspace(0.1, 1, len(places)))})
    assert of(inkling("evaluate", "found.json", "truth.json", "--json").json) == [1, 1, 1]


@pytest.mark.parametrize(
    ("found", "truth", "says"),
    [
        ("points", "boxes", "the truth has boxes, but the predictions have none, only points"),
        ("boxes", "points", "the predictions have boxes, but the truth has none, only points"),
        ("points", "points", ""),
    ],
)
def test_boxes_on_one_side_only_are_told(
    inkling: Inkling, here: Path, found: str, truth: str, says: str
) -> None:
    made = {"points": HintSet(Points([(5, 5)])), "boxes": boxes((0, 0, 9, 9))}
    write(here, "found.json", {"a": made[found]})
    write(here, "truth.json", {"a": made[truth]})
    ended = inkling("evaluate", "found.json", "truth.json", "--json")
    assert ended.err == (f"inkling: no average precision: {says}\n" if says else "")
    assert of(ended.json) == [None] * 3


def test_where_nothing_was_found_the_precision_is_nothing(inkling: Inkling, here: Path) -> None:
    write(here, "found.json", {"a": HintSet(), "b": HintSet()})
    ended = inkling("evaluate", "found.json", "truth.json", "--json")
    assert (of(ended.json), ended.err) == ([0] * 3, "")


def test_classes_that_are_on_one_side_only_are_told(inkling: Inkling, here: Path) -> None:
    write(here, "truth.json", {"a": boxes((0, 0, 9, 9)), "b": boxes((0, 0, 10, 10))})
    ended = inkling("evaluate", "found.json", "truth.json", "--json")
    assert ended.err.splitlines() == [
        "inkling: the predictions have boxes of RBC, WBC, the truth of cell: no class is in both, so the "
        "average precision is 0"
    ]
    assert of(ended.json) == [0] * 3


def test_cells_of_the_truth_without_a_box_are_told(inkling: Inkling, here: Path) -> None:
    truth = {
        "a": HintSet(Points([(30, 30)]), boxes((0, 0, 9, 9)).boxes),
        "b": HintSet(Points([(5, 5)])),
        "c": HintSet(),
    }
    write(here, "truth.json", truth)
    scores = dict(zip(truth, (0.5, 0.5, 0.6), strict=True))
    write(here, "found.json", {n: boxes((0, 0, 9, 9), sources="model", scores=s) for n, s in scores.items()})
    ended = inkling("evaluate", "found.json", "truth.json", "--json")
    assert ended.err.splitlines() == [
        "inkling: no average precision for 1 image without boxes in the truth",
        "inkling: 1 cell without a box in the truth: what is found there counts as wrong in the average "
        "precision",
    ]
    assert of(ended.json) == pytest.approx([1 / 2] * 3)  # right in "a", wrong in "c", which has no cell
    assert of(ended.json["images"]["b"]) == [None] * 3
    assert "b " not in inkling("evaluate", "found.json", "truth.json").out.split("\n\n")[1]


def test_masks_keep_their_keys(inkling: Inkling, here: Path) -> None:
    masks = Masks.from_crops([(0, 0)], [np.ones((10, 10), bool)], ids=[7])
    box = Boxes([(-0.5, -0.5, 9.5, 5.7)], ids=[7])
    write(here, "truth.json", {"a": HintSet(boxes=Boxes([(-0.5, -0.5, 9.5, 9.5)], ids=[7]), masks=masks)})
    write(here, "found.json", {"a": HintSet(boxes=box, masks=masks)})
    told = inkling("evaluate", "found.json", "truth.json", "--json").json
    for scores in (told, told["images"]["a"], told["classes"]["cell"]):
        assert of(scores) == [1, 1, 1]
        assert of(scores, "box_") == pytest.approx([0.3, 1, 0])
    assert len(inkling("evaluate", "found.json", "truth.json").out.split("\n\n")) == 2
