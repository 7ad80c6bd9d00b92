"""Long work in short pieces: a generator that yields ``None`` now and then, and returns its result.

Who runs it can tell that it goes on, and can stop it between two pieces.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeAlias, TypeVar

from napari_inkling.core import Step

__all__ = ["Pieces", "finish", "told"]

T = TypeVar("T")

#: Work that yields at least four times a second and returns a ``T``.
Pieces: TypeAlias = Generator[None, None, T]


def finish(work: Pieces[T]) -> T:
    """Return the result of all pieces."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result


def told(work: Pieces[T], step: Step) -> Generator[Step, None, T]:
    """Yield ``step`` between the pieces; return their result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        yield step
