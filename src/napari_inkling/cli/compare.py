"""``inkling compare``: which method does best on clicks that are held out of its training."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_inkling.cli.console import AsJson, ShowProgress, StoppedError, note, result
from napari_inkling.cli.progress import Progress, progress_on
from napari_inkling.cli.signals import terminated_like_interrupted
from napari_inkling.cli.training import STOP_SECONDS, session_on

if TYPE_CHECKING:
    from napari_inkling.evaluation import Comparison
    from napari_inkling.session import ComparisonState, Session

__all__ = ["compare"]


def compare(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="A project with hints.")],
    methods: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Two or more, with commas; by default all that suit the hints."),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(metavar="M", help="Time limit for the training of each method.")
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")] = "auto",
    seed: Annotated[
        int, typer.Option(metavar="N", help="Decides which clicks are held out; each method trains with it.")
    ] = 0,
    as_json: AsJson = False,
    progress: ShowProgress = None,
) -> None:
    """Train methods without a quarter of the clicks, and show which one finds these.

    Where images are marked complete, F1 is measured on them instead, and no click is held out. Each method
    trains with its preset quick. Nothing is written: the project stays as it is.
    """
    names = None if methods is None else [name.strip() for name in methods.split(",") if name.strip()]
    with session_on(project) as session:
        state = _run(session, progress, names, minutes, device, seed)
    for failure in state.failures:
        note(failure)
    assert state.result is not None
    result(_values(state.result, state.failures), _text(state.result), as_json)


def _run(
    session: Session,
    show: bool | None,
    names: list[str] | None,
    minutes: float | None,
    device: str,
    seed: int,
) -> ComparisonState:
    """Compare to the end; raises InklingError if that fails, and StoppedError after Ctrl-C."""
    from napari_inkling.core import InklingError

    comparing = session.comparing
    with progress_on(show) as bar, terminated_like_interrupted():
        comparing.changed.connect(lambda state: _show(bar, state))
        try:
            comparing.start(names, minutes=minutes, device=device, seed=seed)
            session.wait()
        except KeyboardInterrupt:
            comparing.stop()
            session.wait(STOP_SECONDS + 2)
    state = comparing.state
    if state.status == "failed":
        error = InklingError(state.message)
        error.add_note(state.details)  # the worker's traceback, for those who ask for it
        raise error
    if state.status != "finished":
        raise StoppedError(state.message)
    return state


def _show(bar: Progress, state: ComparisonState) -> None:
    if state.status == "running":
        bar.show(round(1000 * state.fraction), 1000, state.doing)


def _values(found: Comparison, failures: tuple[str, ...]) -> dict[str, Any]:
    return {
        "methods": [asdict(detector) for detector in found.detectors],
        "better": found.better or None,
        "exact": found.exact,
        "estimated_cells": None if found.exact else round(found.cells, 1),
        "failures": list(failures),
    }


def _text(found: Comparison) -> str:
    """Return a line for each method, and the verdict."""
    from napari_inkling.session import f1_words, rests_on, verdict

    wide = max(len(detector.name) for detector in found.detectors)
    lines = [
        f"{detector.name:{wide}}  {f1_words(detector, found.exact)}, {rests_on(detector, found.exact)}"
        for detector in found.detectors
    ]
    return "\n".join([*lines, verdict(found)])
