"""Re-encoded model files in the user's cache: found again, checked, and dropped when room is short.

A file is known by the fingerprint of the model that it was made from and the type of its weights.
What its content must be is remembered beside it, so that a damaged one is made anew. A file that is
only being tried has another name, and nobody else finds it: what was found once stays until it has
not been used for a while. The user may delete everything here at any time.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from fastscore.errors import QuantizeError, UsageError
from fastscore.machine import cache_directory
from fastscore.model import notes
from fastscore.model.file_types import file_types
from fastscore.model.fingerprint import fingerprint
from fastscore.model.quantise import SOURCE_KEY, write_checked
from fastscore.model.quantise_process import Job
from fastscore.model.tensors import ModelFile
from fastscore.model.weight_types import bytes_as, less_precise

LIMIT_VARIABLE = "FASTSCORE_WEIGHTS_CACHE_GB"
_LIMIT_GB = 20.0
# Left on the disk for everybody else, in bytes.
_SPARE_DISK = 1 << 30
# A file used within this time belongs to a process that may be opening it, in seconds.
_IN_USE = 600.0
_NOTE = "weight-files"


def _directory() -> Path:
    return cache_directory() / "weights"


def limit_bytes() -> int:
    """Most bytes of all re-encoded files together: ``FASTSCORE_WEIGHTS_CACHE_GB``, or 20 GB.

    Raises UsageError for what is no number.
    """
    given = os.environ.get(LIMIT_VARIABLE, "").strip() or _LIMIT_GB
    try:
        return round(float(given) * 1e9)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{LIMIT_VARIABLE} is {given!r}; give a number of GB, such as {_LIMIT_GB:g}"
        ) from None


def find(origin: str, kind: str) -> Path | None:
    """The file of model ``origin`` with weights of type ``kind``, if it is there and whole."""
    path = _path(origin, kind)
    expected = notes.recall(_NOTE, _key(origin, kind))
    try:
        n_bytes = path.stat().st_size
        with suppress(OSError):
            _used(path).touch()  # first, as reading a large file takes its time
        whole = expected == {"bytes": n_bytes, "sha256": fingerprint(path)}
    except OSError:
        return None
    return path if whole else None


def why_no_room(origin: str, kind: str, source: ModelFile) -> str | None:
    """Why a model's weights of another type cannot be kept; None where they can, or are."""
    needed, limit = bytes_as(kind, source), limit_bytes()
    if needed > limit:
        return (
            f"it takes {needed / 1e9:.1f} GB, and re-encoded weights may take {limit / 1e9:.1f} GB "
            f"({LIMIT_VARIABLE} sets it)"
        )
    if find(origin, kind):
        return None  # whatever room is left beside it
    try:
        free = _free_disk() + sum(size for age, size, _ in _files() if age >= _IN_USE)
        nearest = _nearest(_directory())
        can_write = nearest.is_dir() and os.access(nearest, os.W_OK)
    except OSError as error:
        return f"{_directory()} cannot be used ({error.strerror})"
    if not can_write:
        return f"{_directory()} cannot be written to"
    if needed + _SPARE_DISK > free:
        return f"it takes {needed / 1e9:.1f} GB, and {_directory()} has {free / 1e9:.1f} GB free"
    return None


def make_trial(origin: str, kind: str, source: ModelFile, n_threads: int) -> Path:
    """Re-encode a model's weights into a file that nobody else finds, to `keep` or to drop.

    To be called `alone`. Raises QuantizeError where llama.cpp cannot, or where a tensor would be
    less precise.
    """
    path = _trial(origin, kind)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise QuantizeError(f"{path.parent} cannot be made: {error.strerror}") from error
    _evict(bytes_as(kind, source), path)
    job = Job(
        source.path,
        path,
        file_types()[kind],
        n_threads,
        pure=True,
        facts={SOURCE_KEY: origin},
    )
    written = write_checked(job, source)
    if worse := less_precise(written, source):
        path.unlink()
        raise QuantizeError(f"{worse[0]} would be stored less precisely than in the file")
    return path


def keep(origin: str, kind: str) -> Path:
    """Let a trial's file be found from now on; to be called `alone`, with the file closed.

    Raises QuantizeError where a file that is in its place is open and cannot be replaced.
    """
    path = _path(origin, kind)
    try:
        _trial(origin, kind).replace(path)
        now = {"bytes": path.stat().st_size, "sha256": fingerprint(path)}
    except OSError as error:
        raise QuantizeError(f"{path} could not be written: {error}") from error
    notes.remember(_NOTE, _key(origin, kind), now)
    with suppress(OSError):
        _used(path).touch()
    return path


def drop_trial(origin: str, kind: str) -> None:
    """Delete a trial's file, if there is one."""
    with suppress(OSError):
        _trial(origin, kind).unlink(missing_ok=True)


@contextmanager
def alone() -> Iterator[None]:
    """Wait until no other process measures or writes here, and hold it for the block.

    Where the file system has no locks nobody waits.
    """
    path = _directory() / "lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=0, isolation_level=None)
    except (OSError, sqlite3.Error):
        yield
        return
    with closing(connection):
        while True:
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.Error as error:
                if "locked" not in str(error):
                    break
                time.sleep(0.2)  # in Python, so that Ctrl-C is heard
            else:
                break
        yield


def _path(origin: str, kind: str) -> Path:
    return _directory() / f"{origin}-{kind}.gguf"


def _trial(origin: str, kind: str) -> Path:
    return _directory() / f"{origin}-{kind}.trial.gguf"


def _used(path: Path) -> Path:
    """The file whose age says when ``path`` was last used."""
    return path.with_suffix(".used")


def _key(origin: str, kind: str) -> str:
    return f"{origin} {kind}"


def _free_disk() -> int:
    return shutil.disk_usage(_nearest(_directory())).free


def _nearest(directory: Path) -> Path:
    """The directory itself, or the one that it would be made in."""
    while not directory.exists():
        directory = directory.parent
    return directory


def _files() -> list[tuple[float, int, Path]]:
    """Seconds since its last use, bytes and path of each file, the one used longest ago first."""
    found = []
    now = time.time()
    for path in _directory().glob("*.gguf"):
        with suppress(OSError):
            mark = _used(path)
            since = (mark if mark.exists() else path).stat().st_mtime
            found.append((now - since, path.stat().st_size, path))
    return sorted(found, reverse=True)


def _evict(needed: int, keep: Path) -> None:
    """Delete what was used longest ago until so many bytes fit: below the limit, and on the disk.

    What may be in use stays, whatever the limit says.
    """
    files = [one for one in _files() if one[2] != keep]
    total = sum(size for _, size, _ in files)
    for age, size, path in files:
        fits = total + needed <= limit_bytes() and needed + _SPARE_DISK <= _free_disk()
        if fits or age < _IN_USE:
            continue
        with suppress(OSError):
            path.unlink()
            _used(path).unlink(missing_ok=True)
            total -= size
