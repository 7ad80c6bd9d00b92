"""What every runner must do, whatever it runs jobs on."""

from __future__ import annotations

import sys

import pytest

from napari_inkling.core import Failed, Finished, HintSet, PlaneRef, Points, WorkerError
from napari_inkling.workers import Outcome, Runner

from .conftest import RUNNERS
from .probe_job import PATIENCE, Listener, ProbeJob, Unreadable, begin, run

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are a POSIX matter")


def test_a_job_tells_its_events_in_order_and_finishes(runner: Runner) -> None:
    listener = run(runner, ProbeJob(notices=3))
    assert listener.wait() == Outcome("finished")
    assert listener.notices == ["0", "1", "2"]
    assert listener.events[-1] == Finished()
    assert not runner.busy


def test_three_jobs_in_a_row(runner: Runner) -> None:
    for count in (1, 2, 3):
        listener = run(runner, ProbeJob(notices=count))
        assert listener.wait().state == "finished"
        assert len(listener.notices) == count


def test_the_next_job_can_be_submitted_from_on_done(runner: Runner) -> None:
    second = Listener()
    runner.submit(
        ProbeJob(1),
        lambda event: None,
        lambda outcome: runner.submit(ProbeJob(2), second.on_event, second.on_done),
    )
    assert second.wait().state == "finished"
    assert second.notices == ["0", "1"]


@pytest.mark.parametrize(
    ("end", "says"),
    [
        ("refusal", "image tile_03 is missing"),
        ("exception", "The training stopped with an unexpected error: ValueError: a probe was asked to fail"),
        ("memory", "The training ran out of memory: use fewer or smaller images"),
        ("torch memory", "The training ran out of memory: use fewer or smaller images"),
        ("cpu memory", "The training ran out of memory: use fewer or smaller images"),
        ("sys exit", "The training stopped with an unexpected error: SystemExit: 4"),
        ("unpicklable", "The training stopped with an unexpected error: "),
    ],
)
def test_an_error_is_told_and_the_next_job_runs(runner: Runner, end: str, says: str) -> None:
    listener = run(runner, ProbeJob(1, end=end))
    outcome = listener.wait()
    assert outcome.state == "failed"
    assert outcome.message.startswith(says)
    assert "Traceback" in outcome.details
    assert listener.events[-1] == Failed(outcome.message, outcome.details)
    assert run(runner, ProbeJob(1)).wait().state == "finished"


def test_a_job_that_cannot_be_received_fails(runner: Runner) -> None:
    assert run(runner, Unreadable()).wait().state == "failed"
    assert run(runner, ProbeJob(1)).wait().state == "finished"


@posix
@pytest.mark.parametrize(
    ("end", "says"),
    [
        ("sigkill", "The training process was killed (signal 9), probably because memory ran out."),
        ("sigsegv", "The training process crashed (signal 11, SIGSEGV)."),
        ("exit", "The training process ended unexpectedly (exit code 3)."),
    ],
)
def test_a_death_is_told_and_the_next_job_runs(runner: Runner, end: str, says: str) -> None:
    listener = begin(runner, ProbeJob(1, end=end))
    outcome = listener.wait()
    assert outcome.state == "died"
    assert outcome.message == says
    assert outcome.advice == "Your hints are safe; press Train to start again."
    assert listener.notices == ["0"]
    assert run(runner, ProbeJob(1)).wait().state == "finished"


def test_cancel_stops_between_two_events_and_lets_the_job_tidy_up(patient_runner: Runner, tmp_path) -> None:
    runner, left = patient_runner, tmp_path / "left"
    listener = begin(runner, ProbeJob(10_000, seconds=0.01, left_behind=str(left)))
    runner.cancel()
    runner.cancel()  # impatient
    assert listener.wait() == Outcome("cancelled", "The training was stopped.")
    assert left.read_text() == "closed"
    assert run(runner, ProbeJob(1)).wait().state == "finished"


@pytest.mark.parametrize("end", ["hang", "deaf"])
def test_cancel_kills_a_job_that_does_not_listen(runner: Runner, end: str) -> None:
    listener = begin(runner, ProbeJob(1, end=end))
    runner.cancel()
    assert listener.wait() == Outcome("cancelled", "The training was stopped.")
    assert run(runner, ProbeJob(1)).wait().state == "finished"


def test_cancel_right_after_submit(runner: Runner) -> None:
    listener = run(runner, ProbeJob(10_000, seconds=0.01))
    runner.cancel()
    assert listener.wait().state == "cancelled"
    assert run(runner, ProbeJob(1)).wait().state == "finished"


def test_a_cancelled_job_does_not_take_the_next_one_along(runner: Runner) -> None:
    """The deadline of a cancellation must not kill what runs by then."""
    first = begin(runner, ProbeJob(10_000, seconds=0.01))
    runner.cancel()
    first.wait()
    assert run(runner, ProbeJob(30, seconds=0.05)).wait().state == "finished"


def test_kill_ends_at_once(runner: Runner) -> None:
    listener = begin(runner, ProbeJob(1, end="deaf"))
    runner.kill()
    assert listener.wait().state == "cancelled"


def test_cancel_and_kill_without_a_job_do_nothing(runner: Runner) -> None:
    runner.cancel()
    runner.kill()
    assert run(runner, ProbeJob(1)).wait().state == "finished"
    runner.cancel()
    runner.kill()
    assert run(runner, ProbeJob(1)).wait().state == "finished"


def test_submit_while_busy_is_refused(runner: Runner) -> None:
    listener = begin(runner, ProbeJob(10_000, seconds=0.01))
    assert runner.busy
    with pytest.raises(WorkerError, match="busy with a training"):
        runner.submit(ProbeJob(), listener.on_event, listener.on_done)
    runner.cancel()
    listener.wait()
    assert len(listener.outcomes) == 1


def test_two_runners_at_once(runner: Runner) -> None:
    other = RUNNERS["local"]()
    mine, theirs = begin(runner, ProbeJob(10_000, 0.01)), begin(other, ProbeJob(5, 0.01))
    assert theirs.wait().state == "finished"
    other.close()
    assert runner.busy
    runner.cancel()
    assert mine.wait().state == "cancelled"


def test_close_while_running(runner: Runner) -> None:
    listener = begin(runner, ProbeJob(1, end="deaf"))
    runner.close()
    assert [outcome.state for outcome in listener.outcomes] == ["cancelled"]
    runner.close()
    with pytest.raises(WorkerError, match="closed"):
        runner.submit(ProbeJob(), listener.on_event, listener.on_done)


def test_close_from_a_callback(runner: Runner) -> None:
    listener = Listener()
    runner.submit(ProbeJob(100, 0.01), lambda event: runner.close(), listener.on_done)
    assert listener.wait().state == "cancelled"


def test_warm_up_twice_then_run(runner: Runner) -> None:
    runner.warm_up()
    runner.warm_up()
    assert run(runner, ProbeJob(1)).wait().state == "finished"


def test_a_callback_that_fails_ends_the_job(runner: Runner) -> None:
    listener = Listener()

    def fail(event: object) -> None:
        raise KeyError("a slot")

    runner.submit(ProbeJob(1, end="hang"), fail, listener.on_done)
    outcome = listener.wait()
    assert (outcome.state, "KeyError: 'a slot'" in outcome.message) == ("failed", True)
    assert run(runner, ProbeJob(1)).wait().state == "finished"


A, B = PlaneRef("a"), PlaneRef("b")


def hints(*ids: int) -> HintSet:
    return HintSet(Points([[5, i] for i in ids], ids=ids))


def test_the_job_is_told_the_newest_hints_of_each_plane(runner: Runner) -> None:
    listener = begin(runner, ProbeJob(1, end="hints"))
    runner.tell_hints(A, hints(1))
    runner.tell_hints(B, hints(3))
    runner.tell_hints(A, hints(1, 2))
    runner.tell_hints(PlaneRef("c"), hints())
    assert listener.wait().state == "finished"
    assert listener.notices[-1] == "a 1 2, b 3, c "


def test_hints_that_come_before_the_job_has_begun_are_not_lost(runner: Runner) -> None:
    listener = run(runner, ProbeJob(0, end="hints"))
    runner.tell_hints(A, hints(1))
    runner.tell_hints(B, hints())
    assert listener.wait().state == "finished"
    assert listener.notices[-1] == "a 1, b "


def test_the_next_job_knows_nothing_of_them(runner: Runner) -> None:
    runner.tell_hints(A, hints(1))  # there is no job, and no process
    first = begin(runner, ProbeJob(1, end="hints"))
    runner.tell_hints(A, hints(2))
    runner.tell_hints(B, hints())
    first.wait()
    runner.tell_hints(A, hints(3))  # there is a process without a job
    second = begin(runner, ProbeJob(1, end="hints"))
    runner.tell_hints(B, hints())
    second.wait()
    assert (first.notices[-1], second.notices[-1]) == ("a 2, b ", "b ")


def test_a_job_that_is_to_stop_is_told_nothing_more(patient_runner: Runner) -> None:
    runner = patient_runner
    listener = begin(runner, ProbeJob(1, end="hints"))
    runner.cancel()
    runner.tell_hints(A, hints())  # which would let it finish
    assert listener.wait().state == "cancelled"


def test_hints_for_a_job_that_does_not_listen(runner: Runner) -> None:
    listener = begin(runner, ProbeJob(10_000, seconds=0.01))
    runner.tell_hints(A, hints(1))
    runner.cancel()
    assert listener.wait(PATIENCE).state == "cancelled"
