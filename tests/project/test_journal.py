"""The journal: what is appended is there after anything that can happen to a process, a disk or a file."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_inkling.core import HintError, HintSet, Points, ProjectError, ProjectVersionError
from napari_inkling.project.journal import JOURNAL, Journal
from napari_inkling.project.rows import Row, decode, edit_payload, encode, merged, sound
from napari_inkling.project.salvage import salvage


def row(seq: int, size: int = 100) -> Row:
    """A row with a payload of about ``size`` bytes that does not pack."""
    noise = np.random.default_rng(seq).integers(33, 127, size).astype(np.uint8).tobytes()
    return Row(seq, "edit", "cells", f"add {seq}", b"{" + noise, seconds=seq % 3, time=1e9 + seq / 7)


def written(folder: Path, count: int, size: int = 100) -> list[Row]:
    """A closed journal with ``count`` rows, a few of them large enough to need overflow pages."""
    rows = [row(seq, 20_000 if seq % 50 == 7 else size) for seq in range(1, count + 1)]
    journal = Journal(folder, new=True)
    for each in rows:
        journal.append(each)
    journal.close()
    return rows


def reopened(folder: Path, **options: Any) -> tuple[list[Row], list[str]]:
    journal = Journal(folder, **options)
    journal.close()
    return journal.rows, journal.notices


@pytest.mark.parametrize("value", [{}, {"a": [1, None, "ü", True, 0.1]}, {"a": list(range(5000))}])
def test_encode_is_exact(value: Any) -> None:
    assert decode(encode(value)) == value


def test_numpy_values_of_attributes_are_plain_in_json() -> None:
    assert decode(encode({"a": [np.int64(3), np.float32(0.5), np.bool_(True)]})) == {"a": [3, 0.5, True]}
    with pytest.raises(HintError, match=r"attribute value \(1\+2j\) is a complex"):
        encode([1 + 2j])


def test_checksum_covers_every_column() -> None:
    values = row(3).values()
    assert Row.from_values(values) == row(3)
    for i, other in enumerate((4, 1.0, 9.0, "undo", 1, "cells[2]", "add", b"{}", 0)):
        assert Row.from_values((*values[:i], other, *values[i + 1 :])) is None


def test_merged_takes_each_row_once_in_order_and_the_first_parts_first() -> None:
    assert merged([row(2), row(5)], [row(1), row(2)]) == [row(1), row(2), row(5)]
    assert merged([row(2, 10)], [row(2, 20)]) == [row(2, 10)]


def test_rows_come_back(tmp_path: Path) -> None:
    rows = written(tmp_path, 120)
    assert reopened(tmp_path) == (rows, [])
    assert reopened(tmp_path, read_only=True) == (rows, [])
    assert sorted(p.name for p in tmp_path.iterdir()) == [JOURNAL]


def test_payload_of_one_row(tmp_path: Path) -> None:
    rows = written(tmp_path, 60)
    journal = Journal(tmp_path)
    assert (journal.payload(57), journal.payload(61)) == (rows[56].payload, None)
    journal.close()


def test_each_row_is_seen_by_another_connection_at_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path, new=True)
    for seq in (1, 2, 3):
        journal.append(row(seq))
        assert [r.seq for r in Journal(tmp_path, read_only=True).rows] == list(range(1, seq + 1))
    journal.close()


def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    written(tmp_path, 3)
    with sqlite3.connect(tmp_path / JOURNAL) as connection:
        connection.execute("PRAGMA user_version = 3")
    connection.close()
    for read_only in (False, True):
        with pytest.raises(ProjectVersionError, match="journal version 3, this one reads up to 2"):
            Journal(tmp_path, read_only=read_only)
    assert [p.name for p in tmp_path.glob("*damaged*")] == []


# Damage


def garbage(start: float, length: int) -> Callable[[bytes], bytes]:
    def damage(data: bytes) -> bytes:
        at = int(start * len(data))
        noise = np.random.default_rng(0).integers(0, 256, length).astype(np.uint8).tobytes()
        return data[:at] + noise + data[at + length :]

    return damage


DAMAGE: list[tuple[str, Callable[[bytes], bytes], float]] = [
    # what happens to the file, and the least share of its rows that must survive
    ("a byte in the middle", garbage(0.5, 1), 0.97),
    ("100 bytes in the middle", garbage(0.5, 100), 0.85),
    ("10 pages in the middle", garbage(0.4, 40_960), 0.5),
    ("the header", garbage(0.0, 100), 0.99),
    ("the first page", garbage(0.0, 4096), 0.99),
    ("the first two pages, the table's root among them", garbage(0.0, 8192), 0.95),
    ("the last page", lambda data: data[:-4096] + bytes(4096), 0.85),
    ("half of it is gone", lambda data: data[: len(data) // 2], 0.3),
    ("breaks off within a page", lambda data: data[:-1000], 0.85),
    ("zeros in the middle", lambda data: data[:20_000] + bytes(20_000) + data[40_000:], 0.5),
    ("text", lambda _: b"Dear diary, today I clicked 300 nuclei. " * 500, 0.0),
    ("empty", lambda _: b"", 0.0),
    ("one byte", lambda _: b"S", 0.0),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "share"), [d[1:] for d in DAMAGE], ids=[d[0] for d in DAMAGE])
def test_damage(tmp_path: Path, damage: Callable[[bytes], bytes], share: float) -> None:
    rows = written(tmp_path, 600)
    path = tmp_path / JOURNAL
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)

    read_only, notices = reopened(tmp_path, read_only=True)
    assert path.read_bytes() == damaged
    assert "was damaged" in notices[0]

    found, notices = reopened(tmp_path)
    assert found == read_only
    assert set(found) <= set(rows)
    assert len(found) >= share * len(rows)
    assert [r.seq for r in found] == sorted(r.seq for r in found)
    assert f"was damaged: {len(found)} rows were recovered" in notices[0]
    (copy,) = tmp_path.glob("journal.damaged-*.sqlite")
    assert copy.read_bytes() == damaged
    assert copy.name in notices[1]

    assert reopened(tmp_path) == (found, [])  # the new file is sound, and takes more
    journal = Journal(tmp_path)
    journal.append(row(1000))
    journal.close()
    assert reopened(tmp_path)[0] == [*found, row(1000)]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([JOURNAL, copy.name])


@pytest.mark.parametrize("seed", range(20))
def test_random_damage_never_makes_up_rows(tmp_path: Path, seed: int) -> None:
    rows = written(tmp_path, 200)
    path, random = tmp_path / JOURNAL, np.random.default_rng(seed)
    data = bytearray(path.read_bytes())
    for _ in range(5):
        at, length = int(random.integers(len(data))), int(random.integers(1, 3000))
        data[at : at + length] = (
            random.integers(0, 256, len(data[at : at + length])).astype(np.uint8).tobytes()
        )
    path.write_bytes(data)
    found, _ = reopened(tmp_path)
    assert set(found) <= set(rows)
    assert len(found) > 50


def test_a_missing_journal_is_told_and_made_anew(tmp_path: Path) -> None:
    rows, notices = reopened(tmp_path)
    assert rows == []
    assert notices == ["The journal journal.sqlite was missing: 0 rows were recovered."]
    assert reopened(tmp_path) == ([], [])


def killed_writer(folder: Path, count: int) -> None:
    """Append rows in another process that dies without closing, so that the log stays."""
    script = (
        "import os, sys; from pathlib import Path; sys.path[:0] = sys.argv[2:]\n"
        "from test_journal import Journal, row\n"
        "journal = Journal(Path(sys.argv[1]), new=True)\n"
        f"for seq in range(1, {count} + 1): journal.append(row(seq))\n"
        "os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", script, str(folder), str(Path(__file__).parent)], check=False)


def test_rows_in_the_log_survive_a_killed_writer(tmp_path: Path) -> None:
    killed_writer(tmp_path, 30)
    assert (tmp_path / f"{JOURNAL}-wal").stat().st_size
    assert reopened(tmp_path) == ([row(seq) for seq in range(1, 31)], [])


@pytest.mark.parametrize("what", ["main is empty", "main is a word", "main is gone"])
def test_rows_in_the_log_survive_the_loss_of_the_file(tmp_path: Path, what: str) -> None:
    killed_writer(tmp_path, 30)
    path = tmp_path / JOURNAL
    if what == "main is gone":
        path.unlink()
    else:
        path.write_bytes(b"" if what == "main is empty" else b"Dear diary")
    rows, notices = reopened(tmp_path)
    assert [r.seq for r in rows] == list(range(1, 31))
    assert "30 rows were recovered" in notices[0]
    assert reopened(tmp_path) == (rows, [])


def test_rows_behind_a_damaged_place_in_the_log(tmp_path: Path) -> None:
    killed_writer(tmp_path, 30)
    log = tmp_path / f"{JOURNAL}-wal"
    data = bytearray(log.read_bytes())
    data[32 + 5 * (24 + 4096) + 24 + 2000] ^= 0xFF  # in the unused middle of the page in frame 5
    log.write_bytes(data)
    rows, notices = reopened(tmp_path)
    assert [r.seq for r in rows] == list(range(1, 31))
    assert "recovered from an unfinished write" in notices[0]
    assert reopened(tmp_path) == (rows, [])


@pytest.mark.parametrize("stage", range(4))
def test_rebuilding_can_be_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: int) -> None:
    killed_writer(tmp_path, 30)
    (tmp_path / JOURNAL).write_bytes(b"Dear diary")
    calls = 0
    replace = Path.replace

    def dying(self: Path, target: Path) -> Path:
        nonlocal calls
        calls += 1
        if calls > stage:
            raise KeyboardInterrupt
        return replace(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dying)
        with pytest.raises(KeyboardInterrupt):
            Journal(tmp_path)
    rows, _ = reopened(tmp_path)
    assert [r.seq for r in rows] == list(range(1, 31))


def test_salvage_of_nothing(tmp_path: Path) -> None:
    assert salvage(tmp_path / JOURNAL) == []


def test_salvage_agrees_with_sqlite(tmp_path: Path) -> None:
    rows = written(tmp_path, 500)
    assert sound(salvage(tmp_path / JOURNAL)) == rows


# A full disk, a folder that cannot be written


class FullDisk:
    """A connection whose disk is full until told otherwise."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.full = True

    def executemany(self, *arguments: Any) -> Any:
        if self.full:
            raise sqlite3.OperationalError("database or disk is full")
        return self.connection.executemany(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


def test_full_disk(tmp_path: Path) -> None:
    journal = Journal(tmp_path, new=True)
    journal.append(row(1))
    disk = FullDisk(journal._connection)  # type: ignore[arg-type]
    journal._connection = disk  # type: ignore[assignment]
    for seq in (2, 3):
        with pytest.raises(ProjectError, match=rf"{seq - 1} edit\(s\) could not be written .* disk is full"):
            journal.append(row(seq))
    assert (journal.pending, journal.payload(3)) == (2, row(3).payload)
    with pytest.raises(ProjectError, match="disk is full"):
        journal.close()
    disk.full = False
    journal.append(row(4))
    assert journal.pending == 0
    journal.close()
    assert reopened(tmp_path)[0] == [row(seq) for seq in (1, 2, 3, 4)]


def test_full_disk_until_closing(tmp_path: Path) -> None:
    journal = Journal(tmp_path, new=True)
    disk = FullDisk(journal._connection)  # type: ignore[arg-type]
    journal._connection = disk  # type: ignore[assignment]
    with pytest.raises(ProjectError):
        journal.append(row(1))
    disk.full = False
    journal.close()
    assert reopened(tmp_path)[0] == [row(1)]


def test_reading_where_sqlite_cannot_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_writer(tmp_path, 30)
    connect = sqlite3.connect

    def refusing(database: Any, *arguments: Any, **options: Any) -> sqlite3.Connection:
        if str(tmp_path) in str(database):
            raise sqlite3.OperationalError("unable to open database file")
        return connect(database, *arguments, **options)

    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    monkeypatch.setattr(sqlite3, "connect", refusing)
    assert reopened(tmp_path, read_only=True) == ([row(seq) for seq in range(1, 31)], [])
    with pytest.raises(ProjectError, match=r"cannot be opened for writing: unable to open"):
        Journal(tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="needs root, to become nobody")
def test_reading_as_somebody_without_rights(tmp_path: Path) -> None:
    killed_writer(tmp_path, 3)
    script = (
        "import os, sys; from pathlib import Path; from napari_inkling.project.journal import Journal\n"
        "os.setuid(65534); print([r.seq for r in Journal(Path(sys.argv[1]), read_only=True).rows])"
    )
    for part in (tmp_path, *tmp_path.parents):
        if Path(tempfile.gettempdir()) in part.parents:  # those that pytest made
            part.chmod(0o755)
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "TMPDIR": "/tmp"}, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("[1, 2, 3]", "")


# A killed process


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("wait", [0.0, 0.02, 0.1])
def test_sigkill_loses_nothing_that_append_returned_from(tmp_path: Path, wait: float) -> None:
    script = (
        "import sys; from pathlib import Path; sys.path[:0] = sys.argv[2:]\n"
        "from test_journal import Journal, row\n"
        "journal = Journal(Path(sys.argv[1]), new=True)\n"
        "for seq in range(1, 100000):\n"
        "    journal.append(row(seq, 6000 if seq % 9 == 0 else 100)); print(seq, flush=True)"
    )
    command = [sys.executable, "-c", script, str(tmp_path), str(Path(__file__).parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline()]
        time.sleep(wait)
        writer.send_signal(signal.SIGKILL)
        told += writer.stdout.readlines()
    promised = int([line for line in told if line.endswith("\n")][-1])
    rows, _ = reopened(tmp_path)
    assert len(rows) >= promised >= 1
    assert [r.seq for r in rows] == list(range(1, len(rows) + 1))


def test_a_bulk_edit_is_one_row(tmp_path: Path) -> None:
    journal = Journal(tmp_path, new=True)
    points = HintSet(Points(np.random.default_rng(0).uniform(0, 1000, (5000, 2))))
    payload = edit_payload(HintSet(), points)
    journal.append(Row(1, "edit", "cells", "accept all", payload))
    journal.close()
    assert reopened(tmp_path)[0][0].payload == payload


def test_copy(tmp_path: Path) -> None:
    rows = written(tmp_path, 30)
    (tmp_path / "copy").mkdir()
    journal = Journal(tmp_path)
    journal.append(row(31))
    journal.copy_to(tmp_path / "copy" / JOURNAL)
    journal.close()
    assert reopened(tmp_path / "copy") == ([*rows, row(31)], [])
    shutil.rmtree(tmp_path / "copy")
