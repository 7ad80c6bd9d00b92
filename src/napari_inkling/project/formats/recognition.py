"""Which format annotations are in, told by the names of the files and how they begin."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from napari_inkling.core import CELL, FormatError
from napari_inkling.project.formats.known_images import KnownImages
from napari_inkling.project.formats.registry import FORMATS, find_format
from napari_inkling.project.formats.result import ImportResult

__all__ = ["format_to_write", "guess_format", "read_annotations"]

#: How a file begins that has a suffix of many uses.
_BEGINNINGS: Mapping[str, tuple[tuple[str, re.Pattern[bytes]], ...]] = {
    ".json": (
        ("geojson", re.compile(rb'"type"\s*:\s*"Feature')),
        ("coco", re.compile(rb'"(images|annotations|categories)"\s*:\s*\[')),
    ),
    ".xml": (("voc", re.compile(rb"<annotation\b")),),
    ".txt": (("yolo", re.compile(rb"\A\s*\d+([ \t]+[-+.\deE]+){4,}[ \t]*\r?(\n|\Z)")),),
}
#: So much of a file is its beginning, in bytes.
_PEEK = 2**16


def guess_format(path: Path | str) -> str:
    """Return the name of the format that a file, or all annotation files of a folder, are in.

    Raises
    ------
    FormatError
        If there is no such file, it is in none of the formats, or a folder holds files of several.
    """
    path = Path(path)
    if not path.exists():
        raise FormatError(f"{path} does not exist, expected an annotation file or a folder of them")
    files = list(_files(path))
    if files == [path]:  # whatever is in it: its reader says best what is wrong, unless it may be anything
        found = Counter([_format_of(path) or (_by_suffix(path) if path.suffix.lower() != ".txt" else None)])
    else:
        found = Counter(_format_of(file) for file in files if not _belongs_to_labels(file))
    counts = {name: found[name] for name in FORMATS if found[name]}
    if not counts:
        known = ", ".join(dict.fromkeys(s for f in FORMATS.values() for s in f.suffixes))
        raise FormatError(
            f"{path} is in no known format, expected a file, or a folder of files, with {known}"
        )
    if len(counts) > 1:
        told = " and ".join(f"{count:,} as {name}" for name, count in counts.items())
        raise FormatError(
            f"{path} holds files of several formats, {told}: choose the format, or a folder with one only"
        )
    return next(iter(counts))


def format_to_write(path: Path | str) -> str:
    """Return the name of the format that a file of this name is written in.

    Raises
    ------
    FormatError
        If the name ends with no suffix, or with one of no format.
    """
    suffix = Path(path).suffix.lower()
    firsts = {f.suffixes[0]: f.name for f in FORMATS.values()}
    name = firsts.get(suffix) or _by_suffix(Path(path))
    if name is None:
        known = ", ".join(f"{ending} ({name})" for ending, name in firsts.items())
        ending = f"the suffix {suffix}, which no format has" if suffix else "no suffix that names a format"
        raise FormatError(f"{path} has {ending}, expected one of {known}")
    return name


def read_annotations(
    path: Path | str,
    format: str | None = None,
    images: Mapping[str, tuple[int, int]] | None = None,
    files: Mapping[str, str] | None = None,
    class_name: str = CELL,
) -> ImportResult:
    """Read annotations without a project.

    Parameters
    ----------
    path : Path
        File or folder.
    format : str, optional
        A name of :data:`FORMATS`; by default that of :func:`guess_format`.
    images : mapping of str to (int, int), optional
        Height and width of the images that may be meant, by name; by default any.
    files : mapping of str to str, optional
        Paths of these images.
    class_name : str
        Class of rows that name none.
    """
    found = find_format(format or guess_format(path))
    return found.read(Path(path), KnownImages(images, files), class_name)


def _files(path: Path) -> Iterator[Path]:
    """Yield a file, or those in a folder and its subfolders; a Zarr store counts as a file."""
    if path.suffix.lower() == ".zarr" or not path.is_dir():
        yield path
        return
    for entry in sorted(path.iterdir()):
        if not entry.name.startswith("."):
            yield from _files(entry)


def _format_of(file: Path) -> str | None:
    """Return the format of a file, ``None`` if it is none of annotations."""
    beginnings = _BEGINNINGS.get(file.suffix.lower())
    if beginnings is None:
        return _by_suffix(file)
    beginning = _beginning(file)
    return next((name for name, pattern in beginnings if pattern.search(beginning)), None)


def _by_suffix(file: Path) -> str | None:
    """Return the first format that has the file's suffix."""
    return next((name for name, f in FORMATS.items() if file.suffix.lower() in f.suffixes), None)


def _beginning(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_PEEK)
    except OSError as error:
        raise FormatError(f"cannot read {file}: {error.strerror or error}") from error


def _belongs_to_labels(file: Path) -> bool:
    """Whether a file is the table that is written beside a label image, or beside YOLO's labels."""
    if file.suffix.lower() != ".csv":
        return False
    endings = (*FORMATS["masks"].suffixes, *FORMATS["yolo"].suffixes)
    beside = any(file.with_suffix(ending).exists() for ending in endings)
    return beside and b"label" in _beginning(file).split(b"\n", 1)[0]
