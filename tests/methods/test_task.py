from __future__ import annotations

import pytest

from napari_inkling.methods._task import steps_for
from napari_inkling.methods.partial_points import PartialPointsSettings


@pytest.mark.parametrize(
    ("preset", "clicks", "steps"),
    [
        ("quick", 5000, 700),
        ("quick", 500, 700),
        ("quick", 250, 284),  # 700 · 0.5 ** 1.3
        ("quick", 20, 60),
        ("standard", 595, 3000),
        ("standard", 250, 1218),
        ("standard", 2, 60),
        ("as-published", 2, 3840),
    ],
)
def test_few_clicks_are_not_learnt_by_heart(preset, clicks, steps):
    assert steps_for(PartialPointsSettings.preset(preset), clicks) == steps


@pytest.mark.parametrize(
    ("chosen", "steps"), [({"steps": 8}, 8), ({"steps": 1000, "enough": 10}, 1000), ({"enough": None}, 700)]
)
def test_what_a_person_sets_counts(chosen, steps):
    assert steps_for(PartialPointsSettings(**chosen), 10) == steps
