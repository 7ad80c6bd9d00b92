"""`inkling guide`: the images and cells whose annotation helps most."""

from __future__ import annotations

import csv

import pytest

from napari_inkling.core import HintSet, PlaneRef, Points
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
    assert {cell["reason"] for cell in told["cells"]} == {REASONS[0]}
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
    assert [row["image"] for row in rows] == [line.split()[0] for line in lines[6:]]


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
