"""XML as a small tree that knows its lines.

A document type is refused: entities declared there can be bombs, or open files.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from xml.parsers import expat

from napari_inkling.core import FormatError

__all__ = ["Node", "element", "read_xml", "xml_text"]


@dataclass
class Node:
    """An element: its tag, the text in it, the elements in it, and the line where it starts."""

    tag: str
    path: Path
    line: int
    text: str = ""
    children: list[Node] = field(default_factory=list)

    @property
    def where(self) -> str:
        """File and line, for messages."""
        return f"{self.path}, line {self.line}"

    def all(self, tag: str) -> list[Node]:
        """Return the children of a tag."""
        return [child for child in self.children if child.tag == tag]

    def get(self, tag: str) -> Node | None:
        """Return the first child of a tag."""
        return next(iter(self.all(tag)), None)

    def need(self, tag: str) -> Node:
        """Return the first child of a tag; raises FormatError without."""
        if (child := self.get(tag)) is None:
            raise FormatError(f"{self.where}: <{self.tag}> has no <{tag}>, expected one")
        return child

    def string(self, tag: str, default: str = "") -> str:
        """Return the text of a child without surrounding blanks."""
        child = self.get(tag)
        return default if child is None else child.text.strip()

    def number(self) -> float:
        """Return the text as a finite number."""
        try:
            if math.isfinite(value := float(self.text)):
                return value
        except ValueError:
            pass
        raise FormatError(f"{self.where}: <{self.tag}> is {self.text.strip()!r}, expected a number")


def read_xml(path: Path, root: str) -> Node:
    """Return the tree of a file whose outermost element is ``root``.

    Raises
    ------
    FormatError
        If the file cannot be read, is no well-formed XML, has a document type, or another root.
    """
    parser = expat.ParserCreate()
    top = Node("", path, 1)
    stack = [top]

    def start(tag: str, _: dict[str, str]) -> None:
        node = Node(tag, path, parser.CurrentLineNumber)
        stack[-1].children.append(node)
        stack.append(node)

    def characters(text: str) -> None:
        stack[-1].text += text

    def refuse(*_: object) -> None:
        raise FormatError(
            f"{path}, line {parser.CurrentLineNumber}: has a document type (<!DOCTYPE …>), which is refused, "
            "because entities in it can do harm; expected a plain annotation, remove that line"
        )

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: stack.pop()
    parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(path.read_bytes(), True)
    except OSError as error:
        raise FormatError(f"cannot read {path}: {error.strerror or error}") from error
    except (expat.ExpatError, ValueError, LookupError) as error:
        if isinstance(error, FormatError):
            raise
        line = getattr(error, "lineno", parser.CurrentLineNumber)
        raise FormatError(f"{path}, line {line}: not XML ({error}), expected <{root}>…</{root}>") from error
    if (found := top.children[0]).tag != root:
        raise FormatError(f"{found.where}: starts with <{found.tag}>, expected <{root}>")
    return found


def xml_text(text: str) -> str:
    """Return text as it may stand in an element; what XML cannot hold at all becomes "�"."""
    return escape(re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "�", text), quote=False)


def element(tag: str, content: object = "", *, depth: int = 1) -> str:
    """Return a line ``<tag>content</tag>``, indented."""
    return f"{'  ' * depth}<{tag}>{xml_text(str(content))}</{tag}>\n"
