"""The state that a journal's rows add up to: hints, rejected suggestions, what can be undone, time spent."""

from __future__ import annotations

import time
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_inkling.core import KINDS, HintSet, PlaneRef, ProjectError
from napari_inkling.project.journal import Journal
from napari_inkling.project.rows import Kind, Place, Row, Side, decode, edit_payload, encode, rejected_in

__all__ = ["Edit", "History"]

#: Time is written with the next edit, or when this many seconds have come together.
_SECONDS_KEPT = 10.0


@dataclass(frozen=True)
class Edit:
    """A change of one plane: the hints of ``before`` went, those of ``after`` came; none for a rejection.

    ``rejected`` are the places where suggestions are rejected since then, or no longer.
    """

    ref: PlaneRef
    before: HintSet
    after: HintSet
    label: str
    time: float
    rejected: tuple[Place, ...] = ()

    @property
    def places(self) -> npt.NDArray[np.float64]:
        """Where something changed, in pixels, shape (N, 2): points, and the middles of boxes."""
        parts = [np.asarray(self.rejected, dtype=np.float64).reshape(-1, 2)]
        for hints in (self.before, self.after):
            parts.append(hints.points.coordinates)
            for boxes in (hints.boxes.coordinates, hints.masks.coordinates):
                parts.append((boxes[:, :2] + boxes[:, 2:]) / 2)
        return np.concatenate(parts)


@dataclass(frozen=True)
class _Step:
    """What can be undone or redone; what it changed stays in the journal."""

    seq: int
    plane: str
    label: str


#: id → (columns of the edit that brought the row, its place in them).
_Scattered = dict[int, tuple[Mapping[str, Any], int]]


@dataclass
class _Loaded:
    """One plane's rows of every kind during replay."""

    kinds: dict[str, _Scattered] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    def apply(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        for kind, rows in self.kinds.items():
            for row_id in before.get(kind, {}).get("ids", ()):
                rows.pop(row_id, None)
            columns = after.get(kind, {})
            for i, row_id in enumerate(columns.get("ids", ())):
                rows.pop(row_id, None)
                rows[row_id] = (columns, i)

    def hints(self) -> HintSet:
        return HintSet.from_json({kind: _gather(rows, kind) for kind, rows in self.kinds.items() if rows})


class History:
    """Replays a journal when it is made, then changes the state and the journal together."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._hints: dict[str, HintSet] = {}
        self._rejected: dict[str, tuple[Place, ...]] = {}
        self._loaded: dict[str, _Loaded] = {}
        self._undo: list[_Step] = []
        self._redo: list[_Step] = []
        self._renames: list[tuple[int, str, str]] = []
        self._last = 0
        self._unwritten_seconds = 0.0
        self.seconds = 0.0
        self.edits = 0
        for row in journal.rows:
            self._replay(row)
        journal.rows.clear()

    def hints(self, plane: str) -> HintSet:
        """Return the hints of a plane."""
        if plane in self._loaded:
            self._hints[plane] = self._loaded.pop(plane).hints()
        found = self._hints.get(plane)
        return HintSet() if found is None else found  # making one takes a millisecond

    def rejected(self, plane: str) -> tuple[Place, ...]:
        """Return the places of a plane where suggestions were rejected."""
        return self._rejected.get(plane, ())

    def planes(self) -> list[str]:
        """Return the planes that have hints."""
        return [p for p in (*self._hints, *self._loaded) if len(self.hints(p))]

    def classes(self) -> dict[str, int]:
        """Return the classes that hints have, those that mark no cell too, and how many hints each."""
        counts: dict[str, int] = {}
        for plane in self.planes():
            for name in self.hints(plane).classes:
                counts[name] = counts.get(name, 0) + 1
        return counts

    def edit(self, plane: str, before: HintSet, after: HintSet, label: str) -> Edit | None:
        """Apply and write a change; ``None`` if there is none. ``ProjectError``: it is in memory only."""
        now = self.hints(plane)
        # What is recorded as gone is what was there, so that undo brings back exactly that.
        gone = now.matching(before)
        if not len(gone) and not len(after):
            return None
        row = self._do("edit", plane, label, Side(gone), Side(after))
        return Edit(PlaneRef.parse(plane), gone, after, label, row.time)

    def reject(self, plane: str, before: Iterable[Place], after: Iterable[Place], label: str) -> None:
        """Reject suggestions no longer at the places of ``before``, and at those of ``after`` from now on."""
        sides = (Side(rejected=tuple(before)), Side(rejected=tuple(after)))
        if any(side.rejected for side in sides):
            self._do("reject", plane, label, *sides)

    def _do(self, kind: Kind, plane: str, label: str, before: Side, after: Side) -> Row:
        row = self._apply(kind, plane, label, before, after)
        self._undo.append(_Step(row.seq, plane, label))
        self._redo.clear()
        self.edits += 1
        self._write(row)
        return row

    def _apply(self, kind: Kind, plane: str, label: str, before: Side, after: Side, target: int = 0) -> Row:
        """Change the state, and return the row that says so, to be written."""
        now = self.hints(plane)
        hints = now.replaced(before.hints, after.hints) if len(before.hints) or len(after.hints) else now
        row = self._row(kind, plane, label, edit_payload(before, after), target)
        self._hints[plane] = hints
        self._change_rejected(plane, before.rejected, after.rejected)
        return row

    def _change_rejected(self, plane: str, before: Sequence[Place], after: Sequence[Place]) -> None:
        """Take the places of ``before`` out, each as often as it is there, and those of ``after`` in."""
        if before or after:
            left = Counter(self.rejected(plane)) - Counter(before)
            self._rejected[plane] = (*left.elements(), *after)

    def undo(self, images: Collection[str]) -> Edit | None:
        """Take back the latest edit of these images."""
        return self._step_back("undo", self._undo, self._redo, images)

    def redo(self, images: Collection[str]) -> Edit | None:
        """Do again what was taken back last."""
        return self._step_back("redo", self._redo, self._undo, images)

    def can_undo(self, images: Collection[str]) -> str:
        """Return the label of what would be undone, or ``""``."""
        return _label(self._undo, images)

    def can_redo(self, images: Collection[str]) -> str:
        """Return the label of what would be redone, or ``""``."""
        return _label(self._redo, images)

    def rename_class(self, old: str, new: str) -> None:
        """Give every hint of class ``old``, also those that undo may bring back, the class ``new``."""
        row = self._row("rename", "", f"rename {old} to {new}", encode({"old": old, "new": new}))
        for plane in self.planes():
            self._hints[plane] = _renamed(self.hints(plane), old, new)
        self._renames.append((row.seq, old, new))
        self._write(row)

    def name_today(self, name: str, known: Collection[str]) -> str:
        """Return what became of the class ``name``, which may have been renamed, if it is not ``known``."""
        since = 0
        while name not in known:
            last = next((r for r in reversed(self._renames) if r[0] > since and r[1] == name), None)
            if last is None:
                break
            since, _, name = last
        return name

    def add_seconds(self, seconds: float) -> None:
        """Count time spent annotating; it is written with the next edit or after ten seconds."""
        self.seconds += seconds
        self._unwritten_seconds += seconds
        if self._unwritten_seconds >= _SECONDS_KEPT:
            self.flush()

    def flush(self) -> None:
        """Write the time that is not written yet, and rows that could not be written before."""
        if self._unwritten_seconds > 0:
            self._write(self._row("time", "", "", b"{}"))
        else:
            self._journal.flush()

    def _step_back(
        self, kind: Kind, source: list[_Step], target: list[_Step], images: Collection[str]
    ) -> Edit | None:
        at = _latest(source, images)
        if at is None:
            return None
        step = source[at]
        before, after = self._content(step)
        if kind == "undo":
            before, after = after, before
        row = self._apply(kind, step.plane, step.label, before, after, step.seq)
        target.append(source.pop(at))
        self._write(row)
        rejected = (*before.rejected, *after.rejected)
        return Edit(PlaneRef.parse(step.plane), before.hints, after.hints, step.label, row.time, rejected)

    def _content(self, step: _Step) -> tuple[Side, Side]:
        """Return what was replaced by what, with the classes' names of today."""
        payload = self._journal.payload(step.seq)
        try:
            content = decode(payload) if payload is not None else {}
            before, after = Side.from_json(content["before"]), Side.from_json(content["after"])
        except (KeyError, TypeError, ValueError, zlib.error) as error:
            raise ProjectError(
                f"edit {step.seq} ({step.label!r}) cannot be read from the journal any more: {error!r}"
            ) from error
        for seq, old, new in self._renames:
            if seq > step.seq:
                before, after = (
                    replace(side, hints=_renamed(side.hints, old, new)) for side in (before, after)
                )
        return before, after

    def _row(self, kind: Kind, plane: str, label: str, payload: bytes, target: int = 0) -> Row:
        return Row(self._last + 1, kind, plane, label, payload, target, self._unwritten_seconds, time.time())

    def _write(self, row: Row) -> None:
        self._last = row.seq
        self._unwritten_seconds = 0.0
        self._journal.append(row)

    def _replay(self, row: Row) -> None:
        self._last = max(self._last, row.seq)
        self.seconds += row.seconds
        if row.kind == "time":
            return
        content = decode(row.payload)
        if row.kind == "rename":
            self._replay_rename(row.seq, content["old"], content["new"])
            return
        before, after = content["before"], content["after"]
        self._loaded.setdefault(row.plane, _Loaded()).apply(before, after)
        self._change_rejected(row.plane, rejected_in(before), rejected_in(after))
        if row.kind in ("edit", "reject"):
            self.edits += 1
            self._undo.append(_Step(row.seq, row.plane, row.label))
            self._redo.clear()
            return
        source, target = (self._undo, self._redo) if row.kind == "undo" else (self._redo, self._undo)
        at = next((i for i in reversed(range(len(source))) if source[i].seq == row.target), None)
        if at is not None:  # else the edit itself was lost to damage
            target.append(source.pop(at))

    def _replay_rename(self, seq: int, old: str, new: str) -> None:
        self._renames.append((seq, old, new))
        seen: set[int] = set()
        for plane in self._loaded.values():
            for columns, _ in chain.from_iterable(rows.values() for rows in plane.kinds.values()):
                if id(columns) not in seen:
                    seen.add(id(columns))
                    classes: list[str] = columns["classes"]
                    classes[:] = [new if name == old else name for name in classes]


def _latest(steps: list[_Step], images: Collection[str]) -> int | None:
    """Return the place of the last step, passing over those on images that were removed."""
    places = reversed(range(len(steps)))
    return next((i for i in places if PlaneRef.parse(steps[i].plane).image in images), None)


def _label(steps: list[_Step], images: Collection[str]) -> str:
    at = _latest(steps, images)
    return "" if at is None else steps[at].label or "edit"


def _renamed(hints: HintSet, old: str, new: str) -> HintSet:
    return hints.mapped(lambda rows: rows.changed(classes=_renamed_column(rows.classes, old, new)))


def _renamed_column(classes: npt.NDArray[np.object_], old: str, new: str) -> npt.NDArray[np.object_]:
    return np.where(classes == old, new, classes).astype(object)


def _gather(rows: _Scattered, kind: str) -> dict[str, Any]:
    """Return the columns of rows that lie scattered over many edits."""
    places = list(rows.values())
    columns: dict[str, Any] = {n: [c[n][i] for c, i in places] for n in KINDS[kind].column_names()}
    keys = sorted({k for c, _ in places for k in c["attributes"]})
    columns["attributes"] = {
        k: [c["attributes"][k][i] if k in c["attributes"] else "" for c, i in places] for k in keys
    }
    return columns
