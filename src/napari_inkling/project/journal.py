"""The journal: an SQLite file to which every edit is appended as one row, and from which nothing is removed.

The write-ahead log makes a row safe from a killed process when :meth:`Journal.append` returns. A checksum per row
tells damage that SQLite itself does not see; what to do about damage is :mod:`~napari_inkling.project.salvage`.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_inkling.core import HintError, HintSet, ProjectError, ProjectVersionError
from napari_inkling.project.salvage import RawRow, salvage

__all__ = ["JOURNAL", "Journal", "Kind", "Row", "decode", "edit_payload", "encode"]

JOURNAL = "journal.sqlite"
JOURNAL_VERSION = 1
Kind = Literal["edit", "undo", "redo", "rename", "time"]
#: A version above this is a damaged header, not a later program.
_LARGEST_VERSION = 1000
_CIRCUMSTANCES = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM,
}  # fmt: skip
#: Payloads above this many bytes are packed.
_PACK = 1024
_SCHEMA = """
CREATE TABLE rows (
    seq INTEGER PRIMARY KEY,     -- 1, 2, 3, …
    time REAL NOT NULL,          -- Unix seconds
    seconds REAL NOT NULL,       -- spent annotating since the row before
    kind TEXT NOT NULL,          -- edit, undo, redo (of the row `target`), rename (of a class), time
    target INTEGER NOT NULL,     -- seq of the edit undone or redone, else 0
    plane TEXT NOT NULL,         -- image and place in the stack
    label TEXT NOT NULL,         -- what a person did
    payload BLOB NOT NULL,       -- JSON (before, after), packed with zlib if large
    checksum INTEGER NOT NULL    -- CRC-32 of all the above
)
"""


@dataclass(frozen=True)
class Row:
    """One row of the journal; ``payload`` as :func:`encode` makes it."""

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
            f"{self.seq}|{self.time!r}|{self.seconds!r}|{self.kind}|{self.target}|{self.plane}|{self.label}|"
        )
        return zlib.crc32(self.payload, zlib.crc32(head.encode()))

    def values(self) -> RawRow:
        """Return the row as SQLite keeps it."""
        return (
            self.seq, self.time, self.seconds, self.kind, self.target, self.plane, self.label, self.payload, self.checksum,
        )  # fmt: skip

    @classmethod
    def from_values(cls, values: Sequence[Any]) -> Row | None:
        """Return the row, or ``None`` if its checksum says that it is damaged."""
        try:
            seq, when, seconds, kind, target, plane, label, payload, checksum = values
            row = cls(seq, kind, plane, label, bytes(payload), target, float(seconds), float(when))
            return row if row.checksum == checksum else None
        except (TypeError, ValueError):
            return None


def encode(value: Any) -> bytes:
    """Return a JSON value as bytes, packed where that pays; raises :class:`HintError` for what JSON cannot hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()
    return zlib.compress(text, 1) if len(text) > _PACK else text


def decode(payload: bytes) -> Any:
    """Return what :func:`encode` was given."""
    return json.loads(payload if payload[:1] in b"{[" else zlib.decompress(payload))


def edit_payload(before: HintSet, after: HintSet) -> bytes:
    """Return the payload of an edit, undo or redo."""
    return encode({"before": before.to_json(), "after": after.to_json()})


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise HintError(
        f"attribute value {value!r} is a {type(value).__name__}, expected text, a number or true/false"
    )


class Journal:
    """The open journal of one project.

    Attributes
    ----------
    rows : list of Row
        What was there when it was opened, oldest first; the caller takes and empties it.
    notices : list of str
        What was found damaged and what was done about it.
    """

    def __init__(self, folder: Path, *, read_only: bool = False, new: bool = False) -> None:
        self.path = folder / JOURNAL
        self.notices: list[str] = []
        self.rows: list[Row] = []
        self._pending: list[Row] = []
        self._connection: sqlite3.Connection | None = None
        if read_only:
            self.rows = self._read_without_writing()
            return
        logged = [] if new else _sound(salvage(self.path, log_only=True))
        if not new and not self._is_sound():
            self._rebuild()
            return
        try:
            self._connection = self._connect()
            self.rows, bad = _select(self._connection)
        except sqlite3.DatabaseError as error:
            if _is_circumstance(error):
                self._drop_connection()
                raise ProjectError(f"{self.path} cannot be opened: {error}") from error
            bad = 1
        if bad:
            self._rebuild()
        else:
            self._take_from_log(logged)

    @property
    def pending(self) -> int:
        """Number of rows that could not be written yet."""
        return len(self._pending)

    def append(self, row: Row) -> None:
        """Write a row, and those before it that failed; raises :class:`ProjectError` and keeps it for later."""
        self._pending.append(row)
        self.flush()

    def flush(self) -> None:
        """Write what could not be written before, all or nothing."""
        if not self._pending:
            return
        if self._connection is None:
            raise ProjectError(f"{self.path} is open read-only")
        try:
            self._insert(self._connection, self._pending)
        except sqlite3.Error as error:
            raise ProjectError(
                f"{len(self._pending)} edit(s) could not be written to {self.path}: {error}. "
                "They are kept in memory and written with the next edit; free some space on the disk."
            ) from error
        self._pending.clear()

    def payload(self, seq: int) -> bytes | None:
        """Return the payload of a row, or ``None`` if there is no such row."""
        for row in self._pending:
            if row.seq == seq:
                return row.payload
        if self._connection is None:
            return None
        try:
            found = self._connection.execute("SELECT payload FROM rows WHERE seq = ?", (seq,)).fetchone()
        except sqlite3.Error as error:
            raise ProjectError(f"row {seq} of {self.path} cannot be read: {error}") from error
        return bytes(found[0]) if found else None

    def copy_to(self, path: Path) -> None:
        """Write a whole, closed copy of the journal."""
        if self._connection is None:
            shutil.copyfile(self.path, path)
            return
        self.flush()
        target = sqlite3.connect(path)
        try:
            self._connection.backup(target)
        finally:
            target.close()

    def close(self) -> None:
        """Write what is pending, fold the write-ahead log into the file, close it."""
        connection = self._connection
        if connection is None:
            return
        try:
            self.flush()
        finally:
            self._connection = None
            connection.close()

    def _insert(self, connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.executemany("INSERT INTO rows VALUES (?,?,?,?,?,?,?,?,?)", [r.values() for r in rows])
            connection.execute("COMMIT")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _is_sound(self) -> bool:
        """Whether SQLite may touch the file: it deletes the log of an empty one, which may hold edits."""
        return self.path.is_file() and self.path.stat().st_size > 0

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=5)
        try:
            connection.execute("PRAGMA page_size = 4096")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            _check_version(version, self.path)
            if version == 0:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(_SCHEMA)
                connection.execute(f"PRAGMA user_version = {JOURNAL_VERSION}")
                connection.execute("COMMIT")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except BaseException:
            connection.close()
            raise
        return connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _take_from_log(self, logged: Sequence[Row]) -> None:
        """Keep rows that stand in the write-ahead log behind a damaged place, where SQLite stops reading it."""
        known = {row.seq for row in self.rows}
        unseen = [row for row in logged if row.seq not in known]
        if not unseen or self._connection is None:
            return
        self._insert(self._connection, unseen)
        self.rows = _merged(self.rows, unseen)
        self.notices.append(f"{len(unseen)} edit(s) were recovered from a write that had not been finished.")

    def _rebuild(self) -> None:
        """Set the damaged file aside, and start a new one with every row that can be read."""
        salvaged = _sound(salvage(self.path))
        self._drop_connection()
        rows = _merged(salvaged, self.rows)
        there = self.path.exists()
        self.notices.append(_damage_notice(self.path, rows, self._set_aside() if there else None))
        fresh = self.path.with_name(f"journal.rebuilding-{time.time_ns()}.sqlite")
        path, self.path = self.path, fresh
        try:
            connection = self._connect()
            try:
                self._insert(connection, rows)
            finally:
                connection.close()
        finally:
            self.path = path
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        fresh.replace(path)
        self._connection = self._connect()
        self.rows = rows

    def _set_aside(self) -> Path:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        copy = self.path.with_name(f"journal.damaged-{stamp}.sqlite")
        number = 1
        while copy.exists():
            number += 1
            copy = self.path.with_name(f"journal.damaged-{stamp}-{number}.sqlite")
        shutil.copyfile(self.path, copy)
        log = self.path.with_name(self.path.name + "-wal")
        if log.exists() and log.stat().st_size:
            shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
        return copy

    def _read_without_writing(self) -> list[Row]:
        """Read beside a live writer, or from a folder that cannot be written."""
        if self._is_sound():
            try:
                return self._select_read_only(f"{self.path.absolute().as_uri()}?mode=ro")
            except sqlite3.DatabaseError:
                # A WAL file needs a writable folder; a copy elsewhere does too, and there it is.
                rows = self._read_copy()
                if rows is not None:
                    return rows
        rows = _sound(salvage(self.path))
        self.notices.append(_damage_notice(self.path, rows, None))
        return rows

    def _read_copy(self) -> list[Row] | None:
        with tempfile.TemporaryDirectory(prefix="inkling-") as folder:
            copy = Path(folder) / JOURNAL
            shutil.copyfile(self.path, copy)
            log = self.path.with_name(self.path.name + "-wal")
            if log.exists():
                shutil.copyfile(log, copy.with_name(copy.name + "-wal"))
            try:
                return self._select_read_only(copy.absolute().as_uri())
            except sqlite3.DatabaseError:
                return None

    def _select_read_only(self, uri: str) -> list[Row]:
        connection = sqlite3.connect(uri, uri=True)
        try:
            _check_version(connection.execute("PRAGMA user_version").fetchone()[0], self.path)
            rows, bad = _select(connection)
        finally:
            connection.close()
        if bad:
            raise sqlite3.DatabaseError(f"{bad} rows are damaged")
        return rows


def _is_circumstance(error: sqlite3.Error) -> bool:
    """Whether the file may be sound and only cannot be opened now: locked, no right, no space, no device."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _CIRCUMSTANCES


def _check_version(version: int, path: Path) -> None:
    if not 0 <= version <= _LARGEST_VERSION:
        raise sqlite3.DatabaseError(f"version {version} is nonsense")
    if version > JOURNAL_VERSION:
        raise ProjectVersionError(
            f"{path} was written by a newer napari-inkling (journal version {version}, this one reads up to "
            f"{JOURNAL_VERSION}); please update napari-inkling"
        )


def _select(connection: sqlite3.Connection) -> tuple[list[Row], int]:
    """Return all sound rows in order, and how many are not."""
    found = [Row.from_values(values) for values in connection.execute("SELECT * FROM rows ORDER BY seq")]
    rows = [row for row in found if row is not None]
    return rows, len(found) - len(rows)


def _sound(found: Sequence[RawRow]) -> list[Row]:
    rows = (Row.from_values(values) for values in found)
    return sorted((row for row in rows if row is not None), key=lambda row: row.seq)


def _merged(first: Sequence[Row], second: Sequence[Row]) -> list[Row]:
    by_seq = {row.seq: row for row in (*second, *first)}
    return [by_seq[seq] for seq in sorted(by_seq)]


def _damage_notice(path: Path, rows: Sequence[Row], copy: Path | None) -> str:
    kept = f"; the damaged file is kept as {copy.name}" if copy else ""
    lost = (rows[-1].seq - len(rows)) if rows else 0
    missing = f", {lost} before the last of them could not be read" if lost else ""
    state = "was damaged" if path.exists() else "was missing"
    return f"The journal {path.name} {state}: {len(rows)} rows were recovered{missing}{kept}."
