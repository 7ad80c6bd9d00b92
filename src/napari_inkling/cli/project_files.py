"""``inkling new``, ``import`` and ``export``: projects from images, and annotations into and out of them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from napari_inkling.cli.console import FORMAT_NAMES, AsJson, notes, plural, result
from napari_inkling.cli.sources import image_files, read_list

__all__ = ["export", "import_", "new"]

ProjectFolder = Annotated[Path, typer.Argument(metavar="PROJECT", help="A project's folder.")]


def new(
    project: Annotated[Path, typer.Argument(metavar="PROJECT", help="Folder to make, e.g. study.inkling.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGES", help="Image files, or folders of them.")],
    classes: Annotated[
        str, typer.Option(metavar="A,B", help="Names of the classes, with commas between.")
    ] = "cell",
    as_json: AsJson = False,
) -> None:
    """Make a project of images. They stay where they are; the project remembers their places."""
    from napari_inkling.project import Project

    files = image_files(images)
    names = [name.strip() for name in classes.split(",") if name.strip()]
    with Project.create(project, names) as made:
        made.add_images(files)
        values = {
            "project": str(made.folder),
            "images": [record.name for record in made.images],
            "classes": [c.name for c in made.classes],
        }
    text = f"{project}: {plural(len(values['images']), 'image')}, classes {', '.join(values['classes'])}"
    result(values, text, as_json)


def import_(
    project: ProjectFolder,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Annotation file, or folder of them.")],
    format: Annotated[str, typer.Option(metavar="NAME", help=f"{FORMAT_NAMES}.")],
    split_file: Annotated[
        Path | None,
        typer.Option(metavar="LIST", help="Take only the images that this text file names, one per line."),
    ] = None,
    complete: Annotated[
        bool,
        typer.Option(
            "--complete",
            help="Every cell of these images is marked: training holds them out and measures itself on them.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add annotations to a project as hints. What cannot be taken is counted and named on stderr."""
    from napari_inkling.core import PlaneRef, ProjectError
    from napari_inkling.project import Project
    from napari_inkling.project.formats import count_cells, import_annotations

    chosen = None if split_file is None else read_list(split_file)
    with Project.open(project) as opened:
        if opened.read_only:
            raise ProjectError(" ".join(opened.notices) or f"{project} cannot be written")
        found = import_annotations(opened, path, format, chosen)
        images = sorted({PlaneRef.parse(key).image for key in found.hints})
        for name in images if complete else ():
            opened.update_image(name, complete=True)
    notes(found.notices)
    counts = count_cells(found.hints.values())
    values = {"images": images, **asdict(counts), "notices": list(found.notices)}
    result(values, f"{project}: {counts} on {plural(len(images), 'image')} imported", as_json)


def export(
    project: ProjectFolder,
    format: Annotated[str, typer.Option(metavar="NAME", help=f"{FORMAT_NAMES}.")],
    out: Annotated[
        Path, typer.Option(metavar="PATH", help="File; or folder, for several images in a file each.")
    ],
    as_json: AsJson = False,
) -> None:
    """Write a project's hints to annotation files."""
    from napari_inkling.project import Project
    from napari_inkling.project.formats import count_cells, export_annotations

    with Project.open(project, read_only=True) as opened:
        written = export_annotations(opened, out, format)
        planes = opened.planes_with_hints()
        counts = count_cells(opened.hints(ref) for ref in planes)
    values = {"path": str(written), "format": format, "planes": len(planes), **asdict(counts)}
    text = f"{written}: {counts} on {plural(len(planes), 'plane')}, format {format}"
    result(values, text, as_json)
