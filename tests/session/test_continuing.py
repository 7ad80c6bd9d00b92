"""Whether a training can go on from a model, told from its ``model.json``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from napari_inkling.methods.partial_points import PartialPointsSettings as Settings
from napari_inkling.session.continuing import has_learnt, still_lacks, why_anew
from tests.fake_method import FAKE

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
        (
            {**MADE, "heads": "centres"},
            "There are only points yet: it was stopped before outlines could be kept. Train on for them.",
        ),
        ({**MADE, "heads": "joint"}, ""),
        ({**MADE, "heads": "centres", "settings": {"masks": False}}, ""),  # nobody asked for them
        ({**MADE, "heads": 7}, ""),
        ({"method": "partial-points", "heads": "centres"}, ""),
        ({**MADE, "method": "boxes", "heads": "centres"}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_what_a_stopped_training_still_lacks(tmp_path, model, expected):
    if model is not None:
        (tmp_path / "model.json").write_text(json.dumps(model))
    assert still_lacks(tmp_path, "partial-points") == expected


def test_a_method_that_learns_all_at_once_lacks_nothing(tmp_path):
    (tmp_path / "model.json").write_text(json.dumps({**MADE, "method": FAKE, "heads": "centres"}))
    assert still_lacks(tmp_path, FAKE) == ""


def test_what_is_lacking_is_told_without_torch():
    code = (
        "import sys; from napari_inkling.methods import StagedMethod, get_method;"
        "assert isinstance(get_method('partial-points'), StagedMethod); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        ({**MADE, "trained_steps": 450}, {**MADE, "trained_steps": 450}, False),
        ({**MADE, "trained_steps": 460}, {**MADE, "trained_steps": 450}, True),
        ({**MADE, "trained_steps": 450}, MADE, True),
        (MADE, MADE, True),  # a method that does not say
        ({**MADE, "trained_steps": 450}, None, True),
        (None, {**MADE, "trained_steps": 450}, True),
    ],
)
def test_whether_a_training_has_learnt_itself(tmp_path, now, before, expected):
    for name, about in (("now", now), ("before", before)):
        (tmp_path / name).mkdir()
        if about is not None:
            (tmp_path / name / "model.json").write_text(json.dumps(about))
    assert has_learnt(tmp_path / "now", tmp_path / "before") is expected
