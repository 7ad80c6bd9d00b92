"""What an import brings, and a tally of everything that it could not take as it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from napari_inkling.core import HintSet

__all__ = ["ImportResult", "Tally"]

_NAMED = 5


@dataclass(frozen=True)
class ImportResult:
    """Hints by plane, and what the reader has to say.

    Parameters
    ----------
    hints : mapping of str to HintSet
        By ``str(PlaneRef)``, which is the image's name where the image is no stack. A plane that the file
        names without marking anything on it is there, empty.
    notices : tuple of str
        One sentence for each kind of thing that was skipped or changed, with how many and which.
    sizes : mapping of str to (int, int)
        Height and width of the planes, where they are known or the file tells them.
    new_classes : mapping of str to int
        Classes that a project got by the import, with their number of cells.
    suggestions : int
        How many of the hints that a project got are cells that a model suggested.
    """

    hints: Mapping[str, HintSet] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    sizes: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    new_classes: Mapping[str, int] = field(default_factory=dict)
    suggestions: int = 0

    def __len__(self) -> int:
        return sum(map(len, self.hints.values()))


class Tally:
    """Counts and names what happened, by kind of event."""

    def __init__(self) -> None:
        self._events: dict[tuple[str, str], list[str]] = {}

    def add(self, one: str, many: str, where: str) -> None:
        """Note an event. ``many`` holds ``{n}``, e.g. "skipped one box", "skipped {n} boxes"."""
        self._events.setdefault((one, many), []).append(where)

    def notices(self) -> tuple[str, ...]:
        """Return a sentence per kind of event, in the order of their first occurrence."""
        return tuple(self._sentence(one, many, where) for (one, many), where in self._events.items())

    @staticmethod
    def _sentence(one: str, many: str, where: list[str]) -> str:
        says = one if len(where) == 1 else many.format(n=len(where))
        rest = f" and {len(where) - _NAMED} more" if len(where) > _NAMED else ""
        return f"{says}: {'; '.join(where[:_NAMED])}{rest}"
