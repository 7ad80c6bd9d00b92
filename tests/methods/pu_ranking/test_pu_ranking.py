"""The method as a whole, on drawn disks; what every method must keep to is in test_contract."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest

from napari_inkling import core
from napari_inkling.core import (
    BACKGROUND,
    Boxes,
    HintSet,
    Image,
    Notice,
    PlaneRef,
    Points,
    Preview,
    PseudoLabels,
    Round,
    Step,
    TrainingData,
    TrainingImage,
)
from napari_inkling.methods import _showing
from napari_inkling.methods.pu_ranking import PuRanking, rounds, task
from napari_inkling.methods.pu_ranking.candidates import Chosen, fair_sample
from napari_inkling.supervision import IGNORE, UNMARKED
from napari_inkling.supervision.class_prior import ClassPrior
from napari_inkling.supervision.losses import weighted_mse
from napari_inkling.supervision.pseudo_labels import PseudoLabels as Labels
from napari_inkling.training import loop, working_image
from napari_inkling.training.pieces import finish
from napari_inkling.training.working_image import WorkingImage
from tests.methods.drawing import CENTRES, RADIUS, boxed, clicks, data, image, tissue

METHOD = PuRanking()
SMALL = {
    "steps": 24,
    "rounds": 2,
    "batch": 4,
    "crop": 64,
    "width": 8,
    "views": 1,
    "pretrained": False,
    "radius": RADIUS,
}


#: How much so many clicks count beside the number of cells.
W12, W4 = 12 / (12 + 150), 4 / (4 + 150)


def fit(what: TrainingData | None = None, *, start=None, preset="quick", **settings):
    chosen = METHOD.Settings.preset(preset, **{**SMALL, **settings})
    running = METHOD.fit(what or data(), chosen, device="cpu", start=start)
    events = []
    while True:
        try:
            events.append(next(running))
        except StopIteration as end:
            return events, end.value


def task_of(what: TrainingData):
    return finish(task.prepare(what, METHOD.Settings.preset("quick", **SMALL), "cpu", 0, None))


def of_kind(events, kind):
    return [event for event in events if isinstance(event, kind)]


def near_a_cell(points: Points) -> np.ndarray:
    return np.hypot(*(points.coordinates[:, None] - CENTRES).transpose(2, 0, 1)).min(1) < RADIUS


def test_it_finds_what_was_not_marked():
    _, model = fit(steps=60)
    found = model.predict(image(tissue(seed=5))).above(0.5).points
    assert near_a_cell(found).all()
    missed = np.hypot(*(CENTRES[:, None] - found.coordinates).transpose(2, 0, 1)).min(1) >= RADIUS
    assert missed.sum() <= 1


def test_pseudo_labels_are_told_round_by_round():
    events, _ = fit(steps=60, zoom=0.0)  # all drawn cells are as large, and the steps few
    told = of_kind(events, PseudoLabels)
    assert [own.round for own in told] == [1, 2]
    last = told[-1]
    assert len(last.cells) and near_a_cell(last.cells).mean() > 0.7
    assert len(last.background) > 5 and near_a_cell(last.background).mean() < 0.15
    for rows in (last.cells, last.background):
        assert set(rows.sources) == {"model"} and ((rows.scores > 0) & (rows.scores < 1)).all()
    assert set(last.cells.classes) | set(last.background.classes) == {"cell"}


def test_the_least_sure_are_told(monkeypatch):
    monkeypatch.setattr(rounds, "MOST_TOLD", 3)
    few = of_kind(fit()[0], PseudoLabels)
    monkeypatch.setattr(rounds, "MOST_TOLD", 10_000)
    every = of_kind(fit()[0], PseudoLabels)
    for shown, chosen in zip(few, every, strict=True):
        assert len(shown.background) == 3 < len(chosen.background)
        assert shown.background.scores.max() <= np.sort(chosen.background.scores)[3]


def test_what_was_chosen_is_learnt(monkeypatch):
    seen = []
    train_round = rounds.train_round

    def watched(own, targets):
        seen.append((own.round, targets[0].copy()))
        yield from train_round(own, targets)

    monkeypatch.setattr(rounds, "train_round", watched)
    events, _ = fit()
    (_, first), *others = seen
    assert [number for number, _ in seen] == [0, 1, 2]
    for told, (_, later) in zip(of_kind(events, PseudoLabels), others, strict=True):
        chosen = len(told.cells) + len(told.background)
        newly = (first == UNMARKED) & (later != UNMARKED)
        assert chosen and newly.sum() > chosen  # a disk each, that was unknown


def test_no_rounds_no_pseudo_labels():
    events, _ = fit(rounds=0)
    assert not of_kind(events, PseudoLabels) and [r.round for r in of_kind(events, Round)] == [0]


def test_what_a_person_says_meanwhile_counts_in_the_next_round(monkeypatch):
    """A cell and a place that is none, marked during the first round, are targets of the next."""
    answers = []
    given = []
    ref = data().watch
    more = HintSet(Points(CENTRES[:8])).joined(HintSet(Points([CENTRES[9]], classes=BACKGROUND)))

    def newest():
        return {ref: more} if given else {}

    train_round = rounds.train_round

    def watched(own, targets):
        answers.append([(own.fields[0].field.marked.shape[0], len(own.fields[0].background))])
        given.append(True)
        yield from train_round(own, targets)

    monkeypatch.setattr(rounds, "train_round", watched)
    what = TrainingData(data().train, watch=ref, newest_hints=newest)
    events, _ = fit(what)
    assert answers[0] == [(6, 0)] and answers[1] == [(8, 1)]
    told = of_kind(events, PseudoLabels)
    places = np.concatenate([rows.coordinates for own in told for rows in (own.cells, own.background)])
    known = np.vstack([CENTRES[:8], CENTRES[9:10]])
    assert np.hypot(*(places[:, None] - known).transpose(2, 0, 1)).min() >= RADIUS - 1e-6


def test_a_class_that_came_meanwhile_waits():
    ref = data().watch
    points = Points(CENTRES[:7], classes=np.array(["cell"] * 6 + ["new"], object))
    more = HintSet(points, boxed(CENTRES[7:8], "newer").boxes)
    _, model = fit(TrainingData(data().train, watch=ref, newest_hints=lambda: {ref: more}))
    assert model.classes == ("cell",)


@pytest.mark.parametrize("left", [0, 1])
def test_marks_that_were_removed_meanwhile(left):
    """With too few left to learn from it goes on with those before, and says so."""
    ref = data().watch
    what = TrainingData(data().train, watch=ref, newest_hints=lambda: {ref: clicks(left)})
    events, _ = fit(what)
    assert "Hardly a cell is marked" in of_kind(events, Notice)[0].text
    assert [own.round for own in of_kind(events, Round)] == [0, 1, 2]


def test_a_plane_that_was_marked_meanwhile_is_learnt_from(monkeypatch):
    """The plane on screen, without a hint when the training began."""
    bare = TrainingImage(image(tissue(seed=3), "bare"))
    planes = (*data().train, bare)
    ref = bare.image.ref
    what = TrainingData(planes, watch=ref, newest_hints=lambda: {ref: clicks(5)})
    told = of_kind(fit(what)[0], PseudoLabels)
    assert {own.image.image for own in told} == {"drawn", "bare"}


def test_pixels_are_not_read_again(monkeypatch):
    reads = []
    read = WorkingImage.read
    monkeypatch.setattr(WorkingImage, "read", lambda self, w: reads.append(w) or read(self, w))
    monkeypatch.setattr(rounds, "_offer", lambda task: iter(()))  # previews read, too
    ref = data().watch
    fit(TrainingData(data().train, watch=ref, newest_hints=lambda: {ref: clicks(7)}))
    assert len(reads) == 1


def test_accepted_cells_are_no_sample():
    """The threshold rests on ten clicks, however many suggestions were accepted."""
    sources = np.array(["human"] * 10 + ["accepted"] * 6, object)
    hints = HintSet(Points(CENTRES, sources=sources))
    (part,) = task_of(data(hints=hints)).fields
    np.testing.assert_array_equal(part.unprompted, sources == "human")
    np.testing.assert_array_equal(fair_sample(part.unprompted), sources == "human")
    assert fair_sample(part.unprompted[8:]).all()


def test_the_first_answer_comes_before_any_step():
    events, _ = fit()
    first = next(n for n, event in enumerate(events) if isinstance(event, Preview))
    assert not any(isinstance(event, Step) and event.losses for event in events[:first])
    assert not events[first].whole and near_a_cell(events[first].predictions.points).all()


def test_training_that_goes_on_begins_with_pseudo_labels():
    _, first = fit()
    events, second = fit(start=first)
    assert not of_kind(events, Notice)
    assert [own.round for own in of_kind(events, Round)] == [1, 2]
    assert second.description.trained_steps == 24 + round(0.4 * 24)
    other, _ = fit(start=first, width=4)
    assert "width changed" in of_kind(other, Notice)[0].text


def test_training_on_without_rounds_learns_from_the_hints():
    _, first = fit()
    events, second = fit(start=first, rounds=0)
    assert second.description.trained_steps > first.description.trained_steps
    assert [own.round for own in of_kind(events, Round)] == [0]


def test_no_round_begins_when_the_minutes_are_over():
    events, _ = fit(steps=3000, minutes=0.0001)
    assert not of_kind(events, PseudoLabels) and [own.round for own in of_kind(events, Round)] == [0]


def test_minutes_end_it(monkeypatch):
    looks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: next(looks) / 100)
    for module in (loop, _showing, task):
        monkeypatch.setattr(module, "time", clock)
    events, last = fit(steps=100_000, minutes=0.01)
    learnt = [step for step in of_kind(events, Step) if step.losses]
    assert 15 < learnt[-1].step < 60 and learnt[-1].step == last.description.trained_steps


def test_as_published():
    events, model = fit(
        preset="as-published",
        steps=6,
        rounds=1,
        width=4,
        crop=64,
        batch=2,
        patch_steps=2,
        alpha=0.2,
        beta=0.2,
    )
    assert of_kind(events, PseudoLabels) and model.description.scale == 1.0
    assert model.description.threshold == 0.5


@pytest.mark.parametrize("mask", ["plain", "disks"])
def test_the_paper_s_other_arms(mask):
    events, _ = fit(mask=mask, rounds=0, steps=4)
    assert not of_kind(events, PseudoLabels)


def test_what_is_unmarked_is_not_what_nobody_labelled():
    unlabelled = Boxes(np.array([(60.0, 60.0, 90.0, 90.0)]), core.IGNORE)
    running = task_of(data(hints=HintSet(clicks(4).points, unlabelled)))
    ((heat_map,),) = finish(rounds.targets(running))
    scale = running.about.scale
    assert heat_map[round(100 * scale), round(5 * scale)] == UNMARKED
    inside = slice(round(62 * scale), round(88 * scale))
    assert (heat_map[inside, inside] == IGNORE).all()
    assert (heat_map == 0).any() and heat_map.max() > 0.9


@pytest.mark.parametrize(("setting", "weight"), [(None, 4 / 104), (0.0, 0.0), (0.3, 0.3)])
def test_what_is_unmarked_weighs_as_the_clicks_tell(monkeypatch, setting, weight):
    weights = []

    def watched(logits, mask, foreground_weight, unmarked_weight):
        weights.append(unmarked_weight)
        return weighted_mse(logits, mask, foreground_weight, unmarked_weight)

    monkeypatch.setattr(rounds, "weighted_mse", watched)
    fit(data(hints=clicks(4)), unmarked_weight=setting, rounds=0, steps=2)
    assert weights == [pytest.approx(weight)] * 2


@pytest.mark.parametrize(
    ("clicked", "at_clicks", "at_most", "as_many"),
    [
        (12, 0.6, 0.6**W12 * 0.1 ** (1 - W12), 0.6**W12 * 0.3 ** (1 - W12)),  # drawn towards the counts
        (12, 0.2, 0.2**W12 * 0.1 ** (1 - W12), 0.2),  # the number of cells never raises it
        (4, 0.2, 0.2**W4 * 0.1 ** (1 - W4), 0.2**W4 * 0.3 ** (1 - W4)),  # but with few clicks it does
    ],
)
def test_the_number_of_cells_lowers_the_threshold(monkeypatch, clicked, at_clicks, at_most, as_many):
    monkeypatch.setattr(rounds, "threshold_at_clicks", lambda *_: at_clicks)
    monkeypatch.setattr(rounds, "threshold_for_count", lambda _, count, lowest: {40: 0.3, 70: 0.1}[count])
    running = task_of(data(hints=clicks(clicked)))
    nothing = np.zeros(0, np.int64)
    labels = Labels(nothing, nothing, np.zeros(0), np.zeros(0))
    finish(rounds.end_round(running, Chosen(labels, ClassPrior(0.3, 0.1, 0.9), cells=40, at_most=70)))
    assert running.about.threshold == pytest.approx(np.sqrt(at_most * as_many))


def test_marks_at_the_border():
    edge = np.array([(0.0, 0.0), (103.4, 50.0), (50.0, -0.4), *CENTRES[:3]])
    _, model = fit(data(hints=HintSet(Points(edge))), steps=4)
    assert len(model.predict(image()).points.coordinates) < 200


def test_every_cell_marked():
    events, _ = fit(data(hints=clicks(len(CENTRES))))
    assert all(not near_a_cell(own.cells).any() for own in of_kind(events, PseudoLabels) if len(own.cells))


def test_images_of_different_size_and_depth():
    grey = tissue()
    planes = (
        TrainingImage(Image(PlaneRef("8 bit"), grey), clicks(5)),
        TrainingImage(Image(PlaneRef("16 bit"), (grey[:80, :96] * np.uint16(150))), clicks(5)),
        TrainingImage(Image(PlaneRef("float"), (grey / 255).astype(np.float32)), HintSet()),
    )
    events, model = fit(TrainingData(planes, watch=planes[0].image.ref))
    told = of_kind(events, PseudoLabels)
    assert {own.image.image for own in told} == {"8 bit", "16 bit"}
    assert all(len(model.predict(plane.image).points) for plane in planes)


def test_a_large_plane_is_learnt_in_parts(monkeypatch):
    monkeypatch.setattr(working_image, "LARGEST_FIELD", 60)
    monkeypatch.setattr(working_image, "FIELD", 48)
    events, _ = fit()
    told = of_kind(events, PseudoLabels)
    assert len(told) == 2  # one for each round: the parts are of one plane
    inside = told[-1].background.coordinates
    assert ((inside > -0.5) & (inside < 103.5)).all()
    previews = of_kind(events, Preview)
    assert previews and not any(own.whole for own in previews)
