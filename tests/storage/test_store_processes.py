"""A store that several processes share, and that outlives the one which wrote it."""

from __future__ import annotations

import multiprocessing
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from score_stores import Notices, digest, open_store, put, value

from fastscore.storage import journal as journal_module


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a POSIX signal")
def test_a_killed_process_loses_only_what_it_had_not_flushed(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    script = textwrap.dedent(
        f"""
        import os, signal, sys
        sys.path[:0] = {[str(p) for p in Path(__file__).parents[:2]]!r}
        from pathlib import Path
        from score_stores import open_store, put
        store = open_store(Path({str(path)!r}))
        put(store, range(50))
        store.flush()
        put(store, range(50, 60))
        os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    done = subprocess.run([sys.executable, "-c", script], check=False)
    assert done.returncode == -signal.SIGKILL
    notices = Notices()
    with open_store(path, notices) as store:
        found = store.lookup([digest(n) for n in range(60)])
    assert found.mask.tolist() == [True] * 50 + [False] * 10
    assert found.logprob[:50].tolist() == [value(n) for n in range(50)]
    assert notices == []


def _exit_codes(work: Callable[..., None], arguments: list[tuple[object, ...]]) -> list[int | None]:
    """Run ``work(*arguments, start)`` in a process for each arguments; ``start`` holds them all."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(len(arguments))
    processes = [context.Process(target=work, args=(*given, start)) for given in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
    return [process.exitcode for process in processes]


def _write_many(path: Path, first: int, start: Barrier) -> None:
    notices = Notices()
    start.wait(300)  # all create the file at the same moment
    with open_store(path, notices) as store:
        for n in range(first, first + 60):
            put(store, range(n, n + 1))
            store.flush()
    assert notices == [], notices


def test_processes_share_a_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    assert _exit_codes(_write_many, [(path, 1000 * k) for k in range(3)]) == [0, 0, 0]
    with open_store(path) as store:
        numbers = [1000 * k + n for k in range(3) for n in range(60)]
        found = store.lookup([digest(n) for n in numbers])
    assert found.mask.all()
    assert found.logprob.tolist() == [value(n) for n in numbers]


def _create_many(directory: Path, start: Barrier) -> None:
    notices = Notices()
    for n in range(100):
        start.wait(300)
        open_store(directory / f"{n}.sqlite", notices).close()
    assert notices == [], notices


def test_processes_create_a_store_at_once(tmp_path: Path) -> None:
    # SQLite's own waiting does not cover the first moments of a file: of three openings at once
    # some were refused there, hence the number of files.
    assert _exit_codes(_create_many, [(tmp_path,)] * 3) == [0, 0, 0]


def test_a_locked_store_is_written_when_the_lock_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "LOCK_SECONDS", 0.05)
    path = tmp_path / "store.sqlite"
    store = open_store(path, notices := Notices())
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    put(store, range(4))
    store.flush()
    assert len(notices) == 1
    assert "locked" in notices[0]
    holder.execute("COMMIT")
    holder.close()
    store.close()
    with open_store(path) as again:
        assert again.lookup([digest(n) for n in range(4)]).mask.all()
