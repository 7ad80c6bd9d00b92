"""Pseudo-labels of a running training: shown, judged, and gone in time. The test itself lives the job."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, HintSet, PlaneRef, Points, Predictions, PseudoLabels, Started
from napari_inkling.session import Session

from .conftest import A, B, HandRunner, Heard, points

CELLS = Points([[10, 10], [10, 40]], sources="model", scores=[0.9, 0.6])
GROUND = Points([[30, 10], [30, 40]], classes=[BACKGROUND, "other"], sources="model", scores=[0.8, 0.7])
FIRST_ROUND = PseudoLabels(A, 1, CELLS, GROUND)


@pytest.fixture
def running(session: Session, runner: HandRunner, heard: Heard) -> Session:
    """A session whose training has told the pseudo-labels of its first round."""
    session.annotations.edit(HintSet(), points((20, 25), (22, 55)), "add points")
    session.training.start()
    runner.tell(Started("CPU"), FIRST_ROUND)
    heard.clear()
    return session


def left(session: Session, ref: PlaneRef | None = None) -> list[list[list[float]]]:
    """Return where pseudo-cells and pseudo-background are left to judge."""
    return [rows.coordinates.tolist() for rows in session.pseudo_labels.shown(ref)]


def test_what_a_round_chose_is_shown_with_its_ranks(running: Session) -> None:
    cells, background = running.pseudo_labels.shown()
    assert cells.equals(CELLS)
    assert background.scores.tolist() == [0.8, 0.7]
    assert (running.pseudo_labels.round, running.pseudo_labels.counts) == (1, (2, 2))
    assert left(running, B) == [[], []]
    assert len(running.annotations.hints) == 2  # they are no hints


@pytest.mark.parametrize(
    ("judge", "one", "label", "expected"),
    [
        ("accept", CELLS.ids[0], "accept 1 pseudo-cell", ([10, 10], "cell", "accepted", 0.9)),
        ("strike", CELLS.ids[1], "strike 1 pseudo-cell", ([10, 40], BACKGROUND, "human", 1.0)),
        ("accept", GROUND.ids[1], "accept 1 pseudo-background", ([30, 40], BACKGROUND, "human", 1.0)),
        ("strike", GROUND.ids[1], "strike 1 pseudo-background", ([30, 40], "other", "human", 1.0)),
        ("strike", GROUND.ids[0], "strike 1 pseudo-background", ([30, 10], "cell", "human", 1.0)),
    ],
)
def test_a_judgement_is_an_ordinary_hint(running: Session, judge, one, label, expected) -> None:
    before = left(running)
    arguments = (one,) if judge == "accept" else (one, "cell")
    assert getattr(running.pseudo_labels, judge)(*arguments)
    hint = running.annotations.hints.points.take([-1])
    assert (hint.coordinates[0].tolist(), hint.classes[0], hint.sources[0], hint.scores[0]) == expected
    assert hint.ids[0] != one
    assert running.annotations.can_undo == label
    assert left(running) == [[place for place in kind if place != expected[0]] for kind in before]
    running.annotations.undo()
    assert left(running) == before
    assert len(running.annotations.hints) == 2
    running.annotations.redo()
    assert sum(map(len, left(running))) == 3


def test_what_is_judged_was_looked_at(running: Session) -> None:
    running.suggestions.put(A, Predictions(CELLS, radius=4.0))
    known = running.guide.looked(A).known
    assert running.pseudo_labels.accept(int(CELLS.ids[0]))
    after = running.guide.looked(A)
    assert (after.known, after.in_bulk) == (known + 1, 0)


def test_what_is_not_there_cannot_be_judged(running: Session) -> None:
    running.pseudo_labels.accept(int(CELLS.ids[0]))
    for one in (int(CELLS.ids[0]), 12345):
        assert not running.pseudo_labels.accept(one)
        assert not running.pseudo_labels.strike(one, "cell")
    assert running.annotations.can_undo == "accept 1 pseudo-cell"


def test_a_mark_of_ones_own_hides_what_it_confirms(running: Session, heard: Heard) -> None:
    running.annotations.edit(HintSet(), points((11, 12)), "add point")
    assert left(running) == [[[10, 40]], [[30, 10], [30, 40]]]
    assert heard("pseudo_labels_changed") == [A]


def test_the_newest_round_counts(running: Session, runner: HandRunner, heard: Heard) -> None:
    runner.tell(PseudoLabels(B, 1, CELLS), PseudoLabels(B, 2, GROUND.changed(classes="cell")))
    assert (left(running), left(running, B)) == ([[], []], [[[30, 10], [30, 40]], []])
    assert heard("pseudo_labels_changed") == [B, A, B]
    runner.tell(FIRST_ROUND)  # late
    assert left(running) == [[], []]
    assert (running.pseudo_labels.round, running.pseudo_labels.counts) == (2, (2, 0))


def test_undo_brings_back_nothing_of_an_older_round(running: Session, runner: HandRunner) -> None:
    running.pseudo_labels.accept(int(CELLS.ids[0]))
    runner.tell(PseudoLabels(A, 2, CELLS.take([1])))
    running.annotations.undo()
    assert left(running) == [[[10, 40]], []]


def test_classes_that_are_renamed_meanwhile(running: Session) -> None:
    running.annotations.rename_class("other", "RBC")
    assert running.pseudo_labels.shown()[1].classes.tolist() == [BACKGROUND, "RBC"]
    running.pseudo_labels.strike(int(GROUND.ids[1]), "cell")
    assert running.annotations.hints.points.classes[-1] == "RBC"


@pytest.mark.parametrize("end", ["stop", "finished", "failed", "died", "project", "pixels"])
def test_they_go_when_they_mean_nothing_any_more(
    running: Session, runner: HandRunner, heard: Heard, tmp_path: Path, end: str
) -> None:
    match end:
        case "stop":
            running.training.stop()
        case "project":
            running.new_project(tmp_path / "q.inkling")
        case "pixels":
            running.workspace.pixels_changed.emit("a")
        case _:
            runner.end(end)
    assert left(running, A) == [[], []]
    assert (running.pseudo_labels.round, heard("pseudo_labels_changed")) == (0, [A])
    if end in ("stop", "pixels"):  # what still comes shows nothing
        runner.tell(FIRST_ROUND)
        assert left(running, A) == [[], []]


def test_they_are_never_stored(running: Session, tmp_path: Path) -> None:
    running.close()
    again = Session(HandRunner())
    again.open_project(tmp_path / "p.inkling")
    assert left(again) == [[], []]
    np.testing.assert_array_equal(again.annotations.hints.points.coordinates, [[20, 25], [22, 55]])
    again.close()
