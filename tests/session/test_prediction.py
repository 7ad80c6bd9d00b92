"""Which planes are predicted when, with a runner whose jobs the test lives by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from napari_inkling.core import Finished, HintSet, InklingError, Notice, PlaneRef, Preview, Saved
from napari_inkling.session import Session
from napari_inkling.workers import PredictJob, TrainJob
from tests.fake_method import FAKE

from .conftest import SOME, A, B, HandRunner, Heard, points, save_model, train


def test_a_plane_is_predicted_when_it_is_visited(ready: Session, runner: HandRunner, heard: Heard) -> None:
    model = train(ready, runner)
    ready.go_to(B)
    job = runner.jobs[-1]
    assert isinstance(job, PredictJob)
    assert (job.model, [item.ref for item in job.snapshot.images]) == (str(model), [B])
    assert job.methods == (FAKE,)
    assert ready.prediction.active
    runner.tell(Preview(B, SOME))
    runner.end()
    assert len(ready.suggestions.shown().points) == 1
    ready.go_to(A)
    ready.go_to(B)
    assert len(runner.jobs) == 2  # both are known by now
    assert not ready.prediction.active


def test_moving_on_does_not_interrupt_a_prediction(ready: Session, runner: HandRunner, pictures) -> None:
    ready.images.add(pictures[2:])
    train(ready, runner)
    ready.go_to(B)
    ready.go_to(PlaneRef("c", (1,)))
    assert runner.cancelled == 0
    runner.tell(Preview(B, SOME))
    runner.end()
    assert [item.ref for item in runner.jobs[-1].snapshot.images] == [PlaneRef("c", (1,))]


def test_a_prediction_that_fails_is_told_once(ready: Session, runner: HandRunner, heard: Heard) -> None:
    train(ready, runner)
    ready.go_to(B)
    heard.clear()
    runner.end("failed", "image b is missing")
    assert heard("message") == [("warning", "image b is missing")]
    ready.go_to(A)
    ready.go_to(B)
    assert len(runner.jobs) == 2
    ready.prediction.start([B])  # asked for, it is tried again
    assert len(runner.jobs) == 3


def test_a_plane_that_was_left_out_is_told_and_not_tried_again(
    ready: Session, runner: HandRunner, heard: Heard, pictures
) -> None:
    ready.images.add(pictures[2:])
    train(ready, runner)
    heard.clear()
    ready.prediction.start()
    for z in range(3):
        runner.tell(Preview(PlaneRef("c", (z,)), SOME))
    runner.tell(Notice("left out: b has 3 channels"))
    ready.go_to(B)
    runner.end()
    assert heard("message") == [("warning", "left out: b has 3 channels")]
    assert (len(runner.jobs), ready.prediction.active) == (2, False)


def test_training_takes_the_place_of_a_prediction(ready: Session, runner: HandRunner) -> None:
    train(ready, runner)
    ready.go_to(B)
    ready.training.start()
    assert (ready.training.state.status, runner.cancelled, len(runner.jobs)) == ("starting", 1, 2)
    runner.tell(Preview(B, SOME))  # late
    assert len(ready.suggestions.shown().points) == 0
    runner.end("cancelled")
    assert isinstance(runner.jobs[-1], TrainJob)
    runner.end("failed", "no")
    assert isinstance(runner.jobs[-1], PredictJob)  # what was put off


def test_stop_before_the_training_could_begin(ready: Session, runner: HandRunner) -> None:
    train(ready, runner)
    ready.go_to(B)
    ready.training.start()
    ready.training.stop()
    assert ready.training.state.status == "stopped"
    runner.end("cancelled")
    assert isinstance(runner.jobs[-1], PredictJob)


def test_predict_all_that_is_not_known(ready: Session, runner: HandRunner, pictures) -> None:
    with pytest.raises(InklingError, match="no model yet"):
        ready.prediction.start()
    ready.images.add(pictures[2:])
    train(ready, runner)
    ready.prediction.start()
    stack = [PlaneRef("c", (z,)) for z in range(3)]
    assert [item.ref for item in runner.jobs[-1].snapshot.images] == [B, *stack]
    for ref in (B, *stack):
        runner.tell(Preview(ref, SOME))
    runner.end()
    ready.prediction.start()
    assert len(runner.jobs) == 2
    assert set(ready.suggestions.planes) == {A, B, *stack}
    ready.training.start()
    with pytest.raises(InklingError, match="a training is running"):
        ready.prediction.start()


@pytest.mark.parametrize(
    ("previews", "fresh"),
    [([True], True), ([False], False), ([False, True], True), ([True, False], False), ([], False)],
)
def test_a_plane_that_was_previewed_in_part_is_predicted_as_a_whole(
    ready: Session, runner: HandRunner, previews: list[bool], fresh: bool
) -> None:
    ready.training.start()
    save_model(runner.jobs[-1])
    runner.tell(*(Preview(A, SOME, whole) for whole in previews))
    runner.tell(Saved(runner.jobs[-1].out), Finished())
    assert (A in ready.prediction.unpredicted_planes) is not fresh
    runner.end()
    assert len(runner.jobs) == (1 if fresh else 2)
    if not fresh:  # on its own, for the plane is on screen
        assert [item.ref for item in runner.jobs[-1].snapshot.images] == [A]
        runner.tell(Preview(A, SOME))
        runner.end()
    assert ready.prediction.unpredicted_planes == (B,)


def test_planes_that_the_newest_model_has_not_predicted(
    ready: Session, runner: HandRunner, pictures: list[Path]
) -> None:
    ready.images.add(pictures[2:])
    stack = tuple(PlaneRef("c", (z,)) for z in range(3))
    assert ready.prediction.unpredicted_planes == (A, B, *stack)
    train(ready, runner)
    assert ready.prediction.unpredicted_planes == (B, *stack)
    ready.prediction.start([B, stack[1]])
    runner.tell(Preview(B, SOME), Preview(stack[1], SOME))
    runner.end()
    assert ready.prediction.unpredicted_planes == (stack[0], stack[2])
    ready.images.remove("a")
    assert ready.prediction.unpredicted_planes == (stack[0], stack[2])
    ready.annotations.edit(HintSet(), points((3, 4), (20, 20)), "add points", B)
    train(ready, runner)  # what an older model predicted does not count
    assert ready.prediction.unpredicted_planes == stack
    ready.images.remove("c")
    ready.images.remove("b")
    assert ready.prediction.unpredicted_planes == ()


def test_a_new_model_makes_older_suggestions_stale(ready: Session, runner: HandRunner) -> None:
    train(ready, runner)
    ready.go_to(B)
    runner.tell(Preview(B, SOME))
    runner.end()
    train(ready, runner)  # previews B, which is on screen
    ready.go_to(A)
    assert [item.ref for item in runner.jobs[-1].snapshot.images] == [A]


def test_suggestions_are_made_again_after_a_restart(ready: Session, runner: HandRunner) -> None:
    train(ready, runner)
    folder = ready.project.folder
    ready.close()
    again = HandRunner()
    session = Session(again, method=FAKE)
    session.open_project(folder)
    assert isinstance(again.jobs[0], PredictJob)
    again.tell(Preview(A, SOME))
    assert len(session.suggestions.shown().points) == 1
    session.close()


def test_no_prediction_unless_wanted(ready: Session, runner: HandRunner) -> None:
    ready.prediction.on_visit = False
    train(ready, runner)
    ready.go_to(B)
    assert len(runner.jobs) == 1
