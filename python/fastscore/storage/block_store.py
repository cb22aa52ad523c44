"""Results of one kind in a journal: kept while a run goes on, found again by the next one.

Results are written about every two seconds, each time whole and synced to disk: a killed process
or a power cut loses at most that much. A store never stops a run: a damaged one is moved aside,
one that cannot be written is done without, and either is said once.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fastscore.closing import Closing
from fastscore.storage.journal import Journal

STORE_FILE = "store.sqlite"
CACHE_LIMIT_BYTES = 256 * 2**20
"""Above this size the store in the user's cache drops the models used longest ago."""

COMMIT_SECONDS = 2.0
RETRY_SECONDS = 60.0


def space_key(fingerprint: str, affecting_numbers: Mapping[str, Any], version: str) -> bytes:
    """Name the space of results that a model gives under these settings.

    The version of fastscore is part of it: what an older one computed wrongly must not come back.
    """
    text = json.dumps([fingerprint, dict(affecting_numbers), version], sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


class BlockStore(Closing):
    """The results of one space, in a file that several processes may share.

    ``notify`` receives each notice for the user. With ``resume=False`` what was stored before is
    ignored, and replaced by what this run finds. ``limit_bytes`` bounds the content of the file,
    looked after on closing. Opening, reading and writing never raise.

    What a block's bytes mean is the subclass's: `_take_in` and `_forget` keep the results in
    memory, `_merged` gives them back without those that were replaced.
    """

    def __init__(
        self,
        path: Path,
        space: bytes,
        *,
        label: str,
        notify: Callable[[str], None],
        resume: bool = True,
        limit_bytes: int | None = None,
    ) -> None:
        self.path = path
        self._space = space
        self._label = label.encode("utf-8", "backslashreplace").decode()  # a file may be named so
        self._notify = notify
        self._limit_bytes = limit_bytes
        self._n_read = 0  # results read from the file, superseded ones included
        self._n_damaged = 0
        self._last_block = 0
        self._pending: list[bytes] = []
        self._next_commit = time.monotonic() + COMMIT_SECONDS
        self._said: set[str] = set()
        self._journal = self._open(resume)

    @abstractmethod
    def _take_in(self, blocks: Sequence[bytes]) -> int:
        """Add the results of blocks, later ones replacing earlier; return how many there were."""

    @abstractmethod
    def _forget(self) -> None:
        """Drop all results from memory."""

    @property
    @abstractmethod
    def _n_results(self) -> int:
        """How many results are in memory."""

    @abstractmethod
    def _merged(self) -> list[bytes]:
        """Return the results in memory as blocks."""

    @property
    def usable(self) -> bool:
        """Whether results can be kept at all."""
        return self._journal is not None

    @property
    def saved(self) -> bool:
        """Whether all results are on disk."""
        return self.usable and not self._pending

    def flush(self) -> None:
        """Write what is pending and wait until it is on disk."""
        if self._journal is None or not self._pending:
            return
        wait = COMMIT_SECONDS
        try:
            self._journal.append(self._space, self._label, b"".join(self._pending))
            self._pending.clear()
        except sqlite3.Error as error:
            self._warn(error)
            wait = RETRY_SECONDS  # by then the disk may have room again, or a lock be released
        self._next_commit = time.monotonic() + wait

    def close(self) -> None:
        """Write what is pending, tidy up and close the file; a second call does nothing."""
        self.flush()
        try:
            self._tidy()
        except sqlite3.Error as error:
            self._warn(error)
        if self._journal is not None:
            self._journal.close()
        self._journal = None

    def _keep(self, records: bytes) -> None:
        """Have results written when it is time."""
        self._pending.append(records)
        if time.monotonic() >= self._next_commit:
            self.flush()

    def _open(self, resume: bool) -> Journal | None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                journal = Journal(self.path)
            except sqlite3.OperationalError:
                raise  # locked, full or not writable: the file itself is good
            except sqlite3.DatabaseError as error:
                aside = _move_aside(self.path)
                self._say(
                    "damaged",
                    f"The store of earlier results {self.path} is damaged ({error}). It was moved "
                    f"to {aside.name}, and what it held will be scored again.",
                )
                journal = Journal(self.path)
            if not resume:
                self._last_block = journal.last_id()
            return journal
        except (OSError, sqlite3.Error) as error:
            self._warn(error)
            return None

    def _warn(self, error: Exception) -> None:
        self._say(
            "unwritable",
            f"Results cannot be kept in {self.path} for resuming: {error}. The run goes on, but "
            "if it is stopped it will have to begin again.",
        )

    def _say(self, kind: str, message: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            self._notify(message)

    def _refresh(self) -> None:
        """Take in the blocks that were appended since, by this process or another."""
        if self._journal is None:
            return
        try:
            blocks = self._journal.read(self._space, self._last_block)
        except sqlite3.Error as error:
            self._warn(error)
            self._journal.close()
            self._journal = None
            return
        if blocks.n_damaged:
            self._n_damaged += blocks.n_damaged
            self._say(
                "damaged",
                f"{blocks.n_damaged} blocks of results in {self.path} are damaged. They are left "
                "out, and what they held will be scored again.",
            )
        self._last_block = blocks.last_id
        if blocks.data:
            self._n_read += self._take_in(blocks.data)

    def _tidy(self) -> None:
        """Drop damaged blocks, and replaced results when they are many; keep the size limit."""
        # From the beginning: with resume=False the older blocks have not been read yet.
        self._forget()
        self._n_read, self._last_block = 0, 0
        self._refresh()
        if self._journal is None:
            return
        if self._n_damaged or self._n_read > 2 * self._n_results:
            self._journal.replace(self._space, self._last_block, self._merged())
        if self._limit_bytes is not None:
            self._journal.prune(self._space, self._limit_bytes)


def _move_aside(path: Path) -> Path:
    """Rename a damaged store, its write-ahead log first: a new file must not find the old log."""
    aside = path.with_name(f"{path.stem}.damaged{path.suffix}")
    for suffix in ("-wal", "-shm", "-journal", ""):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.replace(aside.with_name(aside.name + suffix))
    return aside
