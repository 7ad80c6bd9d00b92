"""From clicks to masks: drawn cells, end to end, and what a person's hints mean for masks."""

from __future__ import annotations

import json
from functools import partial
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest

from napari_inkling.core import (
    BACKGROUND,
    DISAGREEMENT,
    Checkpoint,
    HintSet,
    Masks,
    Notice,
    Points,
    Preview,
    Step,
    TrainingImage,
)
from napari_inkling.evaluation import segmentation_scores
from napari_inkling.methods import HintedModel, _showing, get_method
from napari_inkling.methods.partial_points import (
    detection_model,
    outlining,
    task,
    task_threshold,
)
from napari_inkling.methods.partial_points.detection_model import DetectionModel
from napari_inkling.project.formats import export_annotations
from napari_inkling.training import loop, working_image
from napari_inkling.training.pieces import finish
from napari_inkling.training.tiling import predict_tiles
from tests.methods.drawing import CENTRES, RADIUS, clicks, data, image, tissue
from tests.methods.test_contract import fit, tiny

METHOD = get_method("partial-points")
#: Enough to outline bright disks on a dark ground.
LEARNT = {
    "steps": 60,
    "mask_steps": 160,
    "batch": 4,
    "crop": 64,
    "width": 8,
    "enough": None,
    "radius": RADIUS,
}


def truth() -> np.ndarray:
    """The label image of the drawn disks."""
    rows, columns = np.indices((104, 104))
    labels = np.zeros((104, 104), np.int64)
    for i, (y, x) in enumerate(CENTRES):
        labels[np.hypot(rows - y, columns - x) < RADIUS] = i + 1
    return labels


def labels_of(predictions) -> np.ndarray:
    return predictions.masks.labels((104, 104))


def anew(events) -> list[str]:
    return [e.text for e in events if isinstance(e, Notice) and "anew" in e.text]


@pytest.fixture(scope="module")
def learnt() -> DetectionModel:
    return fit(METHOD, data(hints=clicks(8)), **LEARNT)[1]


# --- drawn cells


def test_every_cell_gets_its_mask(learnt):
    found = learnt.predict(image()).above(0.5)
    scores = segmentation_scores(labels_of(found), truth())
    assert scores.found_masks == len(CENTRES)
    assert scores.aji > 0.8
    assert set(found.masks.sources) == {"model"} and set(found.masks.classes) == {"cell"}


def test_a_point_and_its_mask_share_their_id(learnt):
    found = learnt.predict(image()).above(0.5)
    assert set(found.masks.ids) <= set(found.points.ids)
    beside = found.points.with_ids(found.masks.ids)
    order = np.argsort(beside.ids), np.argsort(found.masks.ids)
    assert np.array_equal(beside.scores[order[0]], found.masks.scores[order[1]])
    far = beside.coordinates[order[0]] - found.masks.centres[order[1]]
    assert np.hypot(*far.T).max() < RADIUS / 2


def test_cells_that_touch_are_parted():
    rows, columns = np.indices((104, 104))
    pairs = np.array([(y, x + dx) for y in (14.0, 40.0, 66.0, 90.0) for x in (20.0, 74.0) for dx in (0, 11)])
    nearest = np.min([np.hypot(rows - y, columns - x) for y, x in pairs], axis=0)
    drawn = (60 + 140 * np.clip(RADIUS - nearest + 0.5, 0, 1)).astype(np.uint8)
    hints = HintSet(Points(pairs))
    _, model = fit(METHOD, data(drawn, hints), **{**LEARNT, "mask_steps": 60})
    labels = labels_of(beside(model, hints, drawn).above(0.5))
    here = labels[tuple(np.round(pairs).astype(int).T)]
    assert (here > 0).all() and len(set(here)) == len(pairs)


def test_as_published_on_a_small_network():
    heads = {"heads": "two-class", "labels": "cluster", "instances": "components", "crf": 0.005}
    events, model = fit(METHOD, data(hints=clicks(16)), **{**LEARNT, **heads})
    assert any("crf" in e.losses for e in events if isinstance(e, Step))
    assert segmentation_scores(labels_of(model.predict(image())), truth()).aji > 0.4


@pytest.mark.parametrize("heads", ["joint", "two-class"])
@pytest.mark.parametrize("labels", ["local", "cluster", "voronoi"])
@pytest.mark.parametrize("instances", ["watershed", "components"])
def test_all_arms_run(heads, labels, instances):
    events, model = fit(METHOD, heads=heads, labels=labels, instances=instances, crf=0.01)
    assert model.description.heads == heads
    losses = [e.losses for e in events if isinstance(e, Step) and e.losses][-1]
    assert "crf" in losses and np.isfinite(list(losses.values())).all()
    model.predict(image())


# --- how it goes


def test_centres_come_first_then_masks_then_refined_ones():
    events, _ = fit(METHOD)
    stages = [e.stage for e in events if isinstance(e, Step) and e.losses]
    assert list(dict.fromkeys(stages)) == [
        "learning from the hints",
        "round 1 of 1",
        "learning outlines",
        "refining outlines",
    ]
    heads = [e.model.description.heads for e in events if isinstance(e, Checkpoint)]
    assert heads == ["centres", "centres", "joint", "joint"]
    assert len([e for e in events if isinstance(e, Preview)]) == 1 + 4


def test_masks_can_be_left_out():
    _, model = fit(METHOD, masks=False)
    assert model.description.heads == "centres" and not len(model.predict(image()).masks)


@pytest.mark.parametrize("stage", ["learning outlines", "labelling pixels", "refining outlines"])
def test_stopped_in_any_stage_there_is_a_model(stage):
    model = None
    running = METHOD.fit(data(), tiny(METHOD), device="cpu")
    for event in running:
        if isinstance(event, Checkpoint):
            model = event.model
        if isinstance(event, Step) and event.stage == stage:
            break
    running.close()
    assert model is not None and len(model.predict(image()).points)


@pytest.fixture
def paced(monkeypatch):
    """A clock that goes on by a fortieth of a second whenever training looks at it."""
    ticks = count()
    clock = SimpleNamespace(monotonic=lambda: 0.025 * next(ticks))
    for module in (loop, task, _showing):
        monkeypatch.setattr(module, "time", clock)


@pytest.mark.parametrize(("minutes", "short"), [(0.05, True), (0.25, False)])
def test_minutes_are_shared_by_both_stages(paced, minutes, short):
    settings = tiny(METHOD, steps=60_000, mask_steps=40_000, enough=None, minutes=minutes)
    events = list(METHOD.fit(data(), settings, device="cpu"))
    stages = [e.stage for e in events if isinstance(e, Step) and e.losses]
    assert {"learning from the hints", "learning outlines"} <= set(stages)
    said = [e.text for e in events if isinstance(e, Notice)]
    told = [text for text in said if f"{minutes:g} minutes left " in text]
    assert bool(told) == short and all("which take 40000: many" in text for text in told)


def show_at_every_step(monkeypatch) -> None:
    """Let previews come without a pause."""
    monkeypatch.setattr(_showing, "PREVIEW_EVERY", 0.0)
    monkeypatch.setattr(_showing, "PREVIEW_SHARE", 1e9)


@pytest.fixture
def shown_at_every_step(monkeypatch):
    show_at_every_step(monkeypatch)


def with_steps(events, kind) -> list[tuple[int, Checkpoint | Preview]]:
    """Return the events of a kind, each with the number of steps taken before it."""
    steps = np.cumsum([isinstance(e, Step) and bool(e.losses) for e in events])
    return [(int(n), e) for n, e in zip(steps, events, strict=True) if isinstance(e, kind)]


def kept(events) -> list[tuple[int, str]]:
    """Return after how many steps models were kept, and what they can."""
    return [(taken, e.model.description.heads) for taken, e in with_steps(events, Checkpoint)]


def test_outlines_begin_with_the_centres_learnt_before(shown_at_every_step):
    events, _ = fit(METHOD, data(hints=clicks(8)), **{**LEARNT, "mask_steps": 40})
    centres = [e.model for e in events if isinstance(e, Checkpoint) and not e.model.draws_outlines][-1]
    outlined = [e for taken, e in with_steps(events, Preview) if 60 < taken < 60 + 24]
    assert len(outlined) > 10 and not any(e.whole for e in outlined)
    found = centres.predict(image()).points.coordinates
    for preview in outlined:
        np.testing.assert_array_equal(preview.predictions.points.coordinates, found)
        assert set(preview.predictions.masks.ids) <= set(preview.predictions.points.ids)
    assert len(outlined[-1].predictions.masks) > len(CENTRES) / 2
    assert len({tuple(e.predictions.points.ids) for e in outlined}) == 1  # they are the same cells
    assert min(taken for taken, heads in kept(events) if heads == "joint") == 60 + 24  # six tenths


def test_nobody_looks_and_only_what_is_settled_is_kept(shown_at_every_step):
    events, _ = fit(METHOD, data(watch=None), steps=10, mask_steps=40)
    assert not with_steps(events, Preview)
    assert min(taken for taken, heads in kept(events) if heads == "joint") == 10 + 24


def test_two_networks_are_kept_from_the_beginning(shown_at_every_step):
    events, _ = fit(METHOD, heads="two-class", steps=10, mask_steps=40)
    assert min(taken for taken, heads in kept(events) if heads == "two-class") < 10 + 10


@pytest.mark.parametrize("label_points", ["found", "given"])
def test_outlines_heed_how_many_cells_were_found_before(monkeypatch, label_points):
    counts, threshold_for_count = [], task_threshold.threshold_for_count

    def noted(heights, count, lowest):
        counts.append(count)
        return threshold_for_count(heights, count, lowest)

    monkeypatch.setattr(task_threshold, "threshold_for_count", noted)
    few = {**LEARNT, "label_points": label_points, "learning_rate": 0.002, "mask_steps": 4}
    events, _ = fit(METHOD, data(hints=clicks(12)), **few)
    centres = [e.model for e in events if isinstance(e, Checkpoint) and not e.model.draws_outlines][-1]
    before = len(centres.predict(image()).above(0.5).points)
    assert before > len(CENTRES)  # it has learnt little, and finds too much
    assert counts == pytest.approx([before] * 2, abs=1)  # learnt, and refined; one may be on the line


# --- training on


@pytest.fixture(scope="module")
def gone_on(learnt):
    """The events of a training that goes on from :func:`learnt`, and its model."""
    with pytest.MonkeyPatch.context() as patch:
        show_at_every_step(patch)
        return fit(METHOD, data(hints=clicks(10)), start=learnt, **LEARNT)


def test_training_on_never_shows_less_than_outlines(gone_on):
    events, after = gone_on
    assert not anew(events)
    assert {"learning from the hints", "refining outlines"} <= {
        e.stage for e in events if isinstance(e, Step)
    }
    previews = [e.predictions for e in events if isinstance(e, Preview)]
    assert len(previews) > 2 and all(len(shown.masks) for shown in previews)
    assert {e.model.description.heads for e in events if isinstance(e, Checkpoint)} == {"joint"}
    assert segmentation_scores(labels_of(after.predict(image()).above(0.5)), truth()).aji > 0.8


def test_training_on_shows_new_centres_with_the_last_outlines(learnt, gone_on):
    events, _ = gone_on
    shown = [e for taken, e in with_steps(events, Preview) if 0 < taken <= 60]
    assert shown and not any(e.whole for e in shown)
    last = learnt.predict(image()).points.coordinates
    assert not any(np.array_equal(e.predictions.points.coordinates, last) for e in shown)
    assert segmentation_scores(labels_of(shown[-1].predictions.above(0.5)), truth()).aji > 0.8
    assert sorted(taken for taken, _ in kept(events))[:2] == [0, 60 + 96]  # the last model, and six tenths


def test_going_on_from_centres_shows_outlines_early(shown_at_every_step):
    _, centres = fit(METHOD, masks=False)
    about = centres.description
    wanted = about.settings.model_copy(update={"masks": True})
    stopped = DetectionModel(about.model_copy(update={"settings": wanted}), centres.net, centres.device)
    events, _ = fit(METHOD, start=stopped, steps=10, mask_steps=40)
    early = [e for taken, e in with_steps(events, Preview) if 10 < taken < 10 + 24]
    assert len(early) > 10 and not any(e.whole for e in early)


def test_of_a_large_plane_outlines_are_lent_where_its_hints_are(learnt, shown_at_every_step, monkeypatch):
    monkeypatch.setattr(working_image, "LARGEST_FIELD", 60)
    monkeypatch.setattr(working_image, "FIELD", 48)
    monkeypatch.setattr(detection_model, "predict_tiles", partial(predict_tiles, side=48))
    few = HintSet(Points(CENTRES[:2]))  # both in the upper left window
    events, _ = fit(METHOD, data(hints=few), start=learnt, **{**LEARNT, "mask_steps": 4})
    shown = [e.predictions for taken, e in with_steps(events, Preview) if 0 < taken <= 60]
    assert shown and all(len(p.masks) for p in shown)
    everything = max((p.points.coordinates for p in shown), key=len)
    assert everything.max() < 104 / 2 + 5


def test_centres_that_another_has_found_get_outlines(learnt):
    there = Points(CENTRES[[0, 5]], classes="cell", sources="model", scores=[0.9, 0.8], ids=[7, 8])
    masks = finish(learnt.outlining(image(), there))
    assert (masks.ids.tolist(), masks.scores.tolist()) == ([7, 8], [0.9, 0.8])
    assert np.hypot(*(masks.centres - CENTRES[[0, 5]]).T).max() < 1


def test_a_large_network_with_outlines_goes_on_with_both_at_once():
    large = {"network": "resnet34", "steps": 4, "mask_steps": 4}
    _, model = fit(METHOD, **large)
    events, after = fit(METHOD, start=model, **large)
    assert not anew(events)
    stages = {e.stage for e in events if isinstance(e, Step) and e.losses}
    assert stages == {"learning outlines", "refining outlines"}
    assert after.description.trained_steps - model.description.trained_steps == 4  # the longer stage


def test_a_model_of_centres_gets_outlines(tmp_path):
    _, centres = fit(METHOD, masks=False)
    centres.save(tmp_path)
    about = json.loads((tmp_path / "model.json").read_text())
    for newer in [name for name in about["settings"] if name.startswith(("mask", "heads", "label"))]:
        if newer != "mask":
            del about["settings"][newer]
    del about["heads"]
    about["settings"]["mask_diameter"] = None  # the tests' own
    (tmp_path / "model.json").write_text(json.dumps({**about, "format": "napari-inkling model 1"}))
    older = METHOD.Model.load(tmp_path, "cpu")  # as an earlier version wrote it
    assert len(older.predict(image()).points) == len(centres.predict(image()).points)
    events, model = fit(METHOD, start=older)
    assert not anew(events)
    assert model.description.heads == "joint"


def test_it_comes_back_from_its_files(learnt, tmp_path):
    learnt.save(tmp_path)
    again = METHOD.Model.load(tmp_path, "cpu")
    assert np.array_equal(labels_of(again.predict(image())), labels_of(learnt.predict(image())))


def test_the_published_pair_comes_back_and_goes_on(tmp_path):
    _, model = fit(METHOD, heads="two-class")
    model.save(tmp_path)
    again = METHOD.Model.load(tmp_path, "cpu")
    assert np.array_equal(labels_of(again.predict(image())), labels_of(model.predict(image())))
    events, after = fit(METHOD, start=again, heads="two-class")
    assert not anew(events)
    assert after.description.heads == "two-class"


# --- large planes


def test_masks_from_tiles_are_those_of_the_whole(learnt, monkeypatch):
    whole = learnt.predict(image()).masks
    monkeypatch.setattr(detection_model, "predict_tiles", partial(predict_tiles, side=32))
    monkeypatch.setattr(outlining, "BLOCK", 24)
    parts = learnt.predict(image()).masks
    assert len(parts) == len(whole)
    first, second = (np.lexsort(rows.coordinates.T) for rows in (whole, parts))
    assert np.array_equal(whole.coordinates[first], parts.coordinates[second])
    assert list(whole.bitmaps[first]) == list(parts.bitmaps[second])


def test_masks_are_in_the_order_of_their_points(learnt, monkeypatch):
    monkeypatch.setattr(detection_model, "predict_tiles", partial(predict_tiles, side=64))
    monkeypatch.setattr(outlining, "BLOCK", 24)
    found = learnt.predict(image())
    assert len(found.masks) > 4
    assert found.masks.ids.tolist() == found.points.with_ids(found.masks.ids).ids.tolist()


def test_a_file_holds_point_and_mask_of_a_cell_as_one(learnt, monkeypatch, tmp_path):
    monkeypatch.setattr(outlining, "BLOCK", 24)
    four = learnt.description.settings.model_copy(update={"views": 4})
    model = METHOD.Model(learnt.description.model_copy(update={"settings": four}), learnt.net, learnt.device)
    found = model.predict(image())
    said = dict(zip(found.points.ids, found.points.attributes[DISAGREEMENT], strict=True))
    assert [said[one] for one in found.masks.ids] == found.masks.attributes[DISAGREEMENT].tolist()
    path = tmp_path / "cells.json"
    written = export_annotations({"drawn": found}, path, "coco", shapes={"drawn": (104, 104)})
    cells = json.loads(written.read_text())["annotations"]
    assert len(cells) == len(found.points)
    assert [DISAGREEMENT in cell["attributes"] for cell in cells] == [True] * len(cells)


# --- what a person says


def beside(model, hints: HintSet, array=None):
    return finish(model.predicting_beside(image(array), hints))


def test_it_heeds_hints(learnt):
    assert isinstance(learnt, HintedModel)


def test_a_marked_cell_is_always_a_seed(learnt):
    nowhere = Points([(24.0, 26.0)])  # on the dark ground between four cells
    with_it, without = beside(learnt, HintSet(nowhere)), learnt.predict(image())
    assert not labels_of(without)[24, 26]
    assert labels_of(with_it)[24, 26]
    assert np.array_equal(with_it.points.coordinates, without.points.coordinates)


def test_a_click_on_background_lies_in_no_mask(learnt):
    edge = CENTRES[5] + (0, RADIUS - 1.5)
    for place in (CENTRES[5], edge):
        hints = HintSet(Points([place], classes=BACKGROUND))
        y, x = np.round(place).astype(int)
        assert labels_of(learnt.predict(image()))[y, x]
        assert not labels_of(beside(learnt, hints))[y, x]


def test_what_a_person_drew_is_not_drawn_over(learnt):
    drawn = np.zeros((104, 104), np.uint8)
    drawn[30:43, 34:40] = 1  # the left half of a disk
    found = beside(learnt, HintSet(masks=Masks.from_labels(drawn)))
    assert not (labels_of(found) > 0)[drawn > 0].any()


def test_drawn_masks_teach(learnt):
    """Squares drawn around the disks: what is learnt is larger than the disks."""
    drawn = np.zeros((104, 104), np.uint8)
    for i, (y, x) in enumerate(CENTRES[:12].astype(int)):
        drawn[y - 9 : y + 10, x - 9 : x + 10] = i + 1
    sooner = {**LEARNT, "mask_steps": 60, "learning_rate": 0.005}
    _, model = fit(METHOD, data(hints=HintSet(masks=Masks.from_labels(drawn))), **sooner)
    grown = model.predict(image()).above(0.5).masks
    assert np.median(grown.areas) > 1.5 * np.median(learnt.predict(image()).above(0.5).masks.areas)


# --- odd cases


def test_colours_that_tell_nothing_are_told():
    events, _ = fit(METHOD, data(np.full((104, 104), 9, np.uint8)))
    notices = [e.text for e in events if isinstance(e, Notice)]
    assert notices == [
        "colours do not tell nuclei from background on drawn: outlines there rest on the points alone"
    ]


@pytest.mark.parametrize(
    "points",
    [[(12, 14), (12, 14)], [(12, 14), (12, 14.2)], [(12, 14), (12, 40), (12, 66), (12, 90)], CENTRES[:2]],
    ids=["twice the same", "in one pixel", "on one line", "two"],
)
@pytest.mark.parametrize("label_points", ["found", "given"])
def test_odd_points(points, label_points):
    _, model = fit(METHOD, data(hints=HintSet(Points(points))), label_points=label_points)
    assert model.description.heads == "joint"


def test_a_plane_with_nothing_but_a_click_on_background():
    bare = TrainingImage(image(tissue(seed=2), "bare"), HintSet(Points([(3, 3)], classes=BACKGROUND)))
    events, model = fit(METHOD, data(train=(TrainingImage(image(), clicks()), bare)))
    assert model.description.heads == "joint" and events


def test_one_nucleus_in_each_image():
    planes = tuple(TrainingImage(image(tissue(seed=n), f"p{n}"), clicks(1)) for n in (1, 2))
    _, model = fit(METHOD, data(train=planes))
    assert model.description.heads == "joint"


def test_a_nucleus_larger_than_a_crop():
    rows, columns = np.indices((104, 104))
    drawn = np.where(np.hypot(rows - 52, columns - 52) < 40, 200, 60).astype(np.uint8)
    hints = HintSet(Points([(52, 52), (54, 50)]))
    _, model = fit(METHOD, data(drawn, hints), working_diameter=64, radius=40)
    assert model.description.heads == "joint"
