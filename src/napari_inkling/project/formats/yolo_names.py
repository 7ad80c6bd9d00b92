"""The names of YOLO's classes, which its label files only number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from napari_inkling.project.formats.files import read_text

__all__ = ["CLASSES", "LISTS", "class_names"]

#: The file in which class names are written, one a line.
CLASSES = "classes.txt"
#: Text files of a data set that are no labels, in lower case: names of classes, and lists of images.
LISTS = frozenset({CLASSES, "train.txt", "val.txt", "valid.txt", "test.txt"})
_PLAIN = (CLASSES, "obj.names")
#: A word in single, double or no quotes.
_WORD = r"""'(?:[^']|'')*'|"[^"]*"|[^\s,'"\[\]{}#][^,\[\]{}#]*"""


def class_names(folder: Path) -> dict[int, str]:
    """Return the names of classes by number, none if nothing tells them.

    Looked for in ``folder`` and the two above it: ``classes.txt``, ``obj.names``, or ``names`` in a
    ``.yaml`` file such as ``data.yaml``.
    """
    for place in (folder, *folder.parents[:2]):
        if plain := next((place / name for name in _PLAIN if (place / name).is_file()), None):
            lines = (line.strip() for line in read_text(plain).splitlines())
            return dict(enumerate(line for line in lines if line))
        for file in sorted([*place.glob("*.yaml"), *place.glob("*.yml")]):
            if names := _in_yaml(read_text(file)):
                return names
    return {}


def _in_yaml(text: str) -> dict[int, str]:
    """Return ``names``, a list or a mapping of numbers in any of the ways that YAML writes them."""
    found = re.search(r"^names[ \t]*:[ \t]*", text, re.MULTILINE)
    if not found:
        return {}
    rest = text[found.end() :]
    if rest.startswith(("[", "{")):
        entries = re.split(r"[\]}]", rest[1:])[0]
        pairs = [_pair(word) for word in re.findall(_WORD, entries)]
    else:
        pairs = list(_block(rest))
    return {i if number is None else number: name for i, (number, name) in enumerate(pairs)}


def _block(text: str) -> Iterator[tuple[int | None, str]]:
    for line in text.splitlines()[1:]:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        entry = re.match(rf"[ \t]*(?:-[ \t]+|(?=[ \t]+\d))[ \t]*(\d+[ \t]*:[ \t]*)?({_WORD})", line)
        if not entry:
            return
        yield _pair((entry[1] or "") + entry[2])


def _pair(word: str) -> tuple[int | None, str]:
    """Return the number before a colon, if there is one, and the name without quotes."""
    number, name = re.fullmatch(r"(?s)(?:(\d+)\s*:\s*)?(.*)", word.strip()).groups()  # type: ignore[union-attr]
    if name[:1] in ("'", '"') and name[-1:] == name[:1]:
        name = name[1:-1].replace("''", "'") if name[0] == "'" else name[1:-1]
    return None if number is None else int(number), name.strip()
