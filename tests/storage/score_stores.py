"""Stores of scored requests for the tests: numbers that are easy to know again."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from fastscore.storage.score_store import Store

SPACE = b"s" * 16


def digest(n: int) -> bytes:
    return hashlib.blake2b(str(n).encode(), digest_size=16).digest()


def value(n: int) -> float:
    return -1.0 - n / 7


def put(store: Store, numbers: range, offset: float = 0.0) -> None:
    store.put(
        [digest(n) for n in numbers],
        np.array([value(n) + offset for n in numbers]),
        np.array([n % 2 == 0 for n in numbers]),
        np.array([n % 5 + 1 for n in numbers], np.int32),
    )


class Notices(list[str]):
    def __call__(self, message: str) -> None:
        self.append(message)


def open_store(path: Path, notices: Notices | None = None, **options: object) -> Store:
    given = {"label": "tiny", "space": SPACE, **options}
    return Store(path, notify=Notices() if notices is None else notices, **given)  # type: ignore[arg-type]
