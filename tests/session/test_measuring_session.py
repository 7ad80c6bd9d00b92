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
    session.edit(HintSet(), HintSet(masks=squares((2, 2), (20, 20))), "draw", A)
    suggested = squares((30, 40), side=5, scores=0.8, sources="model")
    session._set_predictions(A, Predictions(masks=suggested, radius=3.0))
    session.measure()
    return session


def test_a_persons_masks_and_suggested_ones(measured):
    columns = measured.measurements.columns
    assert columns["area_px"].tolist() == [16, 16, 25]
    assert columns["source"].tolist() == ["human", "human", "model"]
    assert columns["id"].tolist() == [
        *measured.hints.masks.ids, *measured.suggestions().masks.ids,
    ]  # fmt: skip


def test_only_what_changed_is_measured_again(measured):
    measured.measure()
    row = measured.hints.masks.take([0])
    measured.correct(row, squares((2, 2), side=6, ids=row.ids), "paint mask")
    measured.measure()
    measured.accept(measured.suggestions().masks.ids)
    measured.measure()
    assert measured.counted == [3, 0, 1, 1]
    columns = measured.measurements.columns
    assert sorted(columns["area_px"].tolist()) == [16, 25, 36]
    order = np.argsort(columns["id"])
    assert columns["id"][order].tolist() == np.sort(measured.hints.masks.ids).tolist()
    held = measured.hints.masks
    assert columns["area_px"][order].tolist() == held.areas[np.argsort(held.ids)].tolist()


def test_it_tells_how_far_it_is_and_that_it_is_done(measured):
    told = []
    measured.measuring.connect(lambda *counts: told.append(counts))
    measured.measured.connect(lambda: told.append("done"))
    measured.undo()
    measured.edit(HintSet(), HintSet(masks=squares((8, 8))), "draw")
    measured.measure()
    assert told == [(2, 2), "done"]


def test_each_plane_has_its_own(measured):
    measured.go_to(B)
    assert len(measured.measurements) == 0
    measured.measure()
    assert len(measured.measurements) == 0


def test_as_csv(measured, tmp_path):
    assert measured.export_measurements(tmp_path / "cells.csv") == 3
    with (tmp_path / "cells.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["image"], row["area_px"]) for row in rows] == [("a", "16"), ("a", "16"), ("a", "25")]
    with pytest.raises(FormatError, match="cannot be written"):
        measured.export_measurements(tmp_path / "no" / "cells.csv")
    measured.go_to(B)
    with pytest.raises(FormatError, match="nothing was measured"):
        measured.export_measurements(tmp_path / "cells.csv")


def test_without_an_image(session):
    session.go_to(None)
    with pytest.raises(ProjectError, match="no image is shown"):
        session.measure()
