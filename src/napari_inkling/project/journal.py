"""The journal: an SQLite file to which every edit is appended as one row, and from which nothing is removed.

The write-ahead log makes a row safe from a killed process when :meth:`Journal.append` returns. A checksum per
row tells damage that SQLite itself does not see; :mod:`~napari_inkling.project.salvage` finds what is left.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from napari_inkling.core import ProjectError
from napari_inkling.project.journal_file import (
    bring_up,
    connect,
    has_a_page,
    insert,
    log_of,
    read_without_writing,
    select,
)
from napari_inkling.project.rows import Row, merged, sound
from napari_inkling.project.salvage import salvage

__all__ = ["JOURNAL", "Journal"]

JOURNAL = "journal.sqlite"
#: Errors of SQLite that say nothing against the file: locked, no right, no space, no device.
_CIRCUMSTANCES = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM,
}  # fmt: skip


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
            self._read()
            return
        try:
            self._open(new)
        except (sqlite3.Error, OSError) as error:
            self._drop_connection()
            raise ProjectError(f"{self.path} cannot be opened for writing: {error}") from error
        except BaseException:
            self._drop_connection()
            raise

    @property
    def pending(self) -> int:
        """Number of rows that could not be written yet."""
        return len(self._pending)

    def append(self, row: Row) -> None:
        """Write a row, and those before it that failed; ``ProjectError``: it is kept for the next try."""
        self._pending.append(row)
        self.flush()

    def flush(self) -> None:
        """Write what could not be written before, all or nothing."""
        if not self._pending:
            return
        if self._connection is None:
            raise ProjectError(f"{self.path} is not open for writing")
        try:
            insert(self._connection, self._pending)
        except sqlite3.Error as error:
            raise ProjectError(
                f"{len(self._pending)} edit(s) could not be written to {self.path}: {error}. They are kept "
                "in memory and written with the next edit or on closing; is there space on the disk?"
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
        connection = self._connection or sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True)
        try:
            target = sqlite3.connect(path)
            try:
                connection.backup(target)
            finally:
                target.close()
        except sqlite3.Error as error:
            raise ProjectError(f"{self.path} could not be copied to {path}: {error}") from error
        finally:
            if connection is not self._connection:
                connection.close()

    def close(self) -> None:
        """Write what is pending and close the file; if that fails, it stays open for another try."""
        if self._connection is not None:
            self.flush()
            self._drop_connection()

    def _read(self) -> None:
        rows = read_without_writing(self.path)
        if rows is None:
            rows = sound(salvage(self.path))
            self.notices.append(_damage_notice(self.path, rows))
        self.rows = rows

    def _open(self, new: bool) -> None:
        self._finish_rebuilding()
        logged = [] if new else sound(salvage(self.path, log_only=True))
        readable = new or has_a_page(self.path)
        if readable:
            try:
                self._connection = connect(self.path)
                self.rows, bad = select(self._connection)
                readable = not bad
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in _CIRCUMSTANCES:
                    raise
                readable = False
        if readable and self._connection is not None:
            self._take_from_log(logged)
            bring_up(self._connection)
        else:
            self._rebuild(logged)

    def _take_from_log(self, logged: Sequence[Row]) -> None:
        """Keep rows that stand in the log behind a damaged place, where SQLite stops reading it."""
        known = {row.seq for row in self.rows}
        unseen = [row for row in logged if row.seq not in known]
        if unseen and self._connection is not None:
            insert(self._connection, unseen)
            self.rows = merged(self.rows, unseen)
            self.notices.append(f"{len(unseen)} edit(s) were recovered from an unfinished write.")

    def _rebuild(self, logged: Sequence[Row]) -> None:
        """Write every row that can be read to a new file, and set the damaged one aside."""
        # Closing lets SQLite move the log into the file: read first.
        rows = merged(self.rows, logged, sound(salvage(self.path)))
        self._drop_connection()
        self.notices.append(_damage_notice(self.path, rows))
        unfinished = self.path.with_name("journal.rebuilding.sqlite")
        for file in (unfinished, log_of(unfinished)):
            file.unlink(missing_ok=True)
        connection = connect(unfinished)
        try:
            insert(connection, rows)
        finally:
            connection.close()
        unfinished.replace(self._rebuilt)
        self._finish_rebuilding()
        self._connection = connect(self.path)
        self.rows = rows

    @property
    def _rebuilt(self) -> Path:
        return self.path.with_name("journal.rebuilt.sqlite")

    def _finish_rebuilding(self) -> None:
        """Put a rebuilt file, always complete, in the place of the damaged one; safe to interrupt."""
        if not self._rebuilt.is_file():
            return
        copy = _free_name(self.path.parent, f"journal.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
        # The log goes first: SQLite would apply it to the new file.
        for old, aside in ((log_of(self.path), log_of(copy)), (self.path, copy)):
            if old.is_file():
                old.replace(aside)
        self.path.with_name(JOURNAL + "-shm").unlink(missing_ok=True)
        self._rebuilt.replace(self.path)
        if copy.is_file():
            self.notices.append(f"The damaged journal is kept as {copy.name}.")

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _free_name(folder: Path, stem: str) -> Path:
    path, number = folder / f"{stem}.sqlite", 1
    while path.exists() or log_of(path).exists():
        number += 1
        path = folder / f"{stem}-{number}.sqlite"
    return path


def _damage_notice(path: Path, rows: Sequence[Row]) -> str:
    state = "was damaged" if path.exists() else "was missing"
    lost = rows[-1].seq - len(rows) if rows else 0
    missing = f"; {lost} before the last of them could not be read" if lost else ""
    return f"The journal {path.name} {state}: {len(rows)} rows were recovered{missing}."
