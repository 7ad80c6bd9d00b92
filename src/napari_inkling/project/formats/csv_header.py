"""The header of a table of points or boxes: which delimiter, and which column is what."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_inkling.core import FormatError

__all__ = ["Header", "read_header"]

_DELIMITERS = (",", ";", "\t", "|", " ")
#: Names that mean a column, in lower case with "-" for blanks and underscores.
_NAMES: Mapping[str, Sequence[str]] = {
    "y": ("y", "y-px", "y-(px)", "row", "centroid-0"),
    "x": ("x", "x-px", "x-(px)", "column", "col", "centroid-1"),
    "class": ("class", "class-name", "classes", "category", "cell-type"),
    "image": ("image", "image-name", "file", "filename", "file-name", "image-path"),
    **{
        name: (name,)
        for name in (
            "label", "source", "score", "id", "plane", "attributes", "round", "time", "seconds", "kind",
            "y0", "x0", "y1", "x1", "mask",
        )
    },
}  # fmt: skip
#: Names of the edges of boxes in other programs' tables, which count them from the image's corner.
_CORNERS: Mapping[str, Sequence[str]] = {
    "y0": ("ymin", "y-min", "top"),
    "x0": ("xmin", "x-min", "left"),
    "y1": ("ymax", "y-max", "bottom"),
    "x1": ("xmax", "x-max", "right"),
}
#: Columns that say nothing about a cell: napari's row number.
_COUNTERS = ("index", "")


@dataclass(frozen=True)
class Header:
    """Where the columns are.

    Parameters
    ----------
    delimiter : str
        What separates fields.
    line : int
        Line of the header, from 1.
    width : int
        Number of columns.
    columns : mapping of str to int
        Position by meaning; leading axes under their own names.
    axes : tuple of str
        Leading axes of napari's header (all but the last two), which are the plane.
    ignored : tuple of str
        Columns without a meaning.
    corners : bool
        Whether it is another program's table of boxes: edges count from the image's corner, and ``label``
        is the class where no other column is.
    """

    delimiter: str
    line: int
    width: int
    columns: Mapping[str, int]
    axes: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    corners: bool = False


def read_header(path: Path, text: str) -> Header:
    """Return the header of a table; raises FormatError if no delimiter gives it points or boxes."""
    number, line = _first_line(text)
    for delimiter in _DELIMITERS:
        try:
            names = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
        except csv.Error:
            continue
        header = _understood(names, delimiter, number)
        if header.corners or header.columns.keys() >= {"x", "y"}:
            return header
    raise FormatError(
        f"{path}, line {number}: the header is {line[:80].strip()!r}, expected columns 'y' and 'x' in any "
        "order (or napari's 'axis-0' and 'axis-1'; or 'xmin', 'ymin', 'xmax' and 'ymax' of boxes), separated "
        "by comma, semicolon or tab"
    )


def _first_line(text: str) -> tuple[int, str]:
    """Return the first line that is neither empty nor a comment, and its number."""
    lines = re.split(r"\r\n|\n|\r", text)
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.startswith("#"):
            return number, line
    return 1, ""


def _understood(names: Sequence[str], delimiter: str, line: int) -> Header:
    plain = [re.sub(r"[\s_]+", "-", name.strip().lower()) for name in names]
    columns, edges = _positions(plain, _NAMES), _positions(plain, _CORNERS)
    corners = len(edges) == len(_CORNERS) and not _CORNERS.keys() & columns.keys()
    if corners:
        columns |= edges
        if "class" not in columns and "label" in columns:
            columns["class"] = columns.pop("label")
    axes = sorted((n for n in plain if re.fullmatch(r"axis-\d+", n)), key=lambda n: int(n[5:]))
    if len(axes) >= 2 and not {"x", "y"} & set(columns):
        columns |= {name: plain.index(name) for name in axes[:-2]}
        columns |= {"y": plain.index(axes[-2]), "x": plain.index(axes[-1])}
    else:
        axes = []
    used = set(columns.values())
    ignored = tuple(names[i] for i, n in enumerate(plain) if i not in used and n not in _COUNTERS)
    return Header(delimiter, line, len(names), columns, tuple(axes[:-2]), ignored, corners)


def _positions(plain: Sequence[str], names: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return where the columns of each meaning are that the header has."""
    found = {meaning: next((n for n in known if n in plain), None) for meaning, known in names.items()}
    return {meaning: plain.index(name) for meaning, name in found.items() if name is not None}
