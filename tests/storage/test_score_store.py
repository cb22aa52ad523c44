"""The store: what it is given it gives back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from score_stores import digest, open_store, put, value

from fastscore.storage import score_store as store_module
from fastscore.storage.block_store import space_key


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
