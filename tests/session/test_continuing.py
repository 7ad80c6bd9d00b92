"""Whether a training can go on from a model, told from its ``model.json``."""

from __future__ import annotations

import json

import pytest

from napari_inkling.methods.partial_points import PartialPointsSettings as Settings
from napari_inkling.session.continuing import lacks_outlines, why_anew

QUICK = Settings()
MADE = {"method": "partial-points", "classes": ["cell"], "settings": json.loads(QUICK.model_dump_json())}


@pytest.mark.parametrize(
    ("model", "settings", "classes", "expected"),
    [
        (MADE, QUICK, ["cell"], ""),
        (MADE, Settings.preset("standard"), ["cell"], ""),
        (MADE, Settings.preset("as-published"), ["cell"], "the last model has another network"),
        (MADE, Settings(width=32), ["cell"], "the last model has another width"),
        (MADE, Settings(working_diameter=20), ["cell"], "the last model has another working diameter"),
        (MADE, QUICK, ["cell", "nucleus"], "the last model has other classes"),
        (MADE, QUICK, [], "the last model has other classes"),
        ({**MADE, "classes": ["b", "a"]}, QUICK, ["a", "b"], ""),
        ({**MADE, "method": "boxes"}, QUICK, ["cell"], "the last model is of another method"),
        ({"method": "partial-points"}, QUICK, ["cell"], ""),
        ({}, QUICK, ["cell"], "the last model cannot be read"),
        ([], QUICK, ["cell"], "the last model cannot be read"),
        (None, QUICK, ["cell"], "the last model cannot be read"),
    ],
)
def test_why_anew(tmp_path, model, settings, classes, expected):
    if model is not None:
        (tmp_path / "model.json").write_text(json.dumps(model))
    assert why_anew(tmp_path, "partial-points", settings, classes) == expected


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({**MADE, "heads": "centres"}, True),
        ({**MADE, "heads": "joint"}, False),
        ({**MADE, "heads": "centres", "settings": {"masks": False}}, False),  # nobody asked for them
        ({"method": "boxes"}, False),
        ([], False),
        (None, False),
    ],
)
def test_lacks_outlines(tmp_path, model, expected):
    if model is not None:
        (tmp_path / "model.json").write_text(json.dumps(model))
    assert lacks_outlines(tmp_path) is expected
