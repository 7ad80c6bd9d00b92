"""Annotation files to import: asked of a person, their format guessed unless it is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_inkling.project.formats import FORMATS, ImportResult, guess_format

__all__ = ["ask_file", "ask_folder", "imported"]


def ask_file(over: QWidget) -> tuple[Path, str] | None:
    """Ask for an annotation file; returns it with the name of its format, ``None`` if nothing was chosen.

    Raises
    ------
    FormatError
        If its name does not tell the format, and none was chosen in the dialog.
    """
    every = _filter("Annotations", sorted({suffix for f in FORMATS.values() for suffix in f.suffixes}))
    by_filter = {_filter(f.title, f.suffixes): f.name for f in FORMATS.values()}
    chosen, how = QFileDialog.getOpenFileName(over, "Import annotations", "", ";;".join([every, *by_filter]))
    return (Path(chosen), by_filter.get(how) or guess_format(chosen)) if chosen else None


def ask_folder(over: QWidget, format: str = "") -> tuple[Path, str] | None:
    """Ask for a folder of annotation files, in a format or in the one that most of its files have."""
    chosen = QFileDialog.getExistingDirectory(over, "Import a folder of annotations")
    return (Path(chosen), format or guess_format(chosen)) if chosen else None


def _filter(title: str, suffixes: Sequence[str]) -> str:
    return f"{title} ({' '.join(f'*{suffix}' for suffix in suffixes)})"


def imported(result: ImportResult, path: Path) -> tuple[str, str]:
    """Return the level and the words of the message on what an import has brought."""
    marked = [hints for hints in result.hints.values() if len(hints)]
    if not marked:
        return "warning", f"{path.name} brought nothing new for the images of this project."
    nouns = ("point", "box", "mask")
    counts = [sum(map(len, rows)) for rows in zip(*(hints.kinds for hints in marked), strict=True)]
    what = " and ".join(_count(n, noun) for n, noun in zip(counts, nouns, strict=True) if n)
    where, undo = ("", "") if len(marked) == 1 else (f" on {len(marked):,} images or planes", " one by one")
    words = [f"Imported {what}{where}.", *_to_check(result), f"Undo takes them back{undo}."]
    return "warning" if result.suggestions else "info", " ".join(words)


def _to_check(result: ImportResult) -> Iterator[str]:
    """Yield a sentence on each thing that a person may not have meant."""
    if result.new_classes:
        named = ", ".join(f"{name} ({_count(n, 'cell')})" for name, n in result.new_classes.items())
        yield f"New {'class' if len(result.new_classes) == 1 else 'classes'}: {named}."
    if result.suggestions:
        yield f"A model suggested {_count(result.suggestions, 'cell')} of these: they are hints now."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 'es' if noun.endswith('x') else 's'}"
