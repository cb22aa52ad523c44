"""Large files written whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give the path of a temporary file beside ``path``, which takes its place at the end.

    Where the block fails the temporary file goes and ``path`` stays as it was. Those of processes
    that were killed go too.
    """
    _remove_abandoned(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _remove_abandoned(path: Path) -> None:
    pattern = re.compile(re.escape(f".{path.name}.") + r"(\d+)\.part")
    for file in path.parent.iterdir():
        found = pattern.fullmatch(file.name)
        if found and not psutil.pid_exists(int(found[1])):
            file.unlink(missing_ok=True)
