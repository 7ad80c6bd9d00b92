"""`inkling guide`: how many boxes are enough, and the images and cells whose annotation helps most."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from napari_inkling.core import Boxes, HintSet, PlaneRef, Points
from napari_inkling.guidance import REASONS
from napari_inkling.project import Project
from tests.cli.driving import Inkling, make_project
from tests.fake_method import FAKE, FakeModel

pytestmark = pytest.mark.usefixtures("light_worker")


@pytest.fixture
def guided(here):
    """Two images to learn from, one that is held out; the model suggests a grid of 4 × 6 cells on each."""
    hints = {"a": HintSet(Points([[5, 5], [35, 55]])), "b": HintSet(), "c": HintSet(Points([[9, 9]]))}
    folder = make_project(here / "study.inkling", hints, complete=("c",))
    model = folder / "models" / "0001-fake"
    model.mkdir(parents=True)
    FakeModel().save(model)
    return folder


def test_cells_and_images_in_their_order(inkling: Inkling, guided):
    told = inkling("guide", guided, "--method", FAKE, "--json").json
    assert (told["threshold"], told["left_out"]) == (0.5, [])
    assert [row["image"] for row in told["images"]] == ["b", "a"]  # two of a's 12 are marked
    assert [(row["cells"], row["known"]) for row in told["images"]] == [(12, 0), (12, 1)]
    values = [cell["value"] for cell in told["cells"]]
    assert values == sorted(values, reverse=True)
    assert {cell["image"] for cell in told["cells"][:2]} == {"a", "b"}
    for cell in told["cells"]:  # scores of .5 and more
        assert cell["reason"] == (REASONS[0] if cell["doubt"] > 0.7 else "among the least sure that are left")
    assert {cell["reason"] for cell in told["cells"][:2]} == {REASONS[0]}
    first = told["cells"][0]
    assert 0 < first["doubt"] < 1
    assert ((first["y"] - 5) % 10, (first["x"] - 5) % 10) == (0, 0)


def test_as_a_table_and_as_csv(inkling: Inkling, guided, here):
    ended = inkling("guide", guided, "--method", FAKE, "--count", 3, "--out", "next.csv")
    lines = ended.out.splitlines()
    assert lines[0].split() == ["image", "value", "cells", "found,", "known"]
    assert lines[1].split()[0] == "b"
    assert lines[4] == "3 cells to look at next:"
    with (here / "next.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image", "y", "x", "value", "doubt", "reason"]
    assert [row["image"] for row in rows] == [line.split()[0] for line in lines[6:9]]
    assert [line[:18] for line in lines[9:]] == ["", "value of an image:", "value of a cell: d"]


def test_the_project_stays_as_it_was(inkling: Inkling, guided):
    for _ in range(2):  # what was listed was not looked at
        assert len(inkling("guide", guided, "--method", FAKE, "--json").json["cells"]) == 20
    with Project.open(guided) as project:
        assert len(project.hints(PlaneRef("a")).points) == 2
        assert not project.can_undo or "mark" in project.can_undo


def test_nothing_is_left(inkling: Inkling, guided):
    with Project.open(guided) as project:
        project.update_image("a", complete=True)
        project.update_image("b", complete=True)
    ended = inkling("guide", guided, "--method", FAKE)
    assert (ended.code, ended.out[:26]) == (0, "nothing is left to look at")


def test_without_a_model(inkling: Inkling, here):
    folder = make_project(here / "new.inkling", {"a": HintSet()})
    assert f"{folder} holds no model: train in the dock, or give" in inkling.refuses("guide", folder)
    assert "is not an inkling project" in inkling.refuses("guide", here / "images")


def blood(count: int, mean: float, name: str, first: float = 0) -> Boxes:
    """Boxes of nearly one size, drawn one second after the other."""
    sizes = np.random.default_rng(0).normal(mean, mean / 30, (count, 2))
    corners = np.hstack([np.full((count, 2), 2.0), 2 + sizes])
    return Boxes(corners, classes=name, sources="imported", times=first + np.arange(count))


@pytest.fixture
def boxed(here):
    """26 boxes of one class, one of unusual size, two of another one, 40 points of a third; no model."""
    points = Points(np.random.default_rng(0).random((40, 2)) * 30, classes="Platelet", sources="imported")
    odd = Boxes([[1, 1, 38, 10]], classes="RBC", sources="imported", times=99)
    hints = {
        "a": HintSet(points, Boxes.concatenate([blood(26, 20, "RBC"), odd])),
        "b": HintSet(boxes=blood(2, 30, "WBC")),
        "held": HintSet(boxes=blood(50, 10, "WBC")),
    }
    return make_project(here / "blood.inkling", hints, complete=("held",))


def test_how_many_boxes_without_a_model(inkling: Inkling, boxed):
    ended = inkling("guide", boxed)
    assert (ended.code, ended.err) == (
        0,
        "inkling: the project holds no model yet: what to look at next is listed with one, or with "
        "--model FOLDER\n",
    )
    lines = ended.out.splitlines()
    assert lines[:3] == [  # nothing of "cell", which nobody marked
        "Platelet: draw 3 boxes first; its 40 points borrow the size of all boxes till then",
        "RBC: enough boxes (27), point the rest",
        "WBC: draw 1 more box first; till then the other classes tell how much sizes vary",
    ]
    assert lines[4].split()[:2] == ["class", "boxes"]
    table = {line.split()[0]: line for line in lines[5:]}
    assert list(table) == ["Platelet", "RBC", "WBC"]
    assert table["RBC"].split()[1] == "27"
    assert table["Platelet"].endswith("–  (sizes of all classes)")
    assert table["WBC"].endswith("–  (spread of all classes)")


def test_how_many_boxes_as_json(inkling: Inkling, boxed):
    told = inkling("guide", boxed, "--json").json
    assert (told["threshold"], told["images"], told["cells"], told["left_out"]) == (None, [], [], [])
    by_class = {row["class"]: row for row in told["boxes"]}
    red = by_class["RBC"]
    assert (red["boxes"], red["points"], red["state"], red["more"]) == (27, 0, "enough", 0)
    assert red["mean_iou_box"] == pytest.approx([20, 20], abs=1)
    assert red["mean_box"][0] > red["mean_iou_box"][0]  # the odd one pulls the mean
    assert red["curve"]["counts"][-1] == 27
    assert red["curve"]["drawn"][-1] == 0
    assert [len(red["curve"][key]) for key in ("low", "middle", "high")] == [len(red["curve"]["counts"])] * 3
    assert 0 < red["divergence"] <= 0.05
    assert red["unusual"] == [{"image": "a", "y": 19.5, "x": 5.5, "size": [37.0, 9.0]}]
    assert (by_class["WBC"]["boxes"], by_class["WBC"]["borrowed"]) == (2, "spread")  # held out: the others
    assert (by_class["Platelet"]["points"], by_class["Platelet"]["borrowed"]) == (40, "sizes")
    assert by_class["Platelet"]["curve"] is None


def test_boxes_and_cells_with_a_model(inkling: Inkling, boxed, model):
    told = inkling("guide", boxed, "--model", model, "--method", FAKE, "--json").json
    assert (told["threshold"], [row["class"] for row in told["boxes"]]) == (0.5, ["Platelet", "RBC", "WBC"])
    assert told["cells"]
    ended = inkling("guide", boxed, "--model", model, "--method", FAKE)
    assert "RBC: enough boxes (27), point the rest" in ended.out
    assert "cells to look at next:" in ended.out


def test_points_alone_are_not_asked_for_boxes_once_there_is_a_model(inkling: Inkling, guided):
    assert "boxes" not in inkling("guide", guided, "--method", FAKE).out


def test_another_model_than_the_projects_last(inkling: Inkling, guided, model):
    FakeModel(classes=("other",)).save(model)
    (guided / "models" / "0001-fake" / "model.json").write_text("{}")  # would be refused
    told = inkling("guide", guided, "--model", "model", "--method", FAKE, "--json").json
    assert [(row["image"], row["cells"]) for row in told["images"]] == [("b", 12), ("a", 12)]
    new = make_project(guided.with_name("new.inkling"), {"d": HintSet()})
    assert len(inkling("guide", new, "--model", model, "--method", FAKE, "--json").json["cells"]) == 11
    with Project.open(new) as project:
        assert project.models() == []
    said = inkling.refuses("guide", new, "--model", "images")
    assert said == "images is not a model: there is no model.json in it"


def test_a_model_that_cannot_be_read(inkling: Inkling, guided):
    ended = inkling("guide", guided)
    assert (ended.code, ended.out) == (2, "")
    told, reason = ended.err.splitlines()
    assert "which is not an installed method" in told
    assert reason == "inkling: the newest model could not predict any of 2 planes"
