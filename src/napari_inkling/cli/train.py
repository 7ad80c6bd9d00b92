"""``inkling train``: a model from a project's hints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from napari_inkling.cli.console import AsJson, ShowProgress, result
from napari_inkling.cli.training import Trained, model_folder, parse_settings, run_training, session_on

if TYPE_CHECKING:
    from napari_inkling.methods import Preset

__all__ = ["train"]


def train(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="A project with hints.")],
    out: Annotated[Path, typer.Option(metavar="MODEL", help="Folder for the model.")],
    method: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="See `inkling methods`; by default the one that suits the hints."),
    ] = None,
    preset: Annotated[str, typer.Option(metavar="NAME", help="quick, standard or as-published.")] = "quick",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the method; may be given repeatedly."),
    ] = None,
    minutes: Annotated[float | None, typer.Option(metavar="M", help="Time limit.")] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")] = "auto",
    seed: Annotated[
        int, typer.Option(metavar="N", help="The same seed gives the same model on the same machine.")
    ] = 0,
    as_json: AsJson = False,
    progress: ShowProgress = None,
) -> None:
    """Train a model on all hints of a project, from the beginning.

    Images that are marked complete are held out; F1 is measured on them. Ctrl-C stops and keeps the model
    that was reached so far.
    """
    folder = model_folder(out)
    overrides = parse_settings(settings or [])
    with session_on(project) as session:
        trained = run_training(
            session,
            progress,
            method=method,
            preset=cast("Preset", preset),
            overrides=overrides,
            device=device,
            seed=seed,
            minutes=minutes,
            resume=False,
            out=folder,
        )
    values = {
        "model": str(trained.model),
        "method": trained.method,
        "preset": preset,
        "seed": seed,
        "seconds": round(trained.seconds, 1),
        "device": trained.device,
        **{key: trained.metrics.get(key) for key in ("f1", "precision", "recall")},
    }
    result(values, summary(trained, out), as_json)


def summary(trained: Trained, out: Path) -> str:
    """Return the last line: the model, seconds, device and, if there is truth to measure on, F1."""
    measured = f", F1 {trained.metrics['f1']:.3f} on the complete images" if trained.metrics else ""
    return f"{out}: {trained.method} trained in {trained.seconds:.0f} s on {trained.device}{measured}"
