"""What is particular to stochastic boxes, beyond the contract of all methods."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from napari_inkling.core import (
    BACKGROUND,
    IGNORE,
    Boxes,
    Checkpoint,
    HintSet,
    Image,
    ModelFileError,
    Notice,
    PlaneRef,
    Points,
    Preview,
    Round,
    Step,
    TooFewHintsError,
    TrainingData,
    TrainingImage,
)
from napari_inkling.evaluation import average_precision
from napari_inkling.methods import _showing, get_method
from napari_inkling.methods.stochastic_boxes import box_model, steps, task
from napari_inkling.methods.stochastic_boxes.box_model import BoxModel
from napari_inkling.methods.stochastic_boxes.fields import pointed_cells
from napari_inkling.networks import resnet50_pyramid
from napari_inkling.training import loop, working_image
from napari_inkling.training.devices import Device
from tests.methods import test_contract as contract
from tests.methods.drawing import CENTRES, boxed, boxes, data, image, pointed, tissue
from tests.methods.stochastic_boxes.disks import CLASSES, boxes_and_points, disks
from tests.methods.test_contract import drained

METHOD = get_method("stochastic-boxes")
fit, tiny = partial(contract.fit, METHOD), partial(contract.tiny, METHOD)
CPU = Device(torch.device("cpu"), torch.float32)


def kinds(events, kind):
    return [event for event in events if isinstance(event, kind)]


def texts(events) -> list[str]:
    return [event.text for event in kinds(events, Notice)]


@pytest.fixture(scope="module")
def model() -> BoxModel:
    return fit()[1]


@pytest.fixture(scope="module")
def trained() -> BoxModel:
    """A model of drawn disks, a third of them with boxes and the others with points."""
    picture, cells = disks(0)
    told = TrainingData((TrainingImage(picture, boxes_and_points(cells)),), classes=CLASSES)
    settings = METHOD.Settings(steps=160, crop=64, batch=4, width=8, features=16, smallest_side=8)
    _, found = drained(METHOD.fit(told, settings, device="cpu"))
    return BoxModel(found.description, found.net, CPU)


# --- learning


def test_it_finds_the_cells_of_another_image_with_their_classes(trained):
    picture, cells = disks(1)
    found = trained.predict(picture).boxes
    assert average_precision({"": found}, {"": cells})["map50"] > 0.9  # over the classes
    sure = found.take(found.scores >= 0.5)
    gaps = np.abs(cells.centres[:, None] - sure.centres[None]).max(2)
    nearest = gaps.argmin(1)
    right = (gaps.min(1) < 5) & (sure.classes[nearest] == cells.classes)
    assert right.mean() >= 0.8 and len(sure) <= 1.2 * len(cells)
    errors = (sure.coordinates[nearest] - cells.coordinates)[right]
    pixel = 1 / trained.description.scale
    assert pixel > 1.5
    assert np.abs(errors).mean() < 0.6 * pixel and np.abs(errors.mean(0)).max() < 0.6 * pixel


def test_what_it_knows_of_sizes(trained):
    about = trained.description
    np.testing.assert_allclose(about.boxes, [(13, 13), (19, 19)], atol=0.6)
    assert about.scale == pytest.approx(8 / 13, rel=0.05)


def test_in_tiles_as_in_one_piece(trained, monkeypatch):
    picture, _ = disks(2, side=400)
    whole = trained.predict(picture).boxes
    monkeypatch.setattr(box_model, "TILE", 96)
    work, tiles = trained.predicting(picture), 0
    while True:
        try:
            next(work)
        except StopIteration as end:
            tiled = end.value.boxes
            break
        tiles += 1
    assert tiles >= 9 and len(whole) > 150
    one, other = (found.take(np.lexsort(found.coordinates.T.round(2))) for found in (whole, tiled))
    np.testing.assert_allclose(one.coordinates, other.coordinates, atol=1e-3)
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-4)
    assert one.classes.tolist() == other.classes.tolist()


def test_what_is_found_lies_within_the_image(trained):
    picture, _ = disks(1)
    cut = Image(PlaneRef("cut"), picture.array[20:131, 17:110])  # through cells
    found = trained.predict(cut).boxes
    assert len(found) > 10
    y0, x0, y1, x1 = found.coordinates.T
    assert y0.min() >= -0.5 and x0.min() >= -0.5 and y1.max() <= 110.5 and x1.max() <= 92.5
    assert (y1 > y0).all() and (x1 > x0).all()


def test_a_score_of_a_half_is_the_threshold(trained):
    picture, _ = disks(1)
    scores = trained.predict(picture).boxes.scores
    sure = np.median(scores[scores >= 0.5])
    probability = float(np.interp(sure, [0.5, 1], [trained.description.threshold, 1]))
    higher = trained.description.model_copy(update={"threshold": probability})
    fewer = BoxModel(higher, trained.net, CPU).predict(picture).boxes.scores
    assert (scores >= 0.5).sum() > (fewer >= 0.5).sum()
    assert scores.min() >= 0.5 * box_model.SUGGESTED - 1e-6


# --- what it tells


def test_validation_measures_boxes_where_there_are_any():
    truth = image(tissue(seed=1), "truth")
    for hints, expected in (
        (boxes(16), {"precision", "recall", "f1", "map", "map50"}),
        (pointed(CENTRES), {"precision", "recall", "f1"}),
    ):
        events, _ = fit(data(hints=boxes(), validation=(TrainingImage(truth, hints, complete=True),)))
        (measured,) = kinds(events, Round)
        assert set(measured.metrics) == expected
        assert all(0 <= value <= 1 for value in measured.metrics.values())


def test_without_truth_nothing_is_measured():
    assert [dict(event.metrics) for event in kinds(fit()[0], Round)] == [{}]


def test_losses_by_name():
    steps_taken = [event for event in kinds(fit()[0], Step) if event.losses]
    assert {*steps_taken[0].losses} == {"class", "size", "place", "size at points"}
    assert [step.step for step in steps_taken] == list(range(1, 31))


def test_previews_and_checkpoints_while_it_learns(monkeypatch):
    monkeypatch.setattr(_showing, "PREVIEW_EVERY", 0.0)
    monkeypatch.setattr(_showing, "PREVIEW_SHARE", np.inf)  # no pause between two previews
    monkeypatch.setattr(steps, "FIRST_PREVIEW_STEP", 28)
    events, _ = fit()
    shown = [event for event in events if isinstance(event, Preview | Checkpoint)]
    assert [type(event) for event in shown] == [Checkpoint, Preview] * 3  # steps 28, 29, and the end


def test_minutes_end_it(monkeypatch):
    looks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: next(looks) / 100)  # two looks at each step: .02 s
    for module in (loop, _showing, task):
        monkeypatch.setattr(module, "time", clock)
    events, last = fit(steps=100_000, minutes=0.02)
    learnt = [event for event in kinds(events, Step) if event.losses]
    assert learnt[-1].step == pytest.approx(60, abs=2)
    assert learnt[-1].step == learnt[-1].steps == last.description.trained_steps


def test_stopped_it_leaves_the_last_checkpoint(monkeypatch):
    monkeypatch.setattr(_showing, "PREVIEW_EVERY", 0.0)
    monkeypatch.setattr(steps, "FIRST_PREVIEW_STEP", 5)
    running = METHOD.fit(data(hints=boxes()), tiny(steps=1000), device="cpu")
    kept = next(event.model for event in running if isinstance(event, Checkpoint))
    running.close()
    assert kept.description.trained_steps == 5
    assert np.isfinite(kept.predict(image()).scores).all()


# --- training on


def test_going_on(model):
    events, second = fit(start=model)
    begun = next(i for i, event in enumerate(events) if isinstance(event, Step) and event.losses)
    before = [event for event in events[:begun] if isinstance(event, Checkpoint | Preview)]
    assert [type(event) for event in before] == [Checkpoint, Preview]
    assert contract.same_predictions(before[1].predictions, before[0].model.predict(image()))
    assert second.description.trained_steps == 30 + 12
    assert second.description.anchors == model.description.anchors


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"width": 5}, "width"),
        ({"features": 16}, "features"),
        ({"smallest_side": 9}, "smallest side"),
        ({"own_range": False, "width": 6}, "width and own range"),
    ],
)
def test_other_settings_start_anew(model, settings, says):
    events, last = fit(start=model, **settings)
    assert texts(events) == [f"{says} changed since the last training: it starts anew"]
    assert last.description.trained_steps == 30
    begun = next(i for i, event in enumerate(events) if isinstance(event, Step) and event.losses)
    assert not kinds(events[:begun], Preview)  # of a network that knows nothing


@pytest.mark.parametrize(
    ("array", "names", "says"),
    [
        (tissue(), ["cell", "lost"] * 3, "the classes"),
        (tissue(3), "cell", "the channels of the images"),
    ],
)
def test_other_data_starts_anew(model, array, names, says):
    hints = boxes(6, np.array(names, object))
    events, _ = fit(data(array, hints), start=model)
    assert texts(events) == [f"{says} changed since the last training: it starts anew"]


def test_boxes_of_other_sizes_start_anew(model):
    larger = [(y - 9, x - 9, y + 10, x + 10) for y, x in CENTRES[:6]]
    events, last = fit(data(hints=HintSet(boxes=Boxes(larger, classes="cell"))), start=model)
    assert texts(events) == ["the sizes of the boxes changed since the last training: it starts anew"]
    assert last.description.anchors != model.description.anchors


def test_classes_in_another_order_go_on():
    hints = boxes(6, np.array(["one", "two"] * 3, object))
    _, first = fit(data(hints=hints, classes=("one", "two")))
    events, last = fit(data(hints=hints, classes=("two", "one")), start=first)
    assert texts(events) == [] and last.classes == ("one", "two")
    assert last.description.trained_steps > first.description.trained_steps


# --- hints


@pytest.mark.parametrize(
    ("hints", "says"),
    [
        (HintSet(), "there are 0 boxes, but stochastic-boxes needs at least 3: draw some 10 of each class$"),
        (
            pointed(CENTRES),
            "0 boxes, .* at least 3: draw some 10 of each class \\(cell\\), or take partial-points, "
            "which learns from points alone",
        ),
        (
            pointed(CENTRES[:2], np.array(["one", "two"], object)),
            "at least 3: draw some 10 of each class \\(one, two\\), or take partial-points",
        ),
        (boxes(2).joined(pointed(CENTRES[2:])), "there are 2 boxes, but .* partial-points"),
        (HintSet(boxes=Boxes(boxes(6).boxes.coordinates, classes=IGNORE)), "there are 0 boxes"),
    ],
)
def test_too_few_boxes(hints, says):
    with pytest.raises(TooFewHintsError, match=says):
        fit(data(hints=hints))


def test_classes_without_a_box_are_told():
    hints = boxes(4, "boxed").joined(pointed(CENTRES[4:8], np.array(["one", "two"] * 2, object)))
    events, last = fit(data(hints=hints, classes=("boxed", "one", "two")))
    assert texts(events) == [
        "one, two have no box: they are taken to be as large as the boxes of the others. Draw a few."
    ]
    assert last.classes == ("boxed", "one", "two")
    np.testing.assert_allclose(last.description.boxes, np.full((3, 2), 12), atol=0.6)


def test_what_lies_outside_is_told():
    hints = boxed([*CENTRES[:4], (-50, 3)]).joined(pointed([(5000, 2), (30, 30)]))
    assert texts(fit(data(hints=hints))[0]) == ["cells marked outside of their image are left out: 2"]


def huge() -> HintSet:
    return HintSet(boxes=Boxes([(-500, -500, 900, 900), (-1, -1, 105, 105), (0, 0, 103, 103)]))


def duplicates() -> HintSet:
    return boxed(np.repeat(CENTRES[:3], 3, axis=0))


def one_pixel_cells() -> HintSet:
    places = CENTRES[:6]
    return HintSet(boxes=Boxes(np.hstack([places - 0.5, places + 0.5])))


def a_box_and_its_point() -> HintSet:
    own = boxes(6)
    return HintSet(Points(CENTRES[:6], ids=own.boxes.ids), own.boxes)


def ignored_and_rejected() -> HintSet:
    extra = HintSet(Points(CENTRES[8:10], classes=BACKGROUND), Boxes([(50, 50, 90, 90)], classes=IGNORE))
    return boxes(6).joined(extra)


def fifty_classes() -> HintSet:
    random = np.random.default_rng(0)
    names = np.array([f"class {k}" for k in range(50)], object)
    return boxed(random.uniform(5, 98, (50, 2)), names).joined(pointed(random.uniform(5, 98, (50, 2)), names))


@pytest.mark.parametrize(
    "hints",
    [huge, duplicates, one_pixel_cells, a_box_and_its_point, ignored_and_rejected, fifty_classes],
    ids=lambda make: make.__name__.replace("_", " "),
)
def test_odd_hints(hints):
    events, last = fit(data(hints=hints()), steps=6)
    assert not texts(events)
    losses = [value for event in kinds(events, Step) for value in event.losses.values()]
    assert np.isfinite(losses).all()
    assert np.isfinite(last.predict(image()).boxes.coordinates).all()


def test_boxes_in_one_image_of_many():
    planes = [TrainingImage(image(name="boxed"), boxes())]
    planes += [TrainingImage(image(tissue(seed=k), f"pointed {k}"), pointed(CENTRES)) for k in range(5)]
    events, _ = fit(data(train=tuple(planes)))
    learnt = [event.losses for event in kinds(events, Step) if event.losses]
    assert sum(losses["size"] > 0 for losses in learnt) > len(learnt) / 2  # half of the crops are of the one
    assert any(losses["place"] > 0 for losses in learnt)


def test_a_large_plane_with_few_hints(monkeypatch):
    monkeypatch.setattr(working_image, "LARGEST_FIELD", 60)
    monkeypatch.setattr(working_image, "FIELD", 48)
    events, last = fit(data(hints=boxes(3)))
    assert not texts(events) and last.description.trained_steps == 30


# --- planes that cannot be looked at


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("watch", "rgb has other channels than the images with hints: no suggestions for it"),
        ("validation", "rgb has other channels than the images with hints: it is not measured on"),
    ],
)
def test_a_plane_of_other_channels_that_is_only_looked_at(where, says):
    hinted, rgb = TrainingImage(image(), boxes()), image(tissue(3), "rgb")
    told = (
        data(train=(hinted, TrainingImage(rgb)), watch=rgb.ref)
        if where == "watch"
        else data(train=(hinted,), validation=(TrainingImage(rgb, boxes(), complete=True),))
    )
    assert texts(fit(told)[0]) == [says]


# --- model files


def test_files_that_do_not_belong_together(model, tmp_path):
    model.save(tmp_path)
    again = BoxModel.load(tmp_path, "cpu")
    assert again.description == model.description
    weights, about = tmp_path / "model.safetensors", tmp_path / "model.json"
    good, text = weights.read_bytes(), json.loads(about.read_text())

    weights.write_bytes(good[: len(good) // 2])
    with pytest.raises(ModelFileError, match="is damaged"):
        BoxModel.load(tmp_path)
    weights.write_bytes(good)

    for changed, says in (
        ({"classes": ["cell", "other"]}, "does not belong to the network"),
        ({"anchors": [[8, 9, 10]] * 4}, "does not belong to the network"),
        ({"scale": "large"}, "scale: Input should be a valid number"),
        ({"method": "partial-points"}, "method: Input should be 'stochastic-boxes'"),
    ):
        about.write_text(json.dumps(text | changed))
        with pytest.raises(ModelFileError, match=says):
            BoxModel.load(tmp_path)
    shutil.rmtree(tmp_path)
    with pytest.raises(ModelFileError, match="no model folder"):
        BoxModel.load(tmp_path)


# --- as published


def test_weights_that_cannot_be_had_are_told(monkeypatch):
    def without_network(*, weights=None):
        if weights is not None:
            raise OSError("no route to host")
        return small_resnet()

    monkeypatch.setattr(resnet50_pyramid, "resnet50", without_network)
    settings = METHOD.Settings.preset("as-published", steps=1, crop=64)
    told = data(hints=boxes().joined(pointed(CENTRES[6:])), watch=None)
    events, last = drained(METHOD.fit(told, settings, device="cpu"))
    assert len(texts(events)) == 1 and "could not be downloaded (OSError: " in texts(events)[0]
    assert len(last.description.anchors) == 5 and last.description.scale == 1
    assert len(last.net.anchors(8, 8)) == 5 * 9, "three sizes in three ratios, as RetinaNet has them"


def test_as_published_the_rate_falls_when_the_loss_stops_falling(monkeypatch):
    made = []

    class Noting:
        def __init__(self, optimizer, epoch):
            assert [group["lr"] for group in optimizer.param_groups] == [3e-3]
            self.epoch, self.noted = epoch, []
            made.append(self)

        def note(self, loss):
            self.noted.append(loss)

    monkeypatch.setattr(steps, "Plateau", Noting)
    settings = METHOD.Settings(schedule="plateau", steps=4, crop=64, batch=2)
    events, _ = drained(METHOD.fit(data(hints=boxes(), watch=None), settings, device="cpu"))
    told = [sum(event.losses.values()) for event in events if isinstance(event, Step) and event.losses]
    assert (made[0].epoch, made[0].noted) == (1, told) and len(told) == 4


def small_resnet():
    from torchvision.models.resnet import Bottleneck, ResNet

    return ResNet(Bottleneck, [1, 1, 1, 1])


# --- large planes, and planes marked in part


def test_of_a_large_plane_it_shows_the_surroundings_of_the_hints(monkeypatch):
    monkeypatch.setattr(working_image, "LARGEST_FIELD", 64)
    monkeypatch.setattr(working_image, "FIELD", 32)
    monkeypatch.setattr(box_model, "TILE", 32)
    corner = HintSet(boxes=boxes(1).boxes, points=Points([(14, 20), (20, 14)]))
    told = data(hints=HintSet(corner.points, Boxes([(6, 8, 18, 20), (8, 9, 19, 20), (7, 7, 19, 19)])))
    events, _ = fit(told, smallest_side=None)
    shown = kinds(events, Preview)[-1]
    assert not shown.whole
    assert (shown.predictions.boxes.centres < 40).all()  # of 104: a box may be moved a little beyond its tile


def test_what_is_far_from_all_marks_does_not_move_the_threshold_of_a_plane_marked_in_part():
    cells = Boxes(
        np.array([(y, x, y + 10, x + 10) for y in range(0, 90, 30) for x in range(0, 90, 30)], float)
    )
    found = Boxes(cells.coordinates + 1, sources="model", scores=0.9)
    marked, nearly = Points(cells.centres[:4]), Points(cells.centres[:8])
    kept = steps._known(found, marked, np.full((4, 2), 10.0))
    assert len(kept) == 4  # five others are more than three tenths of four
    assert len(steps._known(found, nearly, np.full((8, 2), 10.0))) == 9  # one more may be wrong
    assert len(steps._known(found.changed(scores=0.3), marked, np.full((4, 2), 10.0))) == 9
    assert len(steps._known(found, marked, np.full((4, 2), 20.0))) == 4
    assert len(steps._known(found, marked, np.full((4, 2), 70.0))) == 9  # beside much larger cells


@pytest.mark.parametrize(
    ("place", "name", "cells"),
    [
        ((10, 10), "cell", 0),  # in the middle
        ((12, 12), "cell", 0),
        ((16, 10), "cell", 1),  # beyond the middle: a neighbour under the same box
        ((10, 10), "other", 1),
        ((30, 10), "cell", 1),
    ],
)
def test_a_point_in_the_middle_of_a_box_is_the_same_cell(place, name, cells):
    hints = HintSet(Points([place], classes=name), Boxes([(5, 5, 15, 15)]))
    plane = TrainingImage(image(), hints)
    assert len(pointed_cells(plane)) == cells


def test_the_boxes_of_points_are_seen_before_anything_is_learnt():
    hints = HintSet(Points([(30, 40), (2, 60)]), Boxes([(6, 8, 18, 20), (8, 8, 20, 20), (7, 7, 19, 19)]))
    events, _ = fit(data(hints=hints))
    first = kinds(events, Preview)[0]
    assert events.index(first) < next(i for i, e in enumerate(events) if isinstance(e, Step) and e.losses)
    assert not first.whole
    np.testing.assert_allclose(
        first.predictions.boxes.coordinates, [(24, 34, 36, 46), (-0.5, 54, 8, 66)], atol=0.2
    )


def test_a_plane_on_which_all_is_ignored_teaches_nothing(monkeypatch):
    """Neither are its cells background, nor is what is found there wrong."""
    ignored = HintSet(boxes=Boxes([(50, 50, 90, 90)], classes=IGNORE))
    told = data(hints=boxes(), watch=None)
    other = TrainingImage(image(name="other"), ignored)
    both = replace(told, train=(*told.train, other))
    settings = METHOD.Settings(steps=3, crop=64, batch=2)
    alone, beside = (drained(METHOD.fit(some, settings, device="cpu"))[1] for some in (told, both))
    for name, weights in alone.net.state_dict().items():
        assert torch.equal(weights, beside.net.state_dict()[name]), name
    assert alone.description.threshold == beside.description.threshold
