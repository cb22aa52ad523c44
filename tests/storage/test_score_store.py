"""The store: what it is given it gives back, whatever happens to the process or the file."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastscore.storage import journal as journal_module
from fastscore.storage import score_store as store_module
from fastscore.storage.block_store import space_key
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


def test_gives_back_what_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "store.sqlite"
    with open_store(path) as store:
        put(store, range(10))
    with open_store(path) as store:
        found = store.lookup([digest(n) for n in (3, 99, 0)])
    assert found.mask.tolist() == [True, False, True]
    assert found.logprob[[0, 2]].tolist() == [value(3), value(0)]
    assert found.is_greedy[[0, 2]].tolist() == [False, True]
    assert found.n_tokens[[0, 2]].tolist() == [4, 1]


def test_an_empty_question_has_an_empty_answer(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.sqlite") as store:
        store.put([], np.empty(0), np.empty(0, bool), np.empty(0, np.int32))
        assert store.lookup([]).mask.shape == (0,)


@given(st.sets(st.binary(min_size=16, max_size=16) | st.just(bytes(16)), min_size=2, max_size=20))
@settings(max_examples=20, deadline=None)
def test_any_sixteen_bytes_are_a_digest(
    tmp_path_factory: pytest.TempPathFactory, digests: set[bytes]
) -> None:
    """Zero bytes too, which numpy's byte strings treat as padding."""
    keys = sorted(digests)
    kept, absent = keys[::2], keys[1::2]
    with open_store(tmp_path_factory.mktemp("store") / "store.sqlite") as store:
        n = len(kept)
        store.put(kept, -np.arange(1.0, n + 1), np.zeros(n, bool), np.ones(n, np.int32))
        store.flush()
        found = store.lookup(kept)
        assert found.mask.all()
        assert found.logprob.tolist() == (-np.arange(1.0, n + 1)).tolist()
        assert not store.lookup(absent).mask.any()


def test_spaces_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with open_store(path) as store:
        put(store, range(4))
    with open_store(path, space=b"t" * 16) as other:
        assert not other.lookup([digest(n) for n in range(4)]).mask.any()


def test_the_latest_result_counts(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with open_store(path) as store:
        put(store, range(6))
        store.flush()
        put(store, range(3), offset=-100)
        store.flush()
        found = store.lookup([digest(n) for n in range(6)])
    expected = [value(n) - (100 if n < 3 else 0) for n in range(6)]
    assert found.logprob.tolist() == expected


def test_without_resume_old_results_are_ignored_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with open_store(path) as store:
        put(store, range(6))
    with open_store(path, resume=False) as store:
        assert not store.lookup([digest(n) for n in range(6)]).mask.any()
        put(store, range(2), offset=-100)
        store.flush()
        assert store.lookup([digest(n) for n in range(6)]).mask.tolist() == [True] * 2 + [False] * 4
    with open_store(path) as store:
        found = store.lookup([digest(n) for n in range(6)])
    assert found.logprob.tolist() == [value(n) - (100 if n < 2 else 0) for n in range(6)]


def test_replaced_results_do_not_pile_up(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    for _ in range(8):
        with open_store(path, resume=False) as store:
            put(store, range(100))
    with closing(sqlite3.connect(path)) as connection:
        (stored,) = connection.execute("SELECT sum(length(records)) FROM block").fetchone()
    assert stored <= 2 * 100 * store_module.RECORD.itemsize
    with open_store(path) as store:
        assert store.lookup([digest(n) for n in range(100)]).mask.all()


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.sqlite") as store:
        for number in (np.nan, np.inf):
            with pytest.raises(ValueError, match="no result"):
                store.put(
                    [digest(0)], np.array([number]), np.array([True]), np.array([1], np.int32)
                )


def test_a_hundred_thousand_results(tmp_path: Path) -> None:
    n = 100_000
    digests = [digest(i) for i in range(n)]
    logprob = -np.arange(1.0, n + 1)
    with open_store(tmp_path / "store.sqlite") as store:
        for start in range(0, n, 7919):
            part = slice(start, start + 7919)
            count = len(digests[part])
            store.put(digests[part], logprob[part], np.ones(count, bool), np.ones(count, np.int32))
            store.flush()
        found = store.lookup(digests[::-1])
    assert found.mask.all()
    assert (found.logprob == logprob[::-1]).all()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is a POSIX signal")
def test_a_killed_process_loses_only_what_it_had_not_flushed(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    script = textwrap.dedent(
        f"""
        import os, signal, sys
        sys.path[:0] = {[str(p) for p in Path(__file__).parents[:2]]!r}
        from pathlib import Path
        from test_score_store import open_store, put
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


def _write_many(path: Path, first: int, start: Barrier) -> None:
    notices = Notices()
    start.wait(60)  # all create the file at the same moment
    with open_store(path, notices) as store:
        for n in range(first, first + 60):
            put(store, range(n, n + 1))
            store.flush()
    assert notices == [], notices


def test_processes_share_a_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(3)
    writers = [context.Process(target=_write_many, args=(path, 1000 * k, start)) for k in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    with open_store(path) as store:
        numbers = [1000 * k + n for k in range(3) for n in range(60)]
        found = store.lookup([digest(n) for n in numbers])
    assert found.mask.all()
    assert found.logprob.tolist() == [value(n) for n in numbers]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"this is no database, whatever its name says" * 50, id="text"),
        pytest.param(lambda data: data[: len(data) // 2], id="half"),
        pytest.param(lambda data: data[:100], id="header-only"),
        pytest.param(lambda data: data[:4096] + bytes(len(data) - 4096), id="zeroed-pages"),
        pytest.param(lambda data: bytes(len(data)), id="all-zero"),
    ],
)
def test_a_damaged_store_is_moved_aside(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "store.sqlite"
    with open_store(path) as store:
        put(store, range(200))
    path.write_bytes(damage(path.read_bytes()))
    broken = path.read_bytes()
    notices = Notices()
    with open_store(path, notices) as store:
        assert not store.lookup([digest(n) for n in range(200)]).mask.any()
        put(store, range(5))
    assert len(notices) == 1
    assert "damaged" in notices[0]
    assert str(path) in notices[0]
    assert (tmp_path / "store.damaged.sqlite").read_bytes() == broken
    with open_store(path, again := Notices()) as store:
        assert store.lookup([digest(n) for n in range(6)]).mask.tolist() == [True] * 5 + [False]
    assert again == []


def test_a_database_of_another_program_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE precious (x)")
    other.close()
    with open_store(path, notices := Notices()) as store:
        put(store, range(3))
    assert "layout" in notices[0]
    kept = sqlite3.connect(tmp_path / "store.damaged.sqlite")
    assert kept.execute("SELECT count(*) FROM precious").fetchone() == (0,)
    kept.close()


@pytest.fixture(scope="module")
def three_blocks(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("store") / "store.sqlite"
    with open_store(path) as store:
        for start in range(0, 300, 100):
            put(store, range(start, start + 100))
            store.flush()
    return path.read_bytes()


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_no_damage_becomes_a_number(
    tmp_path_factory: pytest.TempPathFactory, three_blocks: bytes, data: st.DataObject
) -> None:
    """Any bytes overwritten anywhere: each result is the one stored, or is absent."""
    path = tmp_path_factory.mktemp("store") / "store.sqlite"
    content = bytearray(three_blocks)
    at = data.draw(st.integers(0, len(content) - 1))
    junk = data.draw(st.binary(min_size=1, max_size=64) | st.just(bytes(2048)))
    content[at : at + len(junk)] = junk[: len(content) - at]
    path.write_bytes(content)
    with open_store(path) as store:
        found = store.lookup([digest(n) for n in range(300)])
        put(store, range(300, 310))
    for n in np.flatnonzero(found.mask):
        assert found.logprob[n] == value(int(n))
        assert found.is_greedy[n] == (n % 2 == 0)
        assert found.n_tokens[n] == n % 5 + 1


def test_a_damaged_block_is_left_out_and_dropped(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with open_store(path) as store:
        put(store, range(5))
        store.flush()
        put(store, range(5, 9))
    connection = sqlite3.connect(path)
    connection.execute(
        "UPDATE block SET records = zeroblob(length(records)) "
        "WHERE id = (SELECT min(id) FROM block)"
    )
    connection.commit()
    connection.close()
    with open_store(path, notices := Notices()) as store:
        found = store.lookup([digest(n) for n in range(9)])
    assert found.mask.tolist() == [False] * 5 + [True] * 4
    assert len(notices) == 1
    with open_store(path, again := Notices()) as store:
        assert store.lookup([digest(n) for n in range(5, 9)]).mask.all()
    assert again == []


def test_a_full_disk_is_said_once_and_the_run_goes_on(tmp_path: Path) -> None:
    notices = Notices()
    store = open_store(tmp_path / "store.sqlite", notices)
    put(store, range(3))
    store.flush()
    connection = store._journal._connection  # type: ignore[union-attr]
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    for start in range(10, 3000, 500):
        put(store, range(start, start + 500))
        store.flush()
    assert len(notices) == 1
    assert "full" in notices[0]
    assert "goes on" in notices[0]
    connection.execute("PRAGMA max_page_count = 100000")  # room again: nothing was lost
    store.close()
    with open_store(tmp_path / "store.sqlite") as again:
        assert again.lookup([digest(n) for n in [0, 2, 10, 2999]]).mask.all()


def test_a_place_that_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    notices = Notices()
    with open_store(tmp_path / "file" / "store.sqlite", notices) as store:
        assert not store.usable
        put(store, range(3))
        store.flush()
        assert not store.lookup([digest(0)]).mask.any()
    assert len(notices) == 1
    assert "resuming" in notices[0]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_read_only_directory_is_said_once(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with open_store(tmp_path / "store.sqlite", notices := Notices()) as store:
            assert not store.usable
    finally:
        tmp_path.chmod(0o700)
    assert len(notices) == 1


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


def test_the_cache_drops_what_was_used_longest_ago(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    record = store_module.RECORD.itemsize
    for n, name in enumerate("abc"):
        with open_store(path, space=name.encode() * 16) as store:
            put(store, range(100 * n, 100 * n + 100))
    with open_store(path, space=b"a" * 16, limit_bytes=250 * record) as store:
        put(store, range(900, 905))  # makes "a" the one used last
    left = {}
    for name in "abc":
        with open_store(path, space=name.encode() * 16) as store:
            left[name] = int(store.lookup([digest(n) for n in range(1000)]).mask.sum())
    assert left == {"a": 105, "b": 0, "c": 100}


def test_closing_twice_is_harmless(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite")
    put(store, range(2))
    store.close()
    store.close()
    assert not store.lookup([digest(0)]).mask.any()


def test_a_space_is_named_by_what_decides_the_numbers() -> None:
    settings = {"kv_type": "f16", "flash_attention": "auto", "backends": ["CPU"]}
    key = space_key("abc", settings, "0.1.0")
    assert key == space_key("abc", dict(reversed(settings.items())), "0.1.0")
    assert key != space_key("abd", settings, "0.1.0")
    assert key != space_key("abc", {**settings, "kv_type": "f32"}, "0.1.0")
    assert key != space_key("abc", {**settings, "backends": ["CUDA"]}, "0.1.0")
    assert key != space_key("abc", settings, "0.1.1")
