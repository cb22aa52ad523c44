"""A store that is damaged, full or out of reach: said once, never a wrong number."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from score_stores import Notices, digest, open_store, put, value


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
