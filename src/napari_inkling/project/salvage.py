"""Reading what is left of a damaged SQLite file, page by page, without SQLite.

Every leaf page of a table can be understood on its own (https://www.sqlite.org/fileformat2.html): so rows
survive a destroyed header, a destroyed root page, or a file that breaks off. Whether a row is sound, its
checksum tells the caller.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["PAGE_SIZE", "RawRow", "salvage"]

RawRow = tuple[Any, ...]
PAGE_SIZE = 4096
_LEAF = 0x0D
_COLUMNS = 9
_WAL_HEADER, _FRAME_HEADER = 32, 24


def salvage(path: Path, *, log_only: bool = False) -> list[RawRow]:
    """Return every row of 9 columns in a database of 4 KiB pages and its write-ahead log, in any order.

    The first column, SQLite's row id, is filled in. A missing or empty file has none. With ``log_only``, only
    the rows in the log.
    """
    log = path.with_name(path.name + "-wal")
    frames = list(_wal_pages(log.read_bytes())) if log.is_file() else []
    if log_only and not frames:
        return []
    main = path.read_bytes() if path.is_file() else b""
    old = {n + 1: main[n * PAGE_SIZE : (n + 1) * PAGE_SIZE] for n in range(-(-len(main) // PAGE_SIZE))}
    new = old | dict(frames)
    sources = [frames] if log_only else [frames, list(old.items())]
    rows: dict[RawRow, None] = {}
    for source in sources:
        pages = new if source is frames else old
        for number, page in source:
            rows.update(dict.fromkeys(_leaf_rows(page, 100 if number == 1 else 0, pages)))
    return list(rows)


def _wal_pages(log: bytes) -> Iterator[tuple[int, bytes]]:
    salt = log[16:24]
    for at in range(_WAL_HEADER, len(log) - _FRAME_HEADER - PAGE_SIZE + 1, _FRAME_HEADER + PAGE_SIZE):
        number = int.from_bytes(log[at : at + 4], "big")
        if log[at + 8 : at + 16] == salt and number:
            yield number, log[at + _FRAME_HEADER : at + _FRAME_HEADER + PAGE_SIZE]


def _leaf_rows(page: bytes, start: int, pages: dict[int, bytes]) -> Iterator[RawRow]:
    if len(page) < start + 8 or page[start] != _LEAF:
        return
    (cells,) = struct.unpack_from(">H", page, start + 3)
    for i in range(cells):
        at = start + 8 + 2 * i
        if at + 2 > len(page):
            return
        (cell,) = struct.unpack_from(">H", page, at)
        try:
            row = _cell(page, cell, pages)
        except (IndexError, ValueError, struct.error, KeyError):
            continue  # a cell that points nowhere: its row is lost, the others are not
        if row is not None:
            yield row


def _cell(page: bytes, at: int, pages: dict[int, bytes]) -> RawRow | None:
    length, at = _varint(page, at)
    row_id, at = _varint(page, at)
    if length > len(pages) * PAGE_SIZE:
        raise ValueError("longer than the file")
    record = _payload(page, at, length, pages)
    header, pos = _varint(record, 0)
    values: list[Any] = []
    body = header
    while pos < header:
        kind, pos = _varint(record, pos)
        value, body = _value(record, body, kind)
        values.append(value)
    if len(values) != _COLUMNS:
        return None
    return (row_id, *values[1:])


def _payload(page: bytes, at: int, length: int, pages: dict[int, bytes]) -> bytes:
    """Return a record that may go on in overflow pages."""
    most = PAGE_SIZE - 35
    if length <= most:
        return page[at : at + length]
    least = (PAGE_SIZE - 12) * 32 // 255 - 23
    local = least + (length - least) % (PAGE_SIZE - 4)
    local = local if local <= most else least
    record = bytearray(page[at : at + local])
    following = int.from_bytes(page[at + local : at + local + 4], "big")
    while len(record) < length:
        overflow = pages[following]
        following = int.from_bytes(overflow[:4], "big")
        record += overflow[4 : 4 + length - len(record)]
        if len(overflow) <= 4:
            raise ValueError("the overflow page is cut off")
    return bytes(record)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i in range(8):
        byte = data[at + i]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + i + 1
    return value << 8 | data[at + 8], at + 9


def _value(record: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind == 0:
        return None, at
    if kind in (8, 9):
        return kind - 8, at
    if kind == 7:
        return struct.unpack_from(">d", record, at)[0], at + 8
    if kind < 7:
        size = (1, 2, 3, 4, 6, 8)[kind - 1]
        return int.from_bytes(record[at : at + size], "big", signed=True), at + size
    size = (kind - 12) // 2
    raw = record[at : at + size]
    if kind < 12 or len(raw) < size:
        raise ValueError("cut off")
    return (raw.decode() if kind % 2 else raw), at + size
