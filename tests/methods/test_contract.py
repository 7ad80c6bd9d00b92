"""What every method must keep to, whatever it learns; the table says how to make each one small."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from napari_inkling.core import (
    BACKGROUND,
    Checkpoint,
    DeviceError,
    Event,
    HintSet,
    ImageError,
    Notice,
    Points,
    Preview,
    Round,
    SettingsError,
    Started,
    Step,
    TooFewHintsError,
    TrainingData,
    TrainingImage,
)
from napari_inkling.methods import Method, Model, get_method, method_names
from tests.methods.drawing import CENTRES, boxed, boxes, data, image, pointed, tissue


@dataclass(frozen=True)
class Small:
    """How to make a method small, and what is its own beyond the contract.

    ``settings`` with which it learns something, or at least ends, within a second or two, after so many
    ``steps`` of all stages; ``mark`` makes hints of places and classes; ``too_few`` is how it refuses so
    many hints, and ``outside`` how it refuses those of ``OUTSIDE``.
    """

    settings: Mapping[str, object]
    steps: int
    mark: Callable[..., HintSet]
    too_few: Mapping[int, str]
    outside: str


TINY = {
    "partial-points": Small(
        settings={
            "steps": 6,
            "rounds": 1,
            "batch": 2,
            "crop": 32,
            "width": 4,
            "views": 1,
            "pretrained": False,
            "mask_steps": 3,
            "mask_diameter": None,
            "label_points": "given",  # what six steps find would be wrong
        },
        steps=9,
        mark=pointed,
        too_few={0: "0 cells are", 1: "1 cell is"},
        outside=r"0 cells are marked \(3 more lie outside",
    ),
    "pu-ranking": Small(
        settings={
            "steps": 8,
            "rounds": 2,
            "batch": 2,
            "crop": 32,
            "width": 4,
            "views": 1,
            "pretrained": False,
        },
        steps=8,
        mark=pointed,
        too_few={0: "0 cells are", 1: "1 cell is"},
        outside=r"0 cells are marked \(3 more lie outside",
    ),
    "stochastic-boxes": Small(
        settings={"steps": 30, "batch": 2, "crop": 64, "width": 4, "features": 8, "learning_rate": 0.01},
        steps=30,
        mark=boxed,
        too_few={0: "there are 0 boxes", 1: "there is 1 box", 2: "there are 2 boxes"},
        outside=r"there is 1 box \(2 more cells lie outside",
    ),
}

#: Places outside the image; a box around the last reaches into it.
OUTSIDE = [(-50, 3), (5000, 2), (3, 104.6)]


@pytest.fixture(params=method_names())
def method(request) -> Method:
    return get_method(request.param)


def tiny(method: Method, **overrides):
    return method.Settings.preset("quick", **{**TINY[method.name].settings, **overrides})


def marked(method: Method, count: int = 6, classes: object = "cell") -> HintSet:
    """So many cells, marked as the method needs it."""
    return TINY[method.name].mark(CENTRES[:count], classes)


def data_for(method: Method, array: np.ndarray | None = None, hints: HintSet | None = None, **more):
    return data(array, marked(method) if hints is None else hints, **more)


def drained(generator: Generator[Event, None, Model]) -> tuple[list[Event], Model]:
    events = []
    while True:
        try:
            events.append(next(generator))
        except StopIteration as end:
            return events, end.value


def fit(method: Method, what: TrainingData | None = None, *, start=None, seed=0, **overrides):
    what = data_for(method) if what is None else what
    return drained(method.fit(what, tiny(method, **overrides), device="cpu", seed=seed, start=start))


def same_predictions(one, other) -> bool:
    return all(
        np.array_equal(mine.coordinates, theirs.coordinates) and np.array_equal(mine.scores, theirs.scores)
        for mine, theirs in ((one.points, other.points), (one.boxes, other.boxes))
    )


def test_every_installed_method_is_in_the_table():
    assert set(TINY) == set(method_names())


def test_it_introduces_itself(method):
    assert isinstance(method, Method)
    assert method.name in method_names()
    assert method.title and method.needs.sentence
    assert method.needs.points or method.needs.boxes


def test_opening_it_imports_no_torch(method):
    code = (
        "import sys; from napari_inkling.methods import get_method; "
        f"m = get_method({method.name!r}); m.Settings.preset('quick'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- settings


@pytest.mark.parametrize("preset", ["quick", "standard", "as-published"])
def test_presets_are_valid(method, preset):
    settings = method.Settings.preset(preset)
    assert method.Settings.model_validate_json(settings.model_dump_json()) == settings


def test_quick_is_the_default(method):
    assert method.Settings.preset("quick") == method.Settings()


def test_every_setting_is_described(method):
    bare = [name for name, field in method.Settings.model_fields.items() if not field.description]
    assert not bare


def test_settings_come_as_text(method):
    assert method.Settings.preset("quick", steps="7").steps == 7


@pytest.mark.parametrize(
    ("preset", "overrides", "message"),
    [
        ("slow", {}, "unknown preset 'slow': expected one of quick, standard, as-published"),
        ("quick", {"stepz": 3}, "unknown setting 'stepz' .did you mean 'steps'.*: expected one of .*steps"),
        ("quick", {"steps": 0}, "setting steps = 0: .* greater than or equal to 1"),
        ("quick", {"steps": "many"}, "setting steps = 'many': "),
    ],
)
def test_settings_that_are_refused(method, preset, overrides, message):
    with pytest.raises(SettingsError, match=message):
        method.Settings.preset(preset, **overrides)


def test_settings_are_frozen(method):
    with pytest.raises(ValueError, match="frozen"):
        method.Settings().steps = 3


# --- training


def test_it_tells_how_it_goes(method):
    events, model = fit(method)
    assert isinstance(events[0], Started) and "CPU" in events[0].device
    steps = [e for e in events if isinstance(e, Step)]
    assert [s.step for s in steps] == sorted(s.step for s in steps)
    assert steps[-1].step == steps[-1].steps == TINY[method.name].steps
    assert all(s.stage for s in steps)
    assert any(s.losses for s in steps) and all(np.isfinite(list(s.losses.values())).all() for s in steps)
    previews = [e for e in events if isinstance(e, Preview)]
    assert previews and {p.image for p in previews} == {data().watch}
    assert any(isinstance(e, Checkpoint) for e in events)
    rounds = [e.round for e in events if isinstance(e, Round)]
    assert rounds == sorted(set(rounds)) and rounds
    assert isinstance(model, Model) and model.method == method.name and model.classes == ("cell",)
    assert same_predictions(previews[-1].predictions, model.predict(image()))


def test_suggestions_are_suggestions(method):
    found = fit(method)[1].predict(image())
    for rows in (found.points, found.boxes):
        assert set(rows.sources) <= {"model"} and set(rows.classes) <= {"cell"}
        assert ((rows.scores >= 0) & (rows.scores <= 1)).all()
    assert ((found.points.coordinates >= -0.5) & (found.points.coordinates < 104)).all()
    assert ((found.boxes.coordinates >= -0.5) & (found.boxes.coordinates <= 103.5)).all()
    assert found.radius is None or found.radius > 0


def test_the_same_seed_gives_the_same_model(method):
    one, same, other = (fit(method, seed=seed)[1].predict(image()) for seed in (1, 1, 2))
    assert same_predictions(one, same)
    assert not same_predictions(one, other)


def test_it_goes_on_from_a_model(method):
    _, first = fit(method)
    before = first.predict(image())
    events, second = fit(method, start=first)
    assert not [e for e in events if isinstance(e, Notice)]
    assert same_predictions(before, first.predict(image()))  # the first one is left as it was
    assert not same_predictions(before, second.predict(image()))


def test_closing_stops(method):
    running = method.fit(data_for(method), tiny(method, steps=1000), device="cpu")
    while not isinstance(next(running), Step):
        pass
    running.close()
    with pytest.raises(StopIteration):
        next(running)


def test_a_checkpoint_stays_as_it_is(method):
    running = method.fit(data_for(method), tiny(method), device="cpu")
    found = None
    for event in running:
        if isinstance(event, Checkpoint) and found is None:
            found, before = event.model, event.model.predict(image())
    assert found is not None and same_predictions(found.predict(image()), before)


def test_truth_is_measured_on(method):
    truth = TrainingImage(image(tissue(seed=1), "truth"), HintSet(Points(CENTRES)), complete=True)
    events, _ = fit(method, data_for(method, validation=(truth,)))
    measured = [e.metrics for e in events if isinstance(e, Round)]
    assert all({"f1", "precision", "recall"} <= set(m) and 0 <= m["f1"] <= 1 for m in measured)


def test_a_device_that_is_not_there(method):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(DeviceError, match="'cuda' was asked for"):
        drained(method.fit(data_for(method), tiny(method), device="cuda"))


# --- model files


def test_a_model_comes_back_from_its_files(method, tmp_path):
    _, model = fit(method)
    folder = tmp_path / "model"
    folder.mkdir()
    model.save(folder)
    assert {p.suffix for p in Path(folder).iterdir()} == {".json", ".safetensors"}
    again = method.Model.load(folder, device="cpu")
    assert (again.method, again.classes) == (model.method, model.classes)
    assert same_predictions(model.predict(image()), again.predict(image()))
    from_memory, from_files = (fit(method, start=m)[1].predict(image()) for m in (model, again))
    assert same_predictions(from_memory, from_files)


def test_a_model_refuses_other_channels(method):
    with pytest.raises(ImageError, match="drawn has 3 channels, but the model was trained on 1"):
        fit(method)[1].predict(image(tissue(3)))


# --- odd images

ODD = {
    "16 bit": lambda: tissue(dtype=np.uint16) * np.uint16(200),
    "float": lambda: (tissue() / 255).astype(np.float32),
    "RGB": lambda: tissue(3),
    "RGBA": lambda: np.dstack([tissue(3), np.full((104, 104), 255, np.uint8)]),
    "five channels": lambda: tissue(5),
    "NaN": lambda: np.where(np.indices((104, 104)).sum(0) % 7, tissue(), np.nan),
    "constant": lambda: np.full((104, 104), 9, np.uint8),
    "one pixel wide": lambda: tissue()[:, 14:15],
}


@pytest.mark.parametrize("array", ODD.values(), ids=ODD.keys())
def test_odd_images(method, array):
    drawn = array()
    narrow = drawn.shape[1] == 1
    hints = TINY[method.name].mark([(12, 0), (36, 0), (60, 0)]) if narrow else marked(method)
    _, model = fit(method, data(drawn, hints))
    found = model.predict(image(drawn))
    assert len(found.points) + len(found.boxes) < 1000  # no carpet of suggestions
    assert np.isfinite(found.scores).all()


def test_one_pixel(method):
    hints = TINY[method.name].mark([(0, 0)] * max(method.needs.points, method.needs.boxes))
    _, model = fit(method, data(np.ones((1, 1), np.uint8), hints))
    found = model.predict(image(np.ones((1, 1), np.uint8)))
    assert len(found.points) + len(found.boxes) <= 1


def test_images_of_different_channels_are_refused(method):
    pictures = (image(tissue(), "grey"), image(tissue(3), "rgb"))
    planes = tuple(TrainingImage(picture, marked(method)) for picture in pictures)
    with pytest.raises(ImageError, match="rgb has 3 channels, but the others have 1"):
        fit(method, data(train=planes))


# --- odd hints


@pytest.mark.parametrize(
    ("method", "count", "words"),
    [(name, *case) for name in method_names() for case in TINY[name].too_few.items()],
    indirect=["method"],
)
def test_too_few_hints(method, count, words):
    with pytest.raises(TooFewHintsError, match=words):
        fit(method, data(hints=marked(method, count)))


def test_background_clicks_are_no_cells(method):
    hints = marked(method, 1).joined(HintSet(Points(CENTRES[1:5], classes=BACKGROUND)))
    with pytest.raises(TooFewHintsError, match=TINY[method.name].too_few[1]):
        fit(method, data(hints=hints))


def test_what_is_outside_the_image_is_no_hint(method):
    with pytest.raises(TooFewHintsError, match=TINY[method.name].outside):
        fit(method, data(hints=TINY[method.name].mark(OUTSIDE)))


def test_hints_outside_the_image_beside_good_ones(method):
    hints = TINY[method.name].mark(np.vstack([CENTRES[:4], OUTSIDE[:2]]))
    assert fit(method, data(hints=hints))[1].classes == ("cell",)


def test_boxes_count(method):
    assert fit(method, data(hints=boxes()))[1].classes == ("cell",)


def test_classes_are_told_apart(method):
    names = np.array(["round", "spiky"] * 3, object)
    hints = marked(method, 6, names)
    _, model = fit(method, data(hints=hints, classes=("round", "spiky", "unseen")), steps=15)
    assert model.classes == ("round", "spiky")
    found = model.predict(image())
    assert {*found.points.classes, *found.boxes.classes} <= {"round", "spiky"}


def test_a_class_that_the_project_does_not_name(method):
    names = np.array(["cell", "lost", "cell", "lost"], object)
    _, model = fit(method, data(hints=marked(method, 4, names)))
    assert model.classes == ("cell", "lost")


def test_an_unmarked_plane_on_screen(method):
    hinted, bare = TrainingImage(image(), marked(method)), TrainingImage(image(tissue(seed=3), "bare"))
    events, _ = fit(method, data(train=(hinted, bare), watch=bare.image.ref))
    assert bare.image.ref in {e.image for e in events if isinstance(e, Preview)}
