"""``inkling weaken``: the simulated annotator, from full truth to a few hints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from napari_inkling.cli.console import AsJson, note, plural, result

if TYPE_CHECKING:
    from napari_inkling.core import HintSet, PlaneRef
    from napari_inkling.project import ImageRecord, Project

__all__ = ["weaken"]


def weaken(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="A project with every cell marked.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder of the new project.")],
    boxes: Annotated[
        float, typer.Option(metavar="F", help="Share of the objects, or images, with boxes.")
    ] = 0,
    per: Annotated[str, typer.Option(metavar="image|object", help="What F of --boxes counts.")] = "object",
    points: Annotated[
        float, typer.Option(metavar="F", help="Share of the objects without a box that get a point.")
    ] = 0,
    bg_points: Annotated[
        int, typer.Option("--bg-points", metavar="N", min=0, help='Points "not a cell" per image.')
    ] = 0,
    noise: Annotated[
        str | None,
        typer.Option(metavar="PX|paper", help="Error of the points: sd in pixels, or that of the paper."),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same hints.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Make a project with a share of the hints.

    As a hurried person would have given them: first boxes in the share F of the images or objects, then
    points on the share F of the objects without a box, nothing on the rest. Boxes to ignore stay as they are.
    Images that are marked complete stay so, as validation truth, as long as there are others to weaken.
    """
    from napari_inkling.core import SettingsError
    from napari_inkling.evaluation import weaken_images
    from napari_inkling.project import Project

    if not (boxes or points or bg_points):
        raise SettingsError("there is nothing to mark: give --boxes, --points or --bg-points")
    with Project.open(project, read_only=True) as source:
        chosen, kept = _split(source)
        truth = {str(ref): source.hints(ref) for record in chosen for ref in record.planes()}
        shapes = {str(ref): _size(record) for record in chosen for ref in record.planes()}
        hints = weaken_images(
            {key: rows for key, rows in truth.items() if len(rows)},
            shapes,
            points=points,
            boxes=boxes,
            per=_per(per),
            background_points=bg_points,
            noise=_noise(noise),
            seed=seed,
        )
        complete = {ref: source.hints(ref) for record in kept for ref in record.planes()}
        written = _write(source, out, hints, complete)
    values = {"project": str(written), **_counts(hints), "validation_images": len(kept), "seed": seed}
    result(values, _text(out, values), as_json)


def _split(source: Project) -> tuple[list[ImageRecord], list[ImageRecord]]:
    """Return the images to weaken, and those to keep as validation truth."""
    from napari_inkling.core import TooFewHintsError

    hinted = {ref.image for ref in source.planes_with_hints()}
    complete = [r for r in source.images if r.complete]
    rest = [r for r in source.images if not r.complete and r.name in hinted]
    if rest:
        return rest, complete
    if not (marked := [r for r in complete if r.name in hinted]):
        raise TooFewHintsError(f"{source.folder} has no hints to weaken: import the truth first")
    note("all images are marked complete: all are weakened, and none is left as validation truth")
    return marked, []


def _write(
    source: Project, out: Path, hints: Mapping[str, HintSet], complete: Mapping[PlaneRef, HintSet]
) -> Path:
    """Make the new project, with all images of the old one in the same order."""
    from napari_inkling.core import HintSet, PlaneRef
    from napari_inkling.project import Project

    every = [ref for record in source.images for ref in record.planes()]
    paths = {item.ref.image: item.path for item in source.snapshot(only=every).images}
    with Project.create(out, [c.name for c in source.classes]) as made:
        made.set_classes(source.classes)
        names = dict(zip(paths, (r.name for r in made.add_images(paths.values())), strict=True))
        for ref, rows in [*((PlaneRef.parse(k), v) for k, v in hints.items()), *complete.items()]:
            if len(rows):
                made.edit(PlaneRef(names[ref.image], ref.plane), HintSet(), rows, "weaken")
        made.update_images({names[ref.image] for ref in complete}, complete=True)
        return made.folder


def _counts(hints: Mapping[str, HintSet]) -> dict[str, Any]:
    from napari_inkling.core import PlaneRef
    from napari_inkling.evaluation import annotation_seconds

    return {
        "images": len({PlaneRef.parse(key).image for key in hints}),
        "points": sum(len(rows.points.cells) for rows in hints.values()),
        "boxes": sum(len(rows.boxes.cells) for rows in hints.values()),
        "ignored": sum(len(rows.boxes.ignored) for rows in hints.values()),
        "background_points": sum(len(rows.points.background) for rows in hints.values()),
        "seconds": round(sum(annotation_seconds(rows) for rows in hints.values()), 1),
    }


def _text(out: Path, values: Mapping[str, Any]) -> str:
    from napari_inkling.core.durations import spent

    parts = [plural(values["points"], "point"), plural(values["boxes"], "box", "boxes")]
    parts += [plural(values["background_points"], "background point")]
    parts += [plural(values["ignored"], "box to ignore", "boxes to ignore")] if values["ignored"] else []
    held_out = values["validation_images"]
    return (
        f"{out}: {', '.join(parts)} on {plural(values['images'], 'image')}; "
        f"a person would need {spent(values['seconds'])}"
        + (f"; {plural(held_out, 'complete image')} kept as validation truth" if held_out else "")
    )


def _size(record: ImageRecord) -> tuple[int, int]:
    return record.info.plane_shape[0], record.info.plane_shape[1]


def _per(text: str) -> Literal["image", "object"]:
    from napari_inkling.core import SettingsError

    if text == "image":
        return "image"
    if text == "object":
        return "object"
    raise SettingsError(f"--per is {text!r}, expected image or object")


def _noise(text: str | None) -> float | str | None:
    from napari_inkling.core import SettingsError

    if text is None or text == "paper":
        return text
    try:
        return float(text)
    except ValueError:
        raise SettingsError(f"--noise is {text!r}, expected a number of pixels, or paper") from None
