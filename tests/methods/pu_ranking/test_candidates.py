"""Unmarked places, what is told of them, and how many are chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, IGNORE, Boxes, HintSet, Points, SettingsError
from napari_inkling.methods.pu_ranking import PuRanking, candidates
from napari_inkling.methods.pu_ranking.candidates import Candidates, Chosen, choose, find
from napari_inkling.methods.pu_ranking.task import Task, prepare
from napari_inkling.supervision.class_prior import ClassPrior
from napari_inkling.training.pieces import finish
from napari_inkling.training.working_image import WorkingImage
from tests.methods.drawing import CENTRES, RADIUS, clicks, data

METHOD = PuRanking()


def task(hints: HintSet | None = None, **settings) -> Task:
    chosen = METHOD.Settings.preset(
        "quick", **{"width": 4, "pretrained": False, "radius": RADIUS, **settings}
    )
    return finish(prepare(data(hints=hints), chosen, "cpu", 0, None))


def places_on_image(found: Candidates, own: Task) -> np.ndarray:
    part = own.fields[0]
    return WorkingImage(part.image, own.about.scale, own.about.intensity).to_image(found.places)


def features(cells: int = 30, others: int = 60, seed: int = 0) -> Candidates:
    """Peaks of which half look like the marked cells, and as many empty places that do not."""
    random = np.random.default_rng(seed)
    marked = random.normal(3, 1, (20, 4))
    places = np.concatenate([random.normal(3, 1, (cells, 4)), random.normal(0, 1, (cells + others, 4))])
    count = len(places)
    return Candidates(
        field=np.zeros(count, np.int64),
        places=random.uniform(0, 80, (count, 2)),
        channels=np.zeros(count, np.int64),
        is_peak=np.arange(count) < 2 * cells,
        features=places,
        marked=marked,
        unprompted=np.ones(len(marked), bool),
    )


def of_places(found: Candidates, some: slice) -> Candidates:
    return Candidates(
        *(column[some] for column in list(vars(found).values())[:5]), found.marked, found.unprompted
    )


def test_nothing_that_is_known_is_a_candidate():
    hints = clicks(4).joined(
        HintSet(Points(CENTRES[4:6], classes=BACKGROUND), Boxes([(50, 50, 104, 104)], classes=IGNORE))
    )
    own = task(hints)
    found = finish(find(own))
    places = places_on_image(found, own)
    known = CENTRES[:6]
    assert len(places) > 20 and found.is_peak.any() and not found.is_peak.all()
    assert np.hypot(*(places[:, None] - known).transpose(2, 0, 1)).min() >= RADIUS - 1e-6
    assert not (np.round(places) > 50).all(axis=1).any()


def test_empty_places_lie_apart_from_peaks():
    own = task()
    found = finish(find(own))
    peaks, empty = found.places[found.is_peak], found.places[~found.is_peak]
    assert np.hypot(*(empty[:, None] - peaks).transpose(2, 0, 1)).min() >= own.fields[0].r1 - 1e-6


def test_without_empty_places():
    found = finish(find(task(empty_places=0)))
    assert found.is_peak.all()


def test_what_is_told_of_each_place_and_of_each_marked_cell():
    found = finish(find(task()))
    assert found.features.shape[0] == len(found.places) and found.marked.shape[0] == 6
    assert (
        found.features.shape[1] == found.marked.shape[1] == 2 * (32 + 16 + 8 + 4)
    )  # width 4, three halvings
    assert np.isfinite(found.features).all()


@pytest.mark.parametrize(("round_number", "part"), [(1, 0.4), (2, 0.6), (3, 0.8)])
def test_the_curriculum_chooses_a_growing_part_of_what_there_is(round_number, part):
    own, found = task(prior=0.5, first_chosen=0.4, last_chosen=0.8), features()
    own.round = round_number
    chosen = finish(choose(own, found)).labels
    # 30 of 60 peaks are cells; 90 of all 120 places are background
    assert len(chosen.cells) == pytest.approx(part * 30, abs=1)
    assert len(chosen.background) == pytest.approx(part * 90, abs=1)
    assert (chosen.cells < 30).mean() > 0.9 and (chosen.background >= 30).all()


@pytest.mark.parametrize(
    ("marked", "cells"),
    [
        (2, 6),  # a tenth of 60 peaks, by the lower end
        (20, 20),  # as many as are marked
        (50, 30),  # but no more than the estimate
    ],
)
def test_as_many_are_chosen_as_there_are_at_least(monkeypatch, marked, cells):
    prior = ClassPrior(0.5, 0.1, 0.8)
    monkeypatch.setattr(candidates, "estimate_class_prior", lambda *_: prior)
    own, found = task(first_chosen=0.4), features()
    own.round = 1
    rows = np.repeat(found.marked, 3, axis=0)[:marked]
    chosen = finish(choose(own, replace(found, marked=rows, unprompted=np.ones(marked, bool))))
    assert chosen.prior == prior
    assert len(chosen.labels.cells) == round(0.4 * cells)
    assert len(chosen.labels.background) == round(0.4 * (120 - 0.8 * 60))


@pytest.mark.parametrize("prior", [0.1, 0.3, 0.7])
def test_everything_may_be_chosen(prior):
    own, found = task(prior=prior, first_chosen=1, last_chosen=1), features()
    own.round = 1
    chosen = finish(choose(own, found)).labels
    assert len(chosen.cells) + len(chosen.background) == 120


def test_the_prior_is_estimated():
    own, found = task(), features(cells=100, others=0)
    own.round = 1
    chosen = finish(choose(own, found))
    assert isinstance(chosen, Chosen) and chosen.prior is not None
    assert chosen.prior.low < 0.5 < chosen.prior.high and abs(chosen.prior.estimate - 0.5) < 0.15
    # 20 are marked
    assert chosen.cells == pytest.approx(20 + 200 * chosen.prior.middle, abs=1)
    assert chosen.at_most == pytest.approx(20 + 200 * chosen.prior.high, abs=1)


def test_fixed_shares_need_no_prior():
    own, found = task(choice="fixed", alpha=0.1, beta=0.2), features()
    chosen = finish(choose(own, found))
    assert chosen.prior is None and chosen.cells == chosen.at_most == 0
    assert (len(chosen.labels.cells), len(chosen.labels.background)) == (12, 24)


def test_a_place_without_a_peak_never_becomes_a_cell():
    own, found = task(choice="fixed", alpha=0.5, beta=0.0), features(cells=10, others=40)
    chosen = finish(choose(own, found)).labels
    assert found.is_peak[chosen.cells].all() and len(chosen.cells)


def test_every_cell_marked_leaves_no_peak_to_choose():
    found = features()
    none = of_places(found, slice(60, None))
    own = task()
    own.round = 1
    chosen = finish(choose(own, none)).labels
    assert not len(chosen.cells) and len(chosen.background)


def test_no_unmarked_place_at_all():
    found = features()
    none = of_places(found, slice(0))
    own = task()
    own.round = 1
    chosen = finish(choose(own, none)).labels
    assert not len(chosen.cells) and not len(chosen.background)


def test_all_places_alike():
    found = features()
    alike = np.ones_like(found.features)
    same = replace(found, features=alike)
    own = task()
    own.round = 1
    chosen = finish(choose(own, same)).labels
    assert not len(chosen.cells) and not len(chosen.background)


@pytest.mark.parametrize("prior", [0, 1, -0.2, 1.5])
def test_a_prior_outside_of_0_to_1_is_refused(prior):
    with pytest.raises(SettingsError, match="setting prior = "):
        METHOD.Settings.preset("quick", prior=prior)
