"""Training and prediction as jobs, run here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from napari_inkling.core import (
    Checkpoint,
    Finished,
    HintSet,
    Image,
    ImageError,
    ModelFileError,
    Notice,
    PlaneRef,
    Points,
    Predictions,
    Preview,
    Saved,
    SettingsError,
    Started,
    Step,
    TrainingData,
    TrainingImage,
)
from napari_inkling.methods import MethodSettings
from napari_inkling.workers import PredictJob, TrainJob, jobs, model_method, save_model, tidy_up
from tests.fake_method import FAKE, FakeMethod, FakeModel

from .probe_job import FakeSnapshot

QUICK = {"seconds_per_step": 0.0}


class TimelessSettings(MethodSettings):
    presets: ClassVar = {"quick": {}}
    steps: int = 2
    seconds_per_step: float = 0.0
    previews: int = 0
    crash: str = "none"
    radius: float | None = None
    network: str = "small"


class Timeless(FakeMethod):
    Settings = TimelessSettings


def train_job(tmp_path: Path, **changes) -> TrainJob:
    given = {"method": FAKE, "settings": QUICK, "snapshot": FakeSnapshot(), "out": str(tmp_path / "m" / "1")}
    return TrainJob(**{**given, **changes})


def rounds(folder: str | Path) -> int:
    return json.loads((Path(folder) / "model.json").read_text())["rounds"]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_training_tells_saves_and_finishes(tmp_path: Path) -> None:
    job = train_job(tmp_path)
    events = list(job.run())
    assert events[0] == Started("CPU, no threads")
    assert events[-2:] == [Saved(job.out), Finished()]
    assert not any(isinstance(event, Checkpoint) for event in events)
    assert {event.image for event in events if isinstance(event, Preview)} == {PlaneRef("a")}
    assert files(tmp_path) == ["m", "m/1", "m/1/model.json"]


class Curious(FakeMethod):
    """Tells which planes changed since it began."""

    def fit(self, data: TrainingData, settings, *, device="auto", seed=0, start=None):
        yield Notice(" ".join(map(str, data.newest_hints())))
        return FakeModel()


@pytest.mark.parametrize(("told", "says"), [((), ""), (({PlaneRef("b"): HintSet()},), "b")])
def test_a_method_can_ask_for_the_newest_hints(tmp_path: Path, told: tuple, says: str) -> None:
    job = train_job(tmp_path, method=f"{__name__}:Curious", settings={})
    assert Notice(says) in list(job.run(*(lambda newest=newest: newest for newest in told)))


def test_training_on_starts_from_a_model(tmp_path: Path) -> None:
    list(train_job(tmp_path).run())
    first = rounds(tmp_path / "m/1")
    list(train_job(tmp_path, start=str(tmp_path / "m/1"), out=str(tmp_path / "m/2")).run())
    assert rounds(tmp_path / "m/2") == 2 * first > 0


def test_an_older_model_of_the_same_name_is_replaced(tmp_path: Path) -> None:
    save_model(FakeModel(rounds=77), tmp_path / "m" / "1")
    (tmp_path / "m/1/left_over").write_text("x")
    list(train_job(tmp_path).run())
    assert rounds(tmp_path / "m/1") != 77
    assert files(tmp_path / "m") == ["1", "1/model.json"]


def stop_after(job: TrainJob, step: int) -> None:
    events = job.run()
    for event in events:
        if isinstance(event, Step) and event.step == step:
            events.close()
            return


@pytest.mark.parametrize(("step", "reached"), [(5, 0), (6, 1), (13, 2), (20, 3)])  # checkpoints at 5, 10, …
def test_a_stopped_training_leaves_its_newest_checkpoint(tmp_path: Path, step: int, reached: int) -> None:
    job = train_job(tmp_path)
    stop_after(job, step)
    assert Path(job.out).exists() == bool(reached)
    if reached:
        assert rounds(job.out) == reached
        assert files(tmp_path / "m") == ["1", "1/model.json"]


@pytest.mark.parametrize(("seconds", "reached"), [(0.0, 3), (3600.0, 1)])
def test_checkpoints_are_on_disk_while_it_runs(
    tmp_path: Path, monkeypatch, seconds: float, reached: int
) -> None:
    monkeypatch.setattr(jobs, "CHECKPOINT_SECONDS", seconds)
    job = train_job(tmp_path)
    running = job.run()
    while not (isinstance(event := next(running), Step) and event.step == 16):
        pass
    assert rounds(job.out) == reached
    running.close()
    assert rounds(job.out) == 3


def test_a_model_is_never_seen_half_written(tmp_path: Path) -> None:
    class Failing(FakeModel):
        def save(self, folder: Path) -> None:
            super().save(folder)
            raise OSError("the disk is full")

    with pytest.raises(ModelFileError, match=r"cannot be written to .*: the disk is full"):
        save_model(Failing(), tmp_path / "m" / "1")
    assert not list((tmp_path / "m").glob("*/model.json"))  # as Project.models looks for them
    save_model(FakeModel(rounds=5), tmp_path / "m" / "1")
    assert rounds(tmp_path / "m/1") == 5
    assert files(tmp_path / "m") == ["1", "1/model.json"]


@pytest.mark.parametrize("older", [False, True], ids=["an empty new folder", "an older model"])
@pytest.mark.parametrize(
    ("killed_at", "left"), [("save", "older"), ("first move", "older"), ("last", "newer")]
)
def test_a_kill_leaves_a_model_whenever_it_comes(
    tmp_path: Path, monkeypatch, older: bool, killed_at: str, left: str
) -> None:
    class Killed(BaseException):
        pass

    class Model(FakeModel):
        def save(self, folder: Path) -> None:
            super().save(folder)
            if killed_at == "save":
                raise Killed

    out = tmp_path / "m" / "1"
    out.mkdir(parents=True)
    if older:
        save_model(FakeModel(rounds=1), out)
    moves: list[Path] = []

    def replace(path: Path, target: Path) -> None:
        if killed_at == ("first move", "last")[len(moves)]:
            raise Killed
        moves.append(path)
        path.rename(target)

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(Path, "replace", replace)
        save_model(Model(rounds=2), out)
    tidy_up(out)
    if left == "newer":
        assert rounds(out) == 2
    elif older:
        assert rounds(out) == 1
    else:
        assert files(tmp_path / "m") == ["1"]
    assert not list(out.parent.glob(".*"))


def test_what_only_the_older_model_is_left_of_comes_back(tmp_path: Path) -> None:
    out = tmp_path / "1"
    save_model(FakeModel(rounds=1), out)
    (tmp_path / ".1.partial").mkdir()
    out.rename(tmp_path / ".1.partial" / "old")
    tidy_up(out)
    assert rounds(out) == 1 and files(tmp_path) == ["1", "1/model.json"]


@pytest.mark.parametrize("crash", ["exception", "memory", "refusal"])
def test_a_training_that_fails_leaves_its_newest_checkpoint(tmp_path: Path, crash: str) -> None:
    job = train_job(tmp_path, settings={**QUICK, "steps": 30, "previews": 10, "crash": crash})
    with pytest.raises((ValueError, MemoryError, ModelFileError)):  # at step 15, with checkpoints at 3, 6, …
        list(job.run())
    assert rounds(job.out) == 4
    assert files(tmp_path / "m") == ["1", "1/model.json"]


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"method": "no-such"}, SettingsError, "unknown method 'no-such'"),
        ({"preset": "lazy"}, SettingsError, "unknown preset 'lazy'"),
        ({"settings": {"stepps": 1}}, SettingsError, "unknown setting 'stepps'"),
        ({"snapshot": FakeSnapshot(fails=True)}, ImageError, "image a is missing"),
        ({"start": "/nowhere"}, ModelFileError, "nowhere"),
    ],
)
def test_what_is_wrong_is_said_in_words(tmp_path: Path, changes, error, says: str) -> None:
    with pytest.raises(error, match=says):
        list(train_job(tmp_path, **changes).run())
    assert files(tmp_path) == []


def test_minutes_go_to_the_setting_of_that_name(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="minutes"):  # so it arrived
        list(train_job(tmp_path, minutes="soon").run())
    events = list(train_job(tmp_path, method=f"{__name__}:Timeless", minutes=2.0).run())
    assert events[0] == Notice(f"{__name__}:Timeless has no time limit to set: minutes=2 is not used")


def test_prediction_of_every_plane(tmp_path: Path) -> None:
    save_model(FakeModel(), tmp_path / "1")
    events = list(PredictJob(str(tmp_path / "1"), FakeSnapshot(), methods=(FAKE,)).run())
    previews = [event for event in events if isinstance(event, Preview)]
    assert [str(event.image) for event in previews] == ["a", "b"]
    assert len(previews[0].predictions.points) == 24  # a 4 × 6 grid on 40 × 60 pixels
    assert [event.step for event in events if isinstance(event, Step)] == [0, 1, 2]
    assert events[-1] == Finished()


class Stepwise(FakeModel):
    """Pauses three times on a plane."""

    def predicting(self, image):
        for _ in range(3):
            yield
        return self.predict(image)


def test_prediction_can_be_stopped_within_a_plane(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(FakeMethod, "Model", Stepwise)
    save_model(FakeModel(), tmp_path / "1")
    events = list(PredictJob(str(tmp_path / "1"), FakeSnapshot(), methods=(FAKE,)).run())
    told = [event.step if isinstance(event, Step) else type(event).__name__ for event in events]
    assert told == [0] * 4 + ["Preview"] + [1] * 4 + ["Preview", 2, "Finished"]


class Hinted(Stepwise):
    """Suggests what is marked."""

    def predicting_beside(self, image, hints):
        yield
        return Predictions(hints.points.changed(sources="model"))


class Marked(FakeSnapshot):
    """Two planes with a point each; on the second everything is marked, to measure on it."""

    def load(self) -> TrainingData:
        hints = HintSet(Points([(7, 7)]))
        planes = [
            TrainingImage(Image(PlaneRef(name), np.zeros((40, 60), np.uint8)), hints, complete=name == "b")
            for name in "ab"
        ]
        return TrainingData((planes[0],), (planes[1],))


def test_a_model_that_heeds_hints_sees_them_unless_they_measure(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(FakeMethod, "Model", Hinted)
    save_model(FakeModel(), tmp_path / "1")
    events = PredictJob(str(tmp_path / "1"), Marked(), methods=(FAKE,)).run()
    found = {str(e.image): len(e.predictions.points) for e in events if isinstance(e, Preview)}
    assert found == {"a": 1, "b": 24}


def test_a_model_file_cannot_name_what_is_not_a_method(tmp_path: Path) -> None:
    save_model(FakeModel(), tmp_path / "1")
    with pytest.raises(ModelFileError, match="is not an installed method"):
        list(PredictJob(str(tmp_path / "1"), FakeSnapshot()).run())


@pytest.mark.parametrize("content", [None, "{", "[]", '{"classes": []}', '{"method": 3}'])
def test_a_folder_that_is_no_model(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "model.json").write_text(content)
    with pytest.raises(ModelFileError):
        model_method(tmp_path)
