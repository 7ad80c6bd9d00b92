"""``inkling guide``: how many boxes are enough, and the images and cells whose annotation would help most."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from napari_inkling.cli.box_guide import box_advice, box_text
from napari_inkling.cli.console import AsJson, ShowProgress, note, plural, result
from napari_inkling.cli.progress import progress_on
from napari_inkling.cli.signals import terminated_like_interrupted
from napari_inkling.cli.sources import must_be_writable
from napari_inkling.cli.training import session_on

if TYPE_CHECKING:
    from napari_inkling.core import PlaneRef
    from napari_inkling.session import Session

__all__ = ["guide"]

_VALUE = (
    "value of an image: doubt × cells around, summed over its cells\n"
    "value of a cell: doubt × how crowded it is for its image, less for each cell listed before"
)
_COLUMNS = ("image", "y", "x", "value", "doubt", "reason")


def guide(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="A project.")],
    model: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Ask this model; by default the project's newest one."),
    ] = None,
    count: Annotated[int, typer.Option(metavar="N", min=1, help="How many cells to list, at most.")] = 20,
    out: Annotated[
        Path | None, typer.Option(metavar="CSV", help="Write the list of cells to this file, too.")
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")] = "auto",
    method: Annotated[
        str | None,
        typer.Option(metavar="MODULE:CLASS", help="Trust a model of this method, which is not installed."),
    ] = None,
    as_json: AsJson = False,
    progress: ShowProgress = None,
) -> None:
    """Say of each class how many more boxes to draw, and list the images and cells to look at next.

    The model predicts all images but the complete ones. What it suggests is worth looking at
    where it is doubtful and many such cells lie together; the list is spread over the images. What a person
    has marked, rejected or looked at is left out. Without a model, it is only about boxes.
    """
    from napari_inkling.core import InklingError
    from napari_inkling.workers import model_method

    if out is not None:
        must_be_writable(out)
    if model is not None:
        model_method(model)  # before anything else: is it a model at all?
    with session_on(project, method) as session:
        boxes = box_advice(session)
        asks_model = model is not None or bool(session.project.models())
        if asks_model:
            _predict(session, device, progress, model)
        elif not any(row["boxes"] or row["points"] for row in boxes):
            raise InklingError(
                f"{project} holds no model: train in the dock, or give the folder of another one as --model"
            )
        planes, cells = _planes(session), _cells(session, count)
        missing = [str(ref) for ref in _asked(session)]
        threshold = session.suggestions.threshold
    if out is not None:
        _write(out, cells)
    values = {
        "boxes": boxes,
        "threshold": threshold if asks_model else None,
        "images": planes,
        "cells": cells,
        "left_out": missing if asks_model else [],
    }
    if not asks_model:
        note(
            "the project holds no model yet: what to look at next is listed with one, or with --model FOLDER"
        )
    about_boxes = any(row["boxes"] for row in boxes) or not asks_model
    parts = [box_text(boxes) if about_boxes else "", _text(planes, cells) if asks_model else ""]
    result(values, "\n\n".join(filter(None, parts)), as_json)


def _asked(session: Session) -> list[Any]:
    """Return the planes of images to learn from that were not predicted."""
    wanted = session.workspace.learnable_images
    return [ref for ref in session.prediction.unpredicted_planes if ref.image in wanted]


def _predict(session: Session, device: str, show: bool | None, model: Path | None) -> None:
    from napari_inkling.core import InklingError

    asked = _asked(session)
    with progress_on(show, "plane") as bar, terminated_like_interrupted():

        def show_how_far(*_: object) -> None:
            bar.show(len(asked) - len(_asked(session)), len(asked), "predicting")

        session.suggestions.changed.connect(show_how_far)
        session.prediction.start(asked, device, model)
        session.wait()
    if asked and len(_asked(session)) == len(asked):
        which = model or "the newest model"
        raise InklingError(f"{which} could not predict any of {plural(len(asked), 'plane')}")


def _planes(session: Session) -> list[dict[str, Any]]:
    """Return what is known of each plane, the one with most to gain first."""
    return [_plane(ref, need, session) for ref, need in session.guide.needs().items()]


def _plane(ref: PlaneRef, need: float, session: Session) -> dict[str, Any]:
    known, found, in_bulk = session.guide.looked(ref)
    value = round(need, 4)
    return {"image": str(ref), "value": value, "cells": found, "known": known, "accepted_in_bulk": in_bulk}


def _cells(session: Session, count: int) -> list[dict[str, Any]]:
    """Return the cells to look at, the one that helps most first."""
    return [
        {
            "image": str(target.plane),
            "y": round(target.place[0], 2),
            "x": round(target.place[1], 2),
            "value": round(target.value, 4),
            "doubt": round(target.doubt, 4),
            "reason": target.reason,
        }
        for target in session.guide.what_next(count)
    ]


def _write(out: Path, cells: Sequence[Mapping[str, Any]]) -> None:
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(cells)


def _text(planes: Sequence[Mapping[str, Any]], cells: Sequence[Mapping[str, Any]]) -> str:
    """Return both lists for people."""
    if not cells:
        return "nothing is left to look at: every suggestion is marked, rejected, looked at, or sure"
    wide = max(len(row["image"]) for row in planes)
    lines = [f"{'image':{wide}}   value  cells found, known"]
    lines += [f"{p['image']:{wide}}  {p['value']:6.1f}  {p['cells']:,}, {p['known']:,}" for p in planes]
    lines += ["", f"{plural(len(cells), 'cell')} to look at next:"]
    lines += [f"{'image':{wide}}       y       x   value  doubt  reason"]
    return "\n".join([*lines, *(_line(cell, wide) for cell in cells), "", _VALUE])


def _line(cell: Mapping[str, Any], wide: int) -> str:
    place = f"{cell['image']:{wide}}  {cell['y']:6.0f}  {cell['x']:6.0f}"
    return f"{place}  {cell['value']:6.2f}  {cell['doubt']:5.2f}  {cell['reason']}"
