"""Writing tables; what is in which column is told in :mod:`~napari_inkling.project.formats.points_csv`."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from napari_inkling.project.formats.cells import cells_of
from napari_inkling.project.formats.files import write_text
from napari_inkling.project.formats.items import Export, Item
from napari_inkling.project.formats.rows import Cell
from napari_inkling.project.formats.run_lengths import mask_text

__all__ = ["table_text", "write"]

_COLUMNS = (
    "y", "x", "class", "source", "score", "id", "image", "plane", "round", "time", "seconds", "attributes",
)  # fmt: skip
_SIDES = ("y0", "x0", "y1", "x1")


def write(path: Path, export: Export) -> Path:
    """Write one table for all planes (``annotations.csv`` if ``path`` is a folder).

    A plane without rows leaves no trace in a table.
    """
    path = path / "annotations.csv" if path.is_dir() else path
    return write_text(path, table_text(export.items, "\t" if path.suffix.lower() == ".tsv" else ","))


def table_text(
    items: Sequence[Item],
    delimiter: str = ",",
    labels: Mapping[int, int] | None = None,
    pixels: bool | None = None,
) -> str:
    """Return the table; ``labels`` (by id) makes a first column of numbers in a file beside it.

    ``pixels`` says whether masks have theirs in the table; by default where there are no labels, because
    they are in a label image then.
    """
    pixels = labels is None if pixels is None else pixels
    boxes, masks = (any(len(getattr(item.hints, kind)) for item in items) for kind in ("boxes", "masks"))
    columns = [*(["label"] if labels is not None else []), *_COLUMNS]
    columns += ["kind", *_SIDES] if boxes or masks or labels is not None else []
    columns += ["mask"] if masks and pixels else []
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, delimiter=delimiter, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for item in items:
        for fields in _lines(item, pixels):
            writer.writerow(fields | {"label": "" if labels is None else labels.get(fields["id"], "")})
    return out.getvalue()


def _lines(item: Item, pixels: bool) -> Iterator[dict[str, Any]]:
    centres = dict(zip(item.hints.masks.ids.tolist(), item.hints.masks.centres.tolist(), strict=True))
    for cell in cells_of(item.hints):
        row = cell.rows[0]
        y, x = _place(cell, centres)
        yield {
            "y": repr(y),
            "x": repr(x),
            "class": row.class_name,
            "source": row.source,
            "score": repr(row.score),
            "id": row.id,
            "image": item.ref.image,
            "plane": " ".join(map(str, item.ref.plane)),
            "round": row.round,
            "time": repr(row.time),
            "seconds": repr(row.seconds),
            "attributes": json.dumps(row.attributes, ensure_ascii=False) if row.attributes else "",
            "kind": cell.kind,
            **(dict(zip(_SIDES, map(repr, cell.box.coordinates), strict=True)) if cell.box else {}),
            "mask": mask_text(cell.mask) if cell.mask and pixels else "",
        }


def _place(cell: Cell, centres: Mapping[int, Sequence[float]]) -> Sequence[float]:
    """Return y and x: of the point, else of the pixel in the middle of the mask, else of the box's centre."""
    if cell.point:
        return cell.point.coordinates
    if cell.mask and cell.mask.id is not None:
        return centres[cell.mask.id]
    y0, x0, y1, x1 = cell.rows[0].coordinates
    return (y0 + y1) / 2, (x0 + x1) / 2
