"""Accepting and rejecting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_inkling.core import BACKGROUND, HintSet, PlaneRef, Points, Predictions, Preview, ProjectError
from napari_inkling.session import Session

from .conftest import ROW, A, B, HandRunner, Heard, points, shown, suggested


def test_accepting_some(reviewed: Session, heard: Heard) -> None:
    ids = ROW.points.ids
    assert reviewed.review.accept([ids[0], ids[3], ids[2], 12345]) == 2  # ids[2] is below the threshold
    assert shown(reviewed) == [[10, 20]]
    new = reviewed.annotations.hints.points.take(slice(2, None))
    assert new.coordinates.tolist() == [[10, 10], [30, 10]]
    assert new.sources.tolist() == ["accepted"] * 2
    assert new.scores.tolist() == [0.9, 0.6]
    assert heard.names == ["hints_changed", "suggestions_changed", "history_changed"]
    assert reviewed.annotations.can_undo == "accept 2 suggestions"
    reviewed.annotations.undo()
    assert shown(reviewed) == [[10, 10], [10, 20], [30, 10]]
    reviewed.annotations.redo()
    assert shown(reviewed) == [[10, 20]]


def test_what_accepting_took_is_kept_with_the_hints(reviewed: Session) -> None:
    now = [100.0]
    reviewed._clock._clock = lambda: now[0]
    reviewed._clock.start()
    before = reviewed.annotations.seconds_spent
    now[0] += 3.0
    reviewed.review.accept(ROW.points.ids[:2])
    assert reviewed.annotations.hints.points.seconds[-2:].tolist() == [1.5, 1.5]
    assert reviewed.annotations.seconds_spent == before + 3.0


def test_accepting_by_score_and_by_place(reviewed: Session) -> None:
    assert reviewed.review.accept_in(0, 0, 12, 20) == 2
    assert reviewed.review.accept_above() == 1
    assert reviewed.review.accept_above() == 0
    assert shown(reviewed) == []
    assert reviewed.annotations.can_undo == "accept 1 suggestion"
    assert len(reviewed.annotations.hints) == 5


@pytest.mark.parametrize(
    "judge",
    [
        lambda session: session.review.accept_above(),
        lambda session: session.review.accept_in(0, 0, 40, 60),
        lambda session: session.review.accept(ROW.points.ids),
        lambda session: session.review.reject(ROW.points.ids),
        lambda session: session.review.reject(ROW.points.ids, as_background=True),
    ],
)
def test_an_image_is_reviewed_when_nothing_is_left(reviewed: Session, heard: Heard, judge: Any) -> None:
    reviewed.review.accept(ROW.points.ids[:2])
    assert not reviewed.project.image("a").reviewed
    assert "images_changed" not in heard.names
    judge(reviewed)  # (10, 30) is below the threshold and may stay
    assert reviewed.project.image("a").reviewed
    assert not reviewed.project.image("b").reviewed
    assert heard.names.count("images_changed") == 1


def test_a_stack_is_reviewed_when_all_its_planes_are(
    reviewed: Session, runner: HandRunner, pictures: list[Path]
) -> None:
    reviewed.images.add(pictures[2:])
    first, second, third = (PlaneRef("c", (z,)) for z in range(3))
    runner.tell(Preview(first, ROW), Preview(second, ROW))
    reviewed.review.accept_above(first)
    reviewed.review.accept_above(second)
    assert not reviewed.project.image("c").reviewed  # the third may hold some, too
    runner.tell(Preview(third, suggested((5, 5, 0.9), (20, 20, 0.1))))
    assert reviewed.review.accept_above(third) == 1
    assert reviewed.project.image("c").reviewed


def test_what_was_searched_in_part_is_not_reviewed(
    reviewed: Session, runner: HandRunner, heard: Heard, tmp_path: Path
) -> None:
    runner.tell(Preview(A, ROW, whole=False))
    assert reviewed.review.accept_above() == 3
    assert not reviewed.project.image("a").reviewed
    reviewed.files.export(tmp_path / "a.csv", "points-csv", "both", ["a"])
    assert heard("message") == [("info", "1 plane has not been searched as a whole yet: predict first.")]
    runner.tell(Preview(A, suggested((25, 25, 0.9))))
    assert reviewed.review.accept_above() == 1
    assert reviewed.project.image("a").reviewed


def test_a_refused_judgement_counts_as_none(reviewed: Session) -> None:
    second, told = Session(HandRunner()), Heard()
    second.open_project(reviewed.project.folder)  # read-only: the first one writes
    told.listen(second, "message")
    second.suggestions.put(A, ROW)
    assert second.review.accept_above() == 0
    assert second.review.accept([ROW.points.ids[0]]) == 0
    assert second.review.accept_in(0, 0, 40, 60) == 0
    assert second.review.reject([ROW.points.ids[0]], as_background=True) == 0
    assert second.review.reject([ROW.points.ids[0]]) == 0
    assert [level for level, _ in told("message")] == ["error"] * 5
    assert shown(second) == [[10, 10], [10, 20], [30, 10]]
    second.close()


def test_a_judgement_on_a_full_disk_counts(
    reviewed: Session, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = reviewed.project.edit

    def kept_in_memory(*args: object) -> None:
        real(*args)  # type: ignore[arg-type]
        raise ProjectError("1 edit could not be written: the disk is full")

    monkeypatch.setattr(reviewed.project, "edit", kept_in_memory)
    assert reviewed.review.accept_above() == 3
    assert shown(reviewed) == []
    assert [level for level, _ in heard("message")] == ["error"]


def test_what_was_accepted_does_not_come_back(reviewed: Session, runner: HandRunner) -> None:
    reviewed.review.accept_above()
    runner.tell(Preview(A, suggested((11, 11, 0.95), (12, 24, 0.9))))
    assert shown(reviewed) == [[12, 24]]  # 4.5 px from the accepted (10, 20), beyond the radius of 3


def test_what_was_rejected_does_not_come_back(reviewed: Session, runner: HandRunner, heard: Heard) -> None:
    assert reviewed.review.reject([ROW.points.ids[0]]) == 1
    assert shown(reviewed) == [[10, 20], [30, 10]]
    assert heard.names == ["suggestions_changed", "history_changed"]
    assert len(reviewed.annotations.hints) == 2  # no hint was made
    near, far = (11, 11, 0.95), (12, 12, 0.95)  # 1.4 px and 2.8 px away; half the radius is 1.5
    runner.tell(Preview(A, suggested(near, far)))
    assert shown(reviewed) == [[12, 12]]
    assert (reviewed.review.rejected_count(), reviewed.review.rejected_count(B)) == (1, 0)
    assert reviewed.review.restore_rejected() == 1
    assert shown(reviewed) == [[11, 11], [12, 12]]
    assert reviewed.review.rejected_count() == reviewed.review.restore_rejected() == 0


def test_the_rejected_are_remembered_by_the_project(reviewed: Session, tmp_path: Path) -> None:
    reviewed.review.reject([ROW.points.ids[0], ROW.points.ids[2]])  # below the threshold can be rejected too
    reviewed.close()
    runner = HandRunner()
    again = Session(runner, method=reviewed.advice.method)
    again.open_project(tmp_path / "p.inkling")
    again.training.start()
    runner.tell(Preview(A, ROW))
    assert again.suggestions.shown(threshold=0.0).points.coordinates.tolist() == [[10, 20], [30, 10]]
    again.close()


def test_rejecting_and_bringing_back_are_undone(reviewed: Session, heard: Heard) -> None:
    reviewed.review.reject(ROW.points.ids[:2])
    assert reviewed.annotations.can_undo == "reject 2 suggestions"
    reviewed.go_to(B)
    settings = (reviewed.project.folder / "project.json").read_bytes()  # with what was looked at
    heard.clear()
    reviewed.annotations.undo()
    assert reviewed.plane == A
    assert "suggestions_changed" in heard.names
    assert shown(reviewed) == [[10, 10], [10, 20], [30, 10]]
    reviewed.annotations.redo()
    assert shown(reviewed) == [[30, 10]]
    assert reviewed.review.restore_rejected() == 2
    assert reviewed.annotations.can_undo == "bring back 2 suggestions"
    reviewed.annotations.undo()
    assert shown(reviewed) == [[30, 10]]
    assert (reviewed.project.folder / "project.json").read_bytes() == settings


def test_rejecting_into_background_is_one_undo(reviewed: Session) -> None:
    assert reviewed.review.reject(ROW.points.ids[:2], as_background=True) == 2
    background = reviewed.annotations.hints.points.background
    assert background.coordinates.tolist() == [[10, 10], [10, 20]]
    assert set(background.classes) == {BACKGROUND}
    assert set(background.sources) == {"human"}
    assert shown(reviewed) == [[30, 10]]
    assert reviewed.annotations.can_undo == "reject 2 suggestions"
    reviewed.annotations.undo()
    assert shown(reviewed) == [[10, 10], [10, 20], [30, 10]]
    assert reviewed.review.reject([999]) == 0


def test_five_thousand_are_accepted_in_one_step(session: Session, runner: HandRunner) -> None:
    session.annotations.edit(HintSet(), points((0, 0), (1, 1)), "add points")
    session.training.start()
    ys, xs = np.divmod(np.arange(5000), 100)
    places = np.stack([ys, xs], 1) * 10.0 + 5
    runner.tell(Preview(A, Predictions(Points(places, sources="model", scores=0.9), radius=3.0)))
    assert session.review.accept_above() == 5000
    assert len(session.suggestions.shown().points) == 0
    session.annotations.undo()
    assert len(session.suggestions.shown().points) == 5000
