"""Measurements of the plane on screen: all masks, each once, and again only where it changed."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from napari_inkling.core import FormatError, HintSet, Masks, Predictions, ProjectError
from napari_inkling.evaluation import measurements
from tests.session.conftest import A, B


def squares(*corners, side=4, **columns):
    return Masks.from_crops(corners, [np.ones((side, side))] * len(corners), **columns)


@pytest.fixture
def measured(session, monkeypatch):
    """A session with two drawn masks and a suggested one; ``counted`` is how many each run measured."""
    session.counted, whole = [], measurements.measuring

    def counting(masks, image):
        session.counted.append(len(masks))
        return whole(masks, image)

    monkeypatch.setattr(measurements, "measuring", counting)
    session.annotations.edit(HintSet(), HintSet(masks=squares((2, 2), (20, 20))), "draw", A)
    suggested = squares((30, 40), side=5, scores=0.8, sources="model")
    session.suggestions.put(A, Predictions(masks=suggested, radius=3.0))
    session.measuring.start()
    return session


def test_a_persons_masks_and_suggested_ones(measured):
    columns = measured.measuring.table.columns
    assert columns["area_px"].tolist() == [16, 16, 25]
    assert columns["source"].tolist() == ["human", "human", "model"]
    assert columns["id"].tolist() == [
        *measured.annotations.hints.masks.ids, *measured.suggestions.shown().masks.ids,
    ]  # fmt: skip


def test_only_what_changed_is_measured_again(measured):
    measured.measuring.start()
    row = measured.annotations.hints.masks.take([0])
    measured.masks.correct(row, squares((2, 2), side=6, ids=row.ids), "paint mask")
    measured.measuring.start()
    measured.review.accept(measured.suggestions.shown().masks.ids)
    measured.measuring.start()
    assert measured.counted == [3, 0, 1, 1]
    columns = measured.measuring.table.columns
    assert sorted(columns["area_px"].tolist()) == [16, 25, 36]
    order = np.argsort(columns["id"])
    assert columns["id"][order].tolist() == np.sort(measured.annotations.hints.masks.ids).tolist()
    held = measured.annotations.hints.masks
    assert columns["area_px"][order].tolist() == held.areas[np.argsort(held.ids)].tolist()


def test_it_tells_how_far_it_is_and_that_it_is_done(measured):
    told = []
    measured.measuring.progress.connect(lambda *counts: told.append(counts))
    measured.measuring.done.connect(lambda: told.append("done"))
    measured.annotations.undo()
    measured.annotations.edit(HintSet(), HintSet(masks=squares((8, 8))), "draw")
    measured.measuring.start()
    assert told == [(2, 2), "done"]


def test_each_plane_has_its_own(measured):
    measured.go_to(B)
    assert len(measured.measuring.table) == 0
    measured.measuring.start()
    assert len(measured.measuring.table) == 0


def test_as_csv(measured, tmp_path):
    assert measured.measuring.export(tmp_path / "cells.csv") == 3
    with (tmp_path / "cells.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["image"], row["area_px"]) for row in rows] == [("a", "16"), ("a", "16"), ("a", "25")]
    with pytest.raises(FormatError, match="cannot be written"):
        measured.measuring.export(tmp_path / "no" / "cells.csv")
    measured.go_to(B)
    with pytest.raises(FormatError, match="nothing was measured"):
        measured.measuring.export(tmp_path / "cells.csv")


def test_without_an_image(session):
    session.go_to(None)
    with pytest.raises(ProjectError, match="no image is shown"):
        session.measuring.start()
