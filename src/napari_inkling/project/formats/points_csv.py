"""Points as a table: one row per cell, in one file for all images or one file per image.

Written are the columns ``y, x, class, source, score, id, image, plane, round, time, seconds, attributes``
(pixels, with (0, 0) at the first pixel's centre; plane as numbers with blanks; attributes as JSON). Where
there are boxes or masks, ``kind`` (point, box, mask, or several with + between) and ``y0, x0, y1, x1``
follow, then ``mask``: its box in whole pixels and COCO's run lengths in that box. y, x of a cell without a
point are its centre. Only y and x are needed to read, in any order, or napari's own ``axis-0, axis-1``;
leading axes are the plane.

Another program's table of boxes has ``xmin, ymin, xmax, ymax`` (or left, top, right, bottom), counted from
the image's corner, and the class in ``label`` or a column of one of its other names. What a label may say
besides is told in :mod:`~napari_inkling.project.formats.csv_labels`.
"""

from __future__ import annotations

from pathlib import Path

from napari_inkling.core import CELL, FormatError
from napari_inkling.project.formats.collector import Collector
from napari_inkling.project.formats.csv_fields import Fields, read_lines
from napari_inkling.project.formats.csv_header import read_header
from napari_inkling.project.formats.csv_labels import as_meant
from napari_inkling.project.formats.csv_writing import write
from napari_inkling.project.formats.files import find_files, read_text
from napari_inkling.project.formats.known_images import KnownImages, stem
from napari_inkling.project.formats.result import ImportResult
from napari_inkling.project.formats.rows import Row

__all__ = ["label_table", "read", "write"]

#: What tells a table of ours beside a label image from any other.
_OF_LABELS = frozenset({"label", "id", "kind", "source", "image"})


def read(path: Path, images: KnownImages, class_name: str = CELL) -> ImportResult:
    """Read a table (``.csv``, ``.tsv``), or all tables of a folder.

    Without a column ``image`` a file is meant for the image of the same name, or for the only image there is.
    """
    collector = Collector(images)
    for file in find_files(path, [".csv", ".tsv"], ["points"], "tables of points"):
        _read_file(file, collector, class_name, alone=file == path)
    return collector.result()


def _read_file(path: Path, collector: Collector, class_name: str, *, alone: bool) -> None:
    lines = read_text(path)
    header = read_header(path, lines)
    if header.ignored:
        collector.tally.add(
            "ignored the columns of a table",
            "ignored columns of {n} tables",
            f"{path.name}: {', '.join(header.ignored)}",
        )
    own = None if "image" in header.columns else _own_image(path, collector.images, alone)
    keys: dict[tuple[str, tuple[int, ...]], str | None] = {}
    for fields in read_lines(path, lines, header):
        place = (own or fields.text("image") or stem(path.name), fields.plane())
        if place not in keys:
            keys[place] = collector.plane(*place, where=path.name)
        key = keys[place]
        if key is None:
            collector.tally.add(
                "skipped a row of a skipped image", "skipped {n} rows of skipped images", fields.place
            )
            continue
        for row in _rows(fields, class_name, collector):
            meant = as_meant(row, collector.tally, fields.place) if header.corners else row
            collector.add(key, meant, fields.place)


def _own_image(path: Path, images: KnownImages, alone: bool) -> str:
    """Return the image that a table without the column ``image`` is for; ``alone``, it must have one."""
    name = images.find_file(path).image
    if len(images.find(name)) == 1 or not alone:
        return name
    if images.shapes is not None and len(images.shapes) == 1:
        return next(iter(images.shapes))
    raise FormatError(
        f"{path} has no column 'image' and is named like none of the {len(images.shapes or ())} images, "
        "expected a column 'image' or a file named after its image"
    )


def _rows(fields: Fields, class_name: str, collector: Collector) -> list[Row]:
    rows = fields.rows(class_name)
    whole = [row for row in rows if row.kind != "mask" or row.crop is not None]
    if len(whole) < len(rows):
        collector.tally.add(
            "left out the mask of a row, its pixels are in the label image beside the table",
            "left out the masks of {n} rows, their pixels are in the label image beside the table",
            fields.place,
        )
    return whole


def label_table(path: Path, class_name: str) -> list[tuple[int | None, Row]]:
    """Return the rows of a table of ours beside a label image, each with its label; none if it is another.

    Masks have no pixels: those are in the image.
    """
    try:
        text = read_text(path)
        header = read_header(path, text)
    except FormatError:  # whatever lies there, or does not, is not ours
        return []
    if not header.columns.keys() >= _OF_LABELS:
        return []
    lines = ((fields.whole("label"), fields) for fields in read_lines(path, text, header))
    return [(label, row) for label, fields in lines for row in fields.rows(class_name)]
