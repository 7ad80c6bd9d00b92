"""``inkling measure``: size, shape and brightness of every cell that has a mask, as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_inkling.cli.console import AsJson, ShowProgress, note, plural, result
from napari_inkling.cli.progress import progress_on
from napari_inkling.cli.sources import must_be_writable

if TYPE_CHECKING:
    from napari_inkling.evaluation.measurements import Measurements
    from napari_inkling.project import Project

__all__ = ["measure"]


def measure(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="A project with masks.")],
    out: Annotated[Path, typer.Option(metavar="CSV", help="File for the table, one row per cell.")],
    as_json: AsJson = False,
    progress: ShowProgress = None,
) -> None:
    """Measure every cell that has a mask: area, eccentricity, and mean intensity of each channel.

    Areas are in pixels, and in µm² where the image says how large a pixel is. Masks that a model predicted
    are measured once they are imported, or accepted in the dock. An image that cannot be read is named on
    stderr and left out.
    """
    from napari_inkling.core import ProjectError
    from napari_inkling.evaluation.measurements import write_measurements
    from napari_inkling.project import Project

    must_be_writable(out)
    with Project.open(project, read_only=True) as opened:
        if not any(len(opened.hints(ref).masks.cells) for ref in opened.planes_with_hints()):
            raise ProjectError(f"{project} has no masks to measure: import some, or accept them in the dock")
        tables, left_out = _measured(opened, progress)
    with out.open("w", newline="", encoding="utf-8") as file:
        count = write_measurements(file, tables)
    images = {name: len(table) for name, table in tables}
    values = {"path": str(out), "cells": count, "images": images, "left_out": left_out}
    where = plural(len(tables), "plane") + f", {len(left_out):,} left out" * bool(left_out)
    result(values, f"{out}: {plural(count, 'cell')} on {where}", as_json)


def _measured(project: Project, show: bool | None) -> tuple[list[tuple[str, Measurements]], list[str]]:
    """Return a table for each plane, and the planes that cannot be read; raises ImageError if none can."""
    from napari_inkling.core import ImageError
    from napari_inkling.evaluation.measurements import measuring

    masks = {ref: project.hints(ref).masks.cells for ref in project.planes_with_hints()}
    masks = {ref: rows for ref, rows in masks.items() if len(rows)}
    tables, left_out, total, before = [], [], sum(map(len, masks.values())), 0
    with progress_on(show, "cell") as bar:
        for ref, rows in masks.items():
            try:
                work = measuring(rows, project.open_image(ref))
                while True:
                    bar.show(before + next(work), total, "measuring", str(ref))
            except StopIteration as end:
                tables.append((str(ref), end.value))
            except ImageError as error:
                note(f"{ref} is left out: {error}")
                left_out.append(str(ref))
            before += len(rows)
    if not tables:
        raise ImageError(f"none of {plural(len(masks), 'plane')} can be read: {', '.join(left_out)}")
    return tables, left_out
