"""Training from the command line: the dock's own session and worker, with a bar in place of buttons."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_inkling.cli.console import StoppedError, note
from napari_inkling.cli.progress import Progress, progress_on
from napari_inkling.cli.signals import terminated_like_interrupted
from napari_inkling.cli.sources import must_be_writable

if TYPE_CHECKING:
    from napari_inkling.core import Step
    from napari_inkling.session import Session, TrainingState

__all__ = ["Trained", "model_folder", "parse_settings", "run_training", "session_on"]

#: A worker that has not stopped so long after Ctrl-C is killed; what it learns until then is kept.
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Trained:
    """What a training left: the model's folder, how long it took, on which device, and its last scores."""

    model: Path
    method: str
    seconds: float
    device: str
    metrics: Mapping[str, float]


@contextmanager
def session_on(project: Path, method: str | None = None) -> Iterator[Session]:
    """Give a session on a project that tells its messages on stderr; its worker ends with the block.

    The worker is a process of its own as in the dock: memory that runs out ends the worker, and the person
    still reads why; what Stop does is the same code everywhere. Here it gives way to nobody. ``method`` is
    one that is not installed, of models that the person trusts.
    """
    from napari_inkling.session import Session
    from napari_inkling.workers import LocalRunner

    runner = LocalRunner(nice=0, cancel_seconds=STOP_SECONDS)
    session = Session(runner, method=method, predict_on_visit=False)

    def tell(level: str, text: str) -> None:
        ended = session.training.state.full_message, session.comparing.state.message
        if text not in ended:  # that is told at the end
            note(text)

    session.message.connect(tell)
    try:
        session.open_project(project)
        yield session
    finally:
        session.close()


def run_training(session: Session, show: bool | None, **arguments: Any) -> Trained:
    """Train on the session's project until the end, or until Ctrl-C.

    Parameters
    ----------
    session : Session
        With a project open.
    show : bool or None
        Whether to show a bar; ``None``: on a terminal, elsewhere lines.
    **arguments
        Those of :meth:`~napari_inkling.session.training.Training.start`.

    Raises
    ------
    InklingError
        If the training is refused or fails.
    StoppedError
        After Ctrl-C (or SIGTERM, which a cluster sends when time is up); says where the model is.
    """
    from napari_inkling.core import InklingError

    session.go_to(None)  # nobody looks: no previews
    out = arguments.get("out")
    older = _written(out)
    started = time.perf_counter()
    with progress_on(show) as bar, _shown(session, bar), terminated_like_interrupted():
        try:
            session.training.start(**arguments)
            state = session.wait()
        except KeyboardInterrupt:
            session.training.stop()
            state = session.wait(STOP_SECONDS + 2)
    model = state.model if out is None or _written(out) != older else None
    if state.status == "failed":
        error = InklingError(_failure(state, model))
        error.add_note(state.details)  # the worker's traceback, for those who ask for it
        raise error
    if state.status != "finished":
        raise StoppedError(_stopped(state.method, model) + _older_kept(out, model, older))
    assert state.model is not None
    return Trained(
        state.model, state.method, time.perf_counter() - started, state.device, _last_metrics(state)
    )


def _written(out: Path | None) -> float | None:
    """Return when the model in a folder was written, None if there is none."""
    file = out / "model.json" if out is not None else None
    return file.stat().st_mtime_ns if file is not None and file.is_file() else None


def _stopped(method: str, model: Path | None) -> str:
    """Return that a training was stopped, where the model is that it reached, and what that one lacks."""
    from napari_inkling.session import still_lacks

    if model is None:
        return "training stopped; there was no model yet"
    told = f"training stopped; the model reached so far is in {model}"
    lacks = still_lacks(model, method)
    return f"{told}. {lacks}" if lacks else told


def _older_kept(out: Path | None, model: Path | None, older: float | None) -> str:
    return "" if model or older is None or out is None else f", the older one in {out.name} is kept"


def _failure(state: TrainingState, model: Path | None) -> str:
    """Return why a training failed, and where the model is that it reached."""
    return f"{state.message.rstrip('. ')}; the model reached so far is in {model}" if model else state.message


def _last_metrics(state: TrainingState) -> dict[str, float]:
    """Return the last scores on validation truth that the training told; empty without such truth."""
    told = [dict(r.metrics) for r in state.metrics if "f1" in r.metrics]
    return {name: float(value) for name, value in told[-1].items()} if told else {}


@contextmanager
def _shown(session: Session, bar: Progress) -> Iterator[None]:
    """Move the bar with the training, while the block runs."""

    def on_step(step: Step) -> None:
        bar.show(step.step, step.steps, step.stage, values=step.losses)

    session.training.progress.connect(on_step)
    try:
        yield
    finally:
        session.training.progress.disconnect(on_step)


def model_folder(path: Path) -> Path:
    """Return an absolute folder that a model may be written to: a new or empty one, or one with a model.

    Raises
    ------
    ProjectError
        For anything else, which saving the model would replace.
    """
    from napari_inkling.core import ProjectError

    must_be_writable(path)
    if path.exists() and not path.is_dir():
        raise ProjectError(f"{path} is a file, expected a folder for the model")
    if path.is_dir() and any(path.iterdir()) and not (path / "model.json").is_file():
        raise ProjectError(
            f"{path} is a folder with other things in it, expected a new one, or an older model"
        )
    return path.absolute()


def parse_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Return the settings in ``["key=value", …]``; numbers stay text, which the method's settings understand.

    A value that looks like a JSON list, object or null is taken as that.
    """
    from napari_inkling.core import SettingsError

    settings: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not (key and equals):
            raise SettingsError(f"--set {pair!r}: expected key=value, e.g. --set radius=6")
        settings[key] = _value(key, value)
    return settings


def _value(key: str, text: str) -> Any:
    from napari_inkling.core import SettingsError

    if not text.startswith(("[", "{")) and text != "null":
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise SettingsError(f"--set {key}={text}: not JSON ({error.msg})") from error
