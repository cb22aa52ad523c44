"""Small facts remembered between runs: file hashes, tuned settings.

A fact is JSON under a kind and a key, one file each in the user's cache directory. Whatever cannot
be read is as if it had never been written, and what cannot be written is forgotten: a cache costs
time when it fails, nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from fastscore.errors import UsageError
from fastscore.machine import cache_directory


def _file(kind: str, key: str) -> Path:
    name = key.encode("utf-8", "surrogateescape")  # of a file, in whatever bytes it has
    return cache_directory() / kind / f"{hashlib.sha256(name).hexdigest()}.json"


def recall(kind: str, key: str) -> Any:
    """The fact that was remembered, or None."""
    try:
        note = json.loads(_file(kind, key).read_text(encoding="utf-8"))
        # The key is stored too, so that a file that was moved or edited does not speak for another.
        return note["value"] if note["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):  # UsageError is a ValueError
        return None


def remember(kind: str, key: str, value: Any) -> None:
    """Keep a fact; written through a temporary file, so that a reader never sees half of it."""
    try:
        file = _file(kind, key)
    except UsageError:  # there is no place for a cache
        return
    temporary = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps({"key": key, "value": value}), encoding="utf-8")
        temporary.replace(file)
    except OSError:
        with suppress(OSError):  # a read-only disk says so once more
            temporary.unlink(missing_ok=True)
