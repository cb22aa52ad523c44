"""Which model a result belongs to: a hash of the file's content."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path, PurePath
from typing import TypeVar

from fastscore.model import notes

_BLOCK = 1 << 20
_SPLIT = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$")


_Path = TypeVar("_Path", bound=PurePath)


def model_files(path: _Path) -> list[_Path]:
    """The file itself, or all parts of a model that was split as ``name-00001-of-00003.gguf``."""
    match = _SPLIT.search(path.name)
    count = 0 if match is None else int(match.group(2))
    if match is None or count == 0:  # a name that only looks like that of a part
        return [path]
    stem = path.name[: match.start()]
    return [path.with_name(f"{stem}-{i + 1:05d}-of-{count:05d}.gguf") for i in range(count)]


def fingerprint(path: Path) -> str:
    """SHA-256 of the model's file or files, in hexadecimal.

    Hashing a large model takes seconds, so the result is remembered for as long as path, size and
    modification time (in nanoseconds) stay the same.
    """
    files = model_files(path)
    stats = [file.stat() for file in files]
    stamp = "\n".join(
        f"{file} {stat.st_size} {stat.st_mtime_ns}" for file, stat in zip(files, stats, strict=True)
    )
    known = notes.recall("fingerprints", stamp)
    if isinstance(known, str):
        return known
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
    notes.remember("fingerprints", stamp, digest.hexdigest())
    return digest.hexdigest()
