"""What is particular to the runner of this machine: its process, and that it never outlives anybody."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from napari_inkling.workers import LocalRunner
from napari_inkling.workers.local import AHEAD

from .probe_job import PATIENCE, Listener, ProbeJob, begin, leave_a_trace, run, take_a_while

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are a POSIX matter")


def in_time(holds: Callable[[], object], seconds: float = PATIENCE) -> bool:
    """Whether it comes true in time."""
    until = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def gone(pid: int) -> bool:
    """Whether the process has ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def runner():
    made = LocalRunner(ahead=())
    yield made
    made.close()


def test_the_process_is_kept_warm_between_jobs() -> None:
    runner = LocalRunner(ahead=(), cancel_seconds=PATIENCE)
    assert runner.pid is None
    run(runner, ProbeJob(1)).wait()
    first = runner.pid
    run(runner, ProbeJob(1, end="exception")).wait()
    listener = begin(runner, ProbeJob(100_000, 0.01))
    runner.cancel()
    assert listener.wait().state == "cancelled"
    assert not runner.busy
    assert runner.pid == first is not None
    runner.close()


def test_it_gives_way_to_the_viewer(runner: LocalRunner) -> None:
    begin(runner, ProbeJob(1, end="hang"))
    if sys.platform != "win32":
        assert psutil.Process(runner.pid).nice() == max(10, psutil.Process().nice())


@posix
def test_it_need_not_give_way() -> None:
    runner = LocalRunner(ahead=(), nice=0)
    begin(runner, ProbeJob(1, end="hang"))
    assert psutil.Process(runner.pid).nice() == psutil.Process().nice()
    runner.close()


def test_how_long_a_cancelled_job_may_take_is_a_parameter(tmp_path: Path) -> None:
    runner = LocalRunner(ahead=(), cancel_seconds=PATIENCE)
    left = tmp_path / "left"
    listener = begin(runner, ProbeJob(5, seconds=2, left_behind=str(left)))  # two seconds between events
    runner.cancel()
    listener.wait()
    assert left.read_text() == "closed"
    runner.close()


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_a_terminal_tells_the_whole_group_is_left_to_the_parent(
    runner: LocalRunner, number: signal.Signals
) -> None:
    listener = run(runner, ProbeJob(20, seconds=0.02))
    os.kill(runner.pid, number)  # the process may not even have begun to ignore it
    time.sleep(0.1)
    os.kill(runner.pid, number)
    assert listener.wait().state == "finished"


@pytest.mark.parametrize("ahead", [(), ("torch",)], ids=["imported by the job", "imported ahead"])
@pytest.mark.parametrize("threads", [1, 3])
def test_torch_has_as_many_threads_as_were_asked_for(threads: int, ahead: tuple[str, ...]) -> None:
    runner = LocalRunner(threads, ahead)
    listener = run(runner, ProbeJob(0, end="threads"))
    assert listener.wait(120).state == "finished"  # importing torch takes long on a busy machine
    assert listener.notices == [f"{threads} threads"]
    runner.close()


WHILE, TRACE = (f"{call.__module__}:{call.__name__}" for call in (take_a_while, leave_a_trace))


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROBE_TRACE", str(tmp_path / "trace"))
    return tmp_path / "trace"


def test_it_gets_ready_ahead_of_the_first_job(trace: Path) -> None:
    runner = LocalRunner(ahead=("json", TRACE))
    runner.warm_up()
    assert in_time(trace.exists)
    runner.close()


def test_a_job_is_not_kept_waiting_for_what_it_may_not_need(trace: Path) -> None:
    runner = LocalRunner(ahead=(WHILE, TRACE))
    assert run(runner, ProbeJob(1)).wait().state == "finished"
    assert not trace.exists()
    runner.close()


def test_what_cannot_be_done_ahead_keeps_no_job_from_running() -> None:
    runner = LocalRunner(ahead=("no.such.module",))
    assert run(runner, ProbeJob(1)).wait().state == "finished"
    runner.close()


def test_what_is_done_ahead_exists() -> None:
    for name in AHEAD:
        module, _, function = name.partition(":")
        found = importlib.import_module(module)
        assert not function or callable(getattr(found, function))


def test_close_leaves_no_process(runner: LocalRunner) -> None:
    runner.warm_up()
    pid = runner.pid
    runner.close()
    assert not psutil.pid_exists(pid)
    assert runner.pid is None


@posix
def test_a_worker_that_dies_while_idle_is_replaced(runner: LocalRunner) -> None:
    run(runner, ProbeJob(1)).wait()
    first = runner.pid
    os.kill(first, signal.SIGKILL)
    assert in_time(lambda: runner.pid is None)
    assert run(runner, ProbeJob(1)).wait().state == "finished"
    assert runner.pid != first


@posix
@pytest.mark.parametrize("how", ["sigkill", "exit", "os._exit", "unhandled", "sigterm"])
@pytest.mark.parametrize("what", ["idle", "deaf"])
def test_the_worker_leaves_when_the_viewer_goes(how: str, what: str, tmp_path: Path) -> None:
    script = tmp_path / "viewer.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import os, signal, sys, time
            print("once", flush=True)  # the worker must not run this script again
            from napari_inkling.workers import LocalRunner
            from tests.workers.probe_job import ProbeJob, begin, run
            runner = LocalRunner(ahead=())
            if {what!r} == "idle":
                run(runner, ProbeJob(1)).wait()
            else:
                begin(runner, ProbeJob(1, end="deaf"))
            print(runner.pid, flush=True)
            how = {how!r}
            if how == "exit":
                sys.exit(0)
            if how == "os._exit":
                os._exit(0)
            if how == "unhandled":
                raise RuntimeError("the viewer fails")
            time.sleep(600)
            """
        )
    )
    viewer = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with viewer:
        assert viewer.stdout is not None
        assert viewer.stdout.readline() == "once\n"
        pid = int(viewer.stdout.readline())
        assert pid != viewer.pid
        if how in ("sigkill", "sigterm"):  # else the viewer goes by itself, and may be gone by now
            assert not gone(pid)
            viewer.send_signal(getattr(signal, how.upper()))
        assert in_time(lambda: gone(pid)), "the worker outlives the viewer"
        assert viewer.stdout.read() == ""
        viewer.wait(PATIENCE)


@posix
def test_a_fork_that_holds_the_pipe_open_does_not_keep_the_worker(tmp_path: Path) -> None:
    script = tmp_path / "viewer.py"
    script.write_text(
        textwrap.dedent(
            """
            import os, time
            from napari_inkling.workers import LocalRunner
            from tests.workers.probe_job import ProbeJob, run
            runner = LocalRunner(ahead=())
            run(runner, ProbeJob(1)).wait()
            if (fork := os.fork()) == 0:
                time.sleep(600)
                os._exit(0)
            print(runner.pid, fork, flush=True)
            os._exit(0)
            """
        )
    )
    viewer = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    with viewer:
        assert viewer.stdout is not None
        worker, fork = map(int, viewer.stdout.readline().split())
        try:
            assert in_time(lambda: gone(worker))
        finally:
            os.kill(fork, signal.SIGKILL)


def test_no_event_comes_after_the_outcome(runner: LocalRunner) -> None:
    listener = begin(runner, ProbeJob(100_000))
    runner.cancel()
    listener.wait()
    told = len(listener.events)
    other = Listener()
    runner.submit(ProbeJob(3), other.on_event, other.on_done)
    other.wait()
    assert len(listener.events) == told
    assert other.notices == ["0", "1", "2"]


def test_an_on_done_that_fails_is_heard_of(runner: LocalRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[BaseException | None] = []
    monkeypatch.setattr("threading.excepthook", lambda arguments: heard.append(arguments.exc_value))

    def fail(outcome: object) -> None:
        raise KeyError("a slot")

    runner.submit(ProbeJob(1), lambda event: None, fail)
    assert in_time(lambda: heard)
    assert [str(error) for error in heard] == ["'a slot'"]
    assert run(runner, ProbeJob(1)).wait().state == "finished"


@posix
def test_a_large_job_does_not_hold_up_who_submits_it(runner: LocalRunner) -> None:
    """It would fill the pipe while the child is still starting."""
    runner.warm_up()
    os.kill(runner.pid, signal.SIGSTOP)
    listener = run(runner, ProbeJob(1, left_behind="x" * 5_000_000))  # comes back before the job is read
    os.kill(runner.pid, signal.SIGCONT)
    assert listener.wait().state == "failed"  # the file name is too long, so it arrived
