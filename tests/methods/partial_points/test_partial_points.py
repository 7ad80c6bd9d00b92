"""What is particular to partial points, beyond the contract of all methods; centres only."""

from __future__ import annotations

import copy
from functools import partial
from itertools import islice

import numpy as np
import pytest
import torch

from napari_inkling.core import (
    DISAGREEMENT,
    Checkpoint,
    HintSet,
    Image,
    ImageError,
    Notice,
    PlaneRef,
    Points,
    Preview,
    Step,
    TrainingImage,
)
from napari_inkling.evaluation import match_points
from napari_inkling.methods import _showing, get_method
from napari_inkling.methods.partial_points import detection_model, disagreement, rounds
from napari_inkling.methods.partial_points.detection_model import DetectionModel
from napari_inkling.training import working_image
from napari_inkling.training.tiling import predict_tiles
from tests.methods import test_contract as contract
from tests.methods.drawing import CENTRES, RADIUS, clicks, data, image, tissue
from tests.methods.test_contract import drained

METHOD = get_method("partial-points")
fit, tiny = partial(contract.fit, masks=False), partial(contract.tiny, masks=False)


@pytest.fixture(scope="module")
def model() -> DetectionModel:
    return fit(METHOD)[1]


@pytest.fixture
def large_planes(monkeypatch):
    """Planes of more than 60 pixels are large, and learnt from and predicted in windows of 48."""
    monkeypatch.setattr(working_image, "LARGEST_FIELD", 60)
    monkeypatch.setattr(working_image, "FIELD", 48)
    monkeypatch.setattr(detection_model, "predict_tiles", partial(predict_tiles, side=48))


def kinds(events, kind):
    return [event for event in events if isinstance(event, kind)]


# --- previews


def test_the_classical_answer_is_not_the_models():
    previews = kinds(fit(METHOD)[0], Preview)
    assert [preview.whole for preview in previews] == [False] + [True] * (len(previews) - 1)
    assert len(previews) > 1


def test_no_classical_answer_for_a_plane_without_hints():
    marked, bare = TrainingImage(image(), clicks()), TrainingImage(image(tissue(seed=3), "bare"))
    events, last = fit(METHOD, data(train=(marked, bare), watch=bare.image.ref))
    previews = kinds(events, Preview)
    assert {str(preview.image) for preview in previews} == {"bare"} and all(p.whole for p in previews)
    assert len(previews[-1].predictions.points) == len(last.predict(bare.image).points)


# Progress is that of the next step: of 40, from 7 / 40 on it is above .15.
@pytest.mark.parametrize(("at_latest", "first"), [(100, 6), (3, 3)])
def test_no_preview_while_the_rate_warms_up(monkeypatch, at_latest, first):
    monkeypatch.setattr(rounds, "FIRST_PREVIEW_STEP", at_latest)
    monkeypatch.setattr(_showing, "PREVIEW_EVERY", 0.0)
    monkeypatch.setattr(_showing, "PREVIEW_SHARE", np.inf)  # no pause between two previews
    running, taken, shown = METHOD.fit(data(), tiny(METHOD, steps=40), device="cpu"), 0, []
    while len(shown) < 3:
        event = next(running)
        taken = event.step if isinstance(event, Step) else taken
        if isinstance(event, Preview) and event.whole:
            shown.append(taken)
    running.close()
    assert shown == [first, first + 1, first + 2]


@pytest.mark.parametrize("watch", [None, PlaneRef("elsewhere")])
def test_nobody_looks(watch):
    assert not kinds(fit(METHOD, data(watch=watch))[0], Preview)


def test_of_a_large_plane_a_part_is_shown(large_planes):
    few = HintSet(Points(CENTRES[:2]))  # both in the upper left window
    events, last = fit(METHOD, data(hints=few), working_diameter=None, radius=RADIUS, steps=20)
    preview = kinds(events, Preview)[-1]
    assert not preview.whole
    everything = last.predict(image()).points.coordinates
    there = everything[(everything < 47.5).all(1)]
    assert 0 < len(there) < len(everything)
    np.testing.assert_array_equal(preview.predictions.points.coordinates, there)


def test_the_classical_answer_names_classes():
    array = tissue()
    array[:, 52:] = array[:, 52:] // 2 + 30  # the cells of the two right columns are darker
    names = np.array(["bright", "bright", "dark", "dark"] * 2, dtype=object)
    told = data(array, HintSet(Points(CENTRES[:8], classes=names)), classes=("bright", "dark"))
    first = kinds(fit(METHOD, told)[0], Preview)[0].predictions.points
    sure = first.take(first.scores >= 0.5)
    cells = match_points(sure.coordinates, CENTRES, RADIUS)
    assert len(cells.found_index) == len(CENTRES)
    there = sure.take(cells.found_index)
    assert np.array_equal(there.classes == "dark", there.coordinates[:, 1] > 52)


def test_work_between_steps_is_told_with_its_round():
    truth = TrainingImage(image(tissue(seed=1), "truth"), HintSet(Points(CENTRES)), complete=True)
    events, _ = fit(METHOD, data(validation=(truth,)), views=4)
    by_stage: dict[str, list[Step]] = {}
    for event in kinds(events, Step):
        if not event.losses:
            by_stage.setdefault(event.stage, []).append(event)
    assert {stage: sorted({step.round for step in steps}) for stage, steps in by_stage.items()} == {
        "reading the images": [0],
        "a first look": [0],
        "looking at the unmarked cells": [0, 1],
        "looking at the image on screen": [0, 1],
        "measuring on complete images": [0, 1],
    }
    del by_stage["reading the images"], by_stage["a first look"]
    assert all(len(steps) >= 2 * 4 for steps in by_stage.values())  # two rounds, four views


# --- time


def test_minutes_end_it():
    running = METHOD.fit(data(), tiny(METHOD, steps=100_000, rounds=2, minutes=0.002), device="cpu")
    events = list(islice(running, 500))
    assert len(events) < 500
    steps = [event for event in kinds(events, Step) if event.losses]
    assert steps[-1].step < 400 and kinds(events, Checkpoint)


# --- planes that cannot be looked at


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("watch", "rgb has other channels than the images with hints: no suggestions for it"),
        ("validation", "rgb has other channels than the images with hints: it is not measured on"),
    ],
)
@pytest.mark.parametrize("go_on", [False, True])
def test_a_plane_of_other_channels_that_is_only_looked_at(model, where, says, go_on):
    marked, rgb = TrainingImage(image(), clicks()), image(tissue(3), "rgb")
    told = (
        data(train=(marked, TrainingImage(rgb)), watch=rgb.ref)
        if where == "watch"
        else data(train=(marked,), validation=(TrainingImage(rgb, clicks(), complete=True),))
    )
    events, _ = fit(METHOD, told, start=model if go_on else None)
    assert [event.text for event in kinds(events, Notice)] == [says]


def test_an_unmarked_plane_of_other_channels_that_nobody_looks_at(model):
    train = (TrainingImage(image(), clicks()), TrainingImage(image(tissue(3), "rgb")))
    assert not kinds(fit(METHOD, data(train=train))[0], Notice)


def test_hints_outside_are_told():
    hints = HintSet(Points(np.vstack([CENTRES[:4], [(-50, 3), (5000, 2)]])))
    events, _ = fit(METHOD, data(hints=hints))
    assert [e.text for e in kinds(events, Notice)] == ["cells marked outside of their image are left out: 2"]


# --- training on


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"working_diameter": 12}, "working diameter changed since the last training: it starts anew"),
        ({"width": 5}, "width changed since the last training: it starts anew"),
        (
            {"width": 5, "working_diameter": None},
            "width and working diameter changed since the last training: it starts anew",
        ),
    ],
)
def test_it_starts_anew_with_all_of_its_steps(model, overrides, says):
    events, last = fit(METHOD, start=model, **overrides)
    assert [event.text for event in kinds(events, Notice)] == [says]
    assert last.description.trained_steps == 6
    assert kinds(events, Preview)[0].whole is False  # the classical answer


def test_going_on_shows_what_verdicts_have_changed_before_it_learns(model):
    events, _ = fit(METHOD, start=model)
    learnt = next(i for i, event in enumerate(events) if isinstance(event, Step) and event.losses)
    assert [event.whole for event in events[:learnt] if isinstance(event, Preview)] == [True]


class Unreadable:
    """The pixels of a file that is not there any more."""

    shape, dtype = (104, 104), np.dtype(np.uint8)

    def __getitem__(self, key: object) -> np.ndarray:
        raise OSError("the file is gone")


def test_going_on_reads_the_plane_on_screen_first(model):
    other = TrainingImage(Image(PlaneRef("other"), Unreadable()), clicks())
    on_screen = TrainingImage(image(), clicks())
    work = METHOD.fit(
        data(train=(other, on_screen), watch=on_screen.image.ref), tiny(METHOD), device="cpu", start=model
    )
    shown = []
    with pytest.raises((OSError, ImageError), match="gone"):
        shown.extend(event for event in work if isinstance(event, Preview))
    assert [preview.image for preview in shown] == [on_screen.image.ref]


def test_it_starts_anew_with_other_channels(model):
    said = [e.text for e in kinds(fit(METHOD, data(tissue(channels=3)), start=model)[0], Notice)]
    assert "the channels of the images changed since the last training: it starts anew" in said


def test_it_starts_anew_with_other_classes(model):
    hints = clicks(6, np.array(["cell", "lost"] * 3, object))
    events, last = fit(METHOD, data(hints=hints), start=model)
    assert "the classes changed since the last training: it starts anew" in [
        event.text for event in kinds(events, Notice)
    ]
    assert last.classes == ("cell", "lost")


def weights_of(model):
    return model.net.state_dict().values()


def with_weights(model, value):
    """Return a model that knows the same, on weights that are all of one value."""
    net = copy.deepcopy(model.net)
    for weights in net.parameters():
        torch.nn.init.constant_(weights, value)
    return DetectionModel(model.description, net, model.device)


@pytest.mark.parametrize(("network", "anew"), [("small", True), ("resnet34", False)])
def test_the_small_network_begins_anew_when_training_goes_on(network, anew):
    settings = {"network": network, "pretrained": False, "steps": 2, "averaging": 0.0, "masks": False}
    _, model = fit(METHOD, **settings)
    other = with_weights(model, 0.01)
    events, last = fit(METHOD, start=model, **settings)
    assert not kinds(events, Notice)
    assert last.description.trained_steps == 2 + 2
    _, after_other = fit(METHOD, start=other, **settings)
    same = all(map(torch.equal, weights_of(last), weights_of(after_other)))
    assert same is anew
    again = all(map(torch.equal, weights_of(last), weights_of(model)))
    assert not again  # a second opinion


def test_what_was_found_stays_until_something_better_is_known(model):
    watched = data(hints=clicks(8))
    events, _ = fit(METHOD, watched, start=model, steps=20, rounds=2)
    losses = [isinstance(event, Step) and bool(event.losses) for event in events]
    taken = [sum(losses[: events.index(event)]) for event in kinds(events, Preview)]
    assert taken[0] == 0 and kinds(events, Preview)[0].whole  # the last model's, as verdicts have moved it
    assert min(taken[1:]) > 10
    kept = [sum(losses[: events.index(event)]) for event in kinds(events, Checkpoint)]
    assert kept[0] == 0 and min(kept[1:]) > 10  # stopped before, it is the last model that is kept


# --- prediction


def test_nowhere_to_look(model):
    assert len(model.predict(image(), only=()).points) == 0


def seen_in(model: DetectionModel, views: int) -> DetectionModel:
    about = model.description
    changed = about.settings.model_copy(update={"views": views})
    return DetectionModel(about.model_copy(update={"settings": changed}), model.net, model.device)


def test_one_view_cannot_disagree(model):
    assert not model.predict(image()).points.attributes


@pytest.mark.parametrize("views", [2, 4])
def test_views_disagree(model, views):
    points = seen_in(model, views).predict(image()).points
    given = points.attributes[DISAGREEMENT].astype(float)
    assert len(points) and ((given >= 0) & (given <= 1)).all()
    assert given.tolist() == given.round(3).tolist()


def test_views_disagree_alike_in_tiles_and_in_one_piece(model, monkeypatch):
    monkeypatch.setattr(disagreement, "ALIKE", 0.0)  # after six steps the least difference counts
    monkeypatch.setattr(disagreement, "UNLIKE", 0.01)
    four = seen_in(model, 4)
    whole = four.predict(image()).points
    monkeypatch.setattr(detection_model, "predict_tiles", partial(predict_tiles, side=32))
    tiled = four.predict(image()).points
    first, second = (points.take(np.lexsort(points.coordinates.T.round(3))) for points in (whole, tiled))
    np.testing.assert_allclose(first.coordinates, second.coordinates, atol=1e-3)
    one, other = (points.attributes[DISAGREEMENT].astype(float) for points in (first, second))
    assert len(np.unique(one)) > 3
    np.testing.assert_allclose(one, other, atol=0.02)


def test_prediction_pauses_at_each_tile_and_view(model):
    model = seen_in(model, 4)
    pauses = sum(1 for _ in model.predicting(image()))
    assert pauses == 1 + 4 + 1  # one tile: read, four views, peaks
    work = model.predicting(image())
    while True:
        try:
            next(work)
        except StopIteration as end:
            found = end.value
            break
    assert np.array_equal(found.points.coordinates, model.predict(image()).points.coordinates)


@pytest.mark.parametrize("centres", ["peaks", "components"])
def test_a_score_of_a_half_is_the_threshold(centres):
    _, model = fit(METHOD, steps=20, centres=centres, threshold=0.2, smallest_area=1)
    probability = model.predict(image()).points.scores
    lower = model.description.model_copy(update={"threshold": 0.4})
    fewer = DetectionModel(lower, model.net, model.device).predict(image()).points.scores
    assert len(probability)
    if centres == "components":  # nothing below the threshold is found
        assert (probability >= 0.5).all() and (fewer >= 0.5).all()
    assert probability.max() > fewer.max(initial=0)


def test_a_half_stays_a_half_in_the_published_decoding():
    _, model = fit(METHOD, steps=20, centres="components", threshold=0.5, smallest_area=1)
    scores = model.predict(image()).points.scores
    assert ((scores > 0.5) & (scores <= 1)).all()


def test_a_run_is_closed_between_the_pieces_of_a_prediction():
    running = METHOD.fit(data(), tiny(METHOD, views=4), device="cpu")
    for event in running:
        if isinstance(event, Step) and event.stage == "looking at the image on screen":
            break
    running.close()
    assert drained(METHOD.fit(data(), tiny(METHOD), device="cpu"))[1].method == METHOD.name
