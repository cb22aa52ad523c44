"""Directories that a program nobody trusts has filled: their size, and their end.

A program may have nested directories deeper than any path can name, forbidden entry to them, or put
links to the user's files there. Nothing here follows a link or recurses.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import uuid4

MANY = 10_000
"""Entries of a tree after which its size is not looked into any further."""

LONG = 200
"""Characters of a path from which there is still room for a name on every system."""


def tree_size(top: Path) -> tuple[int, int]:
    """Bytes of the files below ``top``, and the number of entries (up to ``MANY``)."""
    size = count = 0
    pending = [str(top)]
    while pending and count < MANY:
        try:
            with os.scandir(pending.pop()) as entries:
                for entry in entries:
                    count += 1
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        size += entry.stat(follow_symlinks=False).st_size
                    if count >= MANY:
                        break
        except OSError:
            continue  # deleted in the meantime, closed to us, or too deep to be named
    return size, count


def remove_tree(top: Path) -> None:
    """Delete ``top`` with all below it; what cannot be deleted stays.

    A directory whose path has grown long is moved up to ``top`` first.
    """
    if not _is_directory(top):
        _attempt(top.unlink)
        return
    _attempt(partial(top.chmod, 0o700))
    pending = [(top, False)]
    while pending:
        directory, is_emptied = pending.pop()
        if is_emptied:
            _attempt(directory.rmdir)
            continue
        pending.append((directory, True))
        for path in _entries(directory):
            if not _is_directory(path):
                _attempt(path.unlink)
                continue
            _attempt(partial(path.chmod, 0o700))
            if len(str(path)) < LONG:
                pending.append((path, False))
            elif _attempt(partial(path.rename, moved := top / uuid4().hex)):
                pending.append((moved, False))


def _entries(directory: Path) -> list[Path]:
    try:
        return list(directory.iterdir())
    except OSError:
        return []


def _is_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _attempt(change: Callable[[], object]) -> bool:
    try:
        change()
    except OSError:
        return False
    return True
