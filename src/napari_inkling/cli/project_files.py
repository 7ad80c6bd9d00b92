"""``inkling new``, ``import`` and ``export``: projects from images, and annotations into and out of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_inkling.cli.console import FORMAT_NAMES, AsJson, notes, plural, result
from napari_inkling.cli.sources import format_for, format_of, image_files, read_list

if TYPE_CHECKING:
    from napari_inkling.project.formats import ImportResult

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
    format: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"{FORMAT_NAMES}; by default as the files tell."),
    ] = None,
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
    from napari_inkling.core import FormatError, PlaneRef, ProjectError
    from napari_inkling.project import Project
    from napari_inkling.project.formats import count_cells, import_annotations

    chosen = None if split_file is None else read_list(split_file)
    format = format_of(path, format)
    with Project.open(project) as opened:
        if opened.read_only:
            raise ProjectError(" ".join(opened.notices) or f"{project} cannot be written")
        before = {ref: opened.hints(ref) for ref in opened.planes_with_hints()}
        found = import_annotations(opened, path, format, chosen, as_truth=complete)
        images = sorted({PlaneRef.parse(key).image for key in found.hints})
        if found.notices and not images:
            raise FormatError(f"nothing of {path} was imported: {'; '.join(found.notices)}")
        opened.update_images(images if complete else (), complete=True)
    earlier = count_cells(hints for ref, hints in before.items() if complete and ref.image in images)
    notices = [*found.notices, *_told(found, earlier.cells)]
    notes(notices)
    counts = count_cells(found.hints.values())
    values = {
        "images": images,
        "format": format,
        **asdict(counts),
        "new_classes": dict(found.new_classes),
        "suggestions": found.suggestions,
        "notices": notices,
    }
    result(values, f"{project}: {counts} on {plural(len(images), 'image')} imported", as_json)


def _told(found: ImportResult, earlier: int) -> Iterator[str]:
    """Yield what a person may not have meant: new classes, unchecked cells, other cells among the truth."""
    if found.new_classes:
        classes = ", ".join(f"{name} ({plural(n, 'cell')})" for name, n in found.new_classes.items())
        yield f"the project did not have these classes, they were added: {classes}"
    if found.suggestions:
        cells = plural(found.suggestions, "cell")
        yield f"a model suggested {cells} of these, and nobody has checked them: they count as hints now"
    if earlier:
        yield f"{plural(earlier, 'cell')} marked before on these images count as truth, too"


def export(
    project: ProjectFolder,
    out: Annotated[
        Path, typer.Option(metavar="PATH", help="File; or folder, for several images in a file each.")
    ],
    format: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"{FORMAT_NAMES}; by default as PATH's suffix says."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a project's hints to annotation files."""
    from napari_inkling.project import Project
    from napari_inkling.project.formats import count_cells, export_annotations

    format = format_for(out, format)
    with Project.open(project, read_only=True) as opened:
        written = export_annotations(opened, out, format)
        planes = opened.planes_with_hints()
        counts = count_cells(opened.hints(ref) for ref in planes)
    values = {"path": str(written), "format": format, "planes": len(planes), **asdict(counts)}
    text = f"{written}: {counts} on {plural(len(planes), 'plane')}, format {format}"
    result(values, text, as_json)
