"""Long work in short pieces: a generator that yields ``None`` now and then, and returns its result.

Who runs it can tell that it goes on, and can stop it between two pieces.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import TypeAlias, TypeVar

from napari_inkling.core import Step

__all__ = ["Pieces", "aside", "finish", "told"]

T = TypeVar("T")

#: Work that yields at least four times a second and returns a ``T``.
Pieces: TypeAlias = Generator[None, None, T]


def finish(work: Generator[object, None, T]) -> T:
    """Return the result of all pieces, whatever they yield."""
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


def aside(work: Callable[[], T], pause: float = 0.1) -> Pieces[T]:
    """Do work that knows no pieces in a thread; yield every ``pause`` seconds until it is done.

    If nobody waits any longer the work goes on to its end, and what it returns is lost: it must change
    nothing.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # raised again where the result is waited for
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(pause)
        yield
    if errors:
        raise errors[0]
    return results[0]
