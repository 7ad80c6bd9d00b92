"""`inkling measure`: a table of every cell that has a mask."""

from __future__ import annotations

import csv

import numpy as np
import pytest
import tifffile

from napari_inkling.core import HintSet, Masks, Points
from tests.cli.driving import Inkling, make_project


@pytest.fixture
def project(here):
    two = Masks.from_crops([(2, 3), (20, 30)], [np.ones((4, 4)), np.ones((2, 10))])
    one = Masks.from_crops([(0, 0)], [np.ones((3, 3))])
    hints = {"a": HintSet(masks=two), "b": HintSet(masks=one), "c": HintSet(Points([[5, 5]]))}
    return make_project(here / "study.inkling", hints)


def test_one_row_for_each_mask(inkling: Inkling, project, here):
    told = inkling("measure", project, "--out", "cells.csv", "--json").json
    assert told == {"path": "cells.csv", "cells": 3, "images": {"a": 2, "b": 1}, "left_out": []}
    with (here / "cells.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["image"], row["area_px"], row["y_px"]) for row in rows] == [
        ("a", "16", "3.5"), ("a", "20", "20.5"), ("b", "9", "1"),
    ]  # fmt: skip
    pixels = tifffile.imread(here / "images" / "a.tif")
    assert float(rows[0]["mean_intensity"]) == pytest.approx(pixels[2:6, 3:7].mean(), rel=1e-4)


def test_an_image_that_is_gone_is_left_out(inkling: Inkling, project, here):
    (here / "images" / "b.tif").unlink()
    ended = inkling("measure", project, "--out", "cells.csv")
    assert ended.out == "cells.csv: 2 cells on 1 plane, 1 left out\n"
    assert "inkling: b is left out: " in ended.err
    (here / "images" / "a.tif").unlink()
    ended = inkling("measure", project, "--out", "cells.csv")
    assert ended.code == 2
    assert "none of 2 planes can be read: a, b" in ended.err


def test_without_masks(inkling: Inkling, here):
    folder = make_project(here / "new.inkling", {"a": HintSet(Points([[5, 5]]))})
    assert "has no masks to measure" in inkling.refuses("measure", folder, "--out", "cells.csv")
