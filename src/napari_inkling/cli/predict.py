"""``inkling predict``: a model on images, folders or projects, into an annotation file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_inkling.cli.console import FORMAT_NAMES, AsJson, ShowProgress, StoppedError, note, plural, result
from napari_inkling.cli.prediction import DEFAULT_THRESHOLD, predict_planes
from napari_inkling.cli.signals import terminated_like_interrupted
from napari_inkling.cli.sources import PlaneSource, find_planes, format_for, must_be_writable

if TYPE_CHECKING:
    from napari_inkling.core import PlaneRef, Predictions

__all__ = ["predict", "write_predictions"]


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A model's folder.")],
    images: Annotated[
        list[Path],
        typer.Argument(metavar="IMAGES_OR_PROJECT", help="Images, folders of images, or projects."),
    ],
    out: Annotated[
        Path, typer.Option(metavar="PATH", help="File; or folder, for several images in a file each.")
    ],
    format: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"{FORMAT_NAMES}; by default as PATH's suffix says."),
    ] = None,
    threshold: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Lowest score to keep; 0.5 is where the model itself draws the line."
        ),
    ] = DEFAULT_THRESHOLD,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda or mps.")] = "auto",
    method: Annotated[
        str | None,
        typer.Option(metavar="MODULE:CLASS", help="Trust a model of this method, which is not installed."),
    ] = None,
    as_json: AsJson = False,
    progress: ShowProgress = None,
) -> None:
    """Find the cells on images.

    Nothing is computed before everything that is named here has been found and opened. Images that the model
    cannot take (other channels than it was trained on, damaged) are named on stderr and left out.
    """
    from napari_inkling.evaluation import cell_centres
    from napari_inkling.workers import model_method

    model_method(model)  # before images are looked for: is it a model at all?
    planes = find_planes(images)
    format = _checked_format(format, out, planes)
    with _kept_if_interrupted(planes, out, format, threshold) as found:
        methods = [method] if method else []
        predict_planes(model, planes, device=device, methods=methods, show=progress, into=found)
    kept = _above(found, threshold)
    written = _write_or_rescue(kept, planes, out, format)
    counts = {str(ref): len(cell_centres(p)) for ref, p in kept.items()}
    total = sum(counts.values())
    masks = sum(len(p.masks) for p in kept.values())
    left_out = [str(plane.ref) for plane in planes if plane.ref not in found]
    values = {
        "path": str(written),
        "format": format,
        "threshold": threshold,
        "cells": total,
        "masks": masks,
        "images": counts,
        "left_out": left_out,
    }
    disks = sum(len(p.points.without_ids(p.masks.ids)) for p in kept.values())
    if format in ("masks", "ome-zarr-labels") and disks:
        values["disks"] = disks
        note(
            f"{disks:,} of the cells have no mask and are disks of the mean radius in {written}: masks are "
            "learnt in the last part of a training, and not with masks=false"
        )
    scores = f"with a score of {threshold:g} or more"
    where = plural(len(counts), "plane") + f", {len(left_out):,} left out" * bool(left_out)
    cells = plural(total, "cell") + f" ({masks:,} with a mask)" * (0 < masks < total)
    result(values, f"{written}: {cells} {scores} on {where}", as_json)


@contextmanager
def _kept_if_interrupted(
    planes: Sequence[PlaneSource], out: Path, format: str, threshold: float
) -> Iterator[dict[PlaneRef, Predictions]]:
    """Give a dictionary to fill; what is in it is written even if something goes wrong later on."""
    found: dict[PlaneRef, Predictions] = {}
    try:
        with terminated_like_interrupted():
            yield found
    except (Exception, KeyboardInterrupt) as error:  # whatever it is, hours of work may be in `found`
        if not found:
            raise
        written = _write_or_rescue(_above(found, threshold), planes, out, format)
        done = f"{len(found):,} of {plural(len(planes), 'plane')}"
        raise StoppedError(f"{_reason(error)}; {done} were done before, see {written}") from error


def _reason(error: BaseException) -> str:
    from napari_inkling.workers.failure import describe_error

    if isinstance(error, KeyboardInterrupt):
        return "stopped"
    return describe_error("prediction", error).message.rstrip(".")


def _above(found: Mapping[PlaneRef, Predictions], threshold: float) -> dict[PlaneRef, Predictions]:
    return {ref: predictions.above(threshold) for ref, predictions in found.items()}


def _write_or_rescue(
    predictions: Mapping[PlaneRef, Predictions], planes: Sequence[PlaneSource], out: Path, format: str
) -> Path:
    """Write predictions; what cannot be written so, or there, is kept as COCO beside it."""
    from napari_inkling.core import FormatError

    try:
        return write_predictions(predictions, planes, out, format)
    except FormatError as error:
        kept = write_predictions(predictions, planes, out.with_name(f"{out.name}.rescued.json"), "coco")
        raise StoppedError(f"{error}; all that was found is in {kept}") from error


def write_predictions(
    predictions: Mapping[PlaneRef, Predictions], planes: Sequence[PlaneSource], out: Path, format: str
) -> Path:
    """Write predictions with the names and sizes of the files that they are of."""
    from napari_inkling.project.formats import export_annotations

    shapes = {plane.ref.image: plane.shape for plane in planes}
    files = {plane.ref.image: plane.path for plane in planes}
    return export_annotations(predictions, out, format, shapes=shapes, files=files)


def _checked_format(format: str | None, out: Path, planes: Sequence[PlaneSource]) -> str:
    """Return the format's name; raises FormatError now rather than after an hour of prediction."""
    from napari_inkling.core import FormatError
    from napari_inkling.project.formats import find_format

    chosen = find_format(format_for(out, format))
    files = len({plane.ref.image if chosen.stacks else plane.ref for plane in planes})
    if chosen.folder and out.suffix.lower() in chosen.suffixes and files > 1:
        noun = "images" if chosen.stacks else "planes"
        raise FormatError(
            f"{out} is one file, but there are {files} {noun}: expected a folder for {chosen.name}"
        )
    must_be_writable(out)
    return chosen.name
