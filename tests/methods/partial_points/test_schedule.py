from __future__ import annotations

import pytest

from napari_inkling.methods.partial_points import PartialPointsSettings
from napari_inkling.methods.partial_points.schedule import Span, mask_steps_for, plan_of, steps_for
from napari_inkling.training.loop import Plan


@pytest.mark.parametrize(
    ("preset", "clicks", "steps"),
    [
        ("quick", 5000, 450),
        ("quick", 350, 450),
        ("quick", 175, 183),  # 450 · 0.5 ** 1.3
        ("quick", 20, 60),
        ("standard", 595, 1400),
        ("standard", 200, 569),
        ("standard", 2, 60),
        ("as-published", 2, 3840),
    ],
)
def test_few_clicks_are_not_learnt_by_heart(preset, clicks, steps):
    assert steps_for(PartialPointsSettings.preset(preset), clicks) == steps


@pytest.mark.parametrize(
    ("pixels", "steps"), [(40_000, 60), (300_000, 60), (500_000, 100), (2_000_000, 400), (9_000_000, 450)]
)
def test_few_clicks_on_many_images_take_more_steps(pixels, steps):
    assert steps_for(PartialPointsSettings(), 20, pixels) == steps
    assert steps_for(PartialPointsSettings(), 20, pixels, continued=True) <= steps


@pytest.mark.parametrize(("clicks", "pixels", "steps"), [(20, 0, 150), (175, 0, 183), (20, 2_000_000, 400)])
def test_random_weights_take_more_steps(clicks, pixels, steps):
    assert steps_for(PartialPointsSettings(), clicks, pixels, from_random=True) == steps


@pytest.mark.parametrize(
    ("chosen", "steps"), [({"steps": 8}, 8), ({"steps": 1000, "enough": 10}, 1000), ({"enough": None}, 450)]
)
def test_what_a_person_sets_counts(chosen, steps):
    assert steps_for(PartialPointsSettings(**chosen), 10) == steps


@pytest.mark.parametrize(("clicks", "steps"), [(5000, 158), (175, 64), (90, 60), (2, 60)])
def test_training_on_takes_less_but_not_too_little(clicks, steps):
    assert steps_for(PartialPointsSettings(), clicks, continued=True) == steps


def test_training_on_never_takes_more_than_was_asked_for():
    assert steps_for(PartialPointsSettings(steps=8), 90, continued=True) == 8


@pytest.mark.parametrize(
    ("chosen", "clicks", "fresh", "continued"),
    [
        ({}, 5000, 300, 150),
        ({}, 20, 300, 150),
        ({"mask_steps": 1000, "enough": 200}, 100, 406, 150),  # 1000 · 0.5 ** 1.3, and 35 % of it
        ({"mask_steps": 100}, 20, 100, 100),
        ({"masks": False}, 5000, 0, 0),
    ],
)
def test_outlines_take_steps_of_their_own(chosen, clicks, fresh, continued):
    settings = PartialPointsSettings(**chosen)
    assert mask_steps_for(settings, clicks) == fresh
    assert mask_steps_for(settings, clicks, continued=True) == continued


@pytest.mark.parametrize(
    ("had", "steps", "centres"),
    [
        (None, 100 + 300, 100),  # from the beginning, the first time or again
        ("centres", 60 + 300, 60),  # on the last weights
        ("joint", 150, 0),  # both at once
    ],
)
def test_what_weights_know_takes_fewer_steps(had, steps, centres):
    plan, span = plan_of(PartialPointsSettings(), 20, 500_000, had)
    assert (plan.steps, span.at(1)) == (steps, centres)


def test_a_stage_keeps_its_share_of_a_plan_that_changes():
    plan = Plan(200)
    span = Span(plan, 0.6, 1.0)
    plan.done = 139
    assert [span.at(share) for share in (0, 0.5, 1)] == [120, 160, 200]
    assert span.progress == 0.25
    plan.steps = 150
    assert [span.at(share) for share in (0, 0.5, 1)] == [90, 120, 150]
    assert span.progress == pytest.approx(50 / 60)
