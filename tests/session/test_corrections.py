"""Hints that change while a training runs, on their way to it."""

from __future__ import annotations

import time

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, HintSet, Masks, PlaneRef, Points, Started, Step
from napari_inkling.session import Session, corrections
from napari_inkling.session.corrections import in_classes_of
from tests.fake_method import FAKE_ROUNDS

from .conftest import A, B, HandRunner, points

HOURS = 3600.0


@pytest.fixture
def training(session: Session, runner: HandRunner, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session whose training heeds corrections and has just been submitted; none waits to be sent."""
    monkeypatch.setattr(corrections, "SECONDS", 0.0)
    session.annotations.edit(HintSet(), points((3, 4), (20, 20)), "add points")
    session.training.start(FAKE_ROUNDS)
    return session


def told(runner: HandRunner) -> list[tuple[PlaneRef, list[list[float]]]]:
    return [(ref, hints.points.coordinates.tolist()) for ref, hints in runner.told]


def mark(session: Session, y: float, x: float, ref: PlaneRef = A) -> None:
    session.annotations.edit(HintSet(), points((y, x)), "add point", ref)


def test_each_change_is_sent_to_the_training(training: Session, runner: HandRunner) -> None:
    runner.tell(Started("CPU"))
    assert training.training.heeds_corrections
    assert told(runner) == []
    mark(training, 30, 30)
    mark(training, 5, 5, B)
    training.annotations.undo()
    kept = [[3, 4], [20, 20]]
    assert told(runner) == [(A, [*kept, [30, 30]]), (B, [[5, 5]]), (B, [])]


def test_what_is_marked_before_it_runs_is_sent_when_it_does(training: Session, runner: HandRunner) -> None:
    mark(training, 5, 5, B)
    mark(training, 30, 30)
    mark(training, 6, 30, B)
    assert told(runner) == []
    runner.tell(Started("CPU"))
    assert told(runner) == [(B, [[5, 5], [6, 30]]), (A, [[3, 4], [20, 20], [30, 30]])]
    runner.tell(Step("counting", 1, 1, 2))
    assert len(runner.told) == 2  # once


def test_many_at_once_are_one_message_and_the_last_counts(
    training: Session, runner: HandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner.tell(Started("CPU"))
    monkeypatch.setattr(corrections, "SECONDS", HOURS)
    for x in range(10, 50, 10):
        mark(training, 30, x)
    assert [len(hints.points) for _, hints in runner.told] == [3]  # the first goes at once
    timer = training._corrections._timer
    assert timer is not None
    timer.cancel()
    monkeypatch.setattr(corrections, "SECONDS", 0.0)
    timer.function()  # the time is over
    assert [len(hints.points) for _, hints in runner.told] == [3, 6]


def test_nothing_is_lost_in_waiting(
    training: Session, runner: HandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner.tell(Started("CPU"))
    monkeypatch.setattr(corrections, "SECONDS", 0.02)
    for x in range(10, 50, 2):
        mark(training, 30, x)
        mark(training, 10, x, B)
    until = time.monotonic() + 60
    while {str(ref): len(hints.points) for ref, hints in runner.told} != {"a": 22, "b": 20}:
        assert time.monotonic() < until, runner.told
        time.sleep(0.005)


@pytest.mark.parametrize("end", ["stop", "finished", "died", "project", "close"])
def test_nothing_is_sent_to_a_training_that_ends(
    training: Session, runner: HandRunner, monkeypatch: pytest.MonkeyPatch, tmp_path, end: str
) -> None:
    runner.tell(Started("CPU"))
    mark(training, 30, 10)
    monkeypatch.setattr(corrections, "SECONDS", HOURS)
    mark(training, 30, 30)  # waits
    timer = training._corrections._timer
    assert timer is not None
    match end:
        case "stop":
            training.training.stop()
        case "project":
            training.new_project(tmp_path / "q.inkling")
        case "close":
            training.close()
        case _:
            runner.end(end)
    assert timer.finished.is_set()
    if end != "close":
        assert training.training.heeds_corrections == (end in ("stop", "project"))
        training.annotations.hints_changed.emit(A)
    assert len(runner.told) == 1
    assert training._corrections._timer is None


def test_a_method_that_does_not_ask_is_told_nothing(session: Session, runner: HandRunner) -> None:
    session.annotations.edit(HintSet(), points((3, 4), (20, 20)), "add points")
    session.training.start()
    runner.tell(Started("CPU"))
    mark(session, 30, 30)
    assert (session.training.heeds_corrections, runner.told) == (False, [])


def test_images_to_measure_on_are_not_told_of(training: Session, runner: HandRunner) -> None:
    runner.tell(Started("CPU"))
    training.images.update("b", complete=True)
    mark(training, 5, 5, B)
    assert told(runner) == []


def test_classes_have_the_names_that_the_training_knows(training: Session, runner: HandRunner) -> None:
    runner.tell(Started("CPU"))
    training.annotations.rename_class("cell", "RBC")
    training.annotations.set_classes(["RBC", "other", "new"])
    more = HintSet(Points([[30, 30], [31, 50], [10, 50]], classes=["new", "other", BACKGROUND]))
    training.annotations.edit(HintSet(), more, "add points")
    assert runner.told[-1][1].points.classes.tolist() == ["cell", "cell", "other", BACKGROUND]


def test_masks_are_not_looked_into_if_no_class_has_another_name() -> None:
    masks = Masks.from_crops([(0, 0)], [np.ones((2, 2), bool)], classes="cell")
    hints = HintSet(masks=masks)
    assert in_classes_of(hints, ("cell",), str).masks is masks
    renamed = in_classes_of(HintSet(masks=masks.changed(classes="b")), ("a",), {"a": "b"}.__getitem__)
    assert renamed.masks.classes.tolist() == ["a"]


@pytest.mark.parametrize(
    ("judge", "says"),
    [
        (lambda labels, cells, ground: labels.accept(cells.ids[0], A), "3 cells, 0 not a cell"),
        (lambda labels, cells, ground: labels.strike(cells.ids[0], "cell", A), "2 cells, 1 not a cell"),
    ],
)
def test_a_judged_pseudo_label_counts_in_the_next_round_of_the_worker(
    real_session: Session, judge, says: str
) -> None:
    session, notices, counts = real_session, [], {}
    session.message.connect(lambda _level, text: notices.append(text))
    session.annotations.edit(HintSet(), points((5, 45), (35, 45)), "add points")

    def look(ref: PlaneRef) -> None:
        labels = session.pseudo_labels
        if labels.round and labels.round not in counts:
            counts[labels.round] = labels.counts
            if labels.round == 1:
                judge(labels, *labels.shown(A))

    session.pseudo_labels.changed.connect(look)
    session.training.start(FAKE_ROUNDS)
    assert session.wait(60).status == "finished"
    assert f"told of a: {says}" in notices
    assert counts == {1: (2, 2), 2: (1, 2)}  # those by the hints are no choice
