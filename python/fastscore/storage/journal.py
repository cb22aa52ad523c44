"""The file below the store: blocks of results in SQLite, appended, checked, and bounded in size.

Blocks rather than one row a request, because digests are random: as rows they would touch a page
each, which writes a hundred times their size to the flash of a small board. Every block carries its
own checksum, so that a damaged one is left out instead of becoming a wrong score.

Everything here raises ``sqlite3.Error``; what that means for a run is the store's business.
"""

from __future__ import annotations

import hashlib
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

APPLICATION_ID = 0x6673_6371  # tells our files from other SQLite files
LAYOUT_VERSION = 1
LOCK_SECONDS = 5.0

_TABLES = (
    """
    CREATE TABLE IF NOT EXISTS space (
        key BLOB PRIMARY KEY, label TEXT NOT NULL, used REAL NOT NULL
    ) WITHOUT ROWID
    """,
    # AUTOINCREMENT: a number is never given twice, so "newer than the last one read" is exact.
    """
    CREATE TABLE IF NOT EXISTS block (
        id INTEGER PRIMARY KEY AUTOINCREMENT, space BLOB NOT NULL, records BLOB NOT NULL,
        checksum BLOB NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS block_space ON block (space, id)",
)


class Blocks(NamedTuple):
    """Blocks in the order they were appended; ``n_damaged`` of them were left out."""

    data: list[bytes]
    n_damaged: int
    last_id: int


class Journal:
    """An open journal file, shared with any number of other processes.

    ``sqlite3.OperationalError`` says that the file cannot be used now (not writable, disk full,
    locked), a plain ``sqlite3.DatabaseError`` that it is damaged or of another kind.
    """

    def __init__(self, path: Path) -> None:
        # Autocommit: transactions are opened by name below.
        self._connection = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
        self._connection.text_factory = bytes  # in a damaged file text may be no UTF-8
        try:
            self._prepare()
        except UnicodeDecodeError as error:  # from SQLite's own message about a damaged schema
            self.close()
            raise sqlite3.DatabaseError("its schema is unreadable") from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def last_id(self) -> int:
        """Return the number of the newest block of any space, 0 when there is none."""
        return int(self._value("SELECT ifnull(max(id), 0) FROM block"))

    def read(self, space: bytes, after: int) -> Blocks:
        """Read the blocks of a space that are newer than block ``after``."""
        rows = self._connection.execute(
            "SELECT id, records, checksum FROM block WHERE space = ? AND id > ? ORDER BY id",
            (space, after),
        ).fetchall()
        good = [data for _, data, checksum in rows if checksum == _checksum(space, data)]
        return Blocks(good, len(rows) - len(good), rows[-1][0] if rows else after)

    def append(self, space: bytes, label: str, data: bytes) -> None:
        """Append a block; it is on disk when this returns."""
        with self._transaction():
            self._connection.execute(
                "INSERT OR REPLACE INTO space VALUES (?, ?, ?)", (space, label, time.time())
            )
            self._insert(space, data)

    def replace(self, space: bytes, up_to: int, blocks: list[bytes]) -> None:
        """Put other blocks in the place of a space's blocks up to number ``up_to``."""
        with self._transaction():
            self._connection.execute(
                "DELETE FROM block WHERE space = ? AND id <= ?", (space, up_to)
            )
            for data in blocks:
                self._insert(space, data)

    def prune(self, keep: bytes, limit_bytes: int) -> None:
        """Delete blocks until at most ``limit_bytes`` are left, the space used longest ago first.

        The space ``keep`` comes last, whenever it was used.
        """
        with self._transaction():
            sizes = self._connection.execute(
                "SELECT block.id, length(records) FROM block LEFT JOIN space ON key = block.space "
                "ORDER BY block.space = ?, used, block.id",
                (keep,),
            ).fetchall()
            excess = sum(size for _, size in sizes) - limit_bytes
            for block, size in sizes:
                if excess <= 0:
                    break
                self._connection.execute("DELETE FROM block WHERE id = ?", (block,))
                excess -= size
            self._connection.execute("DELETE FROM space WHERE key NOT IN (SELECT space FROM block)")
        self._connection.execute("PRAGMA incremental_vacuum").fetchall()

    def _prepare(self) -> None:
        is_new = self._is_new()
        if is_new:
            self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only before any table
        self._log_ahead()
        self._connection.execute("PRAGMA synchronous = FULL")
        if sys.platform == "darwin":
            self._connection.execute("PRAGMA fullfsync = ON")  # fsync stops at the drive's cache
        if is_new:
            with self._transaction():  # all tables at once; another process may have been quicker
                for statement in _TABLES:
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                self._connection.execute(f"PRAGMA user_version = {LAYOUT_VERSION}")

    def _log_ahead(self) -> None:
        """Switch to write-ahead logging, waiting while other processes do the same.

        Where the file system cannot do it SQLite keeps its rollback journal, and a commit is whole
        all the same.
        """
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                self._value("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                # Two that create the file both read it before they write: SQLite then refuses one
                # at once, whatever its timeout, because waiting for each other would never end.
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _is_new(self) -> bool:
        """Whether the file is empty; DatabaseError when it is damaged or not one of ours."""
        # One view of the file for all questions: another process may be creating it.
        self._connection.execute("BEGIN")
        try:
            if self._value("SELECT count(*) FROM sqlite_master") == 0:
                return True
            layout = (self._value("PRAGMA application_id"), self._value("PRAGMA user_version"))
            if layout != (APPLICATION_ID, LAYOUT_VERSION):
                raise sqlite3.DatabaseError(f"it is not a store of layout {LAYOUT_VERSION}")
            if (verdict := self._value("PRAGMA quick_check(1)")) != b"ok":
                raise sqlite3.DatabaseError(verdict.decode(errors="replace"))
            return False
        finally:
            with suppress(sqlite3.Error):  # of a damaged file SQLite may have let go itself
                self._connection.execute("ROLLBACK")

    def _value(self, query: str) -> Any:
        return self._connection.execute(query).fetchone()[0]

    def _insert(self, space: bytes, data: bytes) -> None:
        self._connection.execute(
            "INSERT INTO block (space, records, checksum) VALUES (?, ?, ?)",
            (space, data, _checksum(space, data)),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Make what is done inside whole or undone, also when Ctrl-C lands in it."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):  # after some failures SQLite has rolled back itself
                self._connection.execute("ROLLBACK")
            raise


def _checksum(space: bytes, data: bytes) -> bytes:
    # Keyed with the space, so that a block which damage gave to another space is not believed.
    return hashlib.blake2b(data, key=space, digest_size=16).digest()
