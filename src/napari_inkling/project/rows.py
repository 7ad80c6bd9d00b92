"""What one row of the journal is, and how hints are packed into it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from napari_inkling.core import HintError, HintSet

__all__ = [
    "Kind",
    "Place",
    "Row",
    "Side",
    "decode",
    "edit_payload",
    "encode",
    "merged",
    "rejected_in",
    "sound",
]

Kind = Literal["edit", "reject", "undo", "redo", "rename", "time"]
#: A pixel (y, x).
Place = tuple[float, float]
#: Payloads above this many bytes are packed.
_PACK = 1024


@dataclass(frozen=True)
class Row:
    """One row of the journal.

    Parameters
    ----------
    seq : int
        1, 2, 3, …
    kind : str
        An ``edit`` of hints, a ``reject`` of suggestions (or bringing them back), the ``undo`` or ``redo`` of
        one of them, the ``rename`` of a class, or ``time`` spent.
    plane : str
        As ``str(PlaneRef)``.
    label : str
        What a person did, in words.
    payload : bytes
        As :func:`encode` makes it.
    target : int
        ``seq`` of what is undone or redone, else 0.
    seconds : float
        Spent annotating since the row before.
    time : float
        When it was written, Unix seconds.
    """

    seq: int
    kind: Kind
    plane: str
    label: str
    payload: bytes
    target: int = 0
    seconds: float = 0.0
    time: float = 0.0

    @property
    def checksum(self) -> int:
        """CRC-32 of everything in the row."""
        head = (
            self.seq,
            float(self.time),
            float(self.seconds),
            self.kind,
            self.target,
            self.plane,
            self.label,
        )
        return zlib.crc32(self.payload, zlib.crc32(repr(head).encode()))

    def values(self) -> tuple[Any, ...]:
        """Return the row as SQLite keeps it."""
        head = (self.seq, self.time, self.seconds, self.kind, self.target, self.plane, self.label)
        return (*head, self.payload, self.checksum)

    @classmethod
    def from_values(cls, values: Sequence[Any]) -> Row | None:
        """Return the row, or ``None`` if its checksum says that it is damaged."""
        try:
            seq, when, seconds, kind, target, plane, label, payload, checksum = values
            row = cls(seq, kind, plane, label, bytes(payload), target, float(seconds), float(when))
        except (TypeError, ValueError):
            return None
        return row if row.checksum == checksum else None


@dataclass(frozen=True)
class Side:
    """What a row takes away from a plane, or adds to it.

    Parameters
    ----------
    hints : HintSet
        Hints.
    rejected : tuple of (y, x)
        Places, in pixels, where suggestions are rejected without becoming hints.
    """

    hints: HintSet = field(default_factory=HintSet)
    rejected: tuple[Place, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return only what there is."""
        return self.hints.to_json() | ({"rejected": self.rejected} if self.rejected else {})

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Side:
        """Return what :meth:`to_json` wrote."""
        return cls(HintSet.from_json(values), rejected_in(values))


def rejected_in(values: Mapping[str, Any]) -> tuple[Place, ...]:
    """Return the rejected places of a :class:`Side` as JSON."""
    return tuple((float(y), float(x)) for y, x in values.get("rejected", ()))


def sound(found: Iterable[Sequence[Any]]) -> list[Row]:
    """Return the rows whose checksum is right, in order."""
    rows = (Row.from_values(values) for values in found)
    return merged([row for row in rows if row is not None])


def merged(*parts: Iterable[Row]) -> list[Row]:
    """Return the rows of all parts in order, each once."""
    by_seq = {row.seq: row for part in reversed(parts) for row in part}
    return [by_seq[seq] for seq in sorted(by_seq)]


def encode(value: Any) -> bytes:
    """Return a JSON value as bytes, packed where that pays; ``HintError`` for what JSON cannot hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()
    return zlib.compress(text, 1) if len(text) > _PACK else text


def decode(payload: bytes) -> Any:
    """Return what :func:`encode` was given; raises ``ValueError`` or ``zlib.error`` for anything else."""
    return json.loads(payload if payload[:1] in b"{[" else zlib.decompress(payload))


def edit_payload(before: Side | HintSet, after: Side | HintSet) -> bytes:
    """Return the payload of an edit, reject, undo or redo."""
    return encode({"before": before.to_json(), "after": after.to_json()})


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    kind = type(value).__name__
    raise HintError(f"attribute value {value!r} is a {kind}, expected text, a number or true/false")
