"""``inkling demo``: the main job on sample data, in a window or without one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_inkling.cli.console import AsJson, ShowProgress, note, result
from napari_inkling.cli.demo_run import run_demo, sample_project
from napari_inkling.cli.sources import must_be_writable
from napari_inkling.cli.window import no_window, open_window

__all__ = ["demo"]


def demo(
    headless: Annotated[
        bool, typer.Option("--headless", help="Open no window: train, and write suggestions and scores.")
    ] = False,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for everything that the demo makes.")
    ] = Path("demo-output"),
    preset: Annotated[
        str, typer.Option(metavar="NAME", help="quick, standard or as-published; without a window.")
    ] = "quick",
    as_json: AsJson = False,
    progress: ShowProgress = None,
) -> None:
    """Do the main job on sample data.

    napari opens with a sample project, its hints and the dock. Without a display the work is done here: hints
    in; trained model, suggestions, a picture and scores out.
    """
    must_be_writable(out / "overlay.png")
    if not headless and (reason := no_window()):
        note(f"{reason}: the demo runs without a window")
        headless = True
    if headless:
        report = run_demo(out, progress, preset=preset)
        result(report.values, report.text, as_json)
        return
    project = sample_project(out)
    note(f"napari opens with {project}; press Train")
    open_window(project)
    result({"project": str(project)}, f"{project} holds what was done", as_json)
