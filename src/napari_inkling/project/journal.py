"""The journal: an SQLite file to which every edit is appended as one row, and from which nothing is removed.

The write-ahead log makes a row safe from a killed process when :meth:`Journal.append` returns. A checksum per
row tells damage that SQLite itself does not see; :mod:`~napari_inkling.project.salvage` finds what is left.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from napari_inkling.core import ProjectError, ProjectVersionError
from napari_inkling.project.rows import Row, merged, sound
from napari_inkling.project.salvage import salvage

__all__ = ["JOURNAL", "Journal"]

JOURNAL = "journal.sqlite"
JOURNAL_VERSION = 1
#: A version above this is a damaged header, not a later program.
_LARGEST_VERSION = 1000
#: Errors of SQLite that say nothing against the file: locked, no right, no space, no device.
_CIRCUMSTANCES = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM,
}  # fmt: skip
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
            self.rows, notice = _read_without_writing(self.path)
            self.notices += notice
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
            _insert(self._connection, self._pending)
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

    def _open(self, new: bool) -> None:
        self._finish_rebuilding()
        logged = [] if new else sound(salvage(self.path, log_only=True))
        # SQLite deletes the log of an empty file, and the log may hold edits: it must not see such a file.
        readable = new or (self.path.is_file() and self.path.stat().st_size > 0)
        if readable:
            try:
                self._connection = _connect(self.path)
                self.rows, bad = _select(self._connection)
                readable = not bad
            except sqlite3.DatabaseError as error:
                if getattr(error, "sqlite_errorcode", 0) & 0xFF in _CIRCUMSTANCES:
                    raise
                readable = False
        if readable:
            self._take_from_log(logged)
        else:
            self._rebuild(logged)

    def _take_from_log(self, logged: Sequence[Row]) -> None:
        """Keep rows that stand in the log behind a damaged place, where SQLite stops reading it."""
        known = {row.seq for row in self.rows}
        unseen = [row for row in logged if row.seq not in known]
        if unseen and self._connection is not None:
            _insert(self._connection, unseen)
            self.rows = merged(self.rows, unseen)
            self.notices.append(f"{len(unseen)} edit(s) were recovered from an unfinished write.")

    def _rebuild(self, logged: Sequence[Row]) -> None:
        """Write every row that can be read to a new file, and set the damaged one aside."""
        # Closing lets SQLite move the log into the file: read first.
        rows = merged(self.rows, logged, sound(salvage(self.path)))
        self._drop_connection()
        self.notices.append(_damage_notice(self.path, rows))
        unfinished = self.path.with_name("journal.rebuilding.sqlite")
        for file in (unfinished, _log(unfinished)):
            file.unlink(missing_ok=True)
        connection = _connect(unfinished)
        try:
            _insert(connection, rows)
        finally:
            connection.close()
        unfinished.replace(self._rebuilt)
        self._finish_rebuilding()
        self._connection = _connect(self.path)
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
        for old, aside in ((_log(self.path), _log(copy)), (self.path, copy)):
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


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    try:
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        _check_version(version, path)
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


def _insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany("INSERT INTO rows VALUES (?,?,?,?,?,?,?,?,?)", [row.values() for row in rows])
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _select(connection: sqlite3.Connection) -> tuple[list[Row], int]:
    """Return all sound rows in order, and how many are not."""
    found = connection.execute("SELECT * FROM rows").fetchall()
    rows = sound(found)
    return rows, len(found) - len(rows)


def _check_version(version: int, path: Path) -> None:
    if not 0 <= version <= _LARGEST_VERSION:
        raise sqlite3.DatabaseError(f"version {version} is nonsense")
    if version > JOURNAL_VERSION:
        raise ProjectVersionError(
            f"{path} was written by a newer napari-inkling (journal version {version}, this one reads up to "
            f"{JOURNAL_VERSION}); please update napari-inkling"
        )


def _read_without_writing(path: Path) -> tuple[list[Row], list[str]]:
    """Read beside a live writer, or in a folder that cannot be written; returns rows and notices."""
    if path.is_file() and path.stat().st_size:
        try:
            return _select_from(f"{path.as_uri()}?mode=ro"), []
        except sqlite3.DatabaseError:
            # A file with a log cannot be read in a folder that cannot be written: so read a copy of both.
            with tempfile.TemporaryDirectory(prefix="inkling-") as folder:
                copy = Path(folder) / JOURNAL
                for source, target in ((path, copy), (_log(path), _log(copy))):
                    if source.is_file():
                        shutil.copyfile(source, target)
                try:
                    return _select_from(copy.as_uri()), []
                except sqlite3.DatabaseError:
                    pass
    rows = sound(salvage(path))
    return rows, [_damage_notice(path, rows)]


def _select_from(uri: str) -> list[Row]:
    connection = sqlite3.connect(uri, uri=True)
    try:
        _check_version(connection.execute("PRAGMA user_version").fetchone()[0], Path(uri))
        rows, bad = _select(connection)
    finally:
        connection.close()
    if bad:
        raise sqlite3.DatabaseError(f"{bad} rows are damaged")
    return rows


def _log(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _free_name(folder: Path, stem: str) -> Path:
    path, number = folder / f"{stem}.sqlite", 1
    while path.exists() or _log(path).exists():
        number += 1
        path = folder / f"{stem}-{number}.sqlite"
    return path


def _damage_notice(path: Path, rows: Sequence[Row]) -> str:
    state = "was damaged" if path.exists() else "was missing"
    lost = rows[-1].seq - len(rows) if rows else 0
    missing = f"; {lost} before the last of them could not be read" if lost else ""
    return f"The journal {path.name} {state}: {len(rows)} rows were recovered{missing}."
