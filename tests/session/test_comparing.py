"""Methods are compared on held-out clicks, and nothing else changes."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_inkling.core import (
    Finished,
    HintSet,
    Points,
    Predictions,
    Preview,
    ProjectError,
    SettingsError,
    Started,
    Step,
    TooFewHintsError,
    Tried,
)
from napari_inkling.methods import get_method
from napari_inkling.session import ComparisonState, Session, comparing, rests_on, verdict
from napari_inkling.workers import CompareJob, PredictJob
from tests.compared_methods import ALL, DIES, HALF, NEVER, REFUSES
from tests.fake_method import FAKE, FakeModel, FakeSettings

from .conftest import SOME, A, B, HandRunner, Heard, points, save_model

CELLS = FakeModel._places(40, 60)[0]  # 24


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Models lie here while they are compared."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def click(session: Session, count: int = 24, ref: Any = A) -> None:
    session.annotations.edit(HintSet(), points(*CELLS[:count]), "add points", ref)


@pytest.fixture
def clicked(session: Session, heard: Heard) -> Session:
    """24 cells of the plane "a" are clicked, 6 of them to be held out."""
    click(session)
    heard.clear()
    return session


def found(places: Any = CELLS) -> Predictions:
    return Predictions(Points(places, sources="model", scores=0.9), radius=3.0)


# -- what is asked of the worker


def test_both_learn_from_the_same_hints_but_for_the_held_out_clicks(
    clicked: Session, runner: HandRunner, temporary: Path
) -> None:
    before = clicked.annotations.hints
    clicked.comparing.start([FAKE, ALL], minutes=0.5, device="cpu", seed=5)
    (job,) = runner.jobs
    assert isinstance(job, CompareJob)
    assert [t.method for t in job.trainings] == [FAKE, ALL]
    told = {(t.preset, t.minutes, t.device, t.seed, t.start) for t in job.trainings}
    assert told == {("quick", 0.5, "cpu", 5, None)}
    one, other = (t.snapshot for t in job.trainings)
    assert one == other and one.watch is None
    (item,) = job.planes.images
    assert item.ref == A and len(item.hints.points) == 18
    assert {Path(t.out).parent.parent for t in job.trainings} == {temporary}
    assert clicked.annotations.hints.points.equals(before.points)


class MaskedSettings(FakeSettings):
    masks: bool = True


def test_centres_are_compared_and_the_persons_radius_counts(
    clicked: Session, runner: HandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.compared_methods.FindsAll.Settings", MaskedSettings)
    clicked.radius.chosen = 6.0
    clicked.comparing.start([FAKE, ALL])
    assert [t.settings for t in runner.jobs[0].trainings] == [
        {"radius": 6.0},
        {"radius": 6.0, "masks": False},
    ]


def test_by_default_all_that_can_learn_from_the_hints(
    clicked: Session, runner: HandRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    clicked.comparing.start()
    assert [t.method for t in runner.jobs[0].trainings] == [
        "partial-points",
        "pu-ranking",
        FAKE,
    ]  # no boxes are drawn


# -- what is refused


def test_too_few_clicks_and_methods_are_told_before_it_begins(session: Session, runner: HandRunner) -> None:
    click(session, 9)
    assert "at least 10 clicks" in session.comparing.refusal()
    with pytest.raises(TooFewHintsError, match="there are 9: mark 1 more"):
        session.comparing.start()
    session.annotations.undo()
    click(session, 10)
    assert session.comparing.refusal() == ""
    with pytest.raises(SettingsError, match="two methods at least, got partial-points"):
        session.comparing.start(["partial-points", "partial-points"])
    with pytest.raises(SettingsError, match="unknown method 'nothing'"):
        session.comparing.start([FAKE, "nothing"])
    with pytest.raises(TooFewHintsError, match="stochastic-boxes needs at least"):
        session.comparing.start([FAKE, "stochastic-boxes"])
    with pytest.raises(SettingsError, match="the time limit is 0 minutes"):
        session.comparing.start([FAKE, ALL], minutes=0)
    assert not runner.jobs and session.comparing.state == ComparisonState()


def test_whether_it_may_begin_is_not_looked_into_at_each_click(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    real = comparing.hold_out
    monkeypatch.setattr(comparing, "hold_out", lambda *given: looked.append(1) or real(*given))
    click(session, 10)
    for number in range(10, 14):
        assert session.comparing.refusal() == "" and len(looked) == 1
        session.annotations.edit(HintSet(), points(*CELLS[number : number + 1]), "add a point", A)
    session.annotations.edit(session.annotations.hints, HintSet(), "clear", A)
    assert "at least 10 clicks" in session.comparing.refusal() and len(looked) == 2


def test_with_one_suitable_method_there_is_nothing_to_compare(
    clicked: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    clicked.advice.method = None
    alone = {"partial-points": get_method("partial-points").needs}
    monkeypatch.setattr(clicked.advice, "needs", lambda: alone)
    assert clicked.comparing.refusal() == (
        "a comparison takes two methods, and only partial-points can learn from these hints"
    )


def test_one_thing_at_a_time(clicked: Session, runner: HandRunner) -> None:
    clicked.training.start()
    with pytest.raises(SettingsError, match="a training is running"):
        clicked.comparing.start([FAKE, ALL])
    save_model(runner.jobs[0])
    runner.end()
    runner.end()  # the model has predicted the plane on screen
    clicked.comparing.start([FAKE, ALL])
    with pytest.raises(SettingsError, match="methods are being compared"):
        clicked.training.start()
    with pytest.raises(ProjectError, match="methods are being compared"):
        clicked.prediction.start([B])
    with pytest.raises(SettingsError, match="a comparison is running"):
        clicked.comparing.start([FAKE, ALL])
    clicked.go_to(B)  # which the newest model has not seen: it waits
    assert isinstance(runner.jobs[-1], CompareJob)
    runner.end()
    assert isinstance(runner.jobs[-1], PredictJob)


# -- how it goes


def test_it_tells_how_far_it_is(clicked: Session, runner: HandRunner, heard: Heard) -> None:
    clicked.comparing.start(["partial-points", ALL])
    runner.tell(Started("CPU"), Step("centres", 0, 210, 450))
    state = clicked.comparing.state
    assert state.doing == "Comparing: partial-points, step 210 of 450, then FindsAll"
    assert state.fraction == pytest.approx(0.9 * 210 / 450 / 2)
    runner.tell(Step("predicting", 0, 0, 1))
    assert clicked.comparing.state.doing == "Comparing: partial-points, predicting, then FindsAll"
    runner.tell(Tried("partial-points", {A: found()}))
    assert clicked.comparing.state.fraction == 0.5
    runner.tell(Step("counting", 1, 20, 20))
    assert clicked.comparing.state.doing == "Comparing: FindsAll, step 20 of 20"
    assert heard("comparing")[-1] is clicked.comparing.state


def test_it_tells_how_long_the_rest_takes() -> None:
    state = ComparisonState("starting", ("a", "b"))
    state = state.after(Step("centres", 0, 0, 100), now=50.0)
    assert state.seconds_left is None, "no pace is known yet"
    state = state.after(Step("centres", 0, 50, 100), now=50.0 + 18)  # of the first method's 90 % the half
    assert state.seconds_left == pytest.approx(18 / 0.225 * 0.775)
    state = state.after(Tried("a", {}), now=70.0)
    assert state.seconds_left is None
    assert state.after(Step("centres", 1, 0, 100), now=90.0).seconds_left == pytest.approx(40)


def test_the_result_is_shown_and_told(clicked: Session, runner: HandRunner, heard: Heard) -> None:
    clicked.comparing.start([HALF, ALL])
    held = {*CELLS[:, 0] * 100 + CELLS[:, 1]}
    left = runner.jobs[0].planes.images[0].hints.points.coordinates
    held -= {*left[:, 0] * 100 + left[:, 1]}
    missed = [c for c in CELLS if c[0] * 100 + c[1] not in held]
    runner.tell(Tried(HALF, {A: found(missed)}), Tried(ALL, {A: found()}), Finished())
    runner.end()
    state = clicked.comparing.state
    assert state.status == "finished" and state.result is not None
    first, second = state.result.detectors
    assert (first.name, first.f1, first.hits, first.cells, first.found) == (ALL, 1.0, 6, 6, 24)
    assert (second.name, second.f1, second.hits, second.found) == (HALF, 0.0, 0, 18)
    assert state.result.better == ALL
    assert rests_on(first, False) == "6 of 6 held-out clicks found, 24 found in all"
    assert state.message == "FindsAll is better: F1 ≈ 1.00, against 0.00."
    assert heard("message") == [("info", state.message)]


def test_what_is_no_more_than_chance_is_said(clicked: Session, runner: HandRunner) -> None:
    clicked.comparing.start([HALF, ALL])
    runner.tell(Tried(HALF, {A: found()}), Tried(ALL, {A: found()}))
    runner.end()
    assert clicked.comparing.state.message == (
        "No clear winner: F1 ≈ 1.00 for FindsHalf and 1.00 for FindsAll, a difference that chance explains; "
        "more clicks would tell."
    )


def test_a_complete_image_gives_exact_scores(session: Session, runner: HandRunner) -> None:
    click(session)
    click(session, 12, B)
    session.images.update("b", complete=True)
    session.comparing.start([HALF, ALL])
    (item,) = runner.jobs[0].planes.images
    assert item.ref == B
    assert [len(i.hints) for i in runner.jobs[0].trainings[0].snapshot.images] == [24, 12]
    runner.tell(Tried(HALF, {B: found(CELLS[:3])}), Tried(ALL, {B: found(CELLS[:15])}))
    runner.end()
    result = session.comparing.state.result
    assert result is not None and result.exact
    first, second = result.detectors
    assert (first.f1, second.f1) == (pytest.approx(24 / 27), pytest.approx(6 / 15))
    assert verdict(result) == "FindsAll is better: F1 = 0.89, against 0.40 on the complete images."
    assert rests_on(first, True) == "12 of 12 cells found, 15 found in all"


def test_who_found_nothing_is_not_just_worse(session: Session, runner: HandRunner) -> None:
    click(session)
    click(session, 12, B)
    session.images.update("b", complete=True)
    session.comparing.start([HALF, ALL], minutes=0.01)
    runner.tell(Tried(HALF, {B: found(CELLS[:0])}), Tried(ALL, {B: found(CELLS[:12])}))
    runner.end()
    assert (result := session.comparing.state.result) is not None
    assert verdict(result) == (
        "FindsAll is better: F1 = 1.00, against 0.00 on the complete images. "
        "FindsHalf found nothing at all: its training may have been too short."
    )


def test_only_planes_that_all_could_predict_count(session: Session, runner: HandRunner) -> None:
    for ref in (A, B):
        click(session, ref=ref)
    session.comparing.start([HALF, ALL])
    runner.tell(Tried(HALF, {A: found()}), Tried(ALL, {A: found(), B: found()}))
    runner.end()
    assert {d.cells for d in session.comparing.state.result.detectors} == {6}


# -- how it ends otherwise


def test_stop_shows_what_is_there(clicked: Session, runner: HandRunner) -> None:
    clicked.comparing.start([HALF, ALL])
    runner.tell(Tried(HALF, {A: found()}), Step("counting", 1, 3, 20))
    clicked.comparing.stop()
    assert (runner.cancelled, clicked.comparing.state.status) == (1, "stopping")
    runner.end("cancelled")
    state = clicked.comparing.state
    assert (state.status, [d.name for d in state.result.detectors]) == ("stopped", [HALF])
    assert state.message.startswith("Stopped early. FindsHalf alone: F1 ≈ 1.00 (")


def test_stop_before_anything_is_there(clicked: Session, runner: HandRunner, temporary: Path) -> None:
    clicked.comparing.start([HALF, ALL])
    clicked.comparing.stop()
    runner.end("cancelled")
    state = clicked.comparing.state
    assert (state.status, state.result) == ("stopped", None)
    assert state.message == "Comparison stopped before a method was through."
    assert list(temporary.iterdir()) == []


def test_a_method_that_fails_is_told_and_the_other_is_shown(
    clicked: Session, runner: HandRunner, heard: Heard
) -> None:
    clicked.comparing.start([HALF, ALL])
    runner.tell(Tried(HALF, error="the weights are not there"), Tried(ALL, {A: found()}))
    runner.end()
    state = clicked.comparing.state
    assert [d.name for d in state.result.detectors] == [ALL]
    assert state.message.endswith("FindsHalf failed: the weights are not there.")
    assert heard("message") == [("warning", state.message)]


def test_if_all_fail_it_fails(clicked: Session, runner: HandRunner, heard: Heard) -> None:
    clicked.comparing.start([HALF, ALL])
    runner.tell(Tried(HALF, error="no weights"), Tried(ALL, error="no memory"))
    runner.end()
    assert clicked.comparing.state.status == "failed"
    assert heard("message") == [("error", "FindsHalf failed: no weights. FindsAll failed: no memory.")]


# -- what stays as it was


def test_suggestions_models_and_hints_stay(clicked: Session, runner: HandRunner, heard: Heard) -> None:
    clicked.training.start()
    save_model(runner.jobs[0])
    runner.tell(Preview(A, SOME))
    runner.end()
    models, suggested = clicked.project.models(), clicked.suggestions.found(A)
    hints, trained = clicked.annotations.hints, clicked.training.trained_images
    heard.clear()
    clicked.comparing.start([HALF, ALL])
    runner.tell(Tried(HALF, {A: found()}), Tried(ALL, {A: found()}))
    runner.end()
    assert clicked.project.models() == models
    assert clicked.suggestions.found(A) is suggested
    assert clicked.annotations.hints.points.equals(hints.points)
    assert clicked.training.trained_images == trained
    assert set(heard.names) == {"comparing", "message"}


def test_it_stays_until_hints_change_much_or_it_is_put_away(clicked: Session, runner: HandRunner) -> None:
    def compare() -> None:
        clicked.comparing.start([HALF, ALL])
        runner.tell(Tried(ALL, {A: found()}))
        runner.end()

    compare()
    clicked.annotations.edit(HintSet(), points((1, 1), (2, 2), (1, 3), (2, 4), (1, 5), (2, 6)), "add points")
    assert clicked.comparing.state.result is not None
    clicked.annotations.edit(HintSet(), points((3, 1)), "add point")
    assert clicked.comparing.state == ComparisonState()
    compare()
    clicked.comparing.dismiss()
    assert clicked.comparing.state == ComparisonState()


def test_another_project_knows_nothing_of_it(
    clicked: Session, runner: HandRunner, tmp_path: Path, heard: Heard, temporary: Path
) -> None:
    clicked.comparing.start([HALF, ALL])
    clicked.new_project(tmp_path / "q.inkling")
    assert runner.cancelled == 1
    assert not clicked.comparing.active
    runner.end("cancelled")
    assert clicked.comparing.state == ComparisonState()
    assert list(temporary.iterdir()) == []


def test_closing_leaves_no_model_behind(clicked: Session, temporary: Path) -> None:
    clicked.comparing.start([HALF, ALL])
    assert len(list(temporary.iterdir())) == 1
    clicked.close()
    assert list(temporary.iterdir()) == []


# -- with a real worker


def test_in_a_worker(real_session: Session, temporary: Path) -> None:
    click(real_session)
    click(real_session, ref=B)
    real_session.comparing.start([HALF, REFUSES, ALL])
    real_session.wait(60)
    state = real_session.comparing.state
    assert [d.name for d in state.result.detectors] == [ALL, HALF]
    assert [(d.cells, d.found) for d in state.result.detectors] == [(12, 48), (12, 48)]
    assert state.result.detectors[0].hits == 12 and state.result.detectors[1].hits < 12
    assert state.message.endswith("Refuses failed: weights were asked for that are not there.")
    assert list(temporary.iterdir()) == []
    assert real_session.project.models() == []


def test_a_worker_that_dies_leaves_what_was_found(real_session: Session) -> None:
    click(real_session)
    real_session.comparing.start([ALL, DIES])
    real_session.wait(60)
    state = real_session.comparing.state
    assert [d.name for d in state.result.detectors] == [ALL]
    assert "was killed" in state.message


def test_a_worker_is_stopped(real_session: Session, temporary: Path) -> None:
    click(real_session)
    tried = []
    real_session.comparing.changed.connect(
        lambda state: real_session.comparing.stop() if state.number == 1 and not tried.append(state) else None
    )
    real_session.comparing.start([ALL, NEVER])
    assert real_session.wait(60) is not None
    state = real_session.comparing.state
    assert (state.status, [d.name for d in state.result.detectors]) == ("stopped", [ALL])
    assert list(temporary.iterdir()) == []


def test_the_same_seed_gives_the_same_result(real_session: Session) -> None:
    click(real_session)
    results = []
    for seed in (1, 1, 2):
        real_session.comparing.start([HALF, ALL], seed=seed)
        real_session.wait(60)
        results.append(real_session.comparing.state.result)
    assert results[0] == results[1] != results[2]
    assert np.isfinite(results[0].cells)
