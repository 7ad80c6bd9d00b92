"""Import and export, as the dock drives them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_inkling.core import HintSet, InklingError, Masks, Points, Predictions
from napari_inkling.session import Session

from .conftest import A, B, Heard, points


def test_annotations_go_out_and_come_back(session: Session, heard: Heard, tmp_path: Path) -> None:
    session.annotations.edit(HintSet(), points((3, 4), (5, 6)), "add points")
    path = session.files.export(tmp_path / "points.csv", "points-csv")
    session.annotations.undo()
    heard.clear()
    result = session.files.import_annotations(path, "points-csv")
    assert len(session.annotations.hints) == 2
    assert list(result.hints) == ["a"]
    assert heard("hints_changed") == [A]
    with pytest.raises(InklingError, match="format"):
        session.files.export(tmp_path / "x", "docx")


@pytest.mark.parametrize(("what", "count"), [("hints", 2), ("suggestions", 3), ("both", 5)])
def test_export_of_what_is_asked_for(reviewed: Session, tmp_path: Path, what: str, count: int) -> None:
    path = reviewed.files.export(tmp_path / "out.json", "coco", what)  # type: ignore[arg-type]
    assert len(json.loads(path.read_text())["annotations"]) == count


@pytest.mark.parametrize(("what", "cells"), [("hints", 3), ("suggestions", 3), ("both", 6)])
def test_points_are_drawn_as_large_as_the_cells_are(
    reviewed: Session, tmp_path: Path, what: Any, cells: int
) -> None:
    reviewed.annotations.edit(HintSet(), points((20, 40)), "add point")
    y, x = np.mgrid[-9:10, -9:10]
    for radius in (3.0, 4.5):  # the model's, then the person's
        path = reviewed.files.export(tmp_path / "a.tif", "masks", what, ["a"])
        areas = np.bincount(tifffile.imread(path).ravel())[1:]
        disk = np.count_nonzero(np.hypot(y, x) <= radius)
        assert len(areas) == cells
        assert areas.max() == disk
        reviewed.radius.chosen = 4.5


@pytest.mark.parametrize("what", ["hints", "suggestions", "both"])
def test_export_of_some_images(reviewed: Session, heard: Heard, tmp_path: Path, what: Any) -> None:
    reviewed.annotations.edit(HintSet(), points((5, 5)), "add point", B)
    heard.clear()
    path = reviewed.files.export(tmp_path / "out.csv", "points-csv", what, ["a"])
    assert {line["image"] for line in csv.DictReader(path.read_text().splitlines())} == {"a"}
    assert heard("message") == []  # nothing of it is left out
    reviewed.files.export(tmp_path / "all.csv", "points-csv", what)
    says = [("info", "1 plane has not been searched as a whole yet: predict first.")]
    assert heard("message") == ([] if what == "hints" else says)


def test_a_removed_image_is_not_said_to_be_left_out(reviewed: Session, heard: Heard, tmp_path: Path) -> None:
    reviewed.images.remove("a")
    reviewed.annotations.edit(HintSet(), points((5, 5)), "add point", B)
    reviewed.files.export(tmp_path / "all.csv", "points-csv", "both")
    assert heard("message") == [("info", "1 plane has not been searched as a whole yet: predict first.")]


def test_the_outline_around_a_marked_cell_is_that_cells(session: Session, tmp_path: Path) -> None:
    session.annotations.edit(HintSet(), points((12, 13), (30, 30)), "add points")
    labels = np.zeros((40, 60), np.int64)
    labels[10:16, 10:16], labels[2:6, 40:46] = 1, 2
    masks = Masks.from_labels(labels, sources="model", scores=0.9)
    alone = Points([[4, 43]], sources="model", scores=0.9, ids=masks.ids[1:])
    session.suggestions.put(A, Predictions(alone, radius=3.0, masks=masks))
    path = session.files.export(tmp_path / "out.json", "coco", "both")
    cells = json.loads(path.read_text())["annotations"]
    assert len(cells) == 3  # marked with an outline, marked without, and suggested
    assert sum("segmentation" in cell and bool(cell["segmentation"]) for cell in cells) == 2
    session.review.accept_above()
    path = session.files.export(tmp_path / "accepted.json", "coco", "both")
    assert len(json.loads(path.read_text())["annotations"]) == 3
    tif = session.files.export(tmp_path / "a.tif", "masks", "both", ["a"])
    assert sorted(np.bincount(tifffile.imread(tif).ravel())[1:].tolist())[1:] == [29, 36]
