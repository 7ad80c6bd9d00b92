"""Training, with a runner whose jobs the test lives by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_inkling.core import (
    Finished,
    HintSet,
    InklingError,
    Notice,
    Preview,
    ProjectError,
    Round,
    Saved,
    SettingsError,
    Started,
    Step,
    TooFewHintsError,
)
from napari_inkling.project import Project
from napari_inkling.session import Session
from napari_inkling.workers import PredictJob, TrainJob
from tests.fake_method import FAKE

from .conftest import SOME, A, B, HandRunner, Heard, points, save_model, train

# -- before a worker starts ------------------------------------------------------------------------


def test_nothing_to_train_on(runner: HandRunner, pictures: list[Path]) -> None:
    session = Session(runner, method=FAKE)
    with pytest.raises(TooFewHintsError, match="there is no image to train on: add images first"):
        session.training.start()
    session.images.add(pictures[:1])
    with pytest.raises(TooFewHintsError, match=r"^fake needs at least 2 cell points, and there are none"):
        session.training.start()
    session.annotations.edit(HintSet(), points((3, 4)), "add point")
    with pytest.raises(TooFewHintsError, match="and there is 1: mark 1 more cell point"):
        session.training.start()
    session.annotations.edit(HintSet(), points((30, 4), classes="background"), "add point")
    with pytest.raises(TooFewHintsError, match="and there is 1: mark 1 more cell point"):
        session.training.start()
    assert runner.jobs == []
    assert (session.training.state.status, session.workspace.learnable_images) == ("idle", {"a"})
    session.close()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"method": "no-such"}, "unknown method 'no-such'"),
        ({"preset": "sluggish"}, "unknown preset 'sluggish'"),
        ({"overrides": {"stepps": 3}}, "unknown setting 'stepps'"),
        ({"overrides": {"steps": -1}}, "setting steps = -1"),
    ],
)
def test_wrong_settings_are_refused_at_once(ready: Session, runner: HandRunner, arguments, says) -> None:
    with pytest.raises(SettingsError, match=says):
        ready.training.start(**arguments)
    assert runner.jobs == []
    assert not list((ready.project.folder / "models").glob("*"))


@pytest.mark.parametrize("checkpoint", [False, True])
def test_closing_during_a_training_keeps_its_checkpoint_and_nothing_else(
    ready: Session, runner: HandRunner, checkpoint: bool
) -> None:
    ready.training.start()
    if checkpoint:
        save_model(runner.jobs[0])
    folder = ready.project.folder
    ready.close()
    with Project.open(folder) as project:  # the lock is free
        assert project.models() == ([Path(runner.jobs[0].out)] if checkpoint else [])
    assert len(list((folder / "models").iterdir())) == checkpoint


def test_a_second_session_sees_all_changes_nothing_and_is_told(ready: Session, heard: Heard) -> None:
    second, told = Session(HandRunner(), method=FAKE), Heard()
    told.listen(second, "message")
    second.open_project(ready.project.folder)
    assert second.project.read_only
    assert not ready.project.read_only
    ((level, text),) = told("message")
    assert level == "warning"
    assert "read-only" in text
    assert second.annotations.hints.points.equals(ready.annotations.hints.points)
    second.annotations.edit(HintSet(), points((1, 1)), "add point")
    assert "read-only" in told("message")[-1][1]
    assert len(second.annotations.hints.points) == 2
    ready.annotations.edit(HintSet(), points((9, 9)), "add point")  # the first goes on as before
    assert heard("message") == []
    folder = ready.project.folder
    second.close()
    ready.close()
    second = Session(HandRunner(), method=FAKE)
    second.open_project(folder)
    assert not second.project.read_only
    assert len(second.annotations.hints.points) == 3
    second.close()


def test_a_read_only_project_cannot_be_trained_in(ready: Session) -> None:
    second = Session(HandRunner(), method=FAKE)
    second.open_project(ready.project.folder)
    with pytest.raises(InklingError, match="read-only"):
        second.training.start()
    second.close()


# -- what goes to the worker -----------------------------------------------------------------------


def test_the_job_holds_the_hints_as_they_are_now(ready: Session, runner: HandRunner) -> None:
    ready.radius.chosen = 5.5
    ready.training.start(preset="standard", overrides={"steps": 7}, device="cpu", seed=3, minutes=2.0)
    (job,) = runner.jobs
    ready.annotations.edit(HintSet(), points((30, 30)), "add point")  # later edits are not in it
    assert isinstance(job, TrainJob)
    assert (job.method, job.preset, job.device, job.seed) == (FAKE, "standard", "cpu", 3)
    assert (job.minutes, job.start) == (2.0, None)
    assert job.settings == {"radius": 5.5, "steps": 7}
    assert job.snapshot.watch == A
    assert [(item.ref, len(item.hints)) for item in job.snapshot.images] == [(A, 2)]
    assert Path(job.out).parent == ready.project.folder / "models"


def test_the_next_training_goes_on_from_the_newest_model(ready: Session, runner: HandRunner) -> None:
    first = train(ready, runner)
    ready.training.start()
    assert runner.jobs[-1].start == str(first)
    runner.end("cancelled")
    ready.training.start(resume=False)
    assert runner.jobs[-1].start is None


def test_a_model_of_another_method_is_no_start(ready: Session, runner: HandRunner) -> None:
    first = train(ready, runner)
    (first / "model.json").write_text(json.dumps({"method": "other", "classes": [], "rounds": 0}))
    ready.training.start()
    assert runner.jobs[-1].start is None


def test_a_damaged_model_is_told_and_no_start(ready: Session, runner: HandRunner, heard: Heard) -> None:
    first = train(ready, runner)
    (first / "model.json").write_text("{")
    ready.training.start()
    assert runner.jobs[-1].start is None
    assert heard("message")[-1][0] == "warning"
    assert "is not a model" in heard("message")[-1][1]


# -- what comes back -------------------------------------------------------------------------------


def test_a_training_from_start_to_end(ready: Session, runner: HandRunner, heard: Heard) -> None:
    ready.training.start()
    assert (ready.training.active, ready.training.state.status) == (True, "starting")
    runner.tell(Started("CPU, 2 threads"))
    assert (ready.training.state.status, ready.training.state.device) == ("running", "CPU, 2 threads")
    step = Step("training", 1, 5, 10, {"mse": 0.1})
    runner.tell(step, Preview(A, SOME), Round(1, {"f1": 0.8}), Notice("weights came from the cache"))
    assert heard("progress") == [step]
    assert heard("metrics") == [Round(1, {"f1": 0.8})]
    assert heard("message") == [("info", "weights came from the cache")]
    assert heard("suggestions_changed") == [A]
    assert len(ready.suggestions.shown().points) == 1
    assert ready.training.state.fraction == 0.5
    save_model(runner.jobs[0])
    runner.tell(Saved(runner.jobs[0].out), Finished())
    assert ready.training.active
    runner.end()
    assert not ready.training.active
    assert ready.training.state.status == "finished"
    assert ready.training.state.model == ready.prediction.newest_model == Path(runner.jobs[0].out)
    assert heard("models_changed") == [()]
    assert heard("message")[-1] == ("info", "Training finished.")
    assert len(runner.jobs) == 1  # the plane on screen was in the last preview


def test_images_that_a_model_has_learnt_from(
    ready: Session, runner: HandRunner, heard: Heard, tmp_path: Path
) -> None:
    ready.annotations.edit(HintSet(), points((3, 4)), "add point", B)
    ready.images.update("b", complete=True)  # held out
    ready.go_to(B)
    assert ready.training.trained_images == frozenset()
    train(ready, runner)
    assert ready.training.trained_images == {"a"}
    ready.images.update("b", complete=False)
    ready.training.start()
    ready.training.stop()
    save_model(runner.jobs[-1])  # the checkpoint that a stopped training leaves
    runner.end("cancelled")
    assert ready.training.trained_images == {"a", "b"}
    ready.close()
    with Project.open(tmp_path / "p.inkling") as project:
        assert project.setting("trained_images") == ["a", "b"]


@pytest.mark.parametrize(
    ("steps", "learnt", "kept"),
    [(300, {"a"}, "the last model is kept"), (301, {"a", "b"}, "the model reached so far is kept")],
)
def test_stopped_before_it_has_learnt(
    ready: Session, runner: HandRunner, heard: Heard, steps: int, learnt: set[str], kept: str
) -> None:
    train(ready, runner)
    save_model(runner.jobs[0], trained_steps=300)
    ready.annotations.edit(HintSet(), points((3, 4)), "add point", B)
    ready.training.start()
    ready.training.stop()
    save_model(runner.jobs[-1], trained_steps=steps)
    runner.end("cancelled")
    assert ready.training.trained_images == learnt
    assert heard("message")[-1] == ("info", f"Training stopped; {kept}.")
    assert ready.prediction.newest_model == Path(runner.jobs[1].out)  # verdicts have moved its threshold


def test_another_project_learns_nothing_from_a_training_of_the_one_before(
    ready: Session, runner: HandRunner, heard: Heard, tmp_path: Path
) -> None:
    ready.training.start()
    ready.new_project(tmp_path / "q.inkling")
    heard.clear()
    save_model(runner.jobs[-1])
    runner.end("cancelled")
    assert ready.training.trained_images == frozenset()
    assert heard("models_changed") == []


def test_a_full_disk_stops_no_training(
    ready: Session, runner: HandRunner, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise ProjectError("the disk is full")

    monkeypatch.setattr(ready.project, "set_setting", refuse)
    train(ready, runner)
    assert ready.training.state.status == "finished"
    assert ("error", "the disk is full") in heard("message")
    assert heard("models_changed") == [()]
    monkeypatch.undo()


def test_a_second_training_is_refused_while_one_runs(ready: Session, runner: HandRunner) -> None:
    ready.training.start()
    with pytest.raises(SettingsError, match="already running"):
        ready.training.start()


@pytest.mark.parametrize("state", ["failed", "died"])
def test_a_failure_is_told_and_the_next_training_starts(
    ready: Session, runner: HandRunner, heard: Heard, state: str
) -> None:
    ready.training.start()
    runner.tell(Started("CPU"), Preview(A, SOME))
    before = ready.annotations.hints
    runner.end(state, "The training process was killed.", "exit code -9")
    assert ready.training.state.status == "failed"
    assert (ready.training.state.message, ready.training.state.details) == (
        "The training process was killed.",
        "exit code -9",
    )
    assert heard("message") == [("error", "The training process was killed.")]
    assert ready.annotations.hints.points.equals(before.points)
    assert not Path(runner.jobs[0].out).exists()  # no empty folder stays
    assert len(ready.suggestions.shown().points) == 1  # the last preview stays on screen
    ready.training.start()
    assert ready.training.state.status == "starting"
    assert (ready.training.state.message, ready.training.state.losses) == ("", ())


def test_a_crash_keeps_the_checkpoint_on_disk(ready: Session, runner: HandRunner, heard: Heard) -> None:
    ready.training.start()
    runner.tell(Started("CPU"), Preview(A, SOME))
    save_model(runner.jobs[0])
    runner.end("died", "The training process was killed.")
    text = "The training process was killed. The model reached so far is kept."
    assert heard("message") == [("error", text)]
    assert ready.prediction.newest_model == ready.training.state.model == Path(runner.jobs[0].out)
    assert len(runner.jobs) == 1  # its preview is on screen
    ready.training.start()
    assert runner.jobs[1].start == runner.jobs[0].out


def test_stop_and_what_still_comes(ready: Session, runner: HandRunner, heard: Heard) -> None:
    ready.training.start()
    runner.tell(Started("CPU"), Step("training", 1, 1, 10))
    ready.training.stop()
    assert (ready.training.state.status, ready.training.active, runner.cancelled) == ("stopping", True, 1)
    ready.training.stop()
    assert runner.cancelled == 1
    heard.clear()
    runner.tell(Step("training", 1, 2, 10), Preview(A, SOME), Round(1), Notice("late"))
    assert heard.told == []
    assert len(ready.suggestions.shown().points) == 0
    runner.end("cancelled", "The training was stopped.")
    assert ready.training.state.status == "stopped"
    assert heard("message") == [("info", "Training stopped before it had a model; nothing was changed.")]
    assert not Path(runner.jobs[0].out).exists()


def test_stop_keeps_the_model_reached_and_predicts_with_it(
    ready: Session, runner: HandRunner, heard: Heard
) -> None:
    ready.training.start()
    runner.tell(Started("CPU"), Preview(A, SOME))
    ready.training.stop()
    save_model(runner.jobs[0])
    runner.end("cancelled")
    assert ready.training.state.model == Path(runner.jobs[0].out)
    assert heard("message") == [("info", "Training stopped; the model reached so far is kept.")]
    assert heard("models_changed") == [()]
    assert isinstance(runner.jobs[1], PredictJob)  # the preview was not of that model


def test_a_training_that_finishes_before_it_can_be_stopped(ready: Session, runner: HandRunner) -> None:
    ready.training.start()
    runner.tell(Started("CPU"))
    ready.training.stop()
    save_model(runner.jobs[0])
    runner.tell(Saved(runner.jobs[0].out), Finished())
    runner.end("finished")
    assert (ready.training.state.status, ready.training.state.model) == ("finished", Path(runner.jobs[0].out))


# -- the end ---------------------------------------------------------------------------------------


def test_another_project_ends_the_training(ready: Session, runner: HandRunner, tmp_path: Path) -> None:
    ready.training.start()
    runner.tell(Started("CPU"))
    ready.new_project(tmp_path / "q.inkling")
    assert runner.cancelled == 1
    runner.tell(Preview(A, SOME))
    assert ready.suggestions.planes == ()
    runner.end("cancelled")
    assert ready.training.state.status == "stopped"


def test_a_training_goes_on_if_its_project_cannot_be_left(
    ready: Session, runner: HandRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise ProjectError("the disk is full")

    ready.training.start()
    runner.tell(Started("CPU"), Preview(A, SOME))
    with monkeypatch.context() as patch, pytest.raises(ProjectError, match="stays open: the disk is full"):
        patch.setattr(ready.project, "close", refuse)
        ready.new_project(tmp_path / "q.inkling")
    assert (ready.training.state.status, runner.cancelled) == ("running", 0)
    assert len(ready.suggestions.shown().points) == 1


def test_nothing_comes_after_close(ready: Session, runner: HandRunner, heard: Heard) -> None:
    ready.training.start()
    on_event, on_done = runner._now  # type: ignore[misc]
    ready.close()
    assert runner.closed
    heard.clear()
    on_event(Preview(A, SOME))
    on_done(None)
    assert heard.told == []
    with pytest.raises(InklingError):
        ready.training.start()


def test_queued_events_are_handled_where_dispatch_says(pictures: list[Path], tmp_path: Path) -> None:
    queue: list = []
    runner = HandRunner()
    session = Session(runner, queue.append, method=FAKE)
    session.new_project(tmp_path / "p.inkling")
    session.images.add(pictures[:1])
    session.annotations.edit(HintSet(), points((3, 4), (20, 20)), "add points")
    session.training.start()
    runner.tell(Started("CPU"))
    assert session.training.state.status == "starting"
    queue.pop()()
    assert session.training.state.status == "running"
    runner.tell(Preview(A, SOME))
    session.training.stop()  # between event and handling
    queue.pop()()
    assert len(session.suggestions.shown().points) == 0
    session.close()


# -- with a real worker ----------------------------------------------------------------------------


def test_the_main_job_with_a_real_worker(real_session: Session) -> None:
    session = real_session
    session.annotations.edit(HintSet(), points((5, 5), (20, 20)), "add points")
    session.warm_up()
    session.training.start(overrides={"seconds_per_step": 0.02})
    state = session.wait(60)
    assert (state.status, state.step, state.steps) == ("finished", 20, 20)
    # a 4 × 6 grid with scores from 1 to 0 in 24 steps: twelve above .5, the first is marked
    assert len(session.suggestions.shown().points) == 11
    assert session.review.accept_above() == 11
    session.go_to(B)
    session.wait(60)
    assert len(session.suggestions.shown(threshold=0.0).points) == 24
    assert np.isclose(session.radius.at(B), 4.0)


def test_stop_with_a_real_worker_keeps_the_model(real_session: Session) -> None:
    session = real_session
    session.annotations.edit(HintSet(), points((5, 5), (20, 20)), "add points")
    session.training.progress.connect(lambda step: session.training.stop() if step.step >= 15 else None)
    session.training.start(overrides={"seconds_per_step": 0.02, "previews": 200, "steps": 1000})
    state = session.wait(60)
    assert state.status == "stopped"
    assert state.model is not None
    assert json.loads((state.model / "model.json").read_text())["rounds"] > 0


@pytest.mark.parametrize("crash", ["exception", "refusal", "sigkill", "memory", "exit"])
def test_a_crash_leaves_hints_and_session_in_order(real_session: Session, crash: str) -> None:
    session = real_session
    session.annotations.edit(HintSet(), points((5, 5), (20, 20)), "add points")
    before = session.annotations.hints
    told: list[tuple[str, str]] = []
    session.message.connect(lambda *message: told.append(message))
    session.training.start(overrides={"crash": crash, "steps": 9, "previews": 1})
    assert session.wait(60).status == "failed"
    assert [level for level, _ in told] == ["error"]
    assert session.annotations.hints.points.equals(before.points)
    session.training.start()
    assert session.wait(60).status == "finished"


def test_a_guess_is_one_until_there_is_a_model_or_another_project(ready: Session, runner: HandRunner) -> None:
    ready.training.start()
    assert not ready.training.guesses
    runner.tell(Started("CPU"), Preview(A, SOME))
    assert ready.training.guesses
    ready.training.stop()
    runner.end("cancelled")
    assert ready.training.guesses, "it is still on screen"
    ready.new_project(ready.project.folder.parent / "next.inkling")
    assert not ready.training.guesses
