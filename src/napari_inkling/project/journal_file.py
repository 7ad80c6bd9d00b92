"""The SQLite file of the journal: made, opened, read and appended to; what is in it is not its business."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from pathlib import Path

from napari_inkling.core import ProjectError, ProjectVersionError
from napari_inkling.project.rows import Row, sound
from napari_inkling.project.salvage import PAGE_SIZE

__all__ = ["bring_up", "connect", "has_a_page", "insert", "log_of", "read_without_writing", "select"]

#: 2: edits may hold masks, and rejecting is a row. What version 1 wrote is read as it is.
JOURNAL_VERSION = 2
#: A version above this is a damaged header, not a later program.
_LARGEST_VERSION = 1000
_SCHEMA = """
CREATE TABLE rows (
    seq INTEGER PRIMARY KEY,     -- 1, 2, 3, …
    time REAL NOT NULL,          -- Unix seconds
    seconds REAL NOT NULL,       -- spent annotating since the row before
    kind TEXT NOT NULL,          -- edit, reject, undo, redo (of the row `target`), rename (of a class), time
    target INTEGER NOT NULL,     -- seq of what is undone or redone, else 0
    plane TEXT NOT NULL,         -- image and place in the stack
    label TEXT NOT NULL,         -- what a person did
    payload BLOB NOT NULL,       -- JSON (before, after), packed with zlib if large
    checksum INTEGER NOT NULL    -- CRC-32 of all the above
)
"""


def has_a_page(path: Path) -> bool:
    """Whether SQLite may open the file: it deletes the log of an empty one, and the log may hold edits."""
    return path.is_file() and path.stat().st_size >= PAGE_SIZE


def connect(path: Path) -> sqlite3.Connection:
    """Open for writing, making the table if there is none; ``ProjectVersionError`` for a newer file."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5)
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
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


def bring_up(connection: sqlite3.Connection) -> None:
    """Mark a file of an older version as one to which this program writes; its rows stay as they are."""
    if connection.execute("PRAGMA user_version").fetchone()[0] < JOURNAL_VERSION:
        connection.execute(f"PRAGMA user_version = {JOURNAL_VERSION}")


def insert(connection: sqlite3.Connection, rows: Sequence[Row]) -> None:
    """Append rows in one transaction; raises ``sqlite3.Error`` and has then written none."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany("INSERT INTO rows VALUES (?,?,?,?,?,?,?,?,?)", [row.values() for row in rows])
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def select(connection: sqlite3.Connection) -> tuple[list[Row], int]:
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


def read_without_writing(path: Path) -> list[Row] | None:
    """Read beside a live writer, or in a folder that cannot be written; ``None`` if the file is damaged.

    Leaves no file behind: one of SQLite's own, owned by the reader, could keep the writer out later.
    """
    if has_a_page(path):
        for source in (_in_place, _from_copy):
            try:
                return source(path)
            except sqlite3.DatabaseError:
                continue  # damaged; or, in place, no right to write the file that SQLite shares with others
    return None


def _in_place(path: Path) -> list[Row]:
    log = log_of(path)
    if not log.is_file() or not log.stat().st_size:
        return _select_from(f"{path.as_uri()}?immutable=1", path)
    if not path.with_name(path.name + "-shm").is_file():
        raise sqlite3.OperationalError("the log belongs to no live writer")
    return _select_from(f"{path.as_uri()}?mode=ro", path)


def _from_copy(path: Path) -> list[Row]:
    try:
        with tempfile.TemporaryDirectory(prefix="inkling-") as folder:
            copy = Path(folder) / path.name
            for source, target in ((path, copy), (log_of(path), log_of(copy))):
                if source.is_file():
                    shutil.copyfile(source, target)
            return _select_from(copy.as_uri(), path)
    except OSError as error:
        raise ProjectError(f"{path} could not be copied to be read: {error}") from error


def _select_from(uri: str, path: Path) -> list[Row]:
    connection = sqlite3.connect(uri, uri=True)
    try:
        _check_version(connection.execute("PRAGMA user_version").fetchone()[0], path)
        rows, bad = select(connection)
    finally:
        connection.close()
    if bad:
        raise sqlite3.DatabaseError(f"{bad} rows are damaged")
    return rows


def log_of(path: Path) -> Path:
    """Return the path of a file's write-ahead log."""
    return path.with_name(path.name + "-wal")
